#ifndef ROUTINES_SRC_CLI_SHELL_WORDS_H_
#define ROUTINES_SRC_CLI_SHELL_WORDS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace routines::cli {

// Splits a line into words as a POSIX shell does: blanks, '…', "…" and \. Nothing is expanded: $, `
// and
// * are ordinary characters. kInvalidArgument: a quote or a backslash that nothing ends.
absl::StatusOr<std::vector<std::string>> SplitShellWords(std::string_view line);

}  // namespace routines::cli

#endif  // ROUTINES_SRC_CLI_SHELL_WORDS_H_
