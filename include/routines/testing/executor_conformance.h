// Holds an Executor to its contract (routines/executor.h). The built-in executors pass it; so must
// one of your own.
//
//   #include "routines/testing/executor_conformance.h"  // in one source file of a GoogleTest
//   program
//
//   namespace routines::testing {
//   INSTANTIATE_TEST_SUITE_P(MyExecutor, ExecutorConformanceTest,
//   ::testing::Values(ExecutorFactory{
//       .make = [](ExecutorBehaviour behaviour) { return NewMyExecutor(AgentThat(behaviour)); }}));
//   }
//
// Every test makes an executor of its own. The tests wait for events, never for time to pass; a
// minute without the event is a failure.
#ifndef ROUTINES_TESTING_EXECUTOR_CONFORMANCE_H_
#define ROUTINES_TESTING_EXECUTOR_CONFORMANCE_H_

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"
#include "routines/executor.h"
#include "routines/testing/recording_execution.h"

namespace routines::testing {

// What the agent does that the factory's executor runs.
enum class ExecutorBehaviour {
  kSucceed,            // appends at least one event, then ends well
  kFail,               // ends with an Outcome that is not ok()
  kRunUntilCancelled,  // appends an event, then runs on until the session is cancelled
  kCannotBeStarted,    // the agent does not come to life at all
};

struct ExecutorFactory {
  std::function<std::unique_ptr<Executor>(ExecutorBehaviour)> make;

  // For the names of the tests; GoogleTest would print the bytes.
  friend void PrintTo(const ExecutorFactory&, std::ostream* out) { *out << "executor"; }
};

class ExecutorConformanceTest : public ::testing::TestWithParam<ExecutorFactory> {
 protected:
  void Make(ExecutorBehaviour behaviour) {
    executor_ = GetParam().make(behaviour);
    ASSERT_NE(executor_, nullptr) << "the factory's make() gave no executor";
  }

  static std::shared_ptr<RecordingExecution> NewExecution() {
    ExecutionRequest request;
    request.session.set_id("session_01CONFORMANCE");
    request.prompt = "do as you were made to";
    return std::make_shared<RecordingExecution>(std::move(request));
  }

  std::unique_ptr<Executor> executor_;
};

TEST_P(ExecutorConformanceTest, FinishesAnAgentThatSucceeds) {
  Make(ExecutorBehaviour::kSucceed);
  const auto execution = NewExecution();
  executor_->Start(execution);
  ASSERT_TRUE(execution->WaitFinished());
  EXPECT_TRUE(execution->outcomes()[0].ok()) << execution->outcomes()[0].message;
  EXPECT_FALSE(execution->events().empty());
}

TEST_P(ExecutorConformanceTest, FinishesAnAgentThatFailsWithAReason) {
  for (const auto behaviour : {ExecutorBehaviour::kFail, ExecutorBehaviour::kCannotBeStarted}) {
    Make(behaviour);
    const auto execution = NewExecution();
    executor_->Start(execution);
    ASSERT_TRUE(execution->WaitFinished());
    const Outcome outcome = execution->outcomes()[0];
    EXPECT_TRUE(IsTerminal(outcome.state));
    EXPECT_FALSE(outcome.ok());
    EXPECT_NE(outcome.reason, "");
  }
}

TEST_P(ExecutorConformanceTest, StartDoesNotWaitForTheAgent) {
  Make(ExecutorBehaviour::kRunUntilCancelled);
  const auto execution = NewExecution();
  absl::Notification returned;
  std::thread starter([&] {
    executor_->Start(execution);
    returned.Notify();
  });
  EXPECT_TRUE(returned.WaitForNotificationWithTimeout(absl::Seconds(60)));
  EXPECT_TRUE(execution->outcomes().empty());
  execution->Cancel();
  EXPECT_TRUE(execution->WaitFinished());
  starter.join();
}

TEST_P(ExecutorConformanceTest, FinishesWhenCancelledWhileTheAgentRuns) {
  Make(ExecutorBehaviour::kRunUntilCancelled);
  const auto execution = NewExecution();
  absl::Notification running;
  execution->on_append = [&](const v1::SessionEvent&) {
    if (!running.HasBeenNotified()) running.Notify();
  };
  executor_->Start(execution);
  ASSERT_TRUE(running.WaitForNotificationWithTimeout(absl::Seconds(60)));
  EXPECT_TRUE(execution->outcomes().empty());
  execution->Cancel();
  EXPECT_TRUE(execution->WaitFinished());
  executor_.reset();
}

TEST_P(ExecutorConformanceTest, FinishesWhenCancelledBeforeStart) {
  Make(ExecutorBehaviour::kRunUntilCancelled);
  const auto execution = NewExecution();
  execution->Cancel();
  executor_->Start(execution);
  EXPECT_TRUE(execution->WaitFinished());
}

TEST_P(ExecutorConformanceTest, FinishesEachOfManySessionsThatStartAtOnce) {
  Make(ExecutorBehaviour::kSucceed);
  std::vector<std::shared_ptr<RecordingExecution>> executions;
  for (int i = 0; i < 32; ++i) executions.push_back(NewExecution());
  std::vector<std::thread> starters;
  for (int thread = 0; thread < 4; ++thread) {
    starters.emplace_back([&, thread] {
      for (size_t i = thread; i < executions.size(); i += 4) executor_->Start(executions[i]);
    });
  }
  for (std::thread& starter : starters) starter.join();
  for (const auto& execution : executions) {
    ASSERT_TRUE(execution->WaitFinished());
    EXPECT_TRUE(execution->outcomes()[0].ok()) << execution->outcomes()[0].message;
  }
}

TEST_P(ExecutorConformanceTest, CancellingOneSessionLeavesTheOthersRunning) {
  Make(ExecutorBehaviour::kRunUntilCancelled);
  const auto one = NewExecution();
  const auto other = NewExecution();
  executor_->Start(one);
  executor_->Start(other);
  one->Cancel();
  EXPECT_TRUE(one->WaitFinished());
  EXPECT_TRUE(other->outcomes().empty());
  other->Cancel();
  EXPECT_TRUE(other->WaitFinished());
}

// After the destructor an executor must neither report nor hold on to an execution: the engine may
// be gone. Each of its executions was finished, once.
TEST_P(ExecutorConformanceTest, DestructorWaitsUntilNothingRunsAnyMore) {
  for (const auto behaviour :
       {ExecutorBehaviour::kSucceed, ExecutorBehaviour::kRunUntilCancelled}) {
    Make(behaviour);
    std::vector<std::shared_ptr<RecordingExecution>> executions;
    for (int i = 0; i < 4; ++i) {
      executions.push_back(NewExecution());
      executor_->Start(executions.back());
    }
    for (const auto& execution : executions) execution->Cancel();
    executor_.reset();
    for (const auto& execution : executions) {
      EXPECT_EQ(execution->outcomes().size(), 1);
      EXPECT_EQ(execution.use_count(), 1) << "the executor still holds the execution";
    }
  }
}

}  // namespace routines::testing

#endif  // ROUTINES_TESTING_EXECUTOR_CONFORMANCE_H_
