// RandomSets: conditions, triggers and routines near an event.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "re2/re2.h"
#include "routines/filter.h"
#include "tests/unit/match/random_sets.h"

namespace routines {
namespace {

FieldValue ValueAt(const RandomEvent& event, const std::string& field) {
  auto value = ReadField(event.view(), field);
  return value.ok() ? *std::move(value) : FieldValue();
}

}  // namespace

std::string RandomSets::FieldNear(const RandomEvent& event) {
  if (OneIn(4) && !event.pointers.empty()) {
    const std::string pointer = event.pointers[Below(static_cast<uint32_t>(event.pointers.size()))];
    return OneIn(6) ? pointer + Pick({"/0", "/-", "/01", "/a", "/", "x", "/~0", "/1"}) : pointer;
  }
  if (event.source != "github") {
    return Pick({"title", "service", "Any Name", "é", "author", "missing", "/a", "/list/0"});
  }
  std::vector<std::string_view> fields;
  for (const FieldInfo& info : GithubFields()) {
    if (info.event == event.type) fields.push_back(info.field);
  }
  return std::string(fields[Below(static_cast<uint32_t>(fields.size()))]);
}

std::string RandomSets::Regex(const std::string& near) {
  const std::string part = RE2::QuoteMeta(Part(near, false, false));
  switch (Below(10)) {
    case 0:
      return ".*" + part + ".*";
    case 1:
      return RE2::QuoteMeta(Part(near, true, false)) + "(?s:.*)";
    case 2:
      return "(?s:.*)" + part + "(?s:.*)";
    case 3:
      return "(?i)" + OtherCase(absl::StrCat("(?s:.*)", RE2::QuoteMeta(near)));
    case 4:
      return "(fix|feat|docs|wip).*";
    case 5:
      return "(" + part + "|[a-z]+)\\W?.*";
    case 6:
      return Pick({"", ".*", "[^a]*", "\\w*", "(?s).{0,40}", ".*\\d.*", "a*b?", "^main$", "\\pL+.*",
                   "(?-i:wip)|(?-i:WIP)", "(a*)*", ".*[Kk].*", "[[:upper:]].*", "x|", "\\Aé\\z"});
    case 7:
      return "(?:.*" + part + "){1,2}";
    default:
      return RE2::QuoteMeta(near);
  }
}

std::string RandomSets::GlobPattern(const std::string& near) {
  std::string pattern;
  const std::vector<size_t> boundaries = CharacterBoundaries(near);
  for (size_t i = 0; i + 1 < boundaries.size() && pattern.size() < 400; ++i) {
    const std::string character = near.substr(boundaries[i], boundaries[i + 1] - boundaries[i]);
    if (OneIn(8)) {
      pattern += Pick({"*", "**", "?"});
      if (OneIn(2)) i += Below(6);
    } else {
      if (character == "*" || character == "?" || character == "\\" || OneIn(30)) pattern += '\\';
      pattern += character;
    }
  }
  return OneIn(3) ? pattern + Pick({"*", "**"}) : pattern;
}

void RandomSets::FillScalar(const FieldValue& near, google::protobuf::Value& value) {
  if (OneIn(10)) {
    value.set_null_value(google::protobuf::NULL_VALUE);
  } else if (const auto* flag = std::get_if<bool>(&near)) {
    value.set_bool_value(OneIn(3) ? !*flag : *flag);
  } else if (const auto* number = std::get_if<double>(&near); number != nullptr && !OneIn(4)) {
    value.set_number_value(OneIn(4) ? *number + 1 : *number);
  } else if (const auto* text = std::get_if<std::string>(&near)) {
    value.set_string_value(Near(*text));
  } else if (OneIn(6)) {
    value.set_number_value(Below(7));
  } else if (OneIn(4)) {
    value.set_bool_value(OneIn(2));
  } else {
    value.set_string_value(Near(""));
  }
}

void RandomSets::FillOperand(const std::string& near, v1::Operator op, v1::Condition& condition) {
  std::string operand;
  switch (op) {
    case v1::OPERATOR_CONTAINS:
    case v1::OPERATOR_NOT_CONTAINS:
      operand = Part(near, false, false);
      break;
    case v1::OPERATOR_STARTS_WITH:
      operand = Part(near, true, false);
      break;
    case v1::OPERATOR_ENDS_WITH:
      operand = Part(near, false, true);
      break;
    case v1::OPERATOR_MATCHES_REGEX:
      operand = Regex(near.substr(
          0,
          CharacterBoundaries(near)[std::min<size_t>(40, CharacterBoundaries(near).size() - 1)]));
      break;
    default:
      operand = GlobPattern(near);
  }
  const bool pattern = op == v1::OPERATOR_MATCHES_REGEX || op == v1::OPERATOR_MATCHES_GLOB;
  condition.mutable_value()->set_string_value(!pattern && OneIn(3) ? Near(operand) : operand);
}

v1::Condition RandomSets::Comparison(const RandomEvent& near) {
  v1::Condition condition;
  condition.set_field(FieldNear(near));
  const auto op = static_cast<v1::Operator>(1 + Below(v1::OPERATOR_EXISTS));
  condition.set_operator_(op);
  FieldValue value = ValueAt(near, condition.field());
  if (const auto* list = std::get_if<std::vector<ScalarValue>>(&value)) {
    const ScalarValue element =
        list->empty() ? ScalarValue() : (*list)[Below(static_cast<uint32_t>(list->size()))];
    std::visit([&](const auto& held) { value = held; }, ScalarValue(element));
  }
  switch (op) {
    case v1::OPERATOR_EXISTS:
      if (!OneIn(3)) condition.mutable_value()->set_bool_value(OneIn(2));
      break;
    case v1::OPERATOR_EQUALS:
    case v1::OPERATOR_NOT_EQUALS:
      FillScalar(value, *condition.mutable_value());
      break;
    case v1::OPERATOR_IS_ONE_OF:
    case v1::OPERATOR_IS_NOT_ONE_OF:
      for (uint32_t i = 1 + Below(4); i > 0; --i) FillScalar(value, *condition.add_values());
      break;
    default: {
      const auto* text = std::get_if<std::string>(&value);
      FillOperand(text == nullptr ? Text() : *text, op, condition);
    }
  }
  return condition;
}

v1::Condition RandomSets::ValidCondition(const RandomEvent& near, const v1::Trigger& scope) {
  while (true) {
    v1::Condition condition;
    if (OneIn(7)) {
      for (uint32_t i = 1 + Below(3); i > 0; --i) *condition.add_any_of() = Comparison(near);
    } else {
      condition = Comparison(near);
    }
    v1::Trigger trial;
    if (scope.has_github()) {
      trial.mutable_github()->set_event(scope.github().event());
      *trial.mutable_github()->add_filters() = condition;
    } else {
      *trial.mutable_custom()->add_filters() = condition;
    }
    if (CheckFilters(trial).empty()) return condition;
  }
}

v1::Trigger RandomSets::Trigger(const RandomEvent& near) {
  v1::Trigger trigger;
  trigger.set_disabled(OneIn(15));
  if (near.source == "github") {
    v1::GithubTrigger& github = *trigger.mutable_github();
    github.set_event(near.type);
    for (uint32_t i = 1 + Below(2); i > 0; --i) {
      github.add_repositories(
          OtherCase(Pick({"acme/api", "acme/api", "acme/*", "acme/web", "other/*", "acme/api2"})));
    }
    const GithubEventInfo* info = FindGithubEvent(near.type);
    if (info->has_action && OneIn(3)) {
      for (uint32_t i = 1 + Below(2); i > 0; --i) {
        const uint32_t most = std::min<uint32_t>(3, static_cast<uint32_t>(info->actions.size()));
        github.add_actions(most == 0 ? "deploy" : std::string(info->actions[Below(most)]));
      }
    }
    for (uint32_t i = Below(4); i > 0; --i) *github.add_filters() = ValidCondition(near, trigger);
  } else {
    v1::CustomTrigger& custom = *trigger.mutable_custom();
    custom.set_source(OneIn(6) ? "monitor" : near.source);
    if (OneIn(3)) custom.set_type(OneIn(4) ? "deploy.done" : near.type);
    for (uint32_t i = Below(4); i > 0; --i) *custom.add_filters() = ValidCondition(near, trigger);
  }
  return trigger;
}

v1::Routine RandomSets::Routine(std::string_view name, const RandomEvent& near) {
  v1::Routine routine;
  routine.set_account(OneIn(4) ? "other" : "default");
  routine.set_name(std::string(name));
  routine.set_prompt("p");
  for (uint32_t i = 1 + Below(3); i > 0; --i) {
    v1::Trigger trigger;
    if (OneIn(12)) {
      trigger.mutable_api();
    } else {
      trigger = Trigger(OneIn(10) ? Event() : near);
    }
    trigger.set_id(absl::StrCat("t", i));
    *routine.add_triggers() = trigger;
  }
  return routine;
}

}  // namespace routines
