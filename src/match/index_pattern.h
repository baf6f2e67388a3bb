// Regular expressions and globs of live triggers: compiled once however many triggers have them,
// and what of them an index can use.
//
// Thread-safety: a PatternTable is used under its owner's lock; Patterns are immutable.
#ifndef ROUTINES_SRC_MATCH_INDEX_PATTERN_H_
#define ROUTINES_SRC_MATCH_INDEX_PATTERN_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "src/match/filter.h"
#include "src/match/index_values.h"

namespace routines {

struct Pattern {
  std::shared_ptr<const RE2> regex;  // or
  std::optional<Glob> glob;

  // `scalar` is a text, or absent.
  bool Matches(const Scalar& scalar) const;
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
  std::shared_ptr<const Pattern> Get(const CompiledCondition& condition);

 private:
  void DropUnused();

  absl::flat_hash_map<std::string, std::weak_ptr<const Pattern>> patterns_;
  size_t drop_at_ = 1024;
};

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_INDEX_PATTERN_H_
