#include "routines/testing/simulated_clock.h"

namespace routines::testing {

SimulatedClock::SimulatedClock() : SimulatedClock(absl::FromUnixSeconds(1'767'603'600)) {}

SimulatedClock::SimulatedClock(absl::Time start) : now_(start) {}

SimulatedClock::~SimulatedClock() = default;

absl::Time SimulatedClock::TimeNow() {
  absl::MutexLock lock(&mu_);
  return now_;
}

void SimulatedClock::Sleep(absl::Duration duration) {
  SleepUntil(TimeNow() + duration);
}

void SimulatedClock::SleepUntil(absl::Time time) {
  struct Due {
    SimulatedClock* clock;
    absl::Time time;
  } due{this, time};
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(
      +[](Due* d) ABSL_NO_THREAD_SAFETY_ANALYSIS { return d->clock->now_ >= d->time; }, &due));
}

bool SimulatedClock::AwaitWithDeadline(absl::Mutex* mu, const absl::Condition& condition,
                                       absl::Time deadline) {
  struct Either {
    SimulatedClock* clock;
    const absl::Condition* condition;
    absl::Time deadline;
  } either{this, &condition, deadline};
  {
    absl::MutexLock lock(&mu_);
    waiting_.insert(mu);
  }
  mu->Await(absl::Condition(
      +[](Either* e) { return e->condition->Eval() || e->clock->TimeNow() >= e->deadline; },
      &either));
  {
    absl::MutexLock lock(&mu_);
    const auto found = waiting_.find(mu);
    if (found != waiting_.end()) waiting_.erase(found);
  }
  return condition.Eval();
}

void SimulatedClock::SetTime(absl::Time time) {
  std::multiset<absl::Mutex*> waiting;
  {
    absl::MutexLock lock(&mu_);
    now_ = time;
    waiting = waiting_;
  }
  // Taking and releasing a mutex makes its waiters look at their conditions again.
  for (absl::Mutex* mu : waiting) absl::MutexLock lock(mu);
}

void SimulatedClock::AdvanceTime(absl::Duration duration) {
  SetTime(TimeNow() + duration);
}

}  // namespace routines::testing
