// An Executor that does what a test tells it, on the test's own thread.
//
// Thread-safety: every method may be called from any thread.
#ifndef ROUTINES_TESTING_FAKE_EXECUTOR_H_
#define ROUTINES_TESTING_FAKE_EXECUTOR_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "routines/executor.h"

namespace routines::testing {

class FakeExecutor : public Executor {
 public:
  // Each session ends at once with `outcome`.
  FakeExecutor();
  explicit FakeExecutor(Outcome outcome);
  // Each session calls `script` from Start; it may Finish, or keep the execution to finish it
  // later.
  explicit FakeExecutor(std::function<void(std::shared_ptr<Execution>)> script);

  void Start(std::shared_ptr<Execution> execution) override;

  // Sessions stay running until Finish.
  static std::unique_ptr<FakeExecutor> Holding();
  // Ends a session of a holding executor; false where none with that id runs.
  bool Finish(std::string_view session_id, Outcome outcome);

  // What was started, in order; the prompts are what the agent would have seen.
  std::vector<ExecutionRequest> started() const;

 private:
  const std::function<void(std::shared_ptr<Execution>)> script_;  // null: holding
  mutable absl::Mutex mu_;
  std::vector<ExecutionRequest> started_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, std::shared_ptr<Execution>> running_ ABSL_GUARDED_BY(mu_);
};

}  // namespace routines::testing

#endif  // ROUTINES_TESTING_FAKE_EXECUTOR_H_
