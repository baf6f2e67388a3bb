// The dispatcher, through the engine that drives it.
#include "src/engine/dispatcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "fakes.h"
#include "routines/routine.h"
#include "routines/testing/test_engine.h"

namespace routines {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr char kAlert[] = "name: alert\nprompt: look\ntriggers: [{id: trig_alert0001, api: {}}]\n";
constexpr char kWithRepository[] =
    "name: alert\nprompt: look\nrepositories: [{url: 'https://example.org/api.git'}]\n"
    "triggers: [{id: trig_alert0001, api: {}}]\n";
constexpr char kTrigger[] = "trig_alert0001";

EngineOptions With(std::shared_ptr<Executor> executor) {
  EngineOptions options;
  options.executors["fake"] = std::move(executor);
  return options;
}

class DispatcherTest : public ::testing::Test {
 protected:
  // An engine whose sessions run until Finish.
  testing::TestEngine& Holding(EngineOptions options = {}) {
    executor_ = testing::FakeExecutor::Holding();
    options.executors = {{"fake", executor_}};
    options.workspaces = workspaces_;
    options.limits.fires_per_hour_routine = 0;
    options.limits.fires_per_hour_account = 0;
    engine_ = std::make_unique<testing::TestEngine>(std::move(options));
    engine_->PutYaml(kAlert);
    return *engine_;
  }

  std::string Fire() { return (*engine_)->Fire({.trigger_id = kTrigger})->session_id; }
  v1::Session Get(const std::string& id) { return *(*engine_)->GetSession(id); }
  std::vector<v1::SessionEvent> Log(const std::string& id) {
    return *(*engine_)->ReadLog({.session_id = id});
  }
  void ExpectGapless(const std::string& id) {
    const std::vector<v1::SessionEvent> log = Log(id);
    for (size_t i = 0; i < log.size(); ++i) {
      EXPECT_EQ(log[i].sequence(), static_cast<int64_t>(i + 1));
    }
  }

  std::shared_ptr<FakeWorkspaces> workspaces_ = std::make_shared<FakeWorkspaces>();
  std::shared_ptr<testing::FakeExecutor> executor_;
  std::unique_ptr<testing::TestEngine> engine_;
};

// ---- the way of a session ----

TEST_F(DispatcherTest, HandsTheAgentItsPromptEnvironmentAndWorkspace) {
  EngineOptions options;
  options.secrets = NewMapSecretProvider({{"SLACK_TOKEN", "xoxb-very-secret"}});
  testing::TestEngine& engine = Holding(std::move(options));
  engine.PutYaml(
      "name: alert\nprompt: look\nrepositories: [{url: 'https://example.org/api.git'}]\n"
      "environment: {variables: {LEVEL: info}, secrets: [SLACK_TOKEN]}\n"
      "triggers: [{id: trig_alert0001, api: {}}]\n");
  ASSERT_TRUE(engine->Fire({.trigger_id = kTrigger, .text = "it holds xoxb-very-secret"}).ok());
  engine.RunUntilIdle();
  ASSERT_THAT(executor_->started(), SizeIs(1));
  const ExecutionRequest request = executor_->started()[0];
  EXPECT_EQ(request.environment.at("LEVEL"), "info");
  EXPECT_EQ(request.environment.at("ROUTINES_SESSION_ID"), request.session.id());
  EXPECT_EQ(request.environment.at("SLACK_TOKEN"), "xoxb-very-secret");
  EXPECT_EQ(request.workspace, "/fake/work");
  EXPECT_EQ(request.working_directory, "/fake/work/api");
  EXPECT_THAT(request.prompt, HasSubstr("it holds [redacted]"));
  EXPECT_EQ(request.session.read_key(), "");
}

TEST_F(DispatcherTest, FailsASessionWhoseSecretIsMissing) {
  EngineOptions options;
  options.secrets = NewMapSecretProvider({});
  testing::TestEngine& engine = Holding(std::move(options));
  engine.PutYaml(
      "name: alert\nprompt: p\nenvironment: {secrets: [SLACK_TOKEN]}\n"
      "triggers: [{id: trig_alert0001, api: {}}]\n");
  const std::string id = Fire();
  engine.RunUntilIdle();
  const v1::Session session = Get(id);
  EXPECT_EQ(session.state(), v1::SESSION_STATE_FAILED);
  EXPECT_EQ(session.reason(), "secret_missing");
  EXPECT_THAT(session.message(), HasSubstr("SLACK_TOKEN"));
}

TEST_F(DispatcherTest, DoesNotRunBareWhatAskedForIsolation) {
  testing::TestEngine& engine = Holding();
  const std::string head = "name: alert\nprompt: p\ntriggers: [{id: trig_alert0001, api: {}}]\n";
  engine.PutYaml(head + "environment: {network: {mode: none}}\n");
  const std::string network = Fire();
  engine.RunUntilIdle();
  EXPECT_EQ(Get(network).reason(), "sandbox_unavailable");
  engine.PutYaml(head + "connectors: [{name: slack, command: [slack-mcp]}]\n");
  const std::string connector = Fire();
  engine.RunUntilIdle();
  EXPECT_EQ(Get(connector).reason(), "connectors_unavailable");
  EXPECT_EQ(Get(connector).step(), v1::SESSION_STEP_CONNECTOR);
  EXPECT_THAT(Get(connector).message(), HasSubstr("slack"));
  EXPECT_THAT(executor_->started(), SizeIs(0));
}

TEST_F(DispatcherTest, RunsNoMoreThanItMayAndTheRestAfterwards) {
  testing::TestEngine& engine = Holding(EngineOptions{.max_concurrent_sessions = 2});
  const std::string a = Fire(), b = Fire(), c = Fire();
  engine.RunUntilIdle();
  EXPECT_THAT(executor_->started(), SizeIs(2));
  EXPECT_EQ(Get(c).state(), v1::SESSION_STATE_QUEUED);
  executor_->Finish(a, Outcome::Success());
  engine.RunUntilIdle();
  EXPECT_EQ(Get(a).state(), v1::SESSION_STATE_SUCCEEDED);
  EXPECT_EQ(Get(c).state(), v1::SESSION_STATE_RUNNING);
}

TEST_F(DispatcherTest, DoesNotCallTheExecutorBeforeRunningIsDurable) {
  auto faulty = std::make_shared<FaultyStore>(NewMemoryStore());
  testing::TestEngine& engine = Holding(EngineOptions{.store = faulty});
  const std::string id = Fire();
  faulty->update_status = absl::UnavailableError("disk full");
  engine.RunUntilIdle();
  engine.AdvanceTime(absl::Seconds(10));
  EXPECT_THAT(executor_->started(), SizeIs(0));
  faulty->update_status = absl::OkStatus();
  engine.AdvanceTime(absl::Seconds(2));
  EXPECT_THAT(executor_->started(), SizeIs(1));
  EXPECT_EQ(Get(id).state(), v1::SESSION_STATE_RUNNING);
  ExpectGapless(id);
}

class StoreFaultTest : public DispatcherTest, public ::testing::WithParamInterface<bool> {};

INSTANTIATE_TEST_SUITE_P(StoresWhatItDenies, StoreFaultTest, ::testing::Bool());

TEST_P(StoreFaultTest, RepeatsWhatTheStoreRefusedAndEveryLineIsThereOnce) {
  auto faulty = std::make_shared<FaultyStore>(NewMemoryStore());
  std::shared_ptr<Execution> execution;
  auto executor = std::make_shared<testing::FakeExecutor>(
      [&](std::shared_ptr<Execution> started) { execution = std::move(started); });
  EngineOptions options{.store = faulty, .executors = {{"fake", executor}}};
  testing::TestEngine engine(std::move(options));
  engine.PutYaml(kAlert);
  const std::string id = engine->Fire({.trigger_id = kTrigger})->session_id;
  engine.RunUntilIdle();
  faulty->stores_what_it_denies = GetParam();
  faulty->update_status = absl::UnavailableError("disk full");
  for (int i = 0; i < 5; ++i) {
    execution->log().Append(OutputEvent(v1::SESSION_STEP_AGENT, v1::Output::STREAM_STDOUT, "x"));
    engine.AdvanceTime(absl::Milliseconds(700));
  }
  engine.AdvanceTime(absl::Seconds(3));
  faulty->update_status = absl::OkStatus();
  engine.AdvanceTime(absl::Seconds(3));
  execution->Finish(Outcome::Success());
  engine.RunUntilIdle();
  EXPECT_EQ(engine->GetSession(id)->state(), v1::SESSION_STATE_SUCCEEDED);
  int lines = 0;
  const std::vector<v1::SessionEvent> log = *engine->ReadLog({.session_id = id});
  for (const v1::SessionEvent& event : log) lines += event.has_output();
  EXPECT_EQ(lines, 5);
}

TEST_F(DispatcherTest, KeepsTheLastWordOfTheWorkspace) {
  workspaces_->patches.emplace_back().set_text("diff --git");
  testing::TestEngine& engine = Holding();
  engine.PutYaml(kWithRepository);
  const std::string id = Fire();
  engine.RunUntilIdle();
  executor_->Finish(id, Outcome::Failure(v1::SESSION_STEP_AGENT, "exit_code", "exit code 3"));
  engine.RunUntilIdle();
  const v1::Session session = Get(id);
  EXPECT_EQ(session.state(), v1::SESSION_STATE_FAILED);
  EXPECT_EQ(session.step(), v1::SESSION_STEP_AGENT);
  EXPECT_EQ(session.reason(), "exit_code");
  ASSERT_EQ(session.patches_size(), 1);
  EXPECT_EQ(Log(id).back().state_change().state(), v1::SESSION_STATE_FAILED);
}

TEST_F(DispatcherTest, FailsASessionThatItsExecutorForgot) {
  auto executor = std::make_shared<testing::FakeExecutor>([](std::shared_ptr<Execution>) {});
  testing::TestEngine engine(With(executor));
  engine.PutYaml(kAlert);
  const std::string id = engine->Fire({.trigger_id = kTrigger})->session_id;
  engine.RunUntilIdle();
  EXPECT_EQ(engine->GetSession(id)->reason(), "abandoned");
}

TEST_F(DispatcherTest, TakesTheFirstOutcomeOnly) {
  auto executor = std::make_shared<testing::FakeExecutor>([](std::shared_ptr<Execution> execution) {
    execution->Finish(Outcome::Failure(v1::SESSION_STEP_AGENT, "first", ""));
    execution->Finish(Outcome::Success());
  });
  testing::TestEngine engine(With(executor));
  engine.PutYaml(kAlert);
  const std::string id = engine->Fire({.trigger_id = kTrigger})->session_id;
  engine.RunUntilIdle();
  EXPECT_EQ(engine->GetSession(id)->reason(), "first");
}

// ---- retries ----

TEST_F(DispatcherTest, TriesAgainWithBackOffWhatInfrastructureBroke) {
  const Outcome broken = Outcome::Retryable(v1::SESSION_STEP_CLONE, "fetch_failed", "timed out");
  workspaces_->outcomes = {broken, broken};
  testing::TestEngine& engine = Holding();
  engine.PutYaml(kWithRepository);
  const std::string id = Fire();
  engine.RunUntilIdle();
  EXPECT_EQ(Get(id).state(), v1::SESSION_STATE_QUEUED);
  engine.AdvanceTime(absl::Seconds(1));
  EXPECT_EQ(workspaces_->prepared, 1);
  engine.AdvanceTime(absl::Seconds(1));
  EXPECT_EQ(workspaces_->prepared, 2);
  engine.AdvanceTime(absl::Seconds(8));
  EXPECT_EQ(workspaces_->prepared, 3);
  EXPECT_EQ(Get(id).state(), v1::SESSION_STATE_RUNNING);
  EXPECT_EQ(Get(id).attempt(), 3);
  ExpectGapless(id);
}

TEST_F(DispatcherTest, GivesUpWhenTheRetriesAreUsedUp) {
  workspaces_->outcomes.assign(
      10, Outcome::Retryable(v1::SESSION_STEP_CLONE, "fetch_failed", "timed out"));
  testing::TestEngine& engine = Holding();
  engine.PutYaml(kWithRepository);
  const std::string id = Fire();
  engine.AdvanceTime(absl::Hours(1));
  EXPECT_EQ(workspaces_->prepared, 3);
  EXPECT_EQ(Get(id).state(), v1::SESSION_STATE_FAILED);
  EXPECT_EQ(Get(id).step(), v1::SESSION_STEP_CLONE);
  EXPECT_EQ(Get(id).reason(), "fetch_failed");
}

TEST_F(DispatcherTest, DoesNotRepeatAFailedSetup) {
  workspaces_->outcomes = {Outcome::Failure(v1::SESSION_STEP_SETUP, "setup_failed", "exit code 1")};
  testing::TestEngine& engine = Holding();
  engine.PutYaml(kWithRepository);
  const std::string id = Fire();
  engine.AdvanceTime(absl::Hours(1));
  EXPECT_EQ(workspaces_->prepared, 1);
  EXPECT_EQ(Get(id).state(), v1::SESSION_STATE_FAILED);
}

// ---- ends that the engine decides ----

TEST_F(DispatcherTest, CancelsAQueuedSessionAtOnce) {
  testing::TestEngine& engine = Holding(EngineOptions{.max_concurrent_sessions = 1});
  Fire();
  const std::string queued = Fire();
  engine.RunUntilIdle();
  ASSERT_TRUE(engine->Cancel(queued).ok());
  EXPECT_EQ(Get(queued).state(), v1::SESSION_STATE_CANCELLED);
  EXPECT_TRUE(absl::IsNotFound(engine->Cancel("session_x")));
}

TEST_F(DispatcherTest, CancelsARunningSessionAndTheEnginesReasonWins) {
  testing::TestEngine& engine = Holding();
  const std::string id = Fire();
  engine.RunUntilIdle();
  ASSERT_TRUE(engine->Cancel(id).ok());
  engine.RunUntilIdle();
  EXPECT_TRUE(Get(id).cancel_requested());
  executor_->Finish(id, Outcome::Failure(v1::SESSION_STEP_AGENT, "signal", "signal 15"));
  engine.RunUntilIdle();
  EXPECT_EQ(Get(id).state(), v1::SESSION_STATE_CANCELLED);
  EXPECT_EQ(Get(id).reason(), "cancelled");
}

TEST_F(DispatcherTest, EndsAnAgentAtItsTimeLimit) {
  testing::TestEngine& engine = Holding();
  engine.PutYaml(
      "name: alert\nprompt: p\nlimits: {max_duration: 30m}\n"
      "triggers: [{id: trig_alert0001, api: {}}]\n");
  const std::string id = Fire();
  engine.AdvanceTime(absl::Minutes(29));
  EXPECT_EQ(Get(id).state(), v1::SESSION_STATE_RUNNING);
  engine.AdvanceTime(absl::Minutes(1));
  executor_->Finish(id, Outcome::Success());
  engine.RunUntilIdle();
  EXPECT_EQ(Get(id).state(), v1::SESSION_STATE_TIMED_OUT);
  EXPECT_EQ(Get(id).reason(), "max_duration");
}

TEST_F(DispatcherTest, LeavesAnExecutorBehindThatDoesNotEnd) {
  testing::TestEngine& engine = Holding(EngineOptions{.cancel_grace = absl::Seconds(15)});
  const std::string id = Fire();
  engine.RunUntilIdle();
  ASSERT_TRUE(engine->Cancel(id).ok());
  engine.AdvanceTime(absl::Seconds(14));
  EXPECT_EQ(Get(id).state(), v1::SESSION_STATE_RUNNING);
  engine.AdvanceTime(absl::Seconds(1));
  EXPECT_EQ(Get(id).state(), v1::SESSION_STATE_CANCELLED);
  EXPECT_TRUE(executor_->Finish(id, Outcome::Success()));  // too late
  engine.RunUntilIdle();
  EXPECT_EQ(Get(id).state(), v1::SESSION_STATE_CANCELLED);
  EXPECT_EQ(engine->Stats().sessions_running, 0);
}

TEST_F(DispatcherTest, EndsAnAgentThatCostsTooMuch) {
  std::shared_ptr<Execution> execution;
  auto executor = std::make_shared<testing::FakeExecutor>(
      [&](std::shared_ptr<Execution> started) { execution = std::move(started); });
  testing::TestEngine engine(With(executor));
  engine.PutYaml(
      "name: alert\nprompt: p\nlimits: {max_cost_usd: 5.00}\n"
      "triggers: [{id: trig_alert0001, api: {}}]\n");
  const std::string id = engine->Fire({.trigger_id = kTrigger})->session_id;
  engine.RunUntilIdle();
  v1::SessionEvent usage;
  usage.mutable_usage()->set_cost_usd(5.0);
  execution->log().Append(usage);
  engine.RunUntilIdle();
  EXPECT_FALSE(execution->cancellation().IsCancelled());
  usage.mutable_usage()->set_cost_usd(5.01);
  execution->log().Append(usage);
  engine.RunUntilIdle();
  EXPECT_TRUE(execution->cancellation().IsCancelled());
  execution->Finish(Outcome::Success());
  engine.RunUntilIdle();
  EXPECT_EQ(engine->GetSession(id)->reason(), "cost_limit");
}

TEST_F(DispatcherTest, EndsAnAgentThatTakesTooManyTurnsButNotOneThatIsDone) {
  for (const bool done : {false, true}) {
    std::shared_ptr<Execution> execution;
    auto executor = std::make_shared<testing::FakeExecutor>(
        [&](std::shared_ptr<Execution> started) { execution = std::move(started); });
    testing::TestEngine engine(With(executor));
    engine.PutYaml(
        "name: alert\nprompt: p\nlimits: {max_turns: 3}\n"
        "triggers: [{id: trig_alert0001, api: {}}]\n");
    const std::string id = engine->Fire({.trigger_id = kTrigger})->session_id;
    engine.RunUntilIdle();
    v1::SessionEvent usage, result;
    usage.mutable_usage()->set_turns(3);
    execution->log().Append(usage);
    engine.RunUntilIdle();
    EXPECT_FALSE(execution->cancellation().IsCancelled());
    result.mutable_result()->set_text("done");
    if (done) execution->log().Append(result);
    usage.mutable_usage()->set_turns(4);
    execution->log().Append(usage);
    engine.RunUntilIdle();
    EXPECT_EQ(execution->cancellation().IsCancelled(), !done);
    execution->Finish(Outcome::Success());
    engine.RunUntilIdle();
    EXPECT_EQ(engine->GetSession(id)->reason(), done ? "completed" : "max_turns");
  }
}

TEST_F(DispatcherTest, GivesBackWhatHasNotStartedAndEndsWhatRunsWhenItStops) {
  testing::TestEngine& engine = Holding(EngineOptions{.max_concurrent_sessions = 1});
  const std::string running = Fire(), queued = Fire();
  engine.RunUntilIdle();
  engine->Stop();
  EXPECT_EQ(Get(running).state(), v1::SESSION_STATE_CANCELLED);
  EXPECT_EQ(Get(running).reason(), "engine_stopped");
  EXPECT_EQ(Get(queued).state(), v1::SESSION_STATE_QUEUED);
}

// ---- leases and crashes ----

TEST_F(DispatcherTest, KeepsItsLeaseForAsLongAsASessionRuns) {
  testing::TestEngine& engine = Holding();
  const std::string id = Fire();
  engine.RunUntilIdle();
  testing::TestEngine other(EngineOptions{.store = engine.store()});
  for (int minute = 0; minute < 60; ++minute) {
    engine.AdvanceTime(absl::Minutes(1));
    other.AdvanceTime(absl::Minutes(1));
  }
  EXPECT_EQ(Get(id).state(), v1::SESSION_STATE_RUNNING);
  EXPECT_EQ(Get(id).fencing_token(), 1);
  EXPECT_EQ(engine->Stats().heartbeats_late, 0);
  EXPECT_THAT(other.executor().started(), SizeIs(0));
}

TEST_F(DispatcherTest, DeclaresAnAgentLostWhoseEngineCrashed) {
  testing::TestEngine& engine = Holding();
  const std::string id = Fire();
  engine.RunUntilIdle();
  engine.CrashAndRestart();
  engine.AdvanceTime(absl::Minutes(2));
  EXPECT_EQ(Get(id).state(), v1::SESSION_STATE_LOST);
  EXPECT_EQ(Get(id).reason(), "engine_lost");
  EXPECT_THAT(executor_->started(), SizeIs(1));  // an agent is never run again
  ExpectGapless(id);
}

TEST_F(DispatcherTest, RunsWhatWasQueuedWhenTheEngineCrashed) {
  testing::TestEngine& engine = Holding();
  const std::string id = Fire();
  engine.CrashAndRestart();
  engine.RunUntilIdle();
  EXPECT_EQ(Get(id).state(), v1::SESSION_STATE_RUNNING);
}

TEST_F(DispatcherTest, PreparesAgainWhatWasPreparingWhenTheEngineCrashed) {
  // The crash comes before RUNNING is stored: the store refuses that update.
  auto faulty = std::make_shared<FaultyStore>(NewMemoryStore());
  testing::TestEngine& engine = Holding(EngineOptions{.store = faulty});
  const std::string id = Fire();
  faulty->update_status = absl::UnavailableError("crashing");
  engine.RunUntilIdle();
  EXPECT_EQ(Get(id).state(), v1::SESSION_STATE_PREPARING);
  engine.CrashAndRestart();
  faulty->update_status = absl::OkStatus();
  engine.AdvanceTime(absl::Minutes(2));
  EXPECT_EQ(Get(id).state(), v1::SESSION_STATE_RUNNING);
  EXPECT_EQ(Get(id).attempt(), 2);
  EXPECT_THAT(executor_->started(), SizeIs(1));
}

TEST_F(DispatcherTest, DoesNotPrepareForEverWhatCrashesTheEngineEachTime) {
  auto faulty = std::make_shared<FaultyStore>(NewMemoryStore());
  testing::TestEngine& engine = Holding(EngineOptions{.store = faulty});
  const std::string id = Fire();
  for (int crash = 0; crash < 3; ++crash) {
    faulty->update_status = absl::UnavailableError("crashing");
    engine.AdvanceTime(absl::Minutes(2));
    engine.CrashAndRestart();
  }
  faulty->update_status = absl::OkStatus();
  engine.AdvanceTime(absl::Minutes(2));
  EXPECT_EQ(Get(id).state(), v1::SESSION_STATE_FAILED);
  EXPECT_EQ(Get(id).reason(), "attempts_exhausted");
  EXPECT_THAT(executor_->started(), SizeIs(0));
}

TEST_F(DispatcherTest, LetsGoOfASessionWhoseLeaseWentToAnotherEngine) {
  auto faulty = std::make_shared<FaultyStore>(NewMemoryStore());
  testing::TestEngine& engine = Holding(EngineOptions{.store = faulty});
  const std::string id = Fire();
  engine.RunUntilIdle();
  // Cut off for longer than the lease, while another engine looks at the same store.
  faulty->update_status = absl::UnavailableError("partition");
  testing::TestEngine other(EngineOptions{.store = engine.store()});
  faulty->update_status = absl::OkStatus();
  other.AdvanceTime(absl::Minutes(2));
  EXPECT_EQ(Get(id).state(), v1::SESSION_STATE_LOST);
  engine.AdvanceTime(absl::Minutes(2));
  EXPECT_EQ(engine->Stats().lease_lost, 1);
  executor_->Finish(id, Outcome::Success());
  engine.RunUntilIdle();
  EXPECT_EQ(Get(id).state(), v1::SESSION_STATE_LOST);
  EXPECT_EQ(engine->Stats().sessions_active, 0);
}

TEST_F(DispatcherTest, GoesOnWithASessionWhoseLeaseRanOutUnnoticed) {
  testing::TestEngine& engine = Holding();
  const std::string id = Fire();
  engine.RunUntilIdle();
  engine.clock().AdvanceTime(absl::Hours(3) / 2);  // a suspended machine, or a clock that stepped
  engine.RunUntilIdle();
  EXPECT_EQ(Get(id).state(), v1::SESSION_STATE_RUNNING);
  EXPECT_THAT(executor_->started(), SizeIs(1));
  executor_->Finish(id, Outcome::Success());
  engine.RunUntilIdle();
  EXPECT_EQ(Get(id).state(), v1::SESSION_STATE_SUCCEEDED);
}

TEST_F(DispatcherTest, GoesOnAfterTheStoreWasAwayForLongerThanALease) {
  auto faulty = std::make_shared<FaultyStore>(NewMemoryStore());
  testing::TestEngine& engine = Holding(EngineOptions{.store = faulty});
  const std::string id = Fire();
  engine.RunUntilIdle();
  faulty->update_status = absl::UnavailableError("disk full");
  engine.AdvanceTime(absl::Minutes(10));
  EXPECT_THAT(executor_->started(), SizeIs(1));
  executor_->Finish(id, Outcome::Success());
  engine.AdvanceTime(absl::Minutes(10));
  faulty->update_status = absl::OkStatus();
  engine.AdvanceTime(absl::Minutes(1));
  EXPECT_EQ(Get(id).state(), v1::SESSION_STATE_SUCCEEDED);
  EXPECT_EQ(Get(id).attempt(), 1);
  EXPECT_EQ(engine->Stats().sessions_active, 0);
  ExpectGapless(id);
}

TEST_F(DispatcherTest, KeepsWhatALostSessionHadPushed) {
  std::shared_ptr<Execution> execution;
  auto executor = std::make_shared<testing::FakeExecutor>(
      [&](std::shared_ptr<Execution> started) { execution = std::move(started); });
  testing::TestEngine engine(With(executor));
  engine.PutYaml(kAlert);
  const std::string id = engine->Fire({.trigger_id = kTrigger})->session_id;
  engine.RunUntilIdle();
  v1::SessionEvent push;
  push.mutable_push()->set_ref("refs/heads/claude/fix");
  push.mutable_push()->set_accepted(true);
  execution->log().Append(push);
  engine.RunUntilIdle();
  engine.CrashAndRestart();
  engine.AdvanceTime(absl::Minutes(2));
  EXPECT_EQ(engine->GetSession(id)->state(), v1::SESSION_STATE_LOST);
  EXPECT_EQ(engine->GetSession(id)->pushes_size(), 1);
}

TEST_F(DispatcherTest, CleansAReasonThatAHostMade) {
  auto executor = std::make_shared<testing::FakeExecutor>(
      Outcome::Failure(v1::SESSION_STEP_AGENT, "broken \xFF", "broken \xFF"));
  testing::TestEngine engine(With(executor));
  engine.PutYaml(kAlert);
  const std::string id = engine->Fire({.trigger_id = kTrigger})->session_id;
  engine.RunUntilIdle();
  EXPECT_EQ(engine->GetSession(id)->reason(), "broken \xEF\xBF\xBD");
}

// ---- threads ----

TEST_F(DispatcherTest, RunsTwoHundredSessionsAtOnce) {
  std::atomic<int> running = 0;
  EngineOptions options{
      .limits = {.fires_per_hour_routine = 0, .fires_per_hour_account = 0},
      .max_concurrent_sessions = 200,
  };
  options.executors["agent"] = NewCallbackExecutor([&](Execution& execution) {
    ++running;
    for (int i = 0; i < 20; ++i) {
      execution.log().Append(
          OutputEvent(v1::SESSION_STEP_AGENT, v1::Output::STREAM_STDOUT, std::string(100, 'x')));
    }
    while (running < 200 && !execution.cancellation().IsCancelled()) std::this_thread::yield();
    return Outcome::Success();
  });
  auto engine = *Engine::Create(std::move(options));
  ASSERT_TRUE(engine->Put(LoadRoutine(kAlert, "test.yaml").routine).ok());
  ASSERT_TRUE(engine->Start().ok());
  std::vector<std::string> ids;
  for (int i = 0; i < 200; ++i) ids.push_back(engine->Fire({.trigger_id = kTrigger})->session_id);
  for (const std::string& id : ids) {
    EXPECT_EQ(engine->Wait(id, absl::Now() + absl::Minutes(1))->state(),
              v1::SESSION_STATE_SUCCEEDED);
  }
  EXPECT_EQ(engine->Stats().heartbeats_late, 0);
}

TEST_F(DispatcherTest, HoldsAFloodingAgentBackWithoutLosingALine) {
  EngineOptions options{.max_log_backlog_bytes = 10'000};
  options.executors["agent"] = NewCallbackExecutor([&](Execution& execution) {
    for (int i = 0; i < 2'000; ++i) {
      execution.log().Append(
          OutputEvent(v1::SESSION_STEP_AGENT, v1::Output::STREAM_STDOUT, std::string(100, 'x')));
    }
    return Outcome::Success();
  });
  auto engine = *Engine::Create(std::move(options));
  ASSERT_TRUE(engine->Put(LoadRoutine(kAlert, "test.yaml").routine).ok());
  ASSERT_TRUE(engine->Start().ok());
  const std::string id = engine->Fire({.trigger_id = kTrigger})->session_id;
  ASSERT_TRUE(engine->Wait(id, absl::Now() + absl::Minutes(1)).ok());
  size_t bytes = 0;
  for (int64_t after = 0;;) {
    const auto events = *engine->ReadLog({.session_id = id, .after = after});
    if (events.empty()) break;
    for (const v1::SessionEvent& event : events) bytes += event.output().text().size();
    after = events.back().sequence();
  }
  EXPECT_EQ(bytes, 200'000u);
}

TEST_F(DispatcherTest, StopsOnceHoweverManyAskForIt) {
  EngineOptions options;
  options.executors["agent"] = NewCallbackExecutor([&](Execution&) { return Outcome::Success(); });
  auto engine = *Engine::Create(std::move(options));
  ASSERT_TRUE(engine->Start().ok());
  std::thread other([&] { engine->Stop(); });
  engine->Stop();
  other.join();
  EXPECT_TRUE(absl::IsFailedPrecondition(engine->Start()));
}

TEST_F(DispatcherTest, StopsWhileAgentsRun) {
  EngineOptions options;
  options.executors["agent"] = NewCallbackExecutor([&](Execution& execution) {
    while (!execution.cancellation().IsCancelled()) std::this_thread::yield();
    return Outcome::Cancelled();
  });
  std::shared_ptr<Store> store = NewMemoryStore();
  options.store = store;
  auto engine = *Engine::Create(std::move(options));
  ASSERT_TRUE(engine->Put(LoadRoutine(kAlert, "test.yaml").routine).ok());
  ASSERT_TRUE(engine->Start().ok());
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(engine->Fire({.trigger_id = kTrigger}).ok());
  engine->Stop();
  const Rows rows = *store->Read(SessionQuery{});
  for (const v1::Session& session : rows.sessions) {
    EXPECT_TRUE(session.state() == v1::SESSION_STATE_CANCELLED ||
                session.state() == v1::SESSION_STATE_QUEUED)
        << StateName(session.state());
  }
}

}  // namespace
}  // namespace routines
