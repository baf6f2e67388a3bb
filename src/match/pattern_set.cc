#include "src/match/pattern_set.h"

#include <algorithm>
#include <bit>

namespace routines {
namespace {

template <size_t kWidth>
uint64_t LoadGram(const char* bytes) {
  return kWidth == PatternSet::kLong ? LoadWord(bytes) : LoadHalfWord(bytes);
}

}  // namespace

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
  if (use_ == Use::kContained) {
    BuildLinks();
    BuildGrams();
  }
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

uint32_t PatternSet::Step(uint32_t node, unsigned char label) const {
  for (;;) {
    const uint32_t child = Child(node, label);
    if (child != kNone) return child;
    if (node == kRoot) return kRoot;
    node = links_[node].fail;
  }
}

// Parents come before their children, and links go up: everything needed is there.
void PatternSet::BuildLinks() {
  links_.resize(nodes_.size() - 1);
  for (uint32_t node = 0; node + 1 < nodes_.size(); ++node) {
    Links& own = links_[node];
    own.report = nodes_[node].text != kNone ? node : links_[own.fail].report;
    if (node == kRoot) own.report = kNone;
    for (uint32_t child = nodes_[node].first_child; child < nodes_[node + 1].first_child; ++child) {
      links_[child].fail = node == kRoot ? kRoot : Step(own.fail, labels_[child]);
    }
  }
}

void PatternSet::BuildGrams() {
  const bool all_long = std::all_of(texts_.begin(), texts_.end(),
                                    [](const Text& text) { return text.bytes.size() >= kLong; });
  gram_ = all_long ? kLong : kLong / 2;
  std::vector<Gram> grams;
  for (uint32_t i = 0; i < texts_.size();) {
    const std::string_view bytes = texts_[i].bytes;
    if (bytes.size() < gram_) {
      has_short_ = true;
      ++i;
      continue;
    }
    Gram gram{.bytes = GramOf(bytes.data()), .begin = i, .node = kRoot};
    for (size_t k = 0; k < gram_; ++k) gram.node = Child(gram.node, bytes[k]);
    while (i < texts_.size() && texts_[i].bytes.size() >= gram_ &&
           GramOf(texts_[i].bytes.data()) == gram.bytes) {
      ++i;
    }
    gram.end = i;
    grams.push_back(gram);
  }
  const int bits = std::bit_width(2 * grams.size() + 1);
  gram_shift_ = 32 - bits;
  grams_.resize(size_t{1} << bits);
  const int filter_bits = std::min(bits + 3, 22);
  filter_shift_ = 32 - std::max(filter_bits, 6);
  filter_.resize((size_t{1} << (32 - filter_shift_)) / 64);
  for (const Gram& gram : grams) {
    const uint32_t hash = HashGram(gram.bytes);
    filter_[(hash >> filter_shift_) / 64] |= uint64_t{1} << ((hash >> filter_shift_) % 64);
    size_t place = hash >> gram_shift_;
    while (grams_[place].begin != grams_[place].end) place = (place + 1) % grams_.size();
    grams_[place] = gram;
  }
}

const PatternSet::Gram* PatternSet::FindGram(uint64_t bytes, uint32_t hash) const {
  for (size_t place = hash >> gram_shift_;; place = (place + 1) % grams_.size()) {
    const Gram& gram = grams_[place];
    if (gram.begin == gram.end) return nullptr;
    if (gram.bytes == bytes) return &gram;
  }
}

// ---- finding ----

void PatternSet::Find(std::string_view text, Scratch& scratch, std::vector<uint32_t>& ids) const {
  if (use_ == Use::kPrefixes) return WalkDown(text, ids);
  if (use_ == Use::kSuffixes) return WalkUp(text, ids);
  if (scratch.seen.size() < texts_.size()) scratch.seen.resize(texts_.size());
  const size_t before = ids.size();
  if (++scratch.search == 0) {  // once in four thousand million searches
    std::fill(scratch.seen.begin(), scratch.seen.end(), 0);
    scratch.search = 1;
  }
  if (gram_ == kLong ? CompareAtGrams<kLong>(text, scratch, ids)
                     : CompareAtGrams<kLong / 2>(text, scratch, ids)) {
    return;
  }
  ids.resize(before);
  if (++scratch.search == 0) {
    std::fill(scratch.seen.begin(), scratch.seen.end(), 0);
    scratch.search = 1;
  }
  RunAutomaton(text, scratch, ids);
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

inline void PatternSet::Report(uint32_t text, Scratch& scratch, std::vector<uint32_t>& ids) const {
  if (scratch.seen[text] == scratch.search) return;
  scratch.seen[text] = scratch.search;
  ids.push_back(texts_[text].id);
}

// False: it took more steps than the automaton would, and was given up.
template <size_t kWidth>
bool PatternSet::CompareAtGrams(std::string_view text, Scratch& scratch,
                                std::vector<uint32_t>& ids) const {
  size_t budget = 2 * text.size() + 64;
  const char* const data = text.data();
  const size_t grams = text.size() < kWidth ? 0 : text.size() - kWidth + 1;
  // The positions that pass the filter are gathered without a branch, some at a time.
  std::array<uint16_t, 256> passed;
  for (size_t begin = 0; begin < grams; begin += passed.size()) {
    const size_t count = std::min(passed.size(), grams - begin);
    size_t passes = 0;
    for (size_t i = 0; i < count; ++i) {
      const uint32_t bit = HashGram(LoadGram<kWidth>(data + begin + i)) >> filter_shift_;
      passed[passes] = static_cast<uint16_t>(i);
      passes += filter_[bit / 64] >> (bit % 64) & 1;
    }
    for (size_t k = 0; k < passes; ++k) {
      const size_t at = begin + passed[k];
      const uint64_t bytes = LoadGram<kWidth>(data + at);
      const Gram* const gram = FindGram(bytes, HashGram(bytes));
      if (gram == nullptr) continue;
      const size_t steps = CompareAt(text.substr(at), *gram, scratch, ids);
      if (steps > budget) return false;
      budget -= steps;
    }
  }
  if (has_short_) {
    for (size_t i = 0; i < text.size(); ++i) {
      if (root_children_[static_cast<unsigned char>(data[i])] != kNone) {
        FindShort(text.substr(i), scratch, ids);
      }
    }
  }
  return true;
}

// What begins with `gram` at the beginning of `rest`. Returns how many steps it took.
size_t PatternSet::CompareAt(std::string_view rest, const Gram& gram, Scratch& scratch,
                             std::vector<uint32_t>& ids) const {
  constexpr uint32_t kFew = 4;
  size_t steps = 1;
  if (gram.end - gram.begin <= kFew) {
    for (uint32_t i = gram.begin; i < gram.end; ++i) {
      const std::string_view wanted = texts_[i].bytes;
      steps += 1 + wanted.size() / 16;
      if (wanted.size() > rest.size()) continue;
      size_t same = gram_;  // most differ at once: a call would cost more
      while (same < wanted.size() && wanted[same] == rest[same]) ++same;
      if (same == wanted.size()) Report(i, scratch, ids);
    }
    return steps;
  }
  uint32_t node = gram.node;
  for (size_t i = gram_;; ++i, ++steps) {
    if (nodes_[node].text != kNone) Report(nodes_[node].text, scratch, ids);
    if (i == rest.size()) return steps;
    node = Child(node, static_cast<unsigned char>(rest[i]));
    if (node == kNone) return steps;
  }
}

void PatternSet::FindShort(std::string_view rest, Scratch& scratch,
                           std::vector<uint32_t>& ids) const {
  uint32_t node = kRoot;
  for (size_t i = 0; i + 1 < gram_ && i < rest.size(); ++i) {
    node = Child(node, static_cast<unsigned char>(rest[i]));
    if (node == kNone) return;
    if (nodes_[node].text != kNone) Report(nodes_[node].text, scratch, ids);
  }
}

void PatternSet::RunAutomaton(std::string_view text, Scratch& scratch,
                              std::vector<uint32_t>& ids) const {
  uint32_t node = kRoot;
  for (const char c : text) {
    node = Step(node, static_cast<unsigned char>(c));
    uint32_t end = links_[node].report;
    while (end != kNone) {
      const uint32_t found = nodes_[end].text;
      // Whoever was here went the rest of the chain, too.
      if (scratch.seen[found] == scratch.search) break;
      Report(found, scratch, ids);
      end = links_[links_[end].fail].report;
    }
  }
}

size_t PatternSet::bytes() const {
  return texts_.capacity() * sizeof(Text) + nodes_.capacity() * sizeof(Node) + labels_.capacity() +
         links_.capacity() * sizeof(Links) + grams_.capacity() * sizeof(Gram) +
         filter_.capacity() * sizeof(uint64_t) + sizeof(*this);
}

}  // namespace routines
