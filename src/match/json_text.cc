#include "src/match/json_text.h"

#include <cstdint>
#include <cstring>

namespace routines {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The four digits at `at`, or -1.
int32_t FourDigits(std::string_view raw, size_t at) {
  if (raw.size() < 4 || at > raw.size() - 4) return -1;
  int32_t value = 0;
  for (size_t i = at; i < at + 4; ++i) {
    const int digit = HexDigit(raw[i]);
    if (digit < 0) return -1;
    value = value << 4 | digit;
  }
  return value;
}

// The character of the escape \uXXXX, whose digits begin at `at`; moves `at` behind it. -1: there
// is none.
int32_t UnicodeEscape(std::string_view raw, size_t& at) {
  const int32_t first = FourDigits(raw, at);
  at += 4;
  if (first < 0xD800 || first > 0xDFFF) return first;
  if (first > 0xDBFF || at + 6 > raw.size() || raw[at] != '\\' || raw[at + 1] != 'u') return -1;
  const int32_t second = FourDigits(raw, at + 2);
  at += 6;
  if (second < 0xDC00 || second > 0xDFFF) return -1;
  return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
}

// At most four bytes.
char* AppendUtf8(uint32_t c, char* out) {
  if (c < 0x80) {
    *out++ = static_cast<char>(c);
    return out;
  }
  if (c < 0x800) {
    *out++ = static_cast<char>(0xC0 | c >> 6);
  } else {
    if (c < 0x10000) {
      *out++ = static_cast<char>(0xE0 | c >> 12);
    } else {
      *out++ = static_cast<char>(0xF0 | c >> 18);
      *out++ = static_cast<char>(0x80 | (c >> 12 & 0x3F));
    }
    *out++ = static_cast<char>(0x80 | (c >> 6 & 0x3F));
  }
  *out++ = static_cast<char>(0x80 | (c & 0x3F));
  return out;
}

// What \c stands for; 0: nothing.
char ShortEscape(char c) {
  switch (c) {
    case '"':
    case '\\':
    case '/':
      return c;
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return 0;
  }
}

}  // namespace

size_t UnescapeJson(std::string_view raw, char* out) {
  char* const begin = out;
  size_t at = 0;
  while (at < raw.size()) {
    const void* const found = std::memchr(raw.data() + at, '\\', raw.size() - at);
    const size_t plain =
        found == nullptr ? raw.size() - at : static_cast<const char*>(found) - raw.data() - at;
    std::memcpy(out, raw.data() + at, plain);
    out += plain;
    at += plain;
    if (found == nullptr) break;
    if (++at == raw.size()) return kBadEscape;
    const char c = raw[at++];
    if (c == 'u') {
      const int32_t character = UnicodeEscape(raw, at);
      if (character < 0) return kBadEscape;
      out = AppendUtf8(static_cast<uint32_t>(character), out);
    } else {
      *out = ShortEscape(c);
      if (*out++ == 0) return kBadEscape;
    }
  }
  return static_cast<size_t>(out - begin);
}

}  // namespace routines
