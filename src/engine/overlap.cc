#include "src/engine/overlap.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace routines {
namespace {

void TakeSessionOut(const std::string& id, Admission& admission) {
  const auto gone = std::remove_if(admission.sessions.begin(), admission.sessions.end(),
                                   [&](const v1::Session& session) { return session.id() == id; });
  admission.sessions.erase(gone, admission.sessions.end());
}

}  // namespace

int ConcurrencyLimit(const v1::Routine& routine) {
  const bool one_at_a_time = routine.overlap() == v1::OVERLAP_QUEUE ||
                             routine.overlap() == v1::OVERLAP_CANCEL_RUNNING;
  return one_at_a_time ? 1 : routine.limits().max_concurrent_sessions();
}

std::vector<RoutineRef> Overlap::Apply(Admission& admission) {
  std::vector<RoutineRef> entered;
  if (admission.event.source() == "manual") return entered;  // was asked for by hand
  for (v1::Decision& decision : admission.decisions) {
    if (decision.reason() != v1::DECISION_REASON_FIRED) continue;
    const auto saved = catalog_.FindRoutine(decision.account(), decision.routine());
    if (saved == nullptr) continue;
    const RoutineRef routine{decision.account(), decision.routine()};
    if (saved->routine().overlap() == v1::OVERLAP_CANCEL_RUNNING) {
      admission.cancel_earlier.push_back(routine);
    } else if (saved->routine().overlap() == v1::OVERLAP_SKIP) {
      const std::string other = Enter(routine);
      if (other.empty()) {
        entered.push_back(routine);
        continue;
      }
      TakeSessionOut(decision.session_id(), admission);
      decision.clear_session_id();
      decision.set_reason(v1::DECISION_REASON_OVERLAP);
      decision.set_detail(absl::StrCat(other, " has not ended (overlap: skip)"));
      // A fire that started nothing may be sent again with its key.
      if (admission.event.source() == "api") admission.dedupe_keys.clear();
    }
  }
  return entered;
}

void Overlap::Leave(const std::vector<RoutineRef>& entered) {
  if (entered.empty()) return;
  absl::MutexLock lock(&mu_);
  for (const RoutineRef& routine : entered) {
    const auto found = entered_.find({routine.account, routine.name});
    if (--found->second == 0) entered_.erase(found);
  }
}

std::string Overlap::Enter(const RoutineRef& routine) {
  {
    absl::MutexLock lock(&mu_);
    int& count = entered_[{routine.account, routine.name}];
    if (count > 0) return "another session of the routine";
    ++count;
  }
  // Whoever entered before has left after its commit: the store has what it started.
  const absl::StatusOr<Rows> rows = store_.Read(
      SessionQuery{.account = routine.account,
                   .routine = routine.name,
                   .states = {v1::SESSION_STATE_QUEUED, v1::SESSION_STATE_PREPARING,
                              v1::SESSION_STATE_RUNNING},
                   .limit = 1});
  // Where the store cannot be read, the admission will not be stored either.
  if (!rows.ok() || rows->sessions.empty()) return "";
  Leave({routine});
  return rows->sessions.front().id();
}

}  // namespace routines
