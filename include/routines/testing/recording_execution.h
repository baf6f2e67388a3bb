// An Execution for tests of executors: it keeps what the executor does with it.
//
// Thread-safety: every method may be called from any thread.
#ifndef ROUTINES_TESTING_RECORDING_EXECUTION_H_
#define ROUTINES_TESTING_RECORDING_EXECUTION_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "routines/executor.h"

namespace routines::testing {

class RecordingExecution : public Execution, private SessionLog {
 public:
  explicit RecordingExecution(ExecutionRequest request) : request_(std::move(request)) {}

  const ExecutionRequest& request() const override { return request_; }
  SessionLog& log() override { return *this; }
  const Cancellation& cancellation() const override { return cancellation_; }

  void Finish(Outcome outcome) override {
    absl::MutexLock lock(&mu_);
    outcomes_.push_back(std::move(outcome));
  }

  void Cancel() { cancellation_.Cancel(); }

  // Sees each event before it is kept, on the thread that appends it; set before Start.
  std::function<void(const v1::SessionEvent&)> on_append;

  // Waits for the first Finish; false after `timeout`.
  bool WaitFinished(absl::Duration timeout = absl::Seconds(60)) const {
    absl::MutexLock lock(&mu_);
    return mu_.AwaitWithTimeout(
        absl::Condition(
            +[](const std::vector<Outcome>* all) { return !all->empty(); }, &outcomes_),
        timeout);
  }

  // Every Finish, in order; only the first takes effect.
  std::vector<Outcome> outcomes() const {
    absl::MutexLock lock(&mu_);
    return outcomes_;
  }

  std::vector<v1::SessionEvent> events() const {
    absl::MutexLock lock(&mu_);
    return events_;
  }

 private:
  void Append(v1::SessionEvent event) override {
    if (on_append) on_append(event);
    absl::MutexLock lock(&mu_);
    events_.push_back(std::move(event));
  }

  const ExecutionRequest request_;
  Cancellation cancellation_;
  mutable absl::Mutex mu_;
  std::vector<Outcome> outcomes_ ABSL_GUARDED_BY(mu_);
  std::vector<v1::SessionEvent> events_ ABSL_GUARDED_BY(mu_);
};

}  // namespace routines::testing

#endif  // ROUTINES_TESTING_RECORDING_EXECUTION_H_
