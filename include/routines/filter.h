// Filters: what a trigger's conditions mean, and why they held or not. docs/matching.md has the
// rules.
//
//   const Explanation why = *Explain({.source = "github", .type = "push", .payload = body},
//   routine); for (const TriggerExplanation& trigger : why.triggers) std::cout <<
//   trigger.ToString();
//
// This is the plain reading: one trigger at a time, with reasons. Matcher (routines/matcher.h)
// gives the same verdicts for many routines at once.
//
// Pure and thread-safe. Errors: kInvalidArgument: the payload is not JSON.
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
  std::string path;      // "triggers[0].github.filters[2]"
  std::string field;     // "labels"; of a scope: "event", "repository", "action", "source", "type"
  std::string op;        // "is_not_one_of"; empty with any_of
  std::string expected;  // JSON
  std::string actual;    // JSON; at most 1,024 bytes, then … ; empty: the event has no such field
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

// What is wrong with the conditions of one trigger beyond their form: a field that the event does
// not have, an operator that the field's type does not take, a word that can never be, a regular
// expression beyond the limits. `path` is the condition's own, such as "filters[1].operator".
struct FilterProblem {
  std::string path;
  std::string message;  // says how to mend it
};
std::vector<FilterProblem> CheckFilters(const v1::Trigger& trigger);

}  // namespace routines

#endif  // ROUTINES_FILTER_H_
