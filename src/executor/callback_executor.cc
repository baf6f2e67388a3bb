#include <exception>
#include <utility>

#include "routines/executor.h"
#include "src/executor/session_threads.h"

namespace routines {
namespace {

class CallbackExecutor : public Executor {
 public:
  explicit CallbackExecutor(std::function<Outcome(Execution&)> function)
      : function_(std::move(function)) {}

  void Start(std::shared_ptr<Execution> execution) override {
    threads_.Run(std::move(execution), [this](Execution& running) { return Call(running); });
  }

 private:
  Outcome Call(Execution& execution) {
    try {
      return function_(execution);
    } catch (const std::exception& exception) {
      return Outcome::Failure(v1::SESSION_STEP_AGENT, "exception", exception.what());
    } catch (...) {
      return Outcome::Failure(v1::SESSION_STEP_AGENT, "exception",
                              "the callback threw something that is no std::exception");
    }
  }

  const std::function<Outcome(Execution&)> function_;
  SessionThreads threads_;  // last: ends first
};

}  // namespace

std::unique_ptr<Executor> NewCallbackExecutor(
    std::function<Outcome(Execution& execution)> function) {
  return std::make_unique<CallbackExecutor>(std::move(function));
}

}  // namespace routines
