// Which of many texts does a given text begin or end with?
//
// One walk down a trie, whose nodes are numbered level by level, so that the children of a node
// stand side by side. (What a text contains: contained_set.h.)
//
// Immutable once built; any number of threads.
#ifndef ROUTINES_SRC_MATCH_PATTERN_SET_H_
#define ROUTINES_SRC_MATCH_PATTERN_SET_H_

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace routines {

class PatternSet {
 public:
  enum class Use { kPrefixes, kSuffixes };

  struct Text {
    std::string_view bytes;  // not empty; must outlive the set
    uint32_t id;             // reported where it is found
  };

  // `texts` are distinct.
  PatternSet(Use use, std::vector<Text> texts);

  // Appends the ids of those texts that `text` begins or ends with.
  void Find(std::string_view text, std::vector<uint32_t>& ids) const;

  size_t bytes() const;  // of memory

 private:
  static constexpr uint32_t kNone = ~uint32_t{0};
  static constexpr uint32_t kRoot = 0;

  struct Node {
    uint32_t first_child = 0;  // one past the last: first_child of the next node
    uint32_t text = kNone;     // that ends here
  };

  void BuildTrie();
  uint32_t Child(uint32_t node, unsigned char label) const;
  void WalkDown(std::string_view text, std::vector<uint32_t>& ids) const;
  void WalkUp(std::string_view text, std::vector<uint32_t>& ids) const;

  const Use use_;
  std::vector<Text> texts_;  // sorted by bytes
  std::vector<Node> nodes_;  // and one more at the end
  std::vector<unsigned char> labels_;
  std::array<uint32_t, 256> root_children_;
};

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_PATTERN_SET_H_
