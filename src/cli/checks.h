// What values of the command line must be. Each check says what is wrong with `text`, or nothing.
#ifndef ROUTINES_SRC_CLI_CHECKS_H_
#define ROUTINES_SRC_CLI_CHECKS_H_

#include <string>

namespace routines::cli {

std::string CheckNotEmpty(const std::string& text);
std::string CheckDuration(const std::string& text);
// An instant as RFC 3339 has it, with its offset.
std::string CheckTime(const std::string& text);
std::string CheckRevision(const std::string& text);
// NAME=COMMAND, where the command's words end.
std::string CheckExecutor(const std::string& text);
// What the server takes as one: the key travels in a header.
std::string CheckIdempotencyKey(const std::string& text);

}  // namespace routines::cli

#endif  // ROUTINES_SRC_CLI_CHECKS_H_
