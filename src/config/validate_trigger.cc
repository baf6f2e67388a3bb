#include <algorithm>
#include <memory>
#include <set>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "re2/re2.h"
#include "src/base/ids.h"
#include "src/base/utf8.h"
#include "src/base/words.h"
#include "src/config/text_forms.h"
#include "src/config/validate.h"

namespace routines {
namespace {

using google::protobuf::RepeatedPtrField;
using google::protobuf::Value;

constexpr absl::Duration kLongestCatchUpWindow = absl::Hours(31 * 24);
constexpr absl::Duration kLongestSpread = absl::Hours(24);
constexpr int kMostCatchUps = 1000;
constexpr int kMostConditions =
    1000;  // of a routine; each may have a regular expression to compile

const std::vector<std::string>& GithubEvents() {
  static const auto& events = *new std::vector<std::string>{"pull_request",
                                                            "pull_request_review",
                                                            "pull_request_review_comment",
                                                            "push",
                                                            "release",
                                                            "issues",
                                                            "issue_comment",
                                                            "sub_issues",
                                                            "commit_comment",
                                                            "discussion",
                                                            "discussion_comment",
                                                            "check_run",
                                                            "check_suite",
                                                            "merge_group",
                                                            "workflow_run",
                                                            "workflow_job",
                                                            "workflow_dispatch",
                                                            "repository_dispatch"};
  return events;
}

const std::vector<std::string>& GithubFields() {
  static const auto& fields =
      *new std::vector<std::string>{"author",        "sender",        "author_association",
                                    "title",         "body",          "base_branch",
                                    "head_branch",   "labels",        "is_draft",
                                    "is_merged",     "from_fork",     "tag",
                                    "is_prerelease", "conclusion",    "status",
                                    "workflow",      "changed_paths", "state"};
  return fields;
}

// What a condition's field may be: a word of the table for GitHub, any attribute for custom events.
enum class Fields { kGithub, kAttributes };

bool IsJsonPointer(std::string_view text) {  // RFC 6901
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '~' && (i + 1 == text.size() || (text[i + 1] != '0' && text[i + 1] != '1'))) {
      return false;
    }
  }
  return text.substr(0, 1) == "/";
}

void CheckField(const std::string& field, Fields fields, const std::string& path, Rules& rules) {
  if (field.empty()) {
    rules.Broken(path, "is required; name what the condition looks at");
  } else if (field[0] == '/') {
    rules.Require(
        IsJsonPointer(field), path,
        absl::StrCat(Quoted(field), " is not a JSON pointer; write ~0 for ~ and ~1 for /"));
  } else if (fields == Fields::kAttributes) {
    rules.Require(!HasControlCharacter(field) && field.size() <= 256, path,
                  absl::StrCat(Quoted(field), " is not the name of an attribute"));
  } else if (const auto& known = GithubFields();
             std::find(known.begin(), known.end(), field) == known.end()) {
    const bool near = !NearestWord(field, known).empty();
    rules.Broken(path, absl::StrCat(UnknownWord("field", field, known),
                                    near ? "" : " or a JSON pointer such as /pull_request/title"));
  }
}

bool TakesList(v1::Operator op) {
  return op == v1::OPERATOR_IS_ONE_OF || op == v1::OPERATOR_IS_NOT_ONE_OF;
}

// The operators that look into a text.
bool TakesText(v1::Operator op) {
  return op == v1::OPERATOR_CONTAINS || op == v1::OPERATOR_NOT_CONTAINS ||
         op == v1::OPERATOR_STARTS_WITH || op == v1::OPERATOR_ENDS_WITH ||
         op == v1::OPERATOR_MATCHES_REGEX || op == v1::OPERATOR_MATCHES_GLOB;
}

bool IsScalar(const Value& value) {
  switch (value.kind_case()) {
    case Value::kNullValue:
    case Value::kBoolValue:
    case Value::kNumberValue:
    case Value::kStringValue:
      return true;
    default:
      return false;
  }
}

void CheckRegex(const std::string& pattern, const std::string& path, Rules& rules) {
  if (!rules.Require(CountCodePoints(pattern).value_or(0) <= kMaxRegexCharacters, path,
                     absl::StrCat("is longer than ", kMaxRegexCharacters, " characters"))) {
    return;
  }
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  const RE2 regex(pattern, options);
  rules.Require(regex.ok(), path,
                absl::StrCat("is not a regular expression (RE2): ", Abbreviated(regex.error())));
}

void CheckOneValue(const v1::Condition& condition, const std::string& word, const std::string& path,
                   Rules& rules) {
  const v1::Operator op = condition.operator_();
  rules.Require(condition.values_size() == 0, path + ".values",
                absl::StrCat("has no meaning with ", word, "; use value, or is_one_of"));
  if (op == v1::OPERATOR_EXISTS) {
    rules.Require(!condition.has_value() || condition.value().kind_case() == Value::kBoolValue,
                  path + ".value", "must be true or false with exists");
    return;
  }
  if (!condition.has_value()) {
    // With `values` there is one message already.
    rules.Require(condition.values_size() > 0, path + ".value",
                  absl::StrCat("is required with ", word));
    return;
  }
  const Value& value = condition.value();
  if (!rules.Require(IsScalar(value), path + ".value",
                     "must be a text, a number, true, false or null")) {
    return;
  }
  if (!TakesText(op)) return;
  if (!rules.Require(value.kind_case() == Value::kStringValue, path + ".value",
                     absl::StrCat("must be text with ", word, "; write it in quotes"))) {
    return;
  }
  if (op == v1::OPERATOR_MATCHES_REGEX) CheckRegex(value.string_value(), path + ".value", rules);
}

void CheckValueList(const v1::Condition& condition, const std::string& word,
                    const std::string& path, Rules& rules) {
  rules.Require(!condition.has_value(), path + ".value",
                absl::StrCat("has no meaning with ", word, "; write values: [ … ]"));
  rules.Require(condition.values_size() > 0 || condition.has_value(), path + ".values",
                absl::StrCat("is required with ", word, "; write values: [ … ]"));
  for (int i = 0; i < condition.values_size(); ++i) {
    rules.Require(IsScalar(condition.values(i)), ItemPath(path + ".values", i),
                  "must be a text, a number, true, false or null");
  }
}

void CheckComparison(const v1::Condition& condition, Fields fields, const std::string& path,
                     Rules& rules) {
  CheckField(condition.field(), fields, path + ".field", rules);
  const auto& operators = *v1::Operator_descriptor();
  const auto* value = operators.FindValueByNumber(condition.operator_());
  if (value == nullptr || value->number() == v1::OPERATOR_UNSPECIFIED) {
    rules.Broken(path + ".operator",
                 absl::StrCat("is required; write ", OneOf(EnumWords(operators))));
    return;
  }
  // Whether the event has the field, and the field's type the operator, belongs here too: it comes
  // with the matcher, which owns that table.
  if (TakesList(condition.operator_())) {
    CheckValueList(condition, EnumWord(*value), path, rules);
  } else {
    CheckOneValue(condition, EnumWord(*value), path, rules);
  }
}

void CheckConditions(const RepeatedPtrField<v1::Condition>& conditions, Fields fields,
                     bool in_group, const std::string& list, Rules& rules) {
  for (int i = 0; i < conditions.size(); ++i) {
    const v1::Condition& condition = conditions[i];
    const std::string path = ItemPath(list, i);
    if (condition.any_of_size() == 0) {
      CheckComparison(condition, fields, path, rules);
    } else if (in_group) {
      rules.Broken(path + ".any_of",
                   "stands in an any_of; write its conditions into the outer one");
    } else {
      rules.Require(condition.field().empty() &&
                        condition.operator_() == v1::OPERATOR_UNSPECIFIED &&
                        !condition.has_value() && condition.values_size() == 0,
                    path, "has any_of and a comparison; write them as two conditions");
      CheckConditions(condition.any_of(), fields, true, path + ".any_of", rules);
    }
  }
}

int CountConditions(const RepeatedPtrField<v1::Condition>& conditions) {
  int count = conditions.size();
  for (const v1::Condition& condition : conditions) count += condition.any_of_size();
  return count;
}

// The cron expression's shape. Its fields, the minimum interval and expressions that never match
// are the schedule parser's.
void CheckCron(const std::string& cron, const std::string& path, Rules& rules) {
  const std::vector<std::string> macros = {"@hourly", "@daily", "@weekly", "@monthly", "@yearly"};
  if (cron[0] == '@') {
    if (std::find(macros.begin(), macros.end(), absl::AsciiStrToLower(cron)) == macros.end()) {
      rules.Broken(path, UnknownWord("macro", cron, macros));
    }
    return;
  }
  const std::vector<std::string> fields =
      absl::StrSplit(cron, absl::ByAnyChar(" \t"), absl::SkipEmpty());
  rules.Require(fields.size() == 5 && cron.find_first_of("\r\n") == cron.npos, path,
                absl::StrCat("has ", fields.size(),
                             " fields; write five: minute, hour, day of month, "
                             "month, day of week, such as \"7 2 * * 1-5\""));
}

// The name must also be safe as a path below the time zone database.
bool IsTimeZone(const std::string& name) {
  const bool characters = std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '_' || c == '-' || c == '+' || c == '/';
  });
  absl::TimeZone zone;
  return characters && absl::ascii_isalpha(name[0]) && name.size() <= 64 && name != "localtime" &&
         !absl::StartsWith(name, "Fixed/") && absl::LoadTimeZone(name, &zone);
}

bool IsTimeOfDay(std::string_view time) {
  static const RE2& pattern = *new RE2("([01][0-9]|2[0-3]):[0-5][0-9]");
  return RE2::FullMatch(re2::StringPiece(time.data(), time.size()), pattern);
}

void CheckSchedule(const v1::ScheduleTrigger& schedule, const std::string& path, Rules& rules) {
  const bool every = schedule.every() != v1::EVERY_UNSPECIFIED;
  const int kinds = !schedule.cron().empty() + schedule.has_at() + every;
  rules.Require(kinds == 1, path,
                kinds == 0 ? "needs cron, at or every: when to fire"
                           : "has more than one of cron, at and every; keep one");
  if (!schedule.cron().empty()) CheckCron(schedule.cron(), path + ".cron", rules);
  if (!schedule.time().empty()) {
    rules.Require(every || kinds == 0, path + ".time", "has a meaning with every only; remove it");
    rules.Require(IsTimeOfDay(schedule.time()), path + ".time",
                  absl::StrCat(Quoted(schedule.time()),
                               " is not a time of day; write HH:MM, such as "
                               "\"09:30\""));
  }
  if (!schedule.time_zone().empty()) {
    rules.Require(IsTimeZone(schedule.time_zone()), path + ".time_zone",
                  absl::StrCat("unknown time zone ", Quoted(schedule.time_zone()),
                               "; write an IANA name such as Europe/Berlin"));
  }
  rules.Require(schedule.catch_up_limit() == 0 || schedule.catch_up() == v1::CATCH_UP_ALL,
                path + ".catch_up_limit", "has a meaning with catch_up: all only; remove it");
  rules.Require(schedule.catch_up_limit() >= 0 && schedule.catch_up_limit() <= kMostCatchUps,
                path + ".catch_up_limit",
                absl::StrCat("is ", schedule.catch_up_limit(), "; write 1 to ", kMostCatchUps));
  if (schedule.has_catch_up_window()) {
    rules.CheckDuration(schedule.catch_up_window(), kLongestCatchUpWindow,
                        path + ".catch_up_window");
  }
  if (schedule.has_spread()) {
    rules.CheckDuration(schedule.spread(), kLongestSpread, path + ".spread");
  }
}

// "owner/name" or "owner/*".
bool IsRepositoryPattern(std::string_view text) {
  static const RE2& pattern =
      *new RE2("[A-Za-z0-9][A-Za-z0-9_-]{0,38}/(\\*|[A-Za-z0-9._-]{1,100})");
  return RE2::FullMatch(re2::StringPiece(text.data(), text.size()), pattern) &&
         !absl::EndsWith(absl::string_view(text.data(), text.size()), "/.") &&
         !absl::EndsWith(absl::string_view(text.data(), text.size()), "/..");
}

void CheckGithub(const v1::GithubTrigger& github, const std::string& path, Rules& rules) {
  rules.Require(github.repositories_size() > 0, path + ".repositories",
                "is required; list owner/name or owner/*");
  for (int i = 0; i < github.repositories_size(); ++i) {
    rules.Require(IsRepositoryPattern(github.repositories(i)), ItemPath(path + ".repositories", i),
                  absl::StrCat(Quoted(github.repositories(i)),
                               " is not a repository; write owner/name or owner/*"));
  }
  const auto& events = GithubEvents();
  if (github.event().empty()) {
    rules.Broken(path + ".event", "is required; write one such as pull_request");
  } else if (std::find(events.begin(), events.end(), github.event()) == events.end()) {
    rules.Broken(path + ".event", UnknownWord("event", github.event(), events));
  }
  const bool has_actions = github.event() != "push" && github.event() != "workflow_dispatch";
  rules.Require(
      has_actions || github.actions_size() == 0, path + ".actions",
      absl::StrCat("can never hold: ", github.event(), " events have no action; remove it"));
  for (int i = 0; i < github.actions_size(); ++i) {
    rules.Require(
        !github.actions(i).empty() && github.actions(i).size() <= 100 &&
            !HasControlCharacter(github.actions(i)),
        ItemPath(path + ".actions", i),
        absl::StrCat(Quoted(github.actions(i)), " is not an action; write one such as opened"));
  }
  CheckConditions(github.filters(), Fields::kGithub, false, path + ".filters", rules);
}

void CheckCustom(const v1::CustomTrigger& custom, const std::string& path, Rules& rules) {
  const std::set<std::string> built_in = {"schedule", "api", "github", "manual"};
  if (rules.Require(!custom.source().empty(), path + ".source",
                    "is required; name a source that the host registered")) {
    rules.Require(IsName(custom.source(), true) && built_in.count(custom.source()) == 0,
                  path + ".source",
                  absl::StrCat(Quoted(custom.source()),
                               " is not the name of a custom source; use small "
                               "letters, digits, - and _, and no built-in kind"));
  }
  rules.Require(custom.type().size() <= 256 && !HasControlCharacter(custom.type()), path + ".type",
                absl::StrCat(Quoted(custom.type()), " is not a type of events"));
  CheckConditions(custom.filters(), Fields::kAttributes, false, path + ".filters", rules);
}

void CheckId(const std::string& id, const std::string& path, Rules& rules) {
  if (id.empty()) {
    rules.Broken(path, "is required; write a name such as nightly");
  } else if (absl::StartsWith(id, "trig_")) {
    rules.Require(IsTriggerId(id), path,
                  absl::StrCat(Quoted(id),
                               " is not a trigger id; write trig_ and 8 to 64 letters and "
                               "digits, or a name such as nightly"));
  } else {
    rules.Require(IsName(id, true), path,
                  absl::StrCat(Quoted(id),
                               " is not an id; use 1 to 63 small letters, digits, - and _, "
                               "such as nightly"));
  }
}

}  // namespace

void CheckTriggers(const v1::Routine& routine, Rules& rules) {
  int conditions = 0;
  for (const v1::Trigger& trigger : routine.triggers()) {
    conditions +=
        CountConditions(trigger.github().filters()) + CountConditions(trigger.custom().filters());
  }
  if (!rules.Require(conditions <= kMostConditions, "triggers",
                     absl::StrCat("have ", conditions, " conditions; at most ", kMostConditions,
                                  " are allowed in a routine"))) {
    return;
  }
  std::set<std::string> ids;
  for (int i = 0; i < routine.triggers_size(); ++i) {
    const v1::Trigger& trigger = routine.triggers(i);
    const std::string path = ItemPath("triggers", i);
    CheckId(trigger.id(), path + ".id", rules);
    rules.Require(
        trigger.id().empty() || ids.insert(trigger.id()).second, path + ".id",
        absl::StrCat(Quoted(trigger.id()), " is the id of another trigger too; choose another"));
    switch (trigger.kind_case()) {
      case v1::Trigger::kSchedule:
        CheckSchedule(trigger.schedule(), path + ".schedule", rules);
        break;
      case v1::Trigger::kGithub:
        CheckGithub(trigger.github(), path + ".github", rules);
        break;
      case v1::Trigger::kCustom:
        CheckCustom(trigger.custom(), path + ".custom", rules);
        break;
      case v1::Trigger::kApi:
        break;
      case v1::Trigger::KIND_NOT_SET:
        rules.Broken(path, "needs schedule, api, github or custom: what makes it fire");
    }
  }
}

}  // namespace routines
