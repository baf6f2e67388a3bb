#include "src/match/pattern_set.h"

#include <algorithm>
#include <utility>

namespace routines {

PatternSet::PatternSet(Use use, std::vector<Text> texts) : use_(use), texts_(std::move(texts)) {
  root_children_.fill(kNone);
  if (use_ == Use::kSuffixes) {
    // Sorted from behind: the trie is of the texts reversed.
    std::sort(texts_.begin(), texts_.end(), [](const Text& a, const Text& b) {
      return std::lexicographical_compare(a.bytes.rbegin(), a.bytes.rend(), b.bytes.rbegin(),
                                          b.bytes.rend(),
                                          [](unsigned char x, unsigned char y) { return x < y; });
    });
  } else {
    std::sort(texts_.begin(), texts_.end(),
              [](const Text& a, const Text& b) { return a.bytes < b.bytes; });
  }
  BuildTrie();
}

// Level by level: a queue of ranges of the sorted texts that have the node's bytes in common.
void PatternSet::BuildTrie() {
  struct Range {
    uint32_t begin, end;
  };
  const auto byte_at = [&](uint32_t text, size_t depth) {
    const std::string_view bytes = texts_[text].bytes;
    const size_t at = use_ == Use::kSuffixes ? bytes.size() - 1 - depth : depth;
    return static_cast<unsigned char>(bytes[at]);
  };
  std::vector<Range> level = {{0, static_cast<uint32_t>(texts_.size())}}, next;
  labels_.push_back(0);
  for (size_t depth = 0; !level.empty(); ++depth) {
    next.clear();
    for (Range range : level) {
      Node node;
      if (range.begin < range.end && texts_[range.begin].bytes.size() == depth) {
        node.text = range.begin++;
      }
      node.first_child = static_cast<uint32_t>(labels_.size());
      for (uint32_t i = range.begin; i < range.end;) {
        const unsigned char label = byte_at(i, depth);
        const uint32_t begin = i;
        while (i < range.end && byte_at(i, depth) == label) ++i;
        if (depth == 0) root_children_[label] = static_cast<uint32_t>(labels_.size());
        labels_.push_back(label);
        next.push_back({begin, i});
      }
      nodes_.push_back(node);
    }
    level.swap(next);
  }
  nodes_.push_back({.first_child = static_cast<uint32_t>(labels_.size())});
}

uint32_t PatternSet::Child(uint32_t node, unsigned char label) const {
  if (node == kRoot) return root_children_[label];
  uint32_t begin = nodes_[node].first_child;
  uint32_t end = nodes_[node + 1].first_child;
  while (end - begin > 8) {
    const uint32_t middle = begin + (end - begin) / 2;
    if (labels_[middle] <= label) {
      begin = middle;
    } else {
      end = middle;
    }
  }
  for (; begin < end; ++begin) {
    if (labels_[begin] == label) return begin;
  }
  return kNone;
}

// ---- finding ----

void PatternSet::Find(std::string_view text, std::vector<uint32_t>& ids) const {
  if (use_ == Use::kPrefixes) return WalkDown(text, ids);
  WalkUp(text, ids);
}

void PatternSet::WalkDown(std::string_view text, std::vector<uint32_t>& ids) const {
  uint32_t node = kRoot;
  for (const char c : text) {
    node = Child(node, static_cast<unsigned char>(c));
    if (node == kNone) return;
    if (nodes_[node].text != kNone) ids.push_back(texts_[nodes_[node].text].id);
  }
}

void PatternSet::WalkUp(std::string_view text, std::vector<uint32_t>& ids) const {
  uint32_t node = kRoot;
  for (size_t i = text.size(); i-- > 0;) {
    node = Child(node, static_cast<unsigned char>(text[i]));
    if (node == kNone) return;
    if (nodes_[node].text != kNone) ids.push_back(texts_[nodes_[node].text].id);
  }
}

size_t PatternSet::bytes() const {
  return texts_.capacity() * sizeof(Text) + nodes_.capacity() * sizeof(Node) + labels_.capacity() +
         sizeof(*this);
}

}  // namespace routines
