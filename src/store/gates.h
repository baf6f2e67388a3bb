// The gates that only a store can hold, since two admissions may want the same last place: the loop
// guard, the limits and the overlap (routines/store.h, SessionGates and Cause). One rule for all
// stores; each shows it what it holds.
#ifndef ROUTINES_SRC_STORE_GATES_H_
#define ROUTINES_SRC_STORE_GATES_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "routines/store.h"
#include "src/store/limit_book.h"

namespace routines::store {

struct RoutineRef {
  std::string account, name;
};

// What the gates ask of a store, inside the transaction of the admission.
class GateView {
 public:
  virtual ~GateView() = default;

  // Nothing where there is none.
  virtual absl::StatusOr<std::optional<v1::Session>> SessionById(const std::string& id) = 0;
  virtual absl::StatusOr<std::optional<v1::Session>> SessionThatPushed(
      const std::string& commit) = 0;
  // Up to `most`: sessions whose lineage has that root.
  virtual absl::StatusOr<int> CountFollowing(const std::string& root_event_id, int most) = 0;
  // The oldest one that has not ended. Empty: none.
  virtual absl::StatusOr<std::string> UnfinishedOf(const RoutineRef& routine) = 0;
  virtual absl::StatusOr<LimitBook*> Book() = 0;
  // Those of that trigger of the routine (an empty one: of all) that wait for a limit are gone;
  // their decisions become `reason`, with `detail`. Gives the decisions.
  virtual absl::StatusOr<std::vector<v1::Decision>> Withdraw(const RoutineRef& routine,
                                                             const std::string& trigger_id,
                                                             v1::DecisionReason reason,
                                                             const std::string& detail) = 0;
  // As RequestCancel. Gives the ids of those that it changed.
  virtual absl::StatusOr<std::vector<std::string>> CancelUnfinished(const RoutineRef& routine,
                                                                    bool queued_only,
                                                                    absl::Time now) = 0;
};

// What came of the gates, beside what they changed in the admission.
struct Gated {
  bool changed = false;  // the event, a decision or a session is no longer as it was given
  std::vector<std::string> cancelled;
  std::vector<v1::Decision> coalesced;
};

// The admission's keys and ids have been looked at, and nothing of it is stored. Afterwards `gates`
// stands beside `sessions` one for one. An error is the view's.
absl::StatusOr<Gated> ApplyGates(GateView& view, Admission& admission);

// A session that waits for a limit: it was never leased since.
bool WaitsForLimit(const v1::Session& session);

// When it counts in the limits: nothing where it does not.
std::optional<absl::Time> SlotOf(const v1::Session& session, const SessionGates& gates);

// Its decision as it is now that it starts, or, at `now` being past its expire_time, does not.
void DecideLeased(const v1::Session& session, absl::Time now, v1::Decision& decision);
bool HasExpired(const v1::Session& session, absl::Time now);

// Why a routine is paused whose sessions have cost `spent`.
std::string PauseReason(double spent, double most);

}  // namespace routines::store

#endif  // ROUTINES_SRC_STORE_GATES_H_
