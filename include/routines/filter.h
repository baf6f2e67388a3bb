// Filters: what a trigger's conditions mean, and why they held or not. docs/matching.md has the
// rules.
//
//   const EventView event{.source = "github", .type = "push", .payload = body};
//   const absl::StatusOr<Explanation> why = Explain(event, routine);
//   for (const TriggerExplanation& trigger : why->triggers) std::cout << trigger.ToString();
//
// This is the plain reading: one trigger at a time, with reasons. Matcher (routines/matcher.h)
// gives the same verdicts for many routines at once.
//
// Pure; any thread may call anything here. Nothing is kept: what is returned is the caller's.
// Errors: kInvalidArgument where a GitHub event's payload is not JSON that CheckPayload
// (routines/event.h) takes. A custom event's that is not has nothing in it.
#ifndef ROUTINES_FILTER_H_
#define ROUTINES_FILTER_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "routines/event.h"
#include "routines/v1/routine.pb.h"

namespace routines {

// One condition and what the event had for it. The trigger's own scope (source, event, type,
// repositories, actions) comes as conditions too, first.
struct ConditionExplanation {
  std::string path;  // "triggers[0].github.filters[2]"
  // "labels"; of a scope: "source", "event", "repository", "action", "type"; or "disabled", which
  // is there only where the trigger is.
  std::string field;
  std::string op;        // "is_not_one_of"; empty with any_of
  std::string expected;  // JSON
  std::string actual;    // JSON; cut at 1,024 bytes, then …; empty: the event has no such field
  bool held = false;
  std::vector<ConditionExplanation> any_of;
};

struct TriggerExplanation {
  std::string trigger;  // its id in the file
  int index = 0;        // in routine.triggers()
  bool matched = false;
  // Every condition, also those after the first that did not hold. Empty for schedule and api
  // triggers, which no event matches.
  std::vector<ConditionExplanation> conditions;

  std::string ToString() const;  // lines for people
};

struct Explanation {
  bool matched = false;  // any trigger
  std::vector<TriggerExplanation> triggers;
};

// Gates (paused, trust, limits) are not filters: `matched` says what the conditions say.
absl::StatusOr<Explanation> Explain(const EventView& event, const v1::Routine& routine);

// What is wrong with the event and the conditions of a github or custom trigger: their form, an
// event that there is not, a field that it does not have, an operator or a value that the field's
// type does not take, what can never hold, a pattern beyond the limits. `path` is from the
// trigger's github or custom on, such as "filters[1].operator".
struct FilterProblem {
  std::string path;
  std::string message;  // says how to mend it
};
std::vector<FilterProblem> CheckFilters(const v1::Trigger& trigger);

}  // namespace routines

#endif  // ROUTINES_FILTER_H_
