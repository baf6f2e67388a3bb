#include "src/match/bitmap.h"

#include <bit>
#include <cstring>

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

ROUTINES_WIDE void BitmapAnd(uint64_t* bits, const uint64_t* with, size_t words) {
  for (size_t i = 0; i < words; ++i) bits[i] &= with[i];
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

// Where all of many words are set, the values are copied as they stand.
size_t FullWords(const uint64_t* bits, size_t words) {
  size_t full = 0;
  while (full < words && bits[full] == ~uint64_t{0}) ++full;
  return full;
}

size_t SelectPlain(const uint64_t* bits, size_t words, const uint64_t* values, uint64_t* out) {
  uint64_t* const begin = out;
  for (size_t i = 0; i < words; ++i) {
    if (const size_t full = FullWords(bits + i, words - i); full > 0) {
      std::memcpy(out, values + 64 * i, 512 * full);
      out += 64 * full;
      if ((i += full) == words) break;
    }
    for (uint64_t rest = bits[i]; rest != 0; rest &= rest - 1) {
      *out++ = values[64 * i + std::countr_zero(rest)];
    }
  }
  return out - begin;
}

#ifdef ROUTINES_HAS_COMPRESS
constexpr int kMany = 16;  // of 64: packed in registers from here on

__attribute__((target("avx2,bmi"))) inline uint64_t* SelectFew(uint64_t rest, const uint64_t* from,
                                                               uint64_t* out) {
  for (; rest != 0; rest &= rest - 1) *out++ = from[_tzcnt_u64(rest)];
  return out;
}

// For four bits, where each of their values goes: in halves, for a permutation of 32-bit parts.
struct PackTable {
  alignas(32) int32_t parts[16][8] = {};

  constexpr PackTable() {
    for (int mask = 0; mask < 16; ++mask) {
      int packed = 0;
      for (int bit = 0; bit < 4; ++bit) {
        if ((mask >> bit & 1) == 0) continue;
        parts[mask][2 * packed] = 2 * bit;
        parts[mask][2 * packed + 1] = 2 * bit + 1;
        ++packed;
      }
    }
  }
};
constexpr PackTable kPackTable;

// Four at a time: packed in a register, and written whole.
__attribute__((target("avx2,popcnt,bmi"))) size_t SelectAvx2(const uint64_t* bits, size_t words,
                                                             const uint64_t* values,
                                                             uint64_t* out) {
  uint64_t* const begin = out;
  for (size_t i = 0; i < words; ++i) {
    if (const size_t full = FullWords(bits + i, words - i); full > 0) {
      std::memcpy(out, values + 64 * i, 512 * full);
      out += 64 * full;
      if ((i += full) == words) break;
    }
    uint64_t rest = bits[i];
    const uint64_t* from = values + 64 * i;
    if (_mm_popcnt_u64(rest) < kMany) {
      out = SelectFew(rest, from, out);
      continue;
    }
    for (; rest != 0; rest >>= 4, from += 4) {
      const auto mask = static_cast<unsigned>(rest & 15);
      const __m256i four = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
      const __m256i order =
          _mm256_load_si256(reinterpret_cast<const __m256i*>(kPackTable.parts[mask]));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out),
                          _mm256_permutevar8x32_epi32(four, order));
      out += _mm_popcnt_u32(mask);
    }
  }
  return out - begin;
}

// Eight at a time.
__attribute__((target("avx512f,popcnt,bmi"))) size_t SelectAvx512(const uint64_t* bits,
                                                                  size_t words,
                                                                  const uint64_t* values,
                                                                  uint64_t* out) {
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
      const __m512i eight = _mm512_loadu_si512(from);
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
  static const auto select = __builtin_cpu_supports("avx512f") ? &SelectAvx512
                             : __builtin_cpu_supports("avx2")  ? &SelectAvx2
                                                               : &SelectPlain;
  return select(bits, words, values, out);
#else
  return SelectPlain(bits, words, values, out);
#endif
}

}  // namespace routines
