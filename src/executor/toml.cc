#include "src/executor/toml.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "src/base/utf8.h"

namespace routines {

std::string TomlString(std::string_view text) {
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

std::string TomlArray(const std::vector<std::string>& texts) {
  const auto append = [](std::string* out, const std::string& text) {
    out->append(TomlString(text));
  };
  return absl::StrCat("[", absl::StrJoin(texts, ", ", append), "]");
}

std::string TomlTable(const std::map<std::string, std::string>& texts) {
  const auto append = [](std::string* out, const auto& entry) {
    absl::StrAppend(out, TomlString(entry.first), " = ", TomlString(entry.second));
  };
  return absl::StrCat("{", absl::StrJoin(texts, ", ", append), "}");
}

}  // namespace routines
