#include "src/cli/text_body.h"

#include "absl/strings/str_cat.h"
#include "routines/json.h"
#include "src/base/status_macros.h"
#include "src/base/utf8.h"
#include "src/cli/state_directory.h"
#include "src/cli/terminal.h"

namespace routines::cli {

absl::StatusOr<std::string> TextBody(const TextOptions& options) {
  std::string text = options.text;
  if (!options.text_file.empty()) {
    ASSIGN_OR_RETURN(text, ReadFile(options.text_file));
  } else if (!options.given) {
    return "";
  }
  if (!CountCodePoints(text).has_value())
    return absl::InvalidArgumentError("the text is not UTF-8");
  return absl::StrCat("{\"text\":", JsonString(text), "}");
}

std::string FiredText(const JsonValue& answer) {
  return absl::StrCat(EscapeControls(answer["claude_code_session_id"].Text()), "  ",
                      EscapeControls(answer["claude_code_session_url"].Text()));
}

}  // namespace routines::cli
