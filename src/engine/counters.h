// What Engine::Stats tells.
#ifndef ROUTINES_SRC_ENGINE_COUNTERS_H_
#define ROUTINES_SRC_ENGINE_COUNTERS_H_

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "routines/engine.h"

namespace routines {

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
