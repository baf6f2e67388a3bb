// How the events of test cases reach an engine: a seam, so that every way in can be held to the
// same cases: tests/e2e/test_doors.py runs them through all doors and compares the results byte for
// byte.
//
// One door is one engine: empty at first, and its clock at CaseSetup::start.
//
// Thread-safety: none; one thread. Blocking: as long as the way takes. Errors: those of Engine.
#ifndef ROUTINES_TESTING_CASE_DOOR_H_
#define ROUTINES_TESTING_CASE_DOOR_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "routines/engine.h"
#include "routines/v1/event.pb.h"
#include "routines/v1/routine.pb.h"

namespace routines::testing {

struct CaseSetup {
  absl::Time start;
  bool sessions_end = true;  // at once; else never
  LimitOptions limits;
  absl::Duration min_schedule_interval = absl::Hours(1);
};

// What became of one event.
struct Sent {
  std::string event_id;  // empty: of a fire
  bool duplicate = false;
  std::vector<v1::Decision> decisions;  // of a duplicate: those of the first
};

// A decision about an instant of a schedule.
struct DecidedInstant {
  v1::Decision decision;
  std::string instant;  // RFC 3339, UTC
};

class CaseDoor {
 public:
  virtual ~CaseDoor() = default;

  virtual absl::StatusOr<v1::SavedRoutine> Put(const v1::Routine& routine, bool paused) = 0;
  // Delivers it; or, with source "api", fires event.trigger_id, which is of the routine event.type
  // of event.account, with event.text and, as the key, event.external_id. A refusal that leaves a
  // decision is no error.
  virtual absl::StatusOr<Sent> Send(const v1::Event& event) = 0;
  // Moves the clock. `asleep`: in one step, as if the machine had been suspended; otherwise
  // whatever is due on the way is done when it is.
  virtual absl::Status MoveTo(absl::Time time, bool asleep) = 0;
  // Of the schedules of one routine so far, oldest first.
  virtual absl::StatusOr<std::vector<DecidedInstant>> Instants(const v1::Routine& routine) = 0;
  virtual absl::StatusOr<Explanation> Explain(std::string_view event_id,
                                              const v1::Routine& routine) = 0;
};

// How a door's engine has to be made: with one fake executor, and no deadline that a session which
// does not end could meet. For TestEngine.
EngineOptions CaseEngineOptions(const CaseSetup& setup);

// The engine itself, in this process.
std::unique_ptr<CaseDoor> NewEngineDoor(const CaseSetup& setup);

}  // namespace routines::testing

#endif  // ROUTINES_TESTING_CASE_DOOR_H_
