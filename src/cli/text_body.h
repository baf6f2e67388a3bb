// What `run` and `fire` share: the text that goes with an event, and the answer.
#ifndef ROUTINES_SRC_CLI_TEXT_BODY_H_
#define ROUTINES_SRC_CLI_TEXT_BODY_H_

#include <string>

#include "absl/status/statusor.h"
#include "src/cli/commands.h"
#include "src/cli/json_value.h"

namespace routines::cli {

// {"text": …}, or "" where no text is given.
absl::StatusOr<std::string> TextBody(const TextOptions& options);

// "session_…  http://…", on one line, so that scripts can cut it.
std::string FiredText(const JsonValue& answer);

}  // namespace routines::cli

#endif  // ROUTINES_SRC_CLI_TEXT_BODY_H_
