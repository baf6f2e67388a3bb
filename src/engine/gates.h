// The gates between an event that a trigger matches and a session: docs/concepts.md has their
// order.
//
// Pure and thread-safe.
#ifndef ROUTINES_SRC_ENGINE_GATES_H_
#define ROUTINES_SRC_ENGINE_GATES_H_

#include <string>

#include "routines/event.h"
#include "routines/v1/event.pb.h"
#include "routines/v1/routine.pb.h"

namespace routines {

// What the gates look at of an event.
struct GateEvent {
  EventView view;
  const GithubIdentity* github = nullptr;  // of a GitHub event
};

struct Verdict {
  v1::DecisionReason reason = v1::DECISION_REASON_FIRED;
  std::string detail;
};

// The first gate that stops it, or FIRED. Duplicates are not looked for: only the commit can tell.
Verdict Decide(const v1::SavedRoutine& saved, const v1::Trigger& trigger, const GateEvent& event);

}  // namespace routines

#endif  // ROUTINES_SRC_ENGINE_GATES_H_
