// The scanning reader for x86-64: SSE2, which all have; AVX2 and AVX-512, which are asked for.
#include "src/match/extract_reader.h"

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

#include <cstring>
#include <vector>

#include "src/match/json_text.h"
#include "src/match/scan_block.h"

// In all of them, a bracket and a brace of the same side differ in one bit only: with it set, both
// are the brace.

namespace routines::scan_sse2 {

inline ScanBlock IndexBlock(const char* bytes, ScanCarry& carry) {
  uint64_t quotes = 0, opens = 0, closes = 0, backslashes = 0;
  for (size_t end = kBlockBytes; end != 0; end -= 16) {
    const __m128i part = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + end - 16));
    const __m128i braced = _mm_or_si128(part, _mm_set1_epi8(0x20));
    const auto where = [](__m128i a, char b) {
      return static_cast<uint64_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(a, _mm_set1_epi8(b))));
    };
    quotes = quotes << 16 | where(part, '"');
    backslashes = backslashes << 16 | where(part, '\\');
    opens = opens << 16 | where(braced, '{');
    closes = closes << 16 | where(braced, '}');
  }
  quotes &= ~EscapedBytes(backslashes, carry);
  return MakeBlock(quotes, ParityUpTo(quotes), opens, closes, backslashes, carry);
}

}  // namespace routines::scan_sse2

#define ROUTINES_SCAN scan_sse2
#define ROUTINES_SCAN_TARGET
#include "src/match/extract_scan.inc"
#undef ROUTINES_SCAN
#undef ROUTINES_SCAN_TARGET

#define ROUTINES_AVX2 __attribute__((target("avx2,bmi,bmi2,pclmul,popcnt")))
#define ROUTINES_AVX512                                        \
  __attribute__((                                              \
      target("avx512f,avx512bw,avx512vl,avx2,bmi,bmi2,pclmul," \
             "popcnt")))

namespace routines::scan_avx2 {

// A carry-less product with all ones has at each place the parity of the bits up to it.
ROUTINES_AVX2 inline uint64_t Parity(uint64_t bits) {
  const __m128i product = _mm_clmulepi64_si128(_mm_set_epi64x(0, static_cast<int64_t>(bits)),
                                               _mm_set1_epi8(static_cast<char>(0xFF)), 0);
  return static_cast<uint64_t>(_mm_cvtsi128_si64(product));
}

ROUTINES_AVX2 inline uint64_t Where(__m256i low, __m256i high, char c) {
  const __m256i wanted = _mm256_set1_epi8(c);
  const auto low_bits = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted)));
  const auto high_bits =
      static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted)));
  return uint64_t{high_bits} << 32 | low_bits;
}

ROUTINES_AVX2 inline ScanBlock IndexBlock(const char* bytes, ScanCarry& carry) {
  const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
  const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes + 32));
  const __m256i bit = _mm256_set1_epi8(0x20);
  const __m256i braced_low = _mm256_or_si256(low, bit), braced_high = _mm256_or_si256(high, bit);
  const uint64_t backslashes = Where(low, high, '\\');
  const uint64_t quotes = Where(low, high, '"') & ~EscapedBytes(backslashes, carry);
  return MakeBlock(quotes, Parity(quotes), Where(braced_low, braced_high, '{'),
                   Where(braced_low, braced_high, '}'), backslashes, carry);
}

}  // namespace routines::scan_avx2

#define ROUTINES_SCAN scan_avx2
#define ROUTINES_SCAN_TARGET ROUTINES_AVX2
#include "src/match/extract_scan.inc"
#undef ROUTINES_SCAN
#undef ROUTINES_SCAN_TARGET

namespace routines::scan_avx512 {

ROUTINES_AVX512 inline ScanBlock IndexBlock(const char* bytes, ScanCarry& carry) {
  const __m512i all = _mm512_loadu_si512(bytes);
  const __m512i braced = _mm512_or_si512(all, _mm512_set1_epi8(0x20));
  const uint64_t backslashes = _mm512_cmpeq_epi8_mask(all, _mm512_set1_epi8('\\'));
  const uint64_t quotes =
      _mm512_cmpeq_epi8_mask(all, _mm512_set1_epi8('"')) & ~EscapedBytes(backslashes, carry);
  return MakeBlock(quotes, scan_avx2::Parity(quotes),
                   _mm512_cmpeq_epi8_mask(braced, _mm512_set1_epi8('{')),
                   _mm512_cmpeq_epi8_mask(braced, _mm512_set1_epi8('}')), backslashes, carry);
}

}  // namespace routines::scan_avx512

#define ROUTINES_SCAN scan_avx512
#define ROUTINES_SCAN_TARGET ROUTINES_AVX512
#include "src/match/extract_scan.inc"

namespace routines {
namespace {

bool HasAvx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
         __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("pclmul") &&
         __builtin_cpu_supports("popcnt");
}

bool HasAvx512() {
  return HasAvx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl");
}

}  // namespace

std::unique_ptr<ExtractionReader> NewSse2Reader() {
  return scan_sse2::NewReader();
}

std::unique_ptr<ExtractionReader> NewAvx2Reader() {
  static const bool has = HasAvx2();
  return has ? scan_avx2::NewReader() : nullptr;
}

std::unique_ptr<ExtractionReader> NewAvx512Reader() {
  static const bool has = HasAvx512();
  return has ? scan_avx512::NewReader() : nullptr;
}

}  // namespace routines

#else

namespace routines {

std::unique_ptr<ExtractionReader> NewSse2Reader() {
  return nullptr;
}
std::unique_ptr<ExtractionReader> NewAvx2Reader() {
  return nullptr;
}
std::unique_ptr<ExtractionReader> NewAvx512Reader() {
  return nullptr;
}

}  // namespace routines

#endif
