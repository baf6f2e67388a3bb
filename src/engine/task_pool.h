// Where the engine does what may block: a few threads, or the caller's own.
//
// Thread-safety: Run may be called from any thread.
#ifndef ROUTINES_SRC_ENGINE_TASK_POOL_H_
#define ROUTINES_SRC_ENGINE_TASK_POOL_H_

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace routines {

class TaskPool {
 public:
  TaskPool() = default;
  ~TaskPool();  // Stop()

  // Until Start, tasks run inside Run.
  void Start(int threads);
  // Runs what is queued, then ends the threads.
  void Stop();

  void Run(std::function<void()> task);

 private:
  void Work();

  absl::Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::deque<std::function<void()>> queue_ ABSL_GUARDED_BY(mu_);
  std::vector<std::thread> threads_;
};

}  // namespace routines

#endif  // ROUTINES_SRC_ENGINE_TASK_POOL_H_
