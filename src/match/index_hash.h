// Hashing of the index: short texts, in a few cycles.
//
// Not for adversaries who know the seed: what is keyed by user text takes the process's own seed,
// and tables compare the text behind a hash before they believe it.
#ifndef ROUTINES_SRC_MATCH_INDEX_HASH_H_
#define ROUTINES_SRC_MATCH_INDEX_HASH_H_

#include <cstdint>
#include <cstring>
#include <string_view>

namespace routines {

inline uint64_t LoadWord(const char* bytes) {
  uint64_t word;
  std::memcpy(&word, bytes, sizeof(word));
  return word;
}

inline uint32_t LoadHalfWord(const char* bytes) {
  uint32_t word;
  std::memcpy(&word, bytes, sizeof(word));
  return word;
}

// Whether two texts of one length are the same: most are short, and a call costs as much as that.
inline bool SameBytes(const char* a, const char* b, size_t size) {
  if (size > 16) return std::memcmp(a, b, size) == 0;
  if (size >= 8) {
    return LoadWord(a) == LoadWord(b) && LoadWord(a + size - 8) == LoadWord(b + size - 8);
  }
  if (size >= 4) {
    return LoadHalfWord(a) == LoadHalfWord(b) &&
           LoadHalfWord(a + size - 4) == LoadHalfWord(b + size - 4);
  }
  for (size_t i = 0; i < size; ++i) {
    if (a[i] != b[i]) return false;
  }
  return true;
}

// Both halves of a 64 × 64 bit product, folded: every bit of the result depends on all of both.
inline uint64_t FoldedProduct(uint64_t a, uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

inline uint64_t HashBytes(std::string_view bytes, uint64_t seed) {
  constexpr uint64_t kFirst = 0x9e3779b97f4a7c15, kSecond = 0xd1b54a32d192ed03;
  const char* at = bytes.data();
  size_t left = bytes.size();
  uint64_t hash = seed ^ (left * kFirst);
  for (; left > 16; at += 16, left -= 16) {
    hash = FoldedProduct(LoadWord(at) ^ kFirst ^ hash, LoadWord(at + 8) ^ kSecond);
  }
  uint64_t low = 0, high = 0;
  if (left >= 8) {
    low = LoadWord(at);
    high = LoadWord(at + left - 8);
  } else if (left >= 4) {
    low = LoadHalfWord(at);
    high = LoadHalfWord(at + left - 4);
  } else if (left > 0) {
    low = static_cast<unsigned char>(at[0]);
    high = static_cast<uint64_t>(static_cast<unsigned char>(at[left / 2])) << 8 |
           static_cast<unsigned char>(at[left - 1]);
  }
  return FoldedProduct(FoldedProduct(low ^ kFirst ^ hash, high ^ kSecond), kFirst);
}

// Drawn once per process.
uint64_t ProcessSeed();

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_INDEX_HASH_H_
