#include "src/executor/session_threads.h"

#include <system_error>
#include <utility>

namespace routines {

SessionThreads::~SessionThreads() {
  std::list<std::thread> ended;
  {
    absl::MutexLock lock(&mu_);
    mu_.Await(absl::Condition(
        +[](std::list<std::thread>* running) { return running->empty(); }, &running_));
    ended.swap(ended_);
  }
  for (std::thread& thread : ended) thread.join();
}

void SessionThreads::Run(std::shared_ptr<Execution> execution,
                         std::function<Outcome(Execution&)> run) {
  std::list<std::thread> ended;
  absl::Status status;
  {
    absl::MutexLock lock(&mu_);
    ended.swap(ended_);
    const auto self = running_.emplace(running_.end());
    try {
      *self = std::thread([this, self, execution, run = std::move(run)]() mutable {
        execution->Finish(run(*execution));
        run = nullptr;
        execution.reset();
        absl::MutexLock lock(&mu_);
        ended_.splice(ended_.end(), running_, self);
      });
    } catch (const std::system_error&) {
      running_.erase(self);
      status = absl::ResourceExhaustedError("no thread to be had");
    }
  }
  for (std::thread& thread : ended) thread.join();  // they are past their last lock
  if (!status.ok()) {
    execution->Finish(Outcome::Retryable(v1::SESSION_STEP_EXECUTOR, "start_failed",
                                         std::string(status.message())));
  }
}

}  // namespace routines
