#include <stdexcept>

#include "gtest/gtest.h"
#include "routines/executor.h"
#include "routines/testing/recording_execution.h"

namespace routines {
namespace {

using ::routines::testing::RecordingExecution;

Outcome RunCallback(std::function<Outcome(Execution&)> function) {
  const auto executor = NewCallbackExecutor(std::move(function));
  ExecutionRequest request;
  request.prompt = "the prompt";
  const auto execution = std::make_shared<RecordingExecution>(request);
  executor->Start(execution);
  return execution->WaitFinished() ? execution->outcomes()[0] : Outcome();
}

TEST(CallbackExecutor, HandsOverTheRequestAndTakesTheOutcome) {
  const Outcome outcome = RunCallback([](Execution& execution) {
    return Outcome::Failure(v1::SESSION_STEP_PUSH, "a_word", execution.request().prompt);
  });
  EXPECT_EQ(outcome.state, v1::SESSION_STATE_FAILED);
  EXPECT_EQ(outcome.step, v1::SESSION_STEP_PUSH);
  EXPECT_EQ(outcome.reason, "a_word");
  EXPECT_EQ(outcome.message, "the prompt");
}

TEST(CallbackExecutor, TurnsAnExceptionIntoAFailedSession) {
  Outcome outcome =
      RunCallback([](Execution&) -> Outcome { throw std::runtime_error("it broke"); });
  EXPECT_EQ(outcome.state, v1::SESSION_STATE_FAILED);
  EXPECT_EQ(outcome.step, v1::SESSION_STEP_AGENT);
  EXPECT_EQ(outcome.reason, "exception");
  EXPECT_EQ(outcome.message, "it broke");
  outcome = RunCallback([](Execution&) -> Outcome { throw 7; });
  EXPECT_EQ(outcome.reason, "exception");
}

}  // namespace
}  // namespace routines
