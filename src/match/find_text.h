// Whether a text contains another: in time linear to the text, whatever both are.
#ifndef ROUTINES_SRC_MATCH_FIND_TEXT_H_
#define ROUTINES_SRC_MATCH_FIND_TEXT_H_

#include <cstring>
#include <string_view>

#include "src/match/index_hash.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace routines {

// The C library's is two-way: it has no bad case, and a start that costs.
inline bool FindTextLinear(std::string_view text, std::string_view wanted) {
  return memmem(text.data(), text.size(), wanted.data(), wanted.size()) != nullptr;
}

// The same, as long as not too many places look as if the text stood there: each takes one off
// `comparisons`. If that is negative then, the answer is false, and nothing is known.
inline bool FindTextWithin(std::string_view text, std::string_view wanted, int& comparisons) {
  if (wanted.empty()) return true;
  if (text.size() < wanted.size()) return false;
#ifdef __SSE2__
  // Sixteen places at a time: those where the first and the last byte are right are compared.
  constexpr size_t kWide = 16;
  const size_t last = wanted.size() - 1;
  const size_t places = text.size() - last;
  const char* const data = text.data();
  const auto same = [&](size_t at) {
    --comparisons;
    if (wanted.size() >= 8 && LoadWord(data + at) != LoadWord(wanted.data())) return false;
    return std::memcmp(data + at, wanted.data(), wanted.size()) == 0;
  };
  if (places < kWide) {
    for (size_t at = 0; at < places && comparisons >= 0; ++at) {
      if (data[at] == wanted[0] && data[at + last] == wanted[last] && same(at)) return true;
    }
    return false;
  }
  const __m128i first_byte = _mm_set1_epi8(wanted[0]);
  const __m128i last_byte = _mm_set1_epi8(wanted[last]);
  for (size_t begin = 0;;) {
    const __m128i begins = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data + begin));
    const __m128i ends = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data + begin + last));
    auto both = static_cast<unsigned>(_mm_movemask_epi8(
        _mm_and_si128(_mm_cmpeq_epi8(begins, first_byte), _mm_cmpeq_epi8(ends, last_byte))));
    for (; both != 0; both &= both - 1) {
      if (same(begin + static_cast<size_t>(__builtin_ctz(both)))) return true;
      if (comparisons < 0) return false;
    }
    if (begin + kWide == places) return false;
    begin = begin + 2 * kWide <= places ? begin + kWide : places - kWide;
  }
#else
  return FindTextLinear(text, wanted);
#endif
}

// Where comparing would be much, for texts can be made so, the linear way takes over.
inline bool FindText(std::string_view text, std::string_view wanted) {
  int comparisons = 32;
  const bool found = FindTextWithin(text, wanted, comparisons);
  return comparisons >= 0 ? found : FindTextLinear(text, wanted);
}

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_FIND_TEXT_H_
