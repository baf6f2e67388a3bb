// The scanning reader without special instructions, and for ARM's NEON, which every AArch64 has.
#include <cstring>
#include <vector>

#include "src/match/extract_reader.h"
#include "src/match/json_text.h"
#include "src/match/scan_block.h"

#if defined(__aarch64__) && defined(__ARM_NEON)
#include <arm_neon.h>
#endif

namespace routines::scan_scalar {

// One bit for each byte of `word` that is `c`.
inline uint64_t Where(uint64_t word, char c) {
  constexpr uint64_t kOnes = 0x0101010101010101, kLow = 0x7F7F7F7F7F7F7F7F;
  const uint64_t zeros_wanted = word ^ (kOnes * static_cast<unsigned char>(c));
  // The top bit of each byte that is zero, exactly: no borrow runs from byte to byte.
  const uint64_t tops = ~(((zeros_wanted & kLow) + kLow) | zeros_wanted | kLow);
  return (tops >> 7) * 0x0102040810204080 >> 56;
}

inline ScanBlock IndexBlock(const char* bytes, ScanCarry& carry) {
  uint64_t quotes = 0, opens = 0, closes = 0, backslashes = 0;
  for (int i = 0; i < 8; ++i) {
    uint64_t word = 0;  // the first byte lowest, whatever the machine's order
    for (int k = 0; k < 8; ++k) {
      word |= static_cast<uint64_t>(static_cast<unsigned char>(bytes[8 * i + k])) << (8 * k);
    }
    const uint64_t braced = word | 0x2020202020202020;
    quotes |= Where(word, '"') << (8 * i);
    backslashes |= Where(word, '\\') << (8 * i);
    opens |= Where(braced, '{') << (8 * i);
    closes |= Where(braced, '}') << (8 * i);
  }
  quotes &= ~EscapedBytes(backslashes, carry);
  return MakeBlock(quotes, ParityUpTo(quotes), opens, closes, backslashes, carry);
}

}  // namespace routines::scan_scalar

#define ROUTINES_SCAN scan_scalar
#define ROUTINES_SCAN_TARGET
#include "src/match/extract_scan.inc"
#undef ROUTINES_SCAN

namespace routines {

std::unique_ptr<ExtractionReader> NewScalarReader() {
  return scan_scalar::NewReader();
}

}  // namespace routines

#if defined(__aarch64__) && defined(__ARM_NEON)

namespace routines::scan_neon {

struct Bytes64 {
  uint8x16_t part[4];
};

// One bit for each byte that is `c`: each part keeps the bit of its place, and three rounds of
// adding neighbours bring them together.
inline uint64_t Where(const Bytes64& bytes, char c) {
  constexpr uint8_t kPlaces[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  const uint8x16_t places = vld1q_u8(kPlaces);
  const uint8x16_t wanted = vdupq_n_u8(static_cast<uint8_t>(c));
  uint8x16_t bits[4];
  for (int i = 0; i < 4; ++i) bits[i] = vandq_u8(vceqq_u8(bytes.part[i], wanted), places);
  const uint8x16_t pairs = vpaddq_u8(vpaddq_u8(bits[0], bits[1]), vpaddq_u8(bits[2], bits[3]));
  return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(pairs, pairs)), 0);
}

inline ScanBlock IndexBlock(const char* bytes, ScanCarry& carry) {
  Bytes64 all, braced;
  for (int i = 0; i < 4; ++i) {
    all.part[i] = vld1q_u8(reinterpret_cast<const uint8_t*>(bytes) + 16 * i);
    braced.part[i] = vorrq_u8(all.part[i], vdupq_n_u8(0x20));
  }
  const uint64_t backslashes = Where(all, '\\');
  const uint64_t quotes = Where(all, '"') & ~EscapedBytes(backslashes, carry);
  return MakeBlock(quotes, ParityUpTo(quotes), Where(braced, '{'), Where(braced, '}'), backslashes,
                   carry);
}

}  // namespace routines::scan_neon

#define ROUTINES_SCAN scan_neon
#include "src/match/extract_scan.inc"

namespace routines {

std::unique_ptr<ExtractionReader> NewNeonReader() {
  return scan_neon::NewReader();
}

}  // namespace routines

#else

namespace routines {

std::unique_ptr<ExtractionReader> NewNeonReader() {
  return nullptr;
}

}  // namespace routines

#endif
