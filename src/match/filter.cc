#include "src/match/filter.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace routines {
namespace {

using Test = CompiledCondition::Test;

absl::string_view View(std::string_view text) {
  return {text.data(), text.size()};
}

bool TextHolds(const CompiledCondition& condition, const std::string& value) {
  if (condition.test == Test::kRegex) {  // it ignores case itself where that is wanted
    return value.size() <= kMaxRegexValueBytes &&
           RE2::FullMatch(re2::StringPiece(value.data(), value.size()), *condition.regex);
  }
  if (condition.test == Test::kGlob) return condition.glob->Matches(value);
  const std::string& wanted = condition.text;
  const std::string text = condition.ignore_case ? absl::AsciiStrToLower(value) : value;
  switch (condition.test) {
    case Test::kContains:
      return absl::StrContains(View(text), View(wanted));
    case Test::kStartsWith:
      return absl::StartsWith(View(text), View(wanted));
    case Test::kEndsWith:
      return absl::EndsWith(View(text), View(wanted));
    default:
      return false;
  }
}

// An absent value is the empty text beside a text, and equal to null.
bool EqualsOperand(const ScalarValue& value, const ScalarValue& operand, bool ignore_case) {
  const bool absent = std::holds_alternative<std::monostate>(value);
  if (const auto* text = std::get_if<std::string>(&operand)) {
    if (absent) return text->empty();
    const auto* own = std::get_if<std::string>(&value);
    if (own == nullptr) return false;
    return ignore_case ? absl::AsciiStrToLower(*own) == *text : *own == *text;
  }
  return value == operand;
}

bool ScalarHolds(const CompiledCondition& condition, const ScalarValue& value) {
  if (condition.test == Test::kEqualsAny) {
    return std::any_of(condition.operands.begin(), condition.operands.end(),
                       [&](const ScalarValue& operand) {
                         return EqualsOperand(value, operand, condition.ignore_case);
                       });
  }
  if (const auto* text = std::get_if<std::string>(&value)) return TextHolds(condition, *text);
  return std::holds_alternative<std::monostate>(value) && TextHolds(condition, "");
}

bool TestHolds(const CompiledCondition& condition, const FieldValue& value) {
  if (const auto* list = std::get_if<std::vector<ScalarValue>>(&value)) {
    return std::any_of(list->begin(), list->end(),
                       [&](const ScalarValue& element) { return ScalarHolds(condition, element); });
  }
  if (const auto* text = std::get_if<std::string>(&value)) return ScalarHolds(condition, *text);
  if (const auto* number = std::get_if<double>(&value)) return ScalarHolds(condition, *number);
  if (const auto* flag = std::get_if<bool>(&value)) return ScalarHolds(condition, *flag);
  return ScalarHolds(condition, std::monostate());
}

}  // namespace

bool HoldsOn(const CompiledCondition& condition, const FieldValue& value, bool exists) {
  const bool holds = condition.test == Test::kExists ? exists : TestHolds(condition, value);
  return holds != condition.negated;
}

bool RepositoryMatches(std::string_view pattern, std::string_view name) {
  if (pattern.size() < 2 || pattern.substr(pattern.size() - 2) != "/*") {
    return absl::EqualsIgnoreCase(View(pattern), View(name));
  }
  if (pattern == "*/*") {
    const size_t slash = name.rfind('/');
    return slash != name.npos && slash + 1 < name.size();
  }
  const std::string_view owner = pattern.substr(0, pattern.size() - 1);
  return name.size() > owner.size() && absl::StartsWithIgnoreCase(View(name), View(owner)) &&
         name.find('/', owner.size()) == name.npos;
}

std::string_view OperatorWord(v1::Operator op) {
  switch (op) {
    case v1::OPERATOR_EQUALS:
      return "equals";
    case v1::OPERATOR_NOT_EQUALS:
      return "not_equals";
    case v1::OPERATOR_CONTAINS:
      return "contains";
    case v1::OPERATOR_NOT_CONTAINS:
      return "not_contains";
    case v1::OPERATOR_STARTS_WITH:
      return "starts_with";
    case v1::OPERATOR_ENDS_WITH:
      return "ends_with";
    case v1::OPERATOR_IS_ONE_OF:
      return "is_one_of";
    case v1::OPERATOR_IS_NOT_ONE_OF:
      return "is_not_one_of";
    case v1::OPERATOR_MATCHES_REGEX:
      return "matches_regex";
    case v1::OPERATOR_MATCHES_GLOB:
      return "matches_glob";
    case v1::OPERATOR_EXISTS:
      return "exists";
    default:
      return "";
  }
}

std::unique_ptr<const RE2> CompileRegex(std::string_view pattern, bool ignore_case) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kRegexMemoryBytes);
  options.set_never_capture(true);
  options.set_case_sensitive(!ignore_case);
  return std::make_unique<const RE2>(re2::StringPiece(pattern.data(), pattern.size()), options);
}

bool IsPointer(std::string_view field) {
  return !field.empty() && field[0] == '/';
}

bool IgnoresCase(FieldType type) {
  return type == FieldType::kLogin || type == FieldType::kWord || type == FieldType::kLabels;
}

}  // namespace routines
