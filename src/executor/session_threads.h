// One thread for each session that an executor runs.
//
// Thread-safety: Run may be called from any thread.
// Blocking: the destructor waits until every function has returned and what it owned is gone.
#ifndef ROUTINES_SRC_EXECUTOR_SESSION_THREADS_H_
#define ROUTINES_SRC_EXECUTOR_SESSION_THREADS_H_

#include <functional>
#include <list>
#include <memory>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "routines/executor.h"

namespace routines {

class SessionThreads {
 public:
  ~SessionThreads();

  // Finishes the execution with what `run` returns, on a thread of its own; at once where the
  // system has no thread to give.
  void Run(std::shared_ptr<Execution> execution, std::function<Outcome(Execution&)> run);

 private:
  absl::Mutex mu_;
  std::list<std::thread> running_ ABSL_GUARDED_BY(mu_);
  std::list<std::thread> ended_ ABSL_GUARDED_BY(mu_);  // to be joined
};

}  // namespace routines

#endif  // ROUTINES_SRC_EXECUTOR_SESSION_THREADS_H_
