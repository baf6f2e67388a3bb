#include "src/match/index_pattern.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace routines {
namespace {

using Test = CompiledCondition::Test;

}  // namespace

Pattern::Pattern(const CompiledCondition& condition, std::string key)
    : key_(std::move(key)),
      glob_(condition.glob.has_value() ? std::make_unique<const Glob>(*condition.glob) : nullptr) {}

Pattern::~Pattern() {
  delete regex_.load(std::memory_order_acquire);
}

// Of readers that come here at the same time, each compiles it, and the first one's stays.
const RE2& Pattern::Regex() const {
  const RE2* known = regex_.load(std::memory_order_acquire);
  if (known != nullptr) return *known;
  std::unique_ptr<const RE2> made = CompileRegex(text(), key_[1] == 'i');
  if (regex_.compare_exchange_strong(known, made.get(), std::memory_order_acq_rel)) {
    return *made.release();
  }
  return *known;
}

bool Pattern::Matches(const Scalar& scalar) const {
  const std::string_view text = scalar.raw;
  if (glob_ != nullptr) return glob_->Matches(text);
  if (text.size() > kMaxRegexValueBytes) return false;
  return RE2::FullMatch(re2::StringPiece(text.data(), text.size()), Regex());
}

RequiredTexts RequiredTextsOf(const CompiledCondition& condition) {
  if (condition.test == Test::kGlob) {
    return {.prefix = std::string(condition.glob->prefix()),
            .suffix = std::string(condition.glob->suffix())};
  }
  return {.infix = RequiredLiteral(condition.text, condition.ignore_case)};
}

const Pattern* PatternTable::Get(const CompiledCondition& condition) {
  std::string key = absl::StrCat(condition.test == Test::kRegex ? "r" : "g",
                                 condition.ignore_case ? "i" : "c", condition.text);
  Shard& shard = ShardOf(key);
  auto known = shard.find(absl::string_view(key));
  if (known == shard.end()) {
    known = shard.insert(std::make_unique<Pattern>(condition, std::move(key))).first;
  }
  ++(*known)->users_;
  return known->get();
}

std::unique_ptr<const Pattern> PatternTable::Release(const Pattern* pattern) {
  Shard& shard = ShardOf(pattern->key_);
  const auto known = shard.find(absl::string_view(pattern->key_));
  if (--(*known)->users_ > 0) return nullptr;
  auto unused = shard.extract(known);
  return std::move(unused.value());
}

}  // namespace routines
