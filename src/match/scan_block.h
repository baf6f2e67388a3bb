// The index that extract_scan.inc walks: of each 64 bytes of a payload, where its strings begin and
// end, where its brackets outside strings are, and where its backslashes are.
#ifndef ROUTINES_SRC_MATCH_SCAN_BLOCK_H_
#define ROUTINES_SRC_MATCH_SCAN_BLOCK_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace routines {

inline constexpr size_t kBlockBytes = 64;

// Bit i stands for byte i.
struct alignas(32) ScanBlock {
  uint64_t marks;    // quotes that begin or end a string, and brackets outside strings
  uint64_t opens;    // { and [ outside strings
  uint64_t closes;   // } and ] outside strings
  uint64_t escapes;  // backslashes
};

// What one block leaves to the next.
struct ScanCarry {
  uint64_t in_string = 0;  // all ones: the block begins within a string
  uint64_t escaped = 0;    // 1: its first byte is escaped
};

// Which bytes a backslash escapes. In a run of backslashes every second one is itself escaped: an
// addition carries along each run that begins at an odd place, and so tells at which parity it
// ends.
inline uint64_t EscapedBytes(uint64_t backslashes, ScanCarry& carry) {
  if (backslashes == 0) {
    const uint64_t escaped = carry.escaped;
    carry.escaped = 0;
    return escaped;
  }
  constexpr uint64_t kEven = 0x5555555555555555;
  const uint64_t active = backslashes & ~carry.escaped;
  const uint64_t behind = active << 1 | carry.escaped;
  const uint64_t odd_starts = active & ~kEven & ~behind;
  uint64_t ends;
  carry.escaped = __builtin_add_overflow(odd_starts, active, &ends) ? 1 : 0;
  return (kEven ^ (ends << 1)) & behind;
}

// The parity of all bits up to each place, for machines without a carry-less multiplication.
inline uint64_t ParityUpTo(uint64_t bits) {
  for (int shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
  return bits;
}

// The block of raw masks. `in_string` is the parity of its quotes that are not escaped.
inline ScanBlock MakeBlock(uint64_t quotes, uint64_t in_string, uint64_t opens, uint64_t closes,
                           uint64_t backslashes, ScanCarry& carry) {
  in_string ^= carry.in_string;
  carry.in_string = static_cast<uint64_t>(static_cast<int64_t>(in_string) >> 63);
  opens &= ~in_string;
  closes &= ~in_string;
  return {quotes | opens | closes, opens, closes, backslashes};
}

// Whether two keys are the same: most are 4 to 16 bytes long, where a call costs more than the
// work.
inline bool SameKey(std::string_view a, std::string_view b) {
  const size_t size = a.size();
  if (size != b.size()) return false;
  if (size < 4 || size > 16) return a == b;
  const auto differ = [&](size_t at, auto word) {
    auto other = word;
    std::memcpy(&word, a.data() + at, sizeof(word));
    std::memcpy(&other, b.data() + at, sizeof(word));
    return word ^ other;
  };
  if (size < 8) return (differ(0, uint32_t{0}) | differ(size - 4, uint32_t{0})) == 0;
  return (differ(0, uint64_t{0}) | differ(size - 8, uint64_t{0})) == 0;
}

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_SCAN_BLOCK_H_
