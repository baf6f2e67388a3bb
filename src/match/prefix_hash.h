// Hashes of all parts of a text, each in three cycles: a polynomial of its bytes, modulo 2^64, at a
// place that is drawn once per process.
//
//   PrefixHash::All(text, hashes);                                        // text.size() + 1 of
//   them PrefixHash::Between(hashes[at], hashes[at + n], PrefixHash::Power(n))  // of
//   text.substr(at, n)
//
// There are texts of a thousand bytes that collide wherever the place is: compare before you
// believe, and let no more than time depend on it.
#ifndef ROUTINES_SRC_MATCH_PREFIX_HASH_H_
#define ROUTINES_SRC_MATCH_PREFIX_HASH_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "src/match/index_hash.h"

namespace routines {

class PrefixHash {
 public:
  void Append(std::string_view bytes) {
    const uint64_t place = Place();
    for (const char c : bytes) value_ = value_ * place + static_cast<unsigned char>(c) + 1;
  }
  uint64_t value() const { return value_; }

  // hashes[i]: of the first i bytes.
  static void All(std::string_view text, uint64_t* hashes) {
    const uint64_t place = Place();
    uint64_t hash = hashes[0] = 0;
    for (size_t i = 0; i < text.size(); ++i) {
      hashes[i + 1] = hash = hash * place + static_cast<unsigned char>(text[i]) + 1;
    }
  }

  static uint64_t Power(uint64_t exponent) {
    uint64_t power = 1;
    for (uint64_t square = Place(); exponent > 0; exponent /= 2, square *= square) {
      if (exponent % 2 == 1) power *= square;
    }
    return power;
  }

  static uint64_t Between(uint64_t before, uint64_t all, uint64_t power) {
    return all - before * power;
  }

 private:
  static uint64_t Place() {
    static const uint64_t place = FoldedProduct(ProcessSeed(), 0xd1b54a32d192ed03) | 1;
    return place;
  }

  uint64_t value_ = 0;
};

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_PREFIX_HASH_H_
