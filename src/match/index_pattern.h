// Regular expressions and globs of live triggers: kept once however many triggers have them, and
// what of them an index can use.
//
// A regular expression that is plainly one (regex_plain.h) is compiled when an event first needs
// it, by the reader that does: of a large set, few ever are.
//
// Thread-safety: a PatternTable is used under its owner's lock; any number of threads may match.
#ifndef ROUTINES_SRC_MATCH_INDEX_PATTERN_H_
#define ROUTINES_SRC_MATCH_INDEX_PATTERN_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"
#include "src/match/filter.h"
#include "src/match/index_values.h"

namespace routines {

class Pattern {
 public:
  Pattern(const CompiledCondition& condition, std::string key);
  ~Pattern();
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;

  // `scalar` is a text, or absent.
  bool Matches(const Scalar& scalar) const;

 private:
  friend class PatternTable;

  const RE2& Regex() const;
  std::string_view text() const { return std::string_view(key_).substr(2); }

  const std::string key_;  // what it is, whether case is ignored, and its text
  const std::unique_ptr<const Glob> glob_;
  mutable std::atomic<const RE2*> regex_{nullptr};
  uint32_t users_ = 0;  // the table's
};

// Texts that every match has: at the beginning, at the end, somewhere. In lower case where case is
// ignored. Empty: none is known.
struct RequiredTexts {
  std::string prefix, suffix, infix;
};
RequiredTexts RequiredTextsOf(const CompiledCondition& condition);

// The longest text that every match of a regular expression contains, as far as a short look at
// the pattern tells: never wrong, at times empty. docs/matcher.md says which forms it sees.
std::string RequiredLiteral(std::string_view regex, bool ignore_case);

// Hands out one Pattern for all conditions that say the same.
class PatternTable {
 public:
  // The condition's; one more user of it.
  const Pattern* Get(const CompiledCondition& condition);
  // One user less. What nobody uses any more is handed back, for readers may still be at it.
  std::unique_ptr<const Pattern> Release(const Pattern* pattern);

 private:
  static absl::string_view KeyOf(absl::string_view key) { return key; }
  static absl::string_view KeyOf(const std::unique_ptr<Pattern>& pattern) { return pattern->key_; }
  struct Hash {
    using is_transparent = void;
    template <typename T>
    size_t operator()(const T& one) const {
      return absl::HashOf(KeyOf(one));
    }
  };
  struct Same {
    using is_transparent = void;
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return KeyOf(a) == KeyOf(b);
    }
  };
  // Many small tables, so that growing one is a small step.
  static constexpr size_t kShards = 64;
  using Shard = absl::flat_hash_set<std::unique_ptr<Pattern>, Hash, Same>;

  Shard& ShardOf(absl::string_view key) { return shards_[absl::HashOf(key) % kShards]; }

  std::array<Shard, kShards> shards_;  // by key
};

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_INDEX_PATTERN_H_
