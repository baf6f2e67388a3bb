#include "routines/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fakes.h"
#include "routines/routine.h"
#include "routines/testing/faulty_store.h"
#include "routines/testing/test_engine.h"

namespace routines {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr char kAlert[] = "name: alert\nprompt: look\ntriggers: [{id: trig_alert0001, api: {}}]\n";
constexpr char kTrigger[] = "trig_alert0001";

v1::Routine Load(std::string_view yaml) {
  return LoadRoutine(yaml, "test.yaml").routine;
}

// ---- routines ----

TEST(Engine, MakesARevisionPerChange) {
  testing::TestEngine engine;
  EXPECT_EQ(engine.PutYaml("name: a\nprompt: one\n").revision(), 1);
  EXPECT_EQ(engine.PutYaml("name: a\nprompt: one\n").revision(), 1);
  EXPECT_EQ(engine.PutYaml("name: a\nprompt: two\n").revision(), 2);
  EXPECT_EQ(engine->GetRoutine("default", "a", 1)->routine().prompt(), "one");
  EXPECT_EQ(engine->GetRoutine("default", "a")->routine().prompt(), "two");
  EXPECT_TRUE(absl::IsNotFound(engine->GetRoutine("default", "b").status()));
}

TEST(Engine, KeepsTheIdThatATriggerGotAtItsFirstSave) {
  testing::TestEngine engine;
  const v1::SavedRoutine first = engine.PutYaml(
      "name: a\nprompt: one\ntriggers: [{id: x, api: {}}, {id: trig_chosen0001, api: {}}]\n");
  EXPECT_EQ(first.triggers(1).trigger_id(), "trig_chosen0001");
  EXPECT_EQ(first.triggers(0).trigger_id().size(), 5u + 26u);
  const v1::SavedRoutine second =
      engine.PutYaml("name: a\nprompt: two\ntriggers: [{id: y, api: {}}, {id: x, api: {}}]\n");
  EXPECT_EQ(second.triggers(1).trigger_id(), first.triggers(0).trigger_id());
  EXPECT_NE(second.triggers(0).trigger_id(), first.triggers(0).trigger_id());
}

TEST(Engine, RefusesATriggerIdOfAnotherRoutine) {
  testing::TestEngine engine;
  engine.PutYaml(kAlert);
  const auto taken =
      engine->Put(Load("name: b\nprompt: p\ntriggers: [{id: trig_alert0001, api: {}}]\n"));
  EXPECT_TRUE(absl::IsAlreadyExists(taken.status())) << taken.status();
  ASSERT_TRUE(engine->DeleteRoutine("default", "alert").ok());
  EXPECT_TRUE(
      engine->Put(Load("name: b\nprompt: p\ntriggers: [{id: trig_alert0001, api: {}}]\n")).ok());
}

TEST(Engine, LearnsAtTheNextTryOfASaveWhoseAnswerWasLost) {
  int lost = 0;
  const auto store = std::make_shared<testing::FaultyStore>(
      NewMemoryStore(), [&](testing::FaultyStore::Operation operation) {
        const bool loses = operation == testing::FaultyStore::Operation::kSave && lost-- > 0;
        return loses ? testing::FaultyStore::Fault::kLoseAnswer
                     : testing::FaultyStore::Fault::kNone;
      });
  EngineOptions options;
  options.store = store;
  testing::TestEngine engine(std::move(options));
  lost = 1;
  EXPECT_TRUE(absl::IsUnavailable(engine->Put(Load(kAlert)).status()));
  EXPECT_TRUE(absl::IsNotFound(engine->Fire({.trigger_id = kTrigger}).status()));
  EXPECT_EQ(engine->Put(Load(kAlert))->revision(), 1);
  EXPECT_TRUE(engine->Fire({.trigger_id = kTrigger}).ok());
  lost = 1;
  EXPECT_TRUE(absl::IsUnavailable(engine->DeleteRoutine("default", "alert")));
  EXPECT_TRUE(engine->DeleteRoutine("default", "alert").ok());
  EXPECT_TRUE(absl::IsNotFound(engine->Fire({.trigger_id = kTrigger}).status()));
  EXPECT_TRUE(absl::IsNotFound(engine->DeleteRoutine("default", "alert")));
}

TEST(Engine, RefusesAnInvalidRoutineWithEveryProblem) {
  testing::TestEngine engine;
  v1::Routine routine;
  routine.set_name("Bad Name");
  const auto put = engine->Put(routine);
  EXPECT_TRUE(absl::IsInvalidArgument(put.status()));
  EXPECT_THAT(std::string(put.status().message()), HasSubstr("name: "));
  EXPECT_THAT(std::string(put.status().message()), HasSubstr("prompt: "));
}

TEST(Engine, RefusesAnExecutorThatIsNotRegistered) {
  testing::TestEngine engine;
  const auto put = engine->Put(Load("name: a\nprompt: p\nexecutor: codex\n"));
  EXPECT_EQ(put.status().message(),
            "executor: no executor named \"codex\" is registered; there are: fake");
}

TEST(Engine, GoesOnCountingRevisionsAfterADeletion) {
  testing::TestEngine engine;
  engine.PutYaml(kAlert);
  ASSERT_TRUE(engine->DeleteRoutine("default", "alert").ok());
  EXPECT_TRUE(absl::IsNotFound(engine->DeleteRoutine("default", "alert")));
  EXPECT_THAT(*engine->ListRoutines(), SizeIs(0));
  EXPECT_TRUE(absl::IsNotFound(engine->Fire({.trigger_id = kTrigger}).status()));
  EXPECT_EQ(engine.PutYaml(kAlert).revision(), 3);
}

TEST(Engine, FindsEverythingAgainAfterARestart) {
  testing::TestEngine engine;
  engine.PutYaml(kAlert);
  ASSERT_TRUE(engine->SetRoutinePaused("default", "alert", true).ok());
  engine.CrashAndRestart();
  EXPECT_TRUE(engine->GetRoutine("default", "alert")->paused());
  EXPECT_TRUE(absl::IsFailedPrecondition(engine->Fire({.trigger_id = kTrigger}).status()));
}

// ---- fires ----

TEST(Engine, TurnsAFireIntoOneSessionWithAnEventAndADecision) {
  testing::TestEngine engine;
  engine.PutYaml(kAlert);
  const FireResult fired = *engine->Fire({.trigger_id = kTrigger, .text = "SEN-4521"});
  const v1::Session queued = *engine->GetSession(fired.session_id);
  EXPECT_EQ(queued.state(), v1::SESSION_STATE_QUEUED);
  EXPECT_EQ(queued.read_key(), fired.read_key);
  EXPECT_EQ(engine->GetEvent(fired.event_id)->text(), "SEN-4521");
  const auto decisions = *engine->ListDecisions({.event_id = fired.event_id});
  ASSERT_THAT(decisions, SizeIs(1));
  EXPECT_EQ(decisions[0].reason(), v1::DECISION_REASON_FIRED);
  EXPECT_EQ(decisions[0].session_id(), fired.session_id);
  engine.RunUntilIdle();
  EXPECT_EQ(engine->GetSession(fired.session_id)->state(), v1::SESSION_STATE_SUCCEEDED);
}

TEST(Engine, AnswersAnIdempotencyKeyWithTheFirstSessionFor24Hours) {
  testing::TestEngine engine;
  engine.PutYaml(kAlert);
  const FireRequest request{.trigger_id = kTrigger, .text = "x", .idempotency_key = "key-1"};
  const FireResult first = *engine->Fire(request);
  EXPECT_FALSE(first.duplicate);
  engine.AdvanceTime(absl::Hours(24) - absl::Seconds(1));
  const FireResult again = *engine->Fire(request);
  EXPECT_TRUE(again.duplicate);
  EXPECT_EQ(again.session_id, first.session_id);
  EXPECT_EQ(again.read_key, first.read_key);
  engine.AdvanceTime(absl::Seconds(2));
  EXPECT_NE(engine->Fire(request)->session_id, first.session_id);
  EXPECT_THAT(*engine->ListSessions({}), SizeIs(2));
}

TEST(Engine, RemembersAnIdempotencyKeyOverARestart) {
  testing::TestEngine engine;
  engine.PutYaml(kAlert);
  const FireRequest request{.trigger_id = kTrigger, .idempotency_key = "key-1"};
  const FireResult first = *engine->Fire(request);
  engine.CrashAndRestart();
  EXPECT_EQ(engine->Fire(request)->session_id, first.session_id);
}

TEST(Engine, RecordsWhyAPausedRoutineDidNotFire) {
  testing::TestEngine engine;
  engine.PutYaml(kAlert);
  ASSERT_TRUE(engine->SetRoutinePaused("default", "alert", true).ok());
  const FireRequest request{.trigger_id = kTrigger, .idempotency_key = "key-1"};
  EXPECT_EQ(engine->Fire(request).status(),
            absl::FailedPreconditionError("the routine is paused; nothing was started"));
  const auto decisions = *engine->ListDecisions({.account = "default", .routine = "alert"});
  ASSERT_THAT(decisions, SizeIs(1));
  EXPECT_EQ(decisions[0].reason(), v1::DECISION_REASON_PAUSED);
  EXPECT_THAT(*engine->ListSessions({}), SizeIs(0));
  // The key was not used up by a fire that started nothing.
  ASSERT_TRUE(engine->SetRoutinePaused("default", "alert", false).ok());
  EXPECT_FALSE(engine->Fire(request)->duplicate);
}

TEST(Engine, RecordsWhyADisabledTriggerDidNotFire) {
  testing::TestEngine engine;
  engine.PutYaml(
      "name: alert\nprompt: p\ntriggers: [{id: trig_alert0001, disabled: true, api: {}}]\n");
  EXPECT_TRUE(absl::IsFailedPrecondition(engine->Fire({.trigger_id = kTrigger}).status()));
  EXPECT_EQ((*engine->ListDecisions({.account = "default", .routine = "alert"}))[0].reason(),
            v1::DECISION_REASON_DISABLED);
}

TEST(Engine, FiresApiTriggersOnly) {
  testing::TestEngine engine;
  engine.PutYaml(
      "name: a\nprompt: p\ntriggers: [{id: trig_nightly01, schedule: {cron: '7 2 * * *'}}]\n");
  EXPECT_TRUE(absl::IsNotFound(engine->Fire({.trigger_id = "trig_nightly01"}).status()));
  EXPECT_TRUE(absl::IsNotFound(engine->Fire({.trigger_id = "trig_unknown01"}).status()));
}

TEST(Engine, DoesNotAnswerOkForWhatTheStoreCouldNotKeep) {
  auto faulty = std::make_shared<FaultyStore>(NewMemoryStore());
  testing::TestEngine engine(EngineOptions{.store = faulty});
  engine.PutYaml(kAlert);
  faulty->admit_status = absl::UnavailableError("disk full");
  EXPECT_TRUE(absl::IsUnavailable(engine->Fire({.trigger_id = kTrigger}).status()));
  EXPECT_EQ(engine->Stats().admit_errors, 1);
  faulty->admit_status = absl::OkStatus();
  EXPECT_TRUE(engine->Fire({.trigger_id = kTrigger}).ok());
}

TEST(Engine, RunsTheRevisionThatWasFired) {
  testing::TestEngine engine;
  engine.PutYaml(kAlert);
  ASSERT_TRUE(engine->Fire({.trigger_id = kTrigger}).ok());
  engine.PutYaml("name: alert\nprompt: changed\ntriggers: [{id: trig_alert0001, api: {}}]\n");
  engine.RunUntilIdle();
  ASSERT_THAT(engine.executor().started(), SizeIs(1));
  EXPECT_EQ(engine.executor().started()[0].prompt, "look");
}

TEST(Engine, RunsARoutineByHandAlsoWhenItIsPaused) {
  testing::TestEngine engine;
  engine.PutYaml(kAlert);
  ASSERT_TRUE(engine->SetRoutinePaused("default", "alert", true).ok());
  const FireResult run = *engine->Run("default", "alert", "now");
  engine.RunUntilIdle();
  EXPECT_EQ(engine->GetSession(run.session_id)->state(), v1::SESSION_STATE_SUCCEEDED);
  EXPECT_EQ(engine->GetEvent(run.event_id)->source(), "manual");
  EXPECT_TRUE(absl::IsNotFound(engine->Run("default", "other").status()));
}

TEST(Engine, CountsWhatItDecided) {
  testing::TestEngine engine;
  engine.PutYaml(kAlert);
  ASSERT_TRUE(engine->Fire({.trigger_id = kTrigger, .idempotency_key = "k"}).ok());
  ASSERT_TRUE(engine->Fire({.trigger_id = kTrigger, .idempotency_key = "k"}).ok());
  engine.RunUntilIdle();
  const EngineStats stats = engine->Stats();
  EXPECT_EQ(stats.events_admitted, 1);
  EXPECT_EQ(stats.events_duplicate, 1);
  EXPECT_EQ(stats.decisions.at("fired"), 1);
  EXPECT_EQ(stats.sessions_ended.at("succeeded"), 1);
  EXPECT_EQ(stats.sessions_active, 0);
  EXPECT_EQ(stats.sessions_running, 0);
}

// ---- watching ----

TEST(Engine, TellsSubscribersOfEveryDurableChange) {
  testing::TestEngine engine;
  engine.PutYaml(kAlert);
  const FireResult fired = *engine->Fire({.trigger_id = kTrigger});
  std::vector<v1::SessionState> seen;
  engine->Subscribe(fired.session_id,
                    [&] { seen.push_back(engine->GetSession(fired.session_id)->state()); });
  engine.RunUntilIdle();
  EXPECT_THAT(seen, ElementsAre(v1::SESSION_STATE_PREPARING, v1::SESSION_STATE_RUNNING,
                                v1::SESSION_STATE_SUCCEEDED));
}

TEST(Engine, WaitsUntilASessionHasEnded) {
  EngineOptions options;
  options.executors["echo"] = NewCallbackExecutor([](Execution& execution) {
    execution.log().Append(OutputEvent(v1::SESSION_STEP_AGENT, v1::Output::STREAM_STDOUT, "hi"));
    return Outcome::Success("said hi");
  });
  auto engine = *Engine::Create(std::move(options));
  ASSERT_TRUE(engine->Put(Load(kAlert)).ok());
  ASSERT_TRUE(engine->Start().ok());
  const FireResult fired = *engine->Fire({.trigger_id = kTrigger});
  const v1::Session ended = *engine->Wait(fired.session_id, absl::InfiniteFuture());
  EXPECT_EQ(ended.state(), v1::SESSION_STATE_SUCCEEDED);
  EXPECT_EQ(ended.message(), "said hi");
  const auto log = *engine->ReadLog({.session_id = fired.session_id});
  for (size_t i = 0; i < log.size(); ++i) EXPECT_EQ(log[i].sequence(), static_cast<int64_t>(i + 1));
  EXPECT_EQ(ended.last_sequence(), static_cast<int64_t>(log.size()));
}

TEST(Engine, StopsWaitingAtTheDeadline) {
  testing::TestEngine engine;
  engine.PutYaml(kAlert);
  const FireResult fired = *engine->Fire({.trigger_id = kTrigger});
  EXPECT_TRUE(
      absl::IsDeadlineExceeded(engine->Wait(fired.session_id, engine.clock().TimeNow()).status()));
  EXPECT_TRUE(absl::IsNotFound(engine->Wait("session_x", absl::InfiniteFuture()).status()));
}

TEST(Engine, KeepsSettings) {
  testing::TestEngine engine;
  EXPECT_TRUE(absl::IsNotFound(engine->GetSetting("a").status()));
  ASSERT_TRUE(engine->SetSetting("a", "1").ok());
  EXPECT_EQ(*engine->GetSetting("a"), "1");
}

TEST(Engine, RefusesOptionsThatCannotWork) {
  EXPECT_TRUE(
      absl::IsInvalidArgument(Engine::Create(EngineOptions{.default_executor = "none"}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(
      Engine::Create(EngineOptions{.max_concurrent_sessions = 0}).status()));
  auto engine = *Engine::Create(EngineOptions());
  EXPECT_TRUE(engine->Start().ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(engine->Start()));
}

}  // namespace
}  // namespace routines
