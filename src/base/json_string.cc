// The part of routines/json.h that needs no messages: whoever writes JSON by hand uses it.
#include <string>

#include "absl/strings/str_format.h"
#include "routines/json.h"
#include "src/base/utf8.h"

namespace routines {

std::string JsonString(std::string_view text) {
  std::string out = "\"";
  for (const char c : RepairUtf8(text)) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '<' || c == '>' || c == '&') {
          absl::StrAppendFormat(&out, "\\u%04x", c);
        } else {
          out.push_back(c);
        }
    }
  }
  out.push_back('"');
  return out;
}

}  // namespace routines
