#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "re2/re2.h"
#include "routines/event.h"
#include "routines/filter.h"
#include "routines/schedule.h"
#include "src/base/ids.h"
#include "src/base/words.h"
#include "src/config/text_forms.h"
#include "src/config/validate.h"

namespace routines {
namespace {

using google::protobuf::RepeatedPtrField;

constexpr absl::Duration kLongestCatchUpWindow = absl::Hours(31 * 24);
constexpr absl::Duration kLongestSpread = absl::Hours(24);
constexpr int kMostCatchUps = 1000;
constexpr int kMostConditions =
    1000;  // of a routine; each may have a regular expression to compile

int CountConditions(const RepeatedPtrField<v1::Condition>& conditions) {
  int count = conditions.size();
  for (const v1::Condition& condition : conditions) count += condition.any_of_size();
  return count;
}

void CheckCron(const std::string& cron, const std::string& path, Rules& rules) {
  const absl::StatusOr<Schedule> schedule = Schedule::Parse(cron);
  if (!schedule.ok()) {
    rules.Broken(path, std::string(schedule.status().message()));
  } else {
    rules.Require(!schedule->never(), path,
                  absl::StrCat(Quoted(cron), " never fires: no month of it has such a day"));
  }
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
    rules.Require(schedule.every() != v1::EVERY_HOURLY || !IsTimeOfDay(schedule.time()) ||
                      absl::StartsWith(schedule.time(), "00:"),
                  path + ".time",
                  "has an hour, which means nothing with every: hourly; write the minute as "
                  "\"00:MM\"");
  }
  const absl::StatusOr<absl::TimeZone> zone = Schedule::LoadTimeZone(schedule.time_zone());
  rules.Require(zone.ok(), path + ".time_zone", std::string(zone.status().message()));
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

// Other actions than the documented ones are taken, since GitHub comes to send new ones; slips are
// not.
void CheckAction(const std::string& action, const GithubEventInfo& event, const std::string& path,
                 Rules& rules) {
  const auto& known = event.actions;
  if (std::find(known.begin(), known.end(), action) != known.end()) return;
  if (event.event == "pull_request" && absl::EqualsIgnoreCase(action, "merged")) {
    rules.Broken(path,
                 "can never hold: merging is the action closed; write that, and the filter {field: "
                 "is_merged, operator: equals, value: true}");
    return;
  }
  for (const std::string_view other : known) {
    if (!IsSlipOf(action, other)) continue;
    rules.Broken(path,
                 absl::StrCat("unknown action ", Quoted(action), "; did you mean ", Quoted(other),
                              "? (for one that GitHub has come to send since, write a filter "
                              "on field: /action)"));
    return;
  }
}

void CheckActions(const v1::GithubTrigger& github, const std::string& path, Rules& rules) {
  const GithubEventInfo* event = FindGithubEvent(github.event());
  rules.Require(
      event == nullptr || event->has_action || github.actions_size() == 0, path,
      absl::StrCat("can never hold: ", github.event(), " events have no action; remove it"));
  for (int i = 0; i < github.actions_size(); ++i) {
    const std::string& action = github.actions(i);
    const bool right = rules.Require(
        !action.empty() && action.size() <= 100 && !HasControlCharacter(action), ItemPath(path, i),
        absl::StrCat(Quoted(action), " is not an action; write one such as opened"));
    if (right && event != nullptr) CheckAction(action, *event, ItemPath(path, i), rules);
  }
}

void CheckGithub(const v1::GithubTrigger& github, const std::string& path, Rules& rules) {
  rules.Require(github.repositories_size() > 0, path + ".repositories",
                "is required; list owner/name or owner/*");
  for (int i = 0; i < github.repositories_size(); ++i) {
    rules.Require(IsRepositoryPattern(github.repositories(i)), ItemPath(path + ".repositories", i),
                  absl::StrCat(Quoted(github.repositories(i)),
                               " is not a repository; write owner/name or owner/*"));
  }
  CheckActions(github, path + ".actions", rules);
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
  // The ends of sessions, which the engine tells.
  const std::set<std::string> ends = {"", "succeeded", "failed", "cancelled", "timed_out", "lost"};
  rules.Require(custom.source() != "session" || ends.count(custom.type()) > 0, path + ".type",
                absl::StrCat(Quoted(custom.type()),
                             " is no end of a session; write succeeded, failed, cancelled, "
                             "timed_out or lost, or leave it out for all of them"));
}

// The event and the conditions.
void CheckTriggerFilters(const v1::Trigger& trigger, const std::string& path, Rules& rules) {
  for (FilterProblem& problem : CheckFilters(trigger)) {
    rules.Broken(absl::StrCat(path, ".", problem.path), std::move(problem.message));
  }
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
        CheckTriggerFilters(trigger, path + ".github", rules);
        break;
      case v1::Trigger::kCustom:
        CheckCustom(trigger.custom(), path + ".custom", rules);
        CheckTriggerFilters(trigger, path + ".custom", rules);
        break;
      case v1::Trigger::kApi:
        break;
      case v1::Trigger::KIND_NOT_SET:
        rules.Broken(path, "needs schedule, api, github or custom: what makes it fire");
    }
  }
}

}  // namespace routines
