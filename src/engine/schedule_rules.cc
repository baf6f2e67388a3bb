#include "src/engine/schedule_rules.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "routines/schedule.h"

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

}  // namespace routines
