// How other threads tell the dispatcher's loop something: closures that the loop runs.
//
// Shared by the dispatcher and by whoever may still speak after it is gone; once closed, what is
// posted is dropped.
//
// Thread-safety: every method may be called from any thread.
#ifndef ROUTINES_SRC_ENGINE_MAILBOX_H_
#define ROUTINES_SRC_ENGINE_MAILBOX_H_

#include <functional>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "routines/clock.h"

namespace routines {

class Mailbox {
 public:
  void Post(std::function<void()> mail) {
    absl::MutexLock lock(&mu_);
    if (closed_) return;
    mail_.push_back(std::move(mail));
    awake_ = true;
  }

  // Makes the next Wait return at once.
  void Wake() {
    absl::MutexLock lock(&mu_);
    awake_ = true;
  }

  std::vector<std::function<void()>> Take() {
    absl::MutexLock lock(&mu_);
    return std::exchange(mail_, {});
  }

  // Whether Post or Wake was called since this was asked last.
  bool TakeAwake() {
    absl::MutexLock lock(&mu_);
    return std::exchange(awake_, false);
  }

  void Wait(Clock& clock, absl::Time deadline) {
    absl::MutexLock lock(&mu_);
    clock.AwaitWithDeadline(&mu_, absl::Condition(&awake_), deadline);
  }

  void Close() {
    std::vector<std::function<void()>> dropped;  // destroyed under no lock
    absl::MutexLock lock(&mu_);
    closed_ = true;
    dropped.swap(mail_);
  }

 private:
  absl::Mutex mu_;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  bool awake_ ABSL_GUARDED_BY(mu_) = true;
  std::vector<std::function<void()>> mail_ ABSL_GUARDED_BY(mu_);
};

}  // namespace routines

#endif  // ROUTINES_SRC_ENGINE_MAILBOX_H_
