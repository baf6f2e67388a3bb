// next.
#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "routines/json.h"
#include "routines/schedule.h"
#include "src/base/status_macros.h"
#include "src/cli/commands.h"
#include "src/cli/exit_codes.h"
#include "src/cli/find_routine.h"
#include "src/cli/terminal.h"

namespace routines::cli {
namespace {

struct NamedSchedule {
  std::string trigger;  // empty: --cron
  Schedule schedule;
};

struct Instant {
  absl::Time time;
  const NamedSchedule* of;
};

absl::StatusOr<std::vector<NamedSchedule>> OfExpression(const NextOptions& options) {
  const absl::StatusOr<absl::TimeZone> zone = Schedule::LoadTimeZone(options.time_zone);
  if (!zone.ok()) return UsageError(absl::StrCat("--tz: ", std::string(zone.status().message())));
  absl::StatusOr<Schedule> schedule = Schedule::Parse(options.cron, *zone);
  if (!schedule.ok()) {
    return UsageError(absl::StrCat("--cron: ", std::string(schedule.status().message())));
  }
  return std::vector<NamedSchedule>{{"", *std::move(schedule)}};
}

absl::StatusOr<std::vector<NamedSchedule>> OfRoutine(const NextOptions& options) {
  ASSIGN_OR_RETURN(const v1::Routine routine, FindRoutine(options.client, options.routine));
  std::vector<NamedSchedule> schedules;
  for (const v1::Trigger& trigger : routine.triggers()) {
    if (!trigger.has_schedule() || trigger.disabled()) continue;
    ASSIGN_OR_RETURN(Schedule schedule, Schedule::FromTrigger(trigger.schedule()));
    schedules.push_back({trigger.id(), std::move(schedule)});
  }
  if (schedules.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat(options.routine, ": has no schedule that is not disabled"));
  }
  return schedules;
}

// The first `count` instants of all of them together.
std::vector<Instant> Merge(const std::vector<NamedSchedule>& schedules, absl::Time after,
                           int count) {
  std::vector<Instant> next;
  for (const NamedSchedule& each : schedules) next.push_back({each.schedule.Next(after), &each});
  std::vector<Instant> merged;
  while (static_cast<int>(merged.size()) < count) {
    const auto first =
        std::min_element(next.begin(), next.end(),
                         [](const Instant& a, const Instant& b) { return a.time < b.time; });
    if (first->time == absl::InfiniteFuture()) break;
    merged.push_back(*first);
    first->time = first->of->schedule.Next(first->time);
  }
  return merged;
}

void PrintJson(const std::vector<NamedSchedule>& schedules, const std::vector<Instant>& instants) {
  std::string text = "{\"schedules\":[";
  for (const NamedSchedule& each : schedules) {
    absl::StrAppend(&text, &each == &schedules.front() ? "" : ",",
                    "{\"trigger\":", JsonString(each.trigger),
                    ",\"description\":", JsonString(each.schedule.Describe()), "}");
  }
  text += "],\"instants\":[";
  for (const Instant& instant : instants) {
    absl::StrAppend(&text, &instant == &instants.front() ? "" : ",",
                    "{\"time\":", JsonString(UtcTime(instant.time)),
                    ",\"trigger\":", JsonString(instant.of->trigger), "}");
  }
  std::printf("%s]}\n", text.c_str());
}

}  // namespace

CommandResult Next(const NextOptions& options) {
  if (options.cron.empty() == options.routine.empty()) {
    return UsageError("next: name a routine, or give --cron EXPR; one of the two");
  }
  ASSIGN_OR_RETURN(const std::vector<NamedSchedule> schedules,
                   options.routine.empty() ? OfExpression(options) : OfRoutine(options));
  const absl::Time from = options.from.value_or(absl::Now());
  const std::vector<Instant> instants = Merge(schedules, from, options.count);
  if (options.client.json) {
    PrintJson(schedules, instants);
    return kExitOk;
  }
  for (const Instant& instant : instants) {
    const std::string name =
        schedules.size() > 1 ? absl::StrCat("  ", EscapeControls(instant.of->trigger)) : "";
    std::printf("%s%s\n", UtcTime(instant.time).c_str(), name.c_str());
  }
  if (instants.empty()) std::fputs("routines: it fires never again\n", stderr);
  return kExitOk;
}

}  // namespace routines::cli
