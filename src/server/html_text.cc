#include "src/server/html_text.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "src/base/utf8.h"

namespace routines::server {
namespace {

struct Range {
  uint32_t first, last;
};

// Characters that show nothing, or that change how others are shown.
constexpr Range kInvisible[] = {
    {0x0080, 0x009F},    // C1 controls
    {0x00AD, 0x00AD},    // soft hyphen
    {0x034F, 0x034F},    // combining grapheme joiner
    {0x061C, 0x061C},    // Arabic letter mark
    {0x115F, 0x1160},    // Hangul fillers
    {0x17B4, 0x17B5},    // Khmer inherent vowels
    {0x180B, 0x180F},    // Mongolian selectors and separator
    {0x200B, 0x200F},    // zero width, direction marks
    {0x2028, 0x202E},    // separators, bidirectional embeddings and overrides
    {0x2060, 0x206F},    // invisible operators, bidirectional isolates
    {0x3164, 0x3164},    // Hangul filler
    {0xFEFF, 0xFEFF},    // byte order mark
    {0xFFA0, 0xFFA0},    // half-width Hangul filler
    {0xFFF0, 0xFFFB},    // specials
    {0x1BCA0, 0x1BCA3},  // shorthand format controls
    {0x1D173, 0x1D17A},  // musical format controls
    {0xE0000, 0xE0FFF},  // tags, variation selectors supplement
};

bool IsInvisible(uint32_t c) {
  for (const Range& range : kInvisible) {
    if (c >= range.first && c <= range.last) return true;
  }
  return false;
}

// Takes one character from valid UTF-8.
uint32_t TakeCharacter(std::string_view& text) {
  const unsigned char lead = text.front();
  const size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  uint32_t c = size == 1 ? lead : lead & (0xFF >> (size + 1));
  for (size_t i = 1; i < size; ++i) c = c << 6 | (text[i] & 0x3F);
  text.remove_prefix(size);
  return c;
}

// Takes what follows an ESC and belongs to it (ECMA-48): CSI … final byte, OSC and other strings up
// to BEL or ST, or two-byte sequences. False: nothing does, the ESC stands alone.
bool TakeEscapeSequence(std::string_view& text) {
  if (text.empty()) return false;
  if (text.front() == '[') {
    const size_t end = text.find_first_not_of("0123456789:;<=>?!\"#$%&'()*+,-./ ", 1);
    if (end == text.npos || text[end] < 0x40 || text[end] > 0x7E) return false;
    text.remove_prefix(end + 1);
    return true;
  }
  if (std::string_view("]PX^_").find(text.front()) != std::string_view::npos) {
    const size_t end = text.find_first_of("\a\x1b\n");
    if (end == text.npos || text[end] == '\n') return false;
    const bool st = text[end] == '\x1b' && end + 1 < text.size() && text[end + 1] == '\\';
    text.remove_prefix(end + (st ? 2 : 1));
    return true;
  }
  if (std::string_view("()*+#%").find(text.front()) != std::string_view::npos && text.size() > 1) {
    text.remove_prefix(2);
    return true;
  }
  if (text.front() < 0x30 || text.front() > 0x7E) return false;
  text.remove_prefix(1);
  return true;
}

void AppendPicture(uint32_t c, std::string& out) {  // of U+0000 to U+001F, U+007F
  out += "\xE2\x90";
  out.push_back(static_cast<char>(0x80 + (c == 0x7F ? 0x21 : c)));
}

}  // namespace

std::string HtmlText(std::string_view given) {
  const std::string repaired = RepairUtf8(given);
  std::string_view text = repaired;
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  while (!text.empty()) {
    const std::string_view rest = text;
    const uint32_t c = TakeCharacter(text);
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (c == '\'') {
      out += "&#39;";
    } else if (c == 0x1B && TakeEscapeSequence(text)) {
      continue;
    } else if (c == '\r' && text.starts_with('\n')) {
      continue;
    } else if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7F) {
      AppendPicture(c, out);
    } else if (IsInvisible(c)) {
      absl::StrAppend(&out, "\u27E8U+", absl::Hex(c, absl::kZeroPad4), "\u27E9");
    } else {
      out.append(rest.substr(0, rest.size() - text.size()));
    }
  }
  return out;
}

}  // namespace routines::server
