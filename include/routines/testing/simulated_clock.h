// A Clock that moves only when told, named after absl::SimulatedClock.
//
// Thread-safety: every method may be called from any thread. Sleepers and waiters on other threads
// wake when the time is set past their deadline.
#ifndef ROUTINES_TESTING_SIMULATED_CLOCK_H_
#define ROUTINES_TESTING_SIMULATED_CLOCK_H_

#include <set>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "routines/clock.h"

namespace routines::testing {

class SimulatedClock : public Clock {
 public:
  // 2026-01-05 09:00:00 UTC, a Monday, where none is given.
  SimulatedClock();
  explicit SimulatedClock(absl::Time start);
  ~SimulatedClock() override;

  absl::Time TimeNow() override;
  void Sleep(absl::Duration duration) override;
  void SleepUntil(absl::Time time) override;
  bool AwaitWithDeadline(absl::Mutex* mu, const absl::Condition& condition,
                         absl::Time deadline) override;

  void SetTime(absl::Time time);
  void AdvanceTime(absl::Duration duration);

 private:
  absl::Mutex mu_;
  absl::Time now_ ABSL_GUARDED_BY(mu_);
  std::multiset<absl::Mutex*> waiting_ ABSL_GUARDED_BY(mu_);
};

}  // namespace routines::testing

#endif  // ROUTINES_TESTING_SIMULATED_CLOCK_H_
