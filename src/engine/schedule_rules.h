// What the engine asks of schedules beyond their form.
#ifndef ROUTINES_SRC_ENGINE_SCHEDULE_RULES_H_
#define ROUTINES_SRC_ENGINE_SCHEDULE_RULES_H_

#include <vector>

#include "absl/time/time.h"
#include "routines/routine.h"

namespace routines {

// The schedules that fire more often than every `least`, each with two instants after `now` that
// are too close.
std::vector<Problem> ProblemsOfIntervals(const v1::Routine& routine, absl::Duration least,
                                         absl::Time now);

// Says of each schedule of a saved routine when it is due next after `now`, or that it has ended.
void AddNextTimes(absl::Time now, v1::SavedRoutine& saved);

}  // namespace routines

#endif  // ROUTINES_SRC_ENGINE_SCHEDULE_RULES_H_
