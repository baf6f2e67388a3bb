#include "src/engine/schedule_rules.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "routines/schedule.h"
#include "src/base/time_conversion.h"
#include "src/engine/schedule_queue.h"

namespace routines {
namespace {

std::string Text(absl::Time time, absl::TimeZone zone) {
  return absl::FormatTime(absl::RFC3339_sec, time, zone);
}

}  // namespace

std::vector<Problem> ProblemsOfIntervals(const v1::Routine& routine, absl::Duration least,
                                         absl::Time now) {
  std::vector<Problem> problems;
  for (int i = 0; i < routine.triggers_size(); ++i) {
    if (!routine.triggers(i).has_schedule()) continue;
    const absl::StatusOr<Schedule> schedule = Schedule::FromTrigger(routine.triggers(i).schedule());
    if (!schedule.ok()) continue;  // ValidateRoutine's
    const auto pair = schedule->CloserThan(least, now);
    if (!pair.has_value()) continue;
    Problem& problem = problems.emplace_back();
    problem.path = absl::StrCat("triggers[", i, "].schedule");
    problem.message =
        absl::StrCat("fires at ", Text(pair->first, schedule->time_zone()), " and at ",
                     Text(pair->second, schedule->time_zone()), ", which is more often than every ",
                     absl::FormatDuration(least), "; the host allows no shorter interval");
  }
  return problems;
}

void AddNextTimes(absl::Time now, v1::SavedRoutine& saved) {
  const v1::Routine& routine = saved.routine();
  for (int i = 0; i < routine.triggers_size() && i < saved.triggers_size(); ++i) {
    const v1::Trigger& trigger = routine.triggers(i);
    if (!trigger.has_schedule() || trigger.disabled()) continue;
    const absl::StatusOr<Schedule> schedule = Schedule::FromTrigger(trigger.schedule());
    if (!schedule.ok()) continue;
    v1::SavedTrigger& entry = *saved.mutable_triggers(i);
    const absl::Duration spread =
        trigger.schedule().has_spread()
            ? SpreadOf(entry.trigger_id(), FromProto(trigger.schedule().spread()))
            : absl::ZeroDuration();
    // An instant from before it was saved does not count, though its spread may be still to come.
    const absl::Time next = schedule->Next(std::max(now - spread, FromProto(saved.create_time())));
    entry.set_ended(next == absl::InfiniteFuture());
    if (!entry.ended()) *entry.mutable_next_time() = ToProto(next + spread);
  }
}

}  // namespace routines
