// A session's log as lines for people.
#ifndef ROUTINES_SRC_CLI_LOG_PRINTER_H_
#define ROUTINES_SRC_CLI_LOG_PRINTER_H_

#include <string>
#include <string_view>

#include "src/cli/json_value.h"

namespace routines::cli {

// Output comes in pieces that may end in the middle of a line; such an end is kept back until the
// line is whole or something else is said.
class LogPrinter {
 public:
  // The lines that `event` (a SessionEvent of the API) completes.
  std::string Format(const JsonValue& event);
  // The rest, at the end of the log.
  std::string Flush();

 private:
  std::string FormatKind(std::string_view time, std::string_view kind, const JsonValue& value);
  std::string FormatOutput(std::string_view time, const JsonValue& output);

  std::string pending_;  // the end of an Output, without newline
  std::string pending_time_, pending_label_;
};

}  // namespace routines::cli

#endif  // ROUTINES_SRC_CLI_LOG_PRINTER_H_
