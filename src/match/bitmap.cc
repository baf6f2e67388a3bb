#include "src/match/bitmap.h"

#include <bit>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

// Resolvers of such functions run before a sanitizer is ready.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__) && !defined(ROUTINES_TSAN)
#define ROUTINES_WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#define ROUTINES_HAS_COMPRESS 1
#else
#define ROUTINES_WIDE
#endif

namespace routines {

ROUTINES_WIDE void BitmapAndNot(uint64_t* bits, const uint64_t* without, size_t words) {
  for (size_t i = 0; i < words; ++i) bits[i] &= ~without[i];
}

ROUTINES_WIDE void BitmapKeepMet(uint64_t* bits, const uint64_t* has, const uint64_t* met,
                                 size_t words) {
  for (size_t i = 0; i < words; ++i) bits[i] &= ~has[i] | met[i];
}

ROUTINES_WIDE void BitmapOr(uint64_t* bits, const uint64_t* more, size_t words) {
  for (size_t i = 0; i < words; ++i) bits[i] |= more[i];
}

ROUTINES_WIDE bool BitmapMeets(const uint64_t* a, const uint64_t* b, size_t words) {
  uint64_t common = 0;
  for (size_t i = 0; i < words; ++i) common |= a[i] & b[i];
  return common != 0;
}

ROUTINES_WIDE size_t BitmapCount(const uint64_t* bits, size_t words) {
  size_t count = 0;
  for (size_t i = 0; i < words; ++i) count += std::popcount(bits[i]);
  return count;
}

ROUTINES_WIDE size_t BitmapCountBoth(const uint64_t* a, const uint64_t* b, size_t words) {
  size_t count = 0;
  for (size_t i = 0; i < words; ++i) count += std::popcount(a[i] & b[i]);
  return count;
}

namespace {

size_t SelectPlain(const uint64_t* bits, size_t words, const uint64_t* values, uint64_t* out) {
  uint64_t* const begin = out;
  for (size_t i = 0; i < words; ++i) {
    for (uint64_t rest = bits[i]; rest != 0; rest &= rest - 1) {
      *out++ = values[64 * i + std::countr_zero(rest)];
    }
  }
  return out - begin;
}

#ifdef ROUTINES_HAS_COMPRESS
// Eight at a time where many are set: packed in a register, and written whole.
__attribute__((target("avx512f,popcnt,bmi"))) size_t SelectWide(const uint64_t* bits, size_t words,
                                                                const uint64_t* values,
                                                                uint64_t* out) {
  constexpr int kMany = 16;
  uint64_t* const begin = out;
  for (size_t i = 0; i < words; ++i) {
    uint64_t rest = bits[i];
    const uint64_t* from = values + 64 * i;
    if (_mm_popcnt_u64(rest) < kMany) {
      for (; rest != 0; rest &= rest - 1) *out++ = from[_tzcnt_u64(rest)];
      continue;
    }
    for (; rest != 0; rest >>= 8, from += 8) {
      const auto mask = static_cast<__mmask8>(rest);
      // A masked load touches nothing behind the last value.
      const __m512i eight = _mm512_maskz_loadu_epi64(mask, from);
      _mm512_storeu_si512(out, _mm512_maskz_compress_epi64(mask, eight));
      out += _mm_popcnt_u32(mask);
    }
  }
  return out - begin;
}
#endif

}  // namespace

size_t BitmapSelect(const uint64_t* bits, size_t words, const uint64_t* values, uint64_t* out) {
#ifdef ROUTINES_HAS_COMPRESS
  static const bool wide = __builtin_cpu_supports("avx512f");
  if (wide) return SelectWide(bits, words, values, out);
#endif
  return SelectPlain(bits, words, values, out);
}

}  // namespace routines
