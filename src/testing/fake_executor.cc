#include "routines/testing/fake_executor.h"

#include <utility>

namespace routines::testing {

FakeExecutor::FakeExecutor() : FakeExecutor(Outcome::Success()) {}

FakeExecutor::FakeExecutor(Outcome outcome)
    : FakeExecutor(
          [outcome](std::shared_ptr<Execution> execution) { execution->Finish(outcome); }) {}

FakeExecutor::FakeExecutor(std::function<void(std::shared_ptr<Execution>)> script)
    : script_(std::move(script)) {}

std::unique_ptr<FakeExecutor> FakeExecutor::Holding() {
  return std::make_unique<FakeExecutor>(std::function<void(std::shared_ptr<Execution>)>());
}

void FakeExecutor::Start(std::shared_ptr<Execution> execution) {
  {
    absl::MutexLock lock(&mu_);
    started_.push_back(execution->request());
    if (script_ == nullptr) running_[execution->request().session.id()] = execution;
  }
  if (script_ != nullptr) script_(std::move(execution));
}

bool FakeExecutor::Finish(std::string_view session_id, Outcome outcome) {
  std::shared_ptr<Execution> execution;
  {
    absl::MutexLock lock(&mu_);
    const auto found = running_.find(std::string(session_id));
    if (found == running_.end()) return false;
    execution = std::move(found->second);
    running_.erase(found);
  }
  execution->Finish(std::move(outcome));
  return true;
}

std::vector<ExecutionRequest> FakeExecutor::started() const {
  absl::MutexLock lock(&mu_);
  return started_;
}

}  // namespace routines::testing
