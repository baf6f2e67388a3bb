#include "src/base/utf8.h"

#include <cstdint>
#include <cstring>

namespace routines {
namespace {

struct Character {
  size_t size = 1;  // bytes; of a broken one, its maximal broken part
  bool valid = false;
  bool cut = false;  // broken only because the text ends
};

// The character at the beginning of `text`, which is not empty (Unicode standard, table 3-7).
Character Decode(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return {1, true};
  if (lead < 0xC2 || lead > 0xF4) return {1};
  const size_t size = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  // Only the second byte has narrower bounds: they keep out overlong forms, surrogates and >
  // U+10FFFF.
  uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  for (size_t i = 1; i < size; ++i) {
    if (i == text.size()) return {i, false, true};
    if (byte(i) < low || byte(i) > high) return {i};
    low = 0x80;
    high = 0xBF;
  }
  return {size, true};
}

// How many bytes at the beginning are ASCII; may stop short.
size_t AsciiPrefix(std::string_view text) {
  size_t size = 0;
  for (uint64_t word; size + sizeof word <= text.size(); size += sizeof word) {
    std::memcpy(&word, text.data() + size, sizeof word);
    if (word & 0x8080808080808080) break;
  }
  return size;
}

}  // namespace

std::optional<size_t> CountCodePoints(std::string_view text) {
  size_t count = 0;
  while (!text.empty()) {
    const size_t ascii = AsciiPrefix(text);
    count += ascii;
    text.remove_prefix(ascii);
    if (text.empty()) break;
    const Character character = Decode(text);
    if (!character.valid) return std::nullopt;
    ++count;
    text.remove_prefix(character.size);
  }
  return count;
}

std::string RepairUtf8(std::string_view text) {
  std::string repaired;
  repaired.reserve(text.size());
  while (!text.empty()) {
    size_t good = AsciiPrefix(text);
    Character broken;
    while (good < text.size()) {
      broken = Decode(text.substr(good));
      if (!broken.valid) break;
      good += broken.size;
    }
    repaired.append(text.substr(0, good));
    if (good == text.size()) break;
    repaired.append("\uFFFD");
    text.remove_prefix(good + broken.size);
  }
  return repaired;
}

size_t IncompleteTail(std::string_view text) {
  for (size_t tail = 1; tail <= 3 && tail <= text.size(); ++tail) {
    const std::string_view end = text.substr(text.size() - tail);
    if ((end[0] & 0xC0) == 0x80) continue;  // inside a character: its first byte is further left
    return Decode(end).cut && Decode(end).size == tail ? tail : 0;
  }
  return 0;
}

}  // namespace routines
