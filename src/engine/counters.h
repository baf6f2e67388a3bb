// What Engine::Stats tells.
#ifndef ROUTINES_SRC_ENGINE_COUNTERS_H_
#define ROUTINES_SRC_ENGINE_COUNTERS_H_

#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "routines/engine.h"
#include "src/engine/admission.h"

namespace routines {

// One with a session waits for a limit; it counts by its reason when that is final.
inline void CountDecisions(const std::vector<v1::Decision>& decisions, EngineStats& stats) {
  for (const v1::Decision& decision : decisions) {
    if (decision.reason() == v1::DECISION_REASON_LIMIT && !decision.session_id().empty()) {
      ++stats.decisions_deferred;
    } else {
      ++stats.decisions[std::string(DecisionName(decision.reason()))];
    }
  }
}

class Counters {
 public:
  template <typename F>
  void Change(F change) {
    absl::MutexLock lock(&mu_);
    change(stats_);
  }

  EngineStats Get() const {
    absl::MutexLock lock(&mu_);
    return stats_;
  }

 private:
  mutable absl::Mutex mu_;
  EngineStats stats_ ABSL_GUARDED_BY(mu_);
};

}  // namespace routines

#endif  // ROUTINES_SRC_ENGINE_COUNTERS_H_
