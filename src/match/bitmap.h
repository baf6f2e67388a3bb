// Sets of slots, as words of 64 bits; always whole blocks of 512, so that wide registers fit.
//
// The loops are plain; the compiler makes one form of each for every width of registers, and the
// machine's is chosen when the program starts.
#ifndef ROUTINES_SRC_MATCH_BITMAP_H_
#define ROUTINES_SRC_MATCH_BITMAP_H_

#include <cstddef>
#include <cstdint>

namespace routines {

// Words of a set over `slots` slots.
inline size_t BitmapWords(size_t slots) {
  return (slots + 511) / 512 * 8;
}

inline void SetBit(uint64_t* bits, uint32_t slot) {
  bits[slot / 64] |= uint64_t{1} << (slot % 64);
}
inline void ClearBit(uint64_t* bits, uint32_t slot) {
  bits[slot / 64] &= ~(uint64_t{1} << (slot % 64));
}

void BitmapAnd(uint64_t* bits, const uint64_t* with, size_t words);
void BitmapAndNot(uint64_t* bits, const uint64_t* without, size_t words);
// bits &= ~has | met: what has no such condition, or has it met.
void BitmapKeepMet(uint64_t* bits, const uint64_t* has, const uint64_t* met, size_t words);
void BitmapOr(uint64_t* bits, const uint64_t* more, size_t words);
bool BitmapMeets(const uint64_t* a, const uint64_t* b, size_t words);
size_t BitmapCount(const uint64_t* bits, size_t words);
size_t BitmapCountBoth(const uint64_t* a, const uint64_t* b, size_t words);  // those in both

// Writes values[i] for every bit i, in order; returns how many. `out` has room for eight more;
// `values` has one for each of the 64 × words bits.
size_t BitmapSelect(const uint64_t* bits, size_t words, const uint64_t* values, uint64_t* out);

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_BITMAP_H_
