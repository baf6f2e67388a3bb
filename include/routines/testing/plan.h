// What schedules will start in a span of time, and where limits will hold it up.
//
//   PlanInput input;
//   input.routines = *engine->ListRoutines();
//   input.until = input.from + absl::Hours(7 * 24);
//   const absl::StatusOr<Plan> plan = MakePlan(input);
//
// The plan is the engine's own answer: the routines run on an engine in simulated time, whose
// sessions do nothing but last. So the rules are those of docs/limits_and_scale.md, whatever they
// become. Fires, GitHub's events and those of the host's sources, which nobody can foresee, are
// left out, and so is what ran before `from`; sessions that follow from the end of others are not.
//
// Thread-safety: every function may be called from any thread. Ownership: everything is copied.
// Blocking: as long as it takes, about 0.1 ms a session. Errors: below.
#ifndef ROUTINES_TESTING_PLAN_H_
#define ROUTINES_TESTING_PLAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "routines/limits.h"
#include "routines/v1/routine.pb.h"

namespace routines::testing {

struct PlanInput {
  // As saved, or only with `routine` set. Where a trigger has no id from an engine, its `spread`
  // puts it somewhere in that time; so it does after it was saved, only elsewhere.
  std::vector<v1::SavedRoutine> routines;
  absl::Time from = absl::UnixEpoch();  // instants after it, up to `until`, which is not included
  absl::Time until = absl::UnixEpoch();
  // So long each session lasts; less where its routine's limits.max_duration, or the engine's
  // default, is less.
  absl::Duration session = absl::Minutes(10);
  double cost_usd = 0;  // of each session
  LimitOptions limits;
  int max_concurrent_sessions = 16;  // of the engine
};

// One that has a schedule, or follows the ends of sessions.
struct PlannedTrigger {
  std::string account, routine, trigger;
  std::string description;  // "weekdays at 02:07 in Europe/Berlin", "session succeeded"
  bool paused = false;      // or disabled: it starts nothing
  int64_t instants = 0;     // of its schedule
  absl::Time first = absl::InfiniteFuture(), last = absl::InfinitePast();
};

// What becomes of one instant, or of one end of a session.
struct PlannedSession {
  absl::Time due;      // a schedule's spread included
  size_t trigger = 0;  // in Plan::triggers
  // runs; waits: it starts later than it is due; cancelled: another of its routine cancels it; or
  // the word of the decision that starts nothing, such as overlap.
  std::string outcome;
  std::string limit;  // that makes it so: "100 scheduled sessions an hour of the account"
  bool metered = false;
  absl::Time start = absl::InfiniteFuture();  // infinite: not before `until`, or never
  absl::Time end = absl::InfiniteFuture();    // likewise
};

// Where one limit bites.
struct Bite {
  std::string limit;
  std::string whose;    // account, account/routine, or "server"
  std::string outcome;  // of the sessions, or metered
  int64_t sessions = 0;
  absl::Time first = absl::InfiniteFuture();  // of these sessions' due times
  // Of those that wait; up to `until` for one that has not started by then.
  absl::Duration longest_wait = absl::ZeroDuration();
};

struct Plan {
  std::vector<PlannedTrigger> triggers;  // in the order of the routines
  std::vector<PlannedSession> sessions;  // in the order of their decisions
  std::vector<Bite> bites;               // by whose they are
};

// kInvalidArgument: a routine that cannot be saved, two of one name, a session that lasts no time,
// more than 200,000 instants, or 10,000,000 of instants times triggers of their routine.
absl::StatusOr<Plan> MakePlan(const PlanInput& input);

}  // namespace routines::testing

#endif  // ROUTINES_TESTING_PLAN_H_
