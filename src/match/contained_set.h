// Which of many texts does a given text contain?
//
// There are two ways:
//
//   - By grams. At every position the next 1, 2, 3, 4 or 8 bytes, whichever widths the texts have,
//     are looked up in a filter of a few bits per text, which tells most positions apart; where
//     they may begin a text, those that begin so are compared. On ordinary texts that is nearly
//     nothing.
//   - By lengths. Where comparing turns out to be much, as on a text made for it: the longest of
//   the
//     texts that stands at a position is looked for by a binary search over the lengths that the
//     texts have. A table holds the hash of each text, and of those of its beginnings where the
//     search must turn towards longer ones. A step is one look into that table, whatever the texts
//     are, and steps of different positions do not wait for one another, so that a table that is
//     larger than a cache costs little.
//
// Where a text stands, all that are its beginnings stand, too. Texts are ordered so that those are
// few runs of neighbours (the larger part of what continues a text follows it), and what is found
// is noted as bits, a run at a time: finding all of 100,000 costs no more than finding few.
//
// Every answer is checked against the bytes; hashes decide where to look, never what is true.
//
// Immutable once built; any number of threads, each with a scratch of its own.
#ifndef ROUTINES_SRC_MATCH_CONTAINED_SET_H_
#define ROUTINES_SRC_MATCH_CONTAINED_SET_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/types/span.h"

namespace routines {

class ContainedSet {
 public:
  struct Text {
    std::string_view bytes;  // not empty; must outlive the set
    uint32_t id;
  };

  // One reader's memory.
  struct Scratch {
    std::vector<uint64_t> found;   // a bit per text, by its number
    std::vector<uint64_t> hashes;  // of the beginnings of the text that is searched
  };

  // Tests make hashes collide with it.
  struct Tuning {
    uint32_t tags = ~0u;  // bits of a hash that the table keeps
  };

  // `texts` are distinct.
  explicit ContainedSet(std::vector<Text> texts) : ContainedSet(std::move(texts), Tuning()) {}
  ContainedSet(std::vector<Text> texts, const Tuning& tuning);

  // Texts are numbered as the set likes; ids are what they were given.
  uint32_t size() const { return static_cast<uint32_t>(places_.size()); }
  uint32_t id(uint32_t number) const { return places_[number].id; }

  // Forgets what was found, then adds what `text` contains.
  void Clear(Scratch& scratch) const { scratch.found.assign((size() + 63) / 64, 0); }
  void Find(std::string_view text, Scratch& scratch) const;

  size_t bytes() const;  // of memory

 private:
  static constexpr uint32_t kNone = ~uint32_t{0};
  static constexpr uint32_t kNoTag = 2;
  // Where in a text the gram is that it is looked for by.
  static constexpr uint32_t kMostOffset = 15, kAtEnd = 255;
  static constexpr size_t kBatch = 32;  // positions whose searches go on side by side
  // A claim of more bytes than this is checked on account: see FindByLengths.
  static constexpr size_t kLong = 512;

  class Words;
  // A text, by number. Texts that begin it are those from `head` up to it, then those from the head
  // of `up` up to `up`, and so on.
  struct Place {
    const char* at;
    uint32_t size;
    uint32_t id;
    uint32_t head;
    uint32_t up;  // kNone: no more
  };
  struct Gram {
    uint64_t first = 0, last = 0;  // eight bytes at either end; of a shorter text, all of it
    uint32_t size : 24 = 0;
    uint32_t offset : 8 = 0;
    uint32_t number = 0;
  };
  // The texts of `width` bytes or more, but less than the next table's.
  struct GramTable {
    size_t width = 0;
    uint64_t mask = 0;  // of a word: its first `width` bytes
    int filter_shift = 0, bucket_shift = 0;
    std::vector<uint64_t> filter;  // a bit per hash of a gram
    std::vector<uint32_t> begins;  // in grams, by hash; and one more
    std::vector<Gram> grams;
  };
  struct Length {
    uint32_t size;
    uint64_t power;  // of the hash's base
  };
  // One line of a cache. Tags in use are odd and come first; a free one is 0.
  struct alignas(64) Bucket {
    static constexpr size_t kSize = 8;
    uint32_t tags[kSize] = {};
    uint32_t numbers[kSize] = {};  // the first text, in the order of bytes, that begins so
  };
  // What one step of a search by lengths looks up.
  struct Key {
    uint32_t bucket;
    uint32_t tag;
  };
  // A search by lengths at one position: which length is next, and the longest that was there.
  struct Search {
    uint32_t next = 0;
    uint32_t number = kNone;
  };

  void Number(std::vector<Text> texts, std::vector<uint32_t>& sorted);
  void BuildGrams();
  std::vector<uint32_t> ChooseGrams(size_t width, std::vector<Gram>& grams) const;
  void AddGramTable(size_t width, std::vector<Gram> grams);
  void BuildLengths(const std::vector<uint32_t>& sorted);
  void InsertBeginning(uint32_t number, uint64_t hash);

  static uint32_t BucketOf(const GramTable& table, uint64_t word);
  static void PrefetchGrams(const GramTable& table, std::string_view text,
                            absl::Span<const uint8_t> positions);
  bool FindByGrams(const GramTable& table, std::string_view text, size_t& budget,
                   Scratch& scratch) const;
  bool CompareAt(const GramTable& table, const Words& words, size_t at, size_t& budget,
                 Scratch& scratch) const;
  void FindByLengths(std::string_view text, Scratch& scratch) const;
  void FindLongOnes(std::string_view text, Scratch& scratch) const;
  void Step(const uint64_t* hashes, size_t left, uint32_t step, size_t longest,
            absl::Span<Search> searches) const;
  uint32_t SearchSlowly(std::string_view rest, const uint64_t* hashes, uint32_t& size) const;
  Key KeyOf(uint64_t hash) const;
  uint32_t LookUp(Key key) const;
  bool Begins(std::string_view rest, uint32_t number, uint32_t size) const;
  void Note(uint32_t number, Scratch& scratch) const;
  void NoteBeginnings(uint32_t number, uint32_t size, Scratch& scratch) const;
  uint32_t Parent(uint32_t number) const {
    return places_[number].head == number ? places_[number].up : number - 1;
  }

  Tuning tuning_;
  std::vector<Place> places_;
  std::vector<GramTable> tables_;
  std::vector<Length> lengths_;  // distinct, ascending; one less than a power of two
  std::vector<Bucket> buckets_;
};

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_CONTAINED_SET_H_
