#include "src/match/index_pattern.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace routines {
namespace {

using Test = CompiledCondition::Test;

}  // namespace

bool Pattern::Matches(const Scalar& scalar) const {
  const std::string_view text = scalar.raw;
  if (glob.has_value()) return glob->Matches(text);
  return text.size() <= kMaxRegexValueBytes &&
         RE2::FullMatch(re2::StringPiece(text.data(), text.size()), *regex);
}

RequiredTexts RequiredTextsOf(const CompiledCondition& condition) {
  if (condition.test == Test::kGlob) {
    return {.prefix = std::string(condition.glob->prefix()),
            .suffix = std::string(condition.glob->suffix())};
  }
  return {.infix = RequiredLiteral(condition.text, condition.ignore_case)};
}

std::shared_ptr<const Pattern> PatternTable::Get(const CompiledCondition& condition) {
  if (patterns_.size() >= drop_at_) DropUnused();
  std::string key = absl::StrCat(condition.test == Test::kRegex ? "r" : "g",
                                 condition.ignore_case ? "i" : "c", condition.text);
  std::weak_ptr<const Pattern>& known = patterns_[std::move(key)];
  std::shared_ptr<const Pattern> pattern = known.lock();
  if (pattern == nullptr) {
    pattern =
        std::make_shared<const Pattern>(Pattern{.regex = condition.regex, .glob = condition.glob});
    known = pattern;
  }
  return pattern;
}

// Each time the table has doubled: that costs as much as the additions did.
void PatternTable::DropUnused() {
  for (auto it = patterns_.begin(); it != patterns_.end();) {
    if (it->second.expired()) {
      patterns_.erase(it++);
    } else {
      ++it;
    }
  }
  drop_at_ = 2 * patterns_.size() + 1024;
}

}  // namespace routines
