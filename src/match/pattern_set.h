// Which of many texts does a given text contain, or begin or end with?
//
// The texts are a trie, its nodes numbered level by level, so that the children of a node stand
// side by side. Beginnings and ends are one walk down. To find what is contained, there are two
// ways:
//
//   - From every position whose next bytes, eight or four, begin one of the texts (a small filter
//     tells most positions apart) compare those that do. On ordinary texts that is nearly nothing.
//     A set whose texts are all of eight bytes or more takes eight: keep shorter ones apart.
//   - Where that turns out to be much, as on a text made for it: the Aho-Corasick automaton, which
//     looks at each byte once or twice whatever the texts are. Of those that end at a byte it
//     reports a chain, and stops where it met the chain before.
//
// So the time is linear in the text and in what is found, for all sets and texts.
//
// Immutable once built; any number of threads, each with a scratch of its own.
#ifndef ROUTINES_SRC_MATCH_PATTERN_SET_H_
#define ROUTINES_SRC_MATCH_PATTERN_SET_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "src/match/index_hash.h"

namespace routines {

class PatternSet {
 public:
  enum class Use { kPrefixes, kSuffixes, kContained };

  struct Text {
    std::string_view bytes;  // not empty; must outlive the set
    uint32_t id;             // reported where it is found
  };

  // One reader's memory.
  struct Scratch {
    std::vector<uint32_t> seen;  // per text: the search that found it last
    uint32_t search = 0;
  };

  static constexpr size_t kLong = 8;  // bytes of a text that had better be with others as long

  // `texts` are distinct.
  PatternSet(Use use, std::vector<Text> texts);

  // Appends the ids of those texts that `text` begins with, ends with or contains, each once.
  void Find(std::string_view text, Scratch& scratch, std::vector<uint32_t>& ids) const;

  size_t bytes() const;  // of memory

 private:
  static constexpr uint32_t kNone = ~uint32_t{0};
  static constexpr uint32_t kRoot = 0;

  struct Node {
    uint32_t first_child = 0;  // one past the last: first_child of the next node
    uint32_t text = kNone;     // that ends here
  };
  // Of the automaton, by node.
  struct Links {
    uint32_t fail = kRoot;    // the longest proper suffix that is a node
    uint32_t report = kNone;  // the longest suffix, this node too, where a text ends
  };
  // The texts that begin with the same bytes.
  struct Gram {
    uint64_t bytes = 0;
    uint32_t begin = 0, end = 0;  // in texts_; empty: an unused place
    uint32_t node = 0;
  };

  void BuildTrie();
  void BuildLinks();
  void BuildGrams();

  uint32_t Child(uint32_t node, unsigned char label) const;
  uint32_t Step(uint32_t node, unsigned char label) const;  // of the automaton
  void WalkDown(std::string_view text, std::vector<uint32_t>& ids) const;
  void WalkUp(std::string_view text, std::vector<uint32_t>& ids) const;
  void RunAutomaton(std::string_view text, Scratch& scratch, std::vector<uint32_t>& ids) const;
  template <size_t kWidth>
  bool CompareAtGrams(std::string_view text, Scratch& scratch, std::vector<uint32_t>& ids) const;
  size_t CompareAt(std::string_view rest, const Gram& gram, Scratch& scratch,
                   std::vector<uint32_t>& ids) const;
  void FindShort(std::string_view rest, Scratch& scratch, std::vector<uint32_t>& ids) const;
  void Report(uint32_t text, Scratch& scratch, std::vector<uint32_t>& ids) const;
  const Gram* FindGram(uint64_t bytes, uint32_t hash) const;

  uint64_t GramOf(const char* bytes) const {
    return gram_ == kLong ? LoadWord(bytes) : LoadHalfWord(bytes);
  }
  static uint32_t HashGram(uint64_t bytes) {
    return static_cast<uint32_t>((bytes ^ bytes >> 29) * 0x9e3779b97f4a7c15 >> 32);
  }

  const Use use_;
  std::vector<Text> texts_;  // sorted by bytes
  std::vector<Node> nodes_;  // and one more at the end
  std::vector<unsigned char> labels_;
  std::array<uint32_t, 256> root_children_;

  std::vector<Links> links_;
  size_t gram_ = 4;               // bytes of one: 8 or 4
  std::vector<Gram> grams_;       // hashed; a power of two
  std::vector<uint64_t> filter_;  // a bit per hash of a gram
  int gram_shift_ = 0, filter_shift_ = 0;
  bool has_short_ = false;  // texts of less than four bytes
};

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_PATTERN_SET_H_
