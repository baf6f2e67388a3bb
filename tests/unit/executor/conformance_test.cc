#include "routines/testing/executor_conformance.h"

#include <poll.h>

#include <stdexcept>

namespace routines::testing {
namespace {

std::unique_ptr<Executor> MakeCallback(ExecutorBehaviour behaviour) {
  return NewCallbackExecutor([behaviour](Execution& execution) {
    if (behaviour == ExecutorBehaviour::kCannotBeStarted) throw std::runtime_error("no agent");
    execution.log().Append(NoteEvent(v1::Note::SEVERITY_INFO, "running"));
    if (behaviour == ExecutorBehaviour::kFail) {
      return Outcome::Failure(v1::SESSION_STEP_AGENT, "agent_error", "as asked");
    }
    if (behaviour == ExecutorBehaviour::kSucceed) return Outcome::Success();
    pollfd cancelled = {execution.cancellation().fd(), POLLIN, 0};
    while (!execution.cancellation().IsCancelled()) poll(&cancelled, 1, 1000);
    return Outcome::Cancelled();
  });
}

std::unique_ptr<Executor> MakeProcess(ExecutorBehaviour behaviour) {
  ProcessExecutorOptions options;
  switch (behaviour) {
    case ExecutorBehaviour::kSucceed:
      options.command = {"echo", "done"};
      break;
    case ExecutorBehaviour::kFail:
      options.command = {"false"};
      break;
    case ExecutorBehaviour::kRunUntilCancelled:
      options.command = {"sh", "-c", "echo running; exec sleep 1000"};
      break;
    case ExecutorBehaviour::kCannotBeStarted:
      options.command = {"/no/such/agent"};
      break;
  }
  return *NewProcessExecutor(options);
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(Callback, ExecutorConformanceTest,
                         ::testing::Values(ExecutorFactory{MakeCallback}));
INSTANTIATE_TEST_SUITE_P(Process, ExecutorConformanceTest,
                         ::testing::Values(ExecutorFactory{MakeProcess}));

}  // namespace routines::testing
