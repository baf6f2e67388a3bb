#include "src/config/lint_filters.h"

#include <algorithm>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "re2/re2.h"
#include "routines/event.h"

namespace routines::config {
namespace {

using google::protobuf::Value;

bool IsSet(const std::string& field, const std::string& event) {
  const FieldInfo* const info = FindGithubField(event, field);
  return info != nullptr && (info->type == FieldType::kLabels || info->type == FieldType::kPaths);
}

bool IgnoresCase(const std::string& field, const std::string& event) {
  const FieldInfo* const info = FindGithubField(event, field);
  return info != nullptr && (info->type == FieldType::kLogin || info->type == FieldType::kWord ||
                             info->type == FieldType::kLabels);
}

std::string TextOf(const Value& value, bool ignore_case) {
  switch (value.kind_case()) {
    case Value::kStringValue:
      return ignore_case ? absl::AsciiStrToLower(value.string_value()) : value.string_value();
    case Value::kBoolValue:
      return value.bool_value() ? "true" : "false";
    case Value::kNumberValue:
      return absl::StrCat(value.number_value());
    default:
      return "";
  }
}

std::vector<std::string> ValuesOf(const v1::Condition& condition, bool ignore_case) {
  std::vector<std::string> values;
  for (const Value& value : condition.values()) values.push_back(TextOf(value, ignore_case));
  if (condition.has_value()) values.push_back(TextOf(condition.value(), ignore_case));
  return values;
}

// Whether a single `text` fulfils the condition; nothing where this cannot be told from the text.
std::optional<bool> Holds(const v1::Condition& condition, const std::string& text,
                          bool ignore_case) {
  const std::vector<std::string> values = ValuesOf(condition, ignore_case);
  if (values.empty()) return std::nullopt;
  const bool among = std::find(values.begin(), values.end(), text) != values.end();
  switch (condition.operator_()) {
    case v1::OPERATOR_EQUALS:
    case v1::OPERATOR_IS_ONE_OF:
      return among;
    case v1::OPERATOR_NOT_EQUALS:
    case v1::OPERATOR_IS_NOT_ONE_OF:
      return !among;
    case v1::OPERATOR_CONTAINS:
      return absl::StrContains(text, values[0]);
    case v1::OPERATOR_NOT_CONTAINS:
      return !absl::StrContains(text, values[0]);
    case v1::OPERATOR_STARTS_WITH:
      return absl::StartsWith(text, values[0]);
    case v1::OPERATOR_ENDS_WITH:
      return absl::EndsWith(text, values[0]);
    case v1::OPERATOR_MATCHES_REGEX: {
      RE2::Options options;
      options.set_log_errors(false);
      options.set_case_sensitive(!ignore_case);
      const RE2 pattern(condition.value().string_value(), options);
      return pattern.ok() ? std::optional<bool>(RE2::FullMatch(text, pattern)) : std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

bool NamesValues(const v1::Condition& condition) {
  return condition.operator_() == v1::OPERATOR_EQUALS ||
         condition.operator_() == v1::OPERATOR_IS_ONE_OF;
}

// Two of a pair that no value has both: each of the values that one names fails the other, or they
// ask for different beginnings or ends.
bool Contradict(const v1::Condition& a, const v1::Condition& b, bool ignore_case) {
  if (NamesValues(a)) {
    const std::vector<std::string> values = ValuesOf(a, ignore_case);
    return !values.empty() &&
           std::all_of(values.begin(), values.end(), [&](const std::string& value) {
             return !Holds(b, value, ignore_case).value_or(true);
           });
  }
  if (NamesValues(b)) return Contradict(b, a, ignore_case);
  if (a.operator_() != b.operator_()) return false;
  const std::string x = TextOf(a.value(), ignore_case), y = TextOf(b.value(), ignore_case);
  if (a.operator_() == v1::OPERATOR_STARTS_WITH) {
    return !absl::StartsWith(x, y) && !absl::StartsWith(y, x);
  }
  if (a.operator_() == v1::OPERATOR_ENDS_WITH)
    return !absl::EndsWith(x, y) && !absl::EndsWith(y, x);
  return false;
}

// The same values in both: what one asks for the other excludes, on a set too.
bool Excludes(const v1::Condition& a, const v1::Condition& b, bool ignore_case) {
  const bool negative =
      b.operator_() == v1::OPERATOR_NOT_EQUALS || b.operator_() == v1::OPERATOR_IS_NOT_ONE_OF;
  return NamesValues(a) && negative && Contradict(a, b, ignore_case);
}

void LintRegex(const v1::Condition& condition, const std::string& path,
               std::vector<Finding>& findings) {
  if (condition.operator_() != v1::OPERATOR_MATCHES_REGEX) return;
  const std::string& pattern = condition.value().string_value();
  const bool plain = pattern.find_first_of("\\.+*?()|[]{}^$") == pattern.npos;
  const bool free_text = condition.field() == "title" || condition.field() == "body";
  const bool open = absl::StrContains(pattern, ".*") || absl::StrContains(pattern, ".+") ||
                    absl::StartsWith(pattern, "^") || absl::EndsWith(pattern, "$");
  if (plain) {
    findings.push_back(
        {path, absl::StrCat("matches_regex \"", pattern, "\" has no pattern in it and matches the ",
                            "whole value only; write contains, or equals, to say which is meant")});
  } else if (free_text && !open) {
    findings.push_back(
        {path, absl::StrCat("matches_regex must match the whole ", condition.field(), ", and \"",
                            pattern, "\" reads as if it were searched for in it; write \"(?s).*",
                            pattern, ".*\"")});
  }
}

}  // namespace

std::vector<Finding> LintFilters(const google::protobuf::RepeatedPtrField<v1::Condition>& filters,
                                 const std::string& event) {
  std::vector<Finding> findings;
  for (int i = 0; i < filters.size(); ++i) {
    const v1::Condition& condition = filters[i];
    const std::string path = absl::StrCat("[", i, "]");
    LintRegex(condition, path, findings);
    for (int k = 0; k < condition.any_of_size(); ++k) {
      LintRegex(condition.any_of(k), absl::StrCat(path, ".any_of[", k, "]"), findings);
    }
    for (int j = 0; j < i && condition.any_of().empty(); ++j) {
      if (filters[j].field() != condition.field() || !filters[j].any_of().empty()) continue;
      const bool ignore_case = IgnoresCase(condition.field(), event);
      // Different elements of a set may fulfil different conditions, and a pointer may name one.
      const bool set = IsSet(condition.field(), event) || absl::StartsWith(condition.field(), "/");
      const bool never = set ? Excludes(condition, filters[j], ignore_case) ||
                                   Excludes(filters[j], condition, ignore_case)
                             : Contradict(condition, filters[j], ignore_case);
      if (!never) continue;
      findings.push_back({path, absl::StrCat("can never hold together with filters[", j,
                                             "]: both look at ", condition.field(),
                                             ", and no value fulfils the two; put them into any_of "
                                             "where either will do")});
      break;
    }
  }
  return findings;
}

}  // namespace routines::config
