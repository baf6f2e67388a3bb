#include "routines/clock.h"

namespace routines {
namespace {

class RealClock : public Clock {
 public:
  absl::Time TimeNow() override { return absl::Now(); }
  void Sleep(absl::Duration duration) override { absl::SleepFor(duration); }
  void SleepUntil(absl::Time time) override { absl::SleepFor(time - absl::Now()); }
  bool AwaitWithDeadline(absl::Mutex* mu, const absl::Condition& condition,
                         absl::Time deadline) override {
    return mu->AwaitWithDeadline(condition, deadline);
  }
};

}  // namespace

Clock& Clock::GetRealClock() {
  static RealClock* const clock = new RealClock;
  return *clock;
}

}  // namespace routines
