#include "src/executor/agent_quote.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "src/base/utf8.h"

namespace routines {

std::string JsonQuoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : RepairUtf8(text)) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      absl::StrAppendFormat(&quoted, "\\u%04x", static_cast<int>(c));
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

std::string JsonList(const std::vector<std::string>& texts) {
  return absl::StrCat("[",
                      absl::StrJoin(texts, ", ",
                                    [](std::string* out, const std::string& text) {
                                      out->append(JsonQuoted(text));
                                    }),
                      "]");
}

std::string JsonMap(const std::map<std::string, std::string>& texts, std::string_view separator) {
  return absl::StrCat(
      "{",
      absl::StrJoin(
          texts, ", ",
          [separator](std::string* out, const auto& entry) {
            out->append(JsonQuoted(entry.first)).append(separator).append(JsonQuoted(entry.second));
          }),
      "}");
}

}  // namespace routines
