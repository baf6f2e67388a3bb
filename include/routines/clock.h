// Where the engine gets its time from.
//
// Names and meaning are those of Abseil's absl::Clock (absl/time/clock_interface.h), which the
// Abseil of our floor lacks. All of the engine's waiting goes through a Clock, so that
// testing::SimulatedClock can run a week of schedules in a millisecond.
//
// Thread-safety: every method may be called from any thread.
// Ownership: a Clock is borrowed; it must outlive whoever was given it.
#ifndef ROUTINES_CLOCK_H_
#define ROUTINES_CLOCK_H_

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace routines {

class Clock {
 public:
  // The system's clock. Never destroyed.
  static Clock& GetRealClock();

  virtual ~Clock() = default;

  // The current time (wall clock). May step back.
  virtual absl::Time TimeNow() = 0;

  // Blocks for `duration`, or until TimeNow() is `time` or later. Returns at once where that has
  // passed.
  virtual void Sleep(absl::Duration duration) = 0;
  virtual void SleepUntil(absl::Time time) = 0;

  // With `mu` held by the caller: releases it, blocks until `condition` holds or `deadline` has
  // passed, takes it again, and returns whether `condition` holds.
  virtual bool AwaitWithDeadline(absl::Mutex* mu, const absl::Condition& condition,
                                 absl::Time deadline) = 0;
};

}  // namespace routines

#endif  // ROUTINES_CLOCK_H_
