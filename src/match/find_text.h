// Whether a text contains another: in time linear to the text, whatever both are.
#ifndef ROUTINES_SRC_MATCH_FIND_TEXT_H_
#define ROUTINES_SRC_MATCH_FIND_TEXT_H_

#include <cstring>
#include <string_view>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace routines {

// The C library's is two-way: it has no bad case, and a start that costs.
inline bool FindTextLinear(std::string_view text, std::string_view wanted) {
  return memmem(text.data(), text.size(), wanted.data(), wanted.size()) != nullptr;
}

inline bool FindText(std::string_view text, std::string_view wanted) {
  if (wanted.empty()) return true;
  if (text.size() < wanted.size()) return false;
#ifdef __SSE2__
  // Sixteen positions at a time: those where the first and the last byte are right are compared.
  // Where that happens too often, for texts can be made so, the linear way takes over.
  constexpr size_t kWide = 16;
  int comparisons = 32;
  const size_t last = wanted.size() - 1;
  const __m128i first_byte = _mm_set1_epi8(wanted[0]);
  const __m128i last_byte = _mm_set1_epi8(wanted[last]);
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  for (; at + last + kWide <= end; at += kWide) {
    const __m128i begins = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i ends = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + last));
    auto both = static_cast<unsigned>(_mm_movemask_epi8(
        _mm_and_si128(_mm_cmpeq_epi8(begins, first_byte), _mm_cmpeq_epi8(ends, last_byte))));
    for (; both != 0; both &= both - 1) {
      if (std::memcmp(at + __builtin_ctz(both), wanted.data(), wanted.size()) == 0) return true;
      if (--comparisons == 0) {
        return FindTextLinear({at, static_cast<size_t>(end - at)}, wanted);
      }
    }
  }
  return FindTextLinear({at, static_cast<size_t>(end - at)}, wanted);
#else
  return FindTextLinear(text, wanted);
#endif
}

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_FIND_TEXT_H_
