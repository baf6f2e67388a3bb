// What a change of configuration would have changed: recorded events, and a stretch of schedule
// time, through the old and the new routines.
//
//   BacktestInput input;
//   input.old_routines = …, input.new_routines = …, input.events = …;
//   const absl::StatusOr<v1::Backtest> found = RunBacktest(input);
//
// Conditions and gates are the engine's, in simulated time. Limits, overlaps and pauses are left
// out: each session ends at once, so that what is told is what the configurations say, and not what
// the hour's other events left of them.
//
// Thread-safety: every function may be called from any thread. Ownership: everything is copied.
// Blocking: none. Errors: kInvalidArgument: a routine that cannot be saved; too many instants.
#ifndef ROUTINES_TESTING_BACKTEST_H_
#define ROUTINES_TESTING_BACKTEST_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "routines/v1/event.pb.h"
#include "routines/v1/routine.pb.h"
#include "routines/v1/testing.pb.h"

namespace routines::testing {

// One event that came once.
struct RecordedEvent {
  v1::Event event;   // github, custom; api: `type` is account/routine/trigger. Others are skipped
  std::string name;  // for people: its file, or its id
};

struct BacktestInput {
  std::vector<v1::Routine> old_routines, new_routines;
  std::vector<RecordedEvent> events;  // in the order in which they came
  // Schedules: from `from` (included) to `to` (not included). Equal: none.
  absl::Time from = absl::UnixEpoch(), to = absl::UnixEpoch();
  absl::Duration min_schedule_interval = absl::Hours(1);
};

// At most 1,000,000 instants.
absl::StatusOr<v1::Backtest> RunBacktest(const BacktestInput& input);

// Lines for people: + newly fires, - no longer fires, ~ fires differently.
std::string BacktestText(const v1::Backtest& backtest);

}  // namespace routines::testing

#endif  // ROUTINES_TESTING_BACKTEST_H_
