#include "src/match/contained_set.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "src/match/find_text.h"
#include "src/match/index_hash.h"
#include "src/match/prefix_hash.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace routines {
namespace {

// The first `size` bytes of a word that was loaded from memory, up to eight; others are 0.
uint64_t FirstBytesMask(size_t size) {
  if (size >= 8) return ~uint64_t{0};
  if constexpr (std::endian::native == std::endian::little) {
    return (uint64_t{1} << 8 * size) - 1;
  } else {
    return ~(~uint64_t{0} >> 8 * size);
  }
}

uint64_t LoadUpTo8(const char* bytes, size_t size) {
  uint64_t word = 0;
  std::memcpy(&word, bytes, std::min<size_t>(size, 8));
  return word;
}

uint32_t HashGram(uint64_t bytes) {
  return static_cast<uint32_t>((bytes ^ bytes >> 29) * 0x9e3779b97f4a7c15 >> 32);
}

void SetRun(uint64_t* bits, uint32_t first, uint32_t last) {
  const uint64_t from = ~uint64_t{0} << first % 64, to = ~uint64_t{0} >> (63 - last % 64);
  if (first / 64 == last / 64) {
    bits[first / 64] |= from & to;
    return;
  }
  bits[first / 64] |= from;
  for (uint32_t word = first / 64 + 1; word < last / 64; ++word) bits[word] = ~uint64_t{0};
  bits[last / 64] |= to;
}

}  // namespace

// A text as words of eight bytes from any position on. The last positions have less than a word
// behind them, and are read from a copy that has.
class ContainedSet::Words {
 public:
  explicit Words(std::string_view text)
      : text_(text), tail_begin_(text.size() < 8 ? 0 : text.size() - 7) {
    std::memcpy(tail_.data(), text.data() + tail_begin_, text.size() - tail_begin_);
  }

  std::string_view text() const { return text_; }
  size_t tail_begin() const { return tail_begin_; }  // the first of those positions
  uint64_t at(size_t at) const {
    return LoadWord(at < tail_begin_ ? text_.data() + at : tail_.data() + (at - tail_begin_));
  }

 private:
  const std::string_view text_;
  const size_t tail_begin_;
  std::array<char, 16> tail_ = {};
};

ContainedSet::ContainedSet(std::vector<Text> texts, const Tuning& tuning) : tuning_(tuning) {
  if (texts.empty()) return;
  std::vector<uint32_t> sorted;
  Number(std::move(texts), sorted);
  BuildGrams();
  BuildLengths(sorted);
}

// Gives each text its number: what begins a text comes before it, and of those that continue it
// the one with most continuations of its own comes next. `sorted`: the numbers in order of bytes.
void ContainedSet::Number(std::vector<Text> texts, std::vector<uint32_t>& sorted) {
  std::sort(texts.begin(), texts.end(),
            [](const Text& a, const Text& b) { return a.bytes < b.bytes; });
  const auto count = static_cast<uint32_t>(texts.size());
  std::vector<uint32_t> parents(count, kNone), sizes(count, 1), heirs(count, kNone), open;
  for (uint32_t i = 0; i < count; ++i) {
    while (!open.empty() && !texts[i].bytes.starts_with(texts[open.back()].bytes)) open.pop_back();
    if (!open.empty()) parents[i] = open.back();
    open.push_back(i);
  }
  for (uint32_t i = count; i-- > 0;) {
    if (parents[i] == kNone) continue;
    sizes[parents[i]] += sizes[i];
    uint32_t& heir = heirs[parents[i]];
    if (heir == kNone || sizes[i] >= sizes[heir]) heir = i;
  }
  places_.resize(count);
  sorted.resize(count);
  std::vector<uint32_t> next(count);  // where the next continuation but the heir goes
  uint32_t next_root = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t parent = parents[i];
    const bool is_heir = parent != kNone && heirs[parent] == i;
    uint32_t& place = parent == kNone ? next_root : next[parent];
    const uint32_t number = is_heir ? sorted[parent] + 1 : place;
    if (!is_heir) place += sizes[i];
    sorted[i] = number;
    next[i] = number + 1 + (heirs[i] == kNone ? 0 : sizes[heirs[i]]);
    const uint32_t up = parent == kNone ? kNone : sorted[parent];
    places_[number] = {.at = texts[i].bytes.data(),
                       .size = static_cast<uint32_t>(texts[i].bytes.size()),
                       .id = texts[i].id,
                       .head = is_heir ? places_[up].head : number,
                       .up = is_heir ? places_[up].up : up};
  }
}

// ---- by grams ----

void ContainedSet::BuildGrams() {
  for (const auto& [width, end] :
       {std::pair<size_t, size_t>{1, 2}, {2, 3}, {3, 4}, {4, 8}, {8, ~size_t{0}}}) {
    std::vector<Gram> grams;
    for (uint32_t i = 0; i < size(); ++i) {
      const Place& place = places_[i];
      if (place.size < width || place.size >= end) continue;
      const size_t last = place.size < 8 ? 0 : place.size - 8;
      grams.push_back({.first = LoadUpTo8(place.at, place.size),
                       .last = LoadUpTo8(place.at + last, place.size - last),
                       .size = place.size,
                       .number = i});
    }
    if (!grams.empty()) AddGramTable(width, std::move(grams));
  }
}

// Chooses for each text that gram of it that the fewest texts have. Returns their hashes.
std::vector<uint32_t> ContainedSet::ChooseGrams(size_t width, std::vector<Gram>& grams) const {
  std::vector<uint32_t> counts(size_t{1} << std::min<int>(std::bit_width(grams.size()) + 3, 20));
  const auto for_each_gram = [&](const Gram& gram, auto f) {
    const Place& place = places_[gram.number];
    const auto gram_at = [&](size_t offset, uint32_t name) {
      const uint32_t hash = HashGram(LoadUpTo8(place.at + offset, width));
      f(name, hash, counts[hash & (counts.size() - 1)]);
    };
    const size_t last = place.size - width;
    for (uint32_t i = 0; i <= std::min<size_t>(last, kMostOffset); ++i) gram_at(i, i);
    gram_at(last, kAtEnd);
  };
  for (const Gram& gram : grams) {
    for_each_gram(gram, [](uint32_t, uint32_t, uint32_t& count) { ++count; });
  }
  std::vector<uint32_t> hashes;
  for (Gram& gram : grams) {
    uint32_t least = ~0u;
    hashes.push_back(0);
    for_each_gram(gram, [&](uint32_t offset, uint32_t hash, uint32_t count) {
      if (count >= least) return;
      least = count;
      hashes.back() = hash;
      gram.offset = offset;
    });
  }
  return hashes;
}

void ContainedSet::AddGramTable(size_t width, std::vector<Gram> grams) {
  const std::vector<uint32_t> hashes = ChooseGrams(width, grams);
  GramTable table;
  table.width = width;
  table.mask = FirstBytesMask(width);
  const auto bits = static_cast<int>(std::bit_width(grams.size()));
  table.bucket_shift = 32 - bits;
  table.begins.resize((size_t{1} << bits) + 1);
  const int filter_bits = std::clamp(bits + 4, 6, 22);
  table.filter_shift = 32 - filter_bits;
  table.filter.resize((size_t{1} << filter_bits) / 64);
  for (const uint32_t hash : hashes) {
    const uint32_t bit = hash >> table.filter_shift;
    table.filter[bit / 64] |= uint64_t{1} << bit % 64;
    ++table.begins[(hash >> table.bucket_shift) + 1];
  }
  for (size_t i = 1; i < table.begins.size(); ++i) table.begins[i] += table.begins[i - 1];
  std::vector<uint32_t> next(table.begins.begin(), table.begins.end() - 1);
  table.grams.resize(grams.size());
  for (size_t i = 0; i < grams.size(); ++i) {
    table.grams[next[hashes[i] >> table.bucket_shift]++] = grams[i];
  }
  tables_.push_back(std::move(table));
}

// By grams as long as that costs no more than a search by lengths would, so that nothing costs more
// than twice what the better way does.
void ContainedSet::Find(std::string_view text, Scratch& scratch) const {
  size_t budget = text.size() * std::bit_width(lengths_.size()) * 3 / 4 + 64;
  for (const GramTable& table : tables_) {
    if (!FindByGrams(table, text, budget, scratch)) return FindByLengths(text, scratch);
  }
}

// False: it took too many steps, and was given up.
bool ContainedSet::FindByGrams(const GramTable& table, std::string_view text, size_t& budget,
                               Scratch& scratch) const {
  if (text.size() < table.width) return true;
  const Words words(text);
  // The positions that pass the filter are gathered without a branch, some at a time, and what is
  // to be compared there is asked of the memory before the first one is looked at.
  std::array<uint8_t, 64> passed;
  const uint64_t mask = table.mask;
  const uint64_t* const filter = table.filter.data();
  const int shift = table.filter_shift;
  const size_t budget_at_begin = budget;
  for (size_t begin = 0; begin < words.tail_begin(); begin += passed.size()) {
    const size_t count = std::min(passed.size(), words.tail_begin() - begin);
    size_t passes = 0;
    for (size_t i = 0; i < count; ++i) {
      const uint32_t bit = HashGram(LoadWord(text.data() + begin + i) & mask) >> shift;
      passed[passes] = static_cast<uint8_t>(i);
      passes += filter[bit / 64] >> (bit % 64) & 1;
    }
    PrefetchGrams(table, text.substr(begin), absl::MakeConstSpan(passed).first(passes));
    for (size_t k = 0; k < passes; ++k) {
      if (!CompareAt(table, words, begin + passed[k], budget, scratch)) return false;
    }
    // Where the first of them go on like that to the end, it is given up at once.
    const size_t spent = budget_at_begin - budget;
    if (begin == 0 && spent * (text.size() / passed.size()) > budget_at_begin) return false;
  }
  for (size_t at = words.tail_begin(); at + table.width <= text.size(); ++at) {
    if (!CompareAt(table, words, at, budget, scratch)) return false;
  }
  return true;
}

inline uint32_t ContainedSet::BucketOf(const GramTable& table, uint64_t word) {
  return HashGram(word & table.mask) >> table.bucket_shift;
}

inline void ContainedSet::PrefetchGrams(const GramTable& table, std::string_view text,
                                        absl::Span<const uint8_t> positions) {
  std::array<uint32_t, 64> buckets;
  for (size_t k = 0; k < positions.size(); ++k) {
    buckets[k] = BucketOf(table, LoadWord(text.data() + positions[k]));
    __builtin_prefetch(&table.begins[buckets[k]]);
  }
  for (size_t k = 0; k < positions.size(); ++k) {
    __builtin_prefetch(table.grams.data() + table.begins[buckets[k]]);
  }
}

// Compares those texts whose gram may be at `at`. False: that is more than the budget has left.
inline bool ContainedSet::CompareAt(const GramTable& table, const Words& words, size_t at,
                                    size_t& budget, Scratch& scratch) const {
  const uint32_t bucket = BucketOf(table, words.at(at));
  const Gram* gram = table.grams.data() + table.begins[bucket];
  const Gram* const end = table.grams.data() + table.begins[bucket + 1];
  size_t steps = static_cast<size_t>(end - gram);
  if (steps > budget) return false;
  for (; gram != end; ++gram) {
    const size_t offset = gram->offset == kAtEnd ? gram->size - table.width : gram->offset;
    const std::string_view text = words.text();
    const size_t begin = at - offset;  // a huge one where the text would begin before
    if (begin > text.size() || gram->size > text.size() - begin) continue;
    if (((words.at(begin) ^ gram->first) & FirstBytesMask(gram->size)) != 0) continue;
    if (gram->size > 8 && LoadWord(text.data() + begin + gram->size - 8) != gram->last) continue;
    if (gram->size > 16) {
      steps += gram->size / 32;
      if (!Begins(text.substr(begin), gram->number, gram->size)) continue;
    }
    Note(gram->number, scratch);
  }
  if (steps > budget) return false;
  budget -= steps;
  return true;
}

// A text that stands in the searched one, and with it all that begin it.
inline void ContainedSet::Note(uint32_t number, Scratch& scratch) const {
  uint64_t* const found = scratch.found.data();
  while (number != kNone && (found[number / 64] >> number % 64 & 1) == 0) {
    const Place& place = places_[number];
    SetRun(found, place.head, number);
    number = place.up;
  }
}

// ---- by lengths ----

void ContainedSet::BuildLengths(const std::vector<uint32_t>& sorted) {
  std::vector<uint32_t> sizes;
  for (const Place& place : places_) sizes.push_back(place.size);
  std::sort(sizes.begin(), sizes.end());
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  const auto steps = static_cast<uint32_t>(std::bit_ceil(sizes.size() + 1)) / 2;
  for (const uint32_t size : sizes) lengths_.push_back({size, PrefixHash::Power(size)});
  lengths_.resize(2 * steps - 1, {kNone, 0});  // longer than anything
  struct Beginning {
    uint64_t hash;
    uint32_t number, size;
  };
  std::vector<Beginning> all;
  for (const uint32_t number : sorted) {
    const Place& place = places_[number];
    PrefixHash hash;
    uint32_t hashed = 0;
    for (uint32_t step = steps, next = 0; step > 0; step /= 2) {
      const uint32_t size = lengths_[next + step - 1].size;
      if (size > place.size) continue;
      next += step;
      hash.Append({place.at + hashed, size - hashed});
      hashed = size;
      all.push_back({hash.value(), number, size});
    }
  }
  // Of those that are the same, the first text's.
  std::stable_sort(all.begin(), all.end(),
                   [](const Beginning& a, const Beginning& b) { return a.hash < b.hash; });
  const auto same = [&](const Beginning& a, const Beginning& b) {
    return a.hash == b.hash && a.size == b.size &&
           std::memcmp(places_[a.number].at, places_[b.number].at, a.size) == 0;
  };
  all.erase(std::unique(all.begin(), all.end(), same), all.end());
  buckets_.resize(all.size() / 5 + 1);
  for (const Beginning& beginning : all) {
    InsertBeginning(beginning.number, beginning.hash);
  }
}

void ContainedSet::InsertBeginning(uint32_t number, uint64_t hash) {
  const Key key = KeyOf(hash);
  for (size_t b = key.bucket;; b = b + 1 == buckets_.size() ? 0 : b + 1) {
    for (size_t i = 0; i < Bucket::kSize; ++i) {
      if (buckets_[b].tags[i] != 0) continue;
      buckets_[b].tags[i] = key.tag;
      buckets_[b].numbers[i] = number;
      return;
    }
  }
}

inline ContainedSet::Key ContainedSet::KeyOf(uint64_t hash) const {
  const uint64_t mixed = hash * 0x9e3779b97f4a7c15;
  return {static_cast<uint32_t>((mixed >> 32) * buckets_.size() >> 32),
          (static_cast<uint32_t>(mixed >> 12) & tuning_.tags) | 1};  // 0 is no tag
}

// The number of an entry with the key's tag, or kNone.
inline uint32_t ContainedSet::LookUp(Key key) const {
  for (size_t b = key.bucket;; b = b + 1 == buckets_.size() ? 0 : b + 1) {
    const Bucket& bucket = buckets_[b];
#ifdef __SSE2__
    const __m128i wanted = _mm_set1_epi32(static_cast<int>(key.tag));
    const auto* const tags = reinterpret_cast<const __m128i*>(bucket.tags);
    const __m128i low = _mm_cmpeq_epi32(_mm_load_si128(tags), wanted);
    const __m128i high = _mm_cmpeq_epi32(_mm_load_si128(tags + 1), wanted);
    const auto equal = static_cast<unsigned>(
        _mm_movemask_epi8(_mm_packs_epi16(_mm_packs_epi32(low, high), _mm_setzero_si128())));
#else
    unsigned equal = 0;
    for (size_t i = 0; i < Bucket::kSize; ++i) equal |= (bucket.tags[i] == key.tag ? 1u : 0u) << i;
#endif
    const uint32_t number = bucket.numbers[std::countr_zero(equal | 128)];
    // One question, nearly always answered the same; which of both it was is not asked by a branch.
    if (((equal != 0) | (bucket.tags[Bucket::kSize - 1] == 0)) != 0) {
      return number | (equal != 0 ? 0 : kNone);
    }
  }
}

// Whether the `size` first bytes of a text stand at the beginning of `rest`.
inline bool ContainedSet::Begins(std::string_view rest, uint32_t number, uint32_t size) const {
  const Place& place = places_[number];
  return size <= std::min<size_t>(rest.size(), place.size) &&
         std::memcmp(rest.data(), place.at, size) == 0;
}

// One step of the binary searches of some positions. The lines of the table are asked for first, of
// all of them, and looked at then. `hashes` are those from the first position on, `left` the bytes.
void ContainedSet::Step(const uint64_t* hashes, size_t left, uint32_t step, size_t longest,
                        absl::Span<Search> searches) const {
  std::array<Key, kBatch> keys;
  for (size_t i = 0; i < searches.size(); ++i) {
    const Length& length = lengths_[searches[i].next + step - 1];
    const bool fits = length.size <= std::min(left - i, longest);
    const size_t end = fits ? i + length.size : i;
    keys[i] = KeyOf(PrefixHash::Between(hashes[i], hashes[end], length.power));
    if (!fits) keys[i].tag = kNoTag;
    __builtin_prefetch(&buckets_[keys[i].bucket]);
  }
  for (size_t i = 0; i < searches.size(); ++i) {
    const uint32_t number = LookUp(keys[i]);
    const bool there = number != kNone;
    searches[i].next += there ? step : 0;
    searches[i].number = there ? number : searches[i].number;
  }
}

// Two different beginnings with the same tag are rare; a claim that turns out wrong is searched
// again with each step checked.
uint32_t ContainedSet::SearchSlowly(std::string_view rest, const uint64_t* hashes,
                                    uint32_t& size) const {
  uint32_t best = kNone;
  for (const Length& length : lengths_) {
    if (length.size > rest.size()) break;
    const Key key = KeyOf(PrefixHash::Between(hashes[0], hashes[length.size], length.power));
    for (size_t b = key.bucket;; b = b + 1 == buckets_.size() ? 0 : b + 1) {
      for (size_t i = 0; i < Bucket::kSize; ++i) {
        const uint32_t number = buckets_[b].numbers[i];
        if (buckets_[b].tags[i] != key.tag || !Begins(rest, number, length.size)) {
          continue;
        }
        best = number;
        size = length.size;
      }
      if (buckets_[b].tags[Bucket::kSize - 1] == 0) break;
    }
  }
  return best;
}

// `size` bytes of a text stand there, and no text that is longer than that: notes it, or the
// longest that begins it.
inline void ContainedSet::NoteBeginnings(uint32_t number, uint32_t size, Scratch& scratch) const {
  while (number != kNone && places_[number].size > size) number = Parent(number);
  Note(number, scratch);
}

void ContainedSet::FindByLengths(std::string_view text, Scratch& scratch) const {
  scratch.hashes.resize(std::max(scratch.hashes.size(), text.size() + 1));
  uint64_t* const hashes = scratch.hashes.data();
  PrefixHash::All(text, hashes);
  const auto steps = static_cast<uint32_t>(lengths_.size() + 1) / 2;
  size_t longest = kNone;
  size_t long_budget = 1024 * text.size();
  for (size_t begin = 0; begin < text.size(); begin += kBatch) {
    const size_t count = std::min(kBatch, text.size() - begin);
    std::array<Search, kBatch> searches = {};
    for (uint32_t step = steps; step > 0; step /= 2) {
      Step(hashes + begin, text.size() - begin, step, longest,
           absl::MakeSpan(searches).first(count));
    }
    for (size_t i = 0; i < count; ++i) {
      if (searches[i].number != kNone) __builtin_prefetch(&places_[searches[i].number]);
    }
    for (size_t i = 0; i < count; ++i) {
      if (searches[i].number == kNone) continue;
      const Place& place = places_[searches[i].number];
      __builtin_prefetch(place.at);
      __builtin_prefetch(&scratch.found[place.head / 64]);
    }
    for (size_t i = 0; i < count; ++i) {
      uint32_t number = searches[i].number;
      if (number == kNone) continue;
      const std::string_view rest = text.substr(begin + i);
      uint32_t size = lengths_[searches[i].next - 1].size;
      if (size > kLong && longest == kNone) {
        // Texts so long could make the checks cost their length each time. Those of a text for
        // which that becomes much are searched one by one, and no more here.
        if (size > long_budget) {
          FindLongOnes(text, scratch);
          longest = kLong;
        }
        long_budget -= std::min<size_t>(size, long_budget);
      }
      if (!Begins(rest, number, size)) {
        number = SearchSlowly(rest, hashes + begin + i, size);
        if (number == kNone) continue;
      }
      NoteBeginnings(number, size, scratch);
    }
  }
}

void ContainedSet::FindLongOnes(std::string_view text, Scratch& scratch) const {
  for (uint32_t i = 0; i < size(); ++i) {
    const Place& place = places_[i];
    if (place.size > kLong && FindTextLinear(text, {place.at, place.size})) Note(i, scratch);
  }
}

size_t ContainedSet::bytes() const {
  size_t bytes = sizeof(*this) + places_.capacity() * sizeof(Place) +
                 lengths_.capacity() * sizeof(Length) + buckets_.capacity() * sizeof(Bucket);
  for (const GramTable& table : tables_) {
    bytes += sizeof(table) + table.filter.capacity() * sizeof(uint64_t) +
             table.begins.capacity() * sizeof(uint32_t) + table.grams.capacity() * sizeof(Gram);
  }
  return bytes;
}

}  // namespace routines
