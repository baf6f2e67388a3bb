// Threads for handlers that wait for the store, so that the threads of the sockets never do.
//
// Thread-safety: Run may be called from any thread.
#ifndef ROUTINES_SRC_SERVER_WORKER_POOL_H_
#define ROUTINES_SRC_SERVER_WORKER_POOL_H_

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace routines::server {

class WorkerPool {
 public:
  explicit WorkerPool(int threads);
  ~WorkerPool();  // runs what was given, then ends the threads

  // The queue is as long as there are connections: each waits for one job at a time.
  void Run(std::function<void()> job);

 private:
  void Work();

  absl::Mutex mu_;
  std::deque<std::function<void()>> jobs_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace routines::server

#endif  // ROUTINES_SRC_SERVER_WORKER_POOL_H_
