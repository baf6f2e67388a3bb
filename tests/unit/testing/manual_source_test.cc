#include "routines/testing/manual_source.h"

#include <memory>
#include <thread>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "routines/store.h"
#include "routines/testing/faulty_store.h"
#include "routines/testing/matchers.h"
#include "routines/testing/test_engine.h"
#include "routines/testing/trigger_source_conformance.h"

namespace routines::testing {

// This program needs only the sink of that header; the built-in sources run its suite.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(TriggerSourceConformanceTest);

namespace {

using ::testing::HasSubstr;
using Fault = FaultyStore::Fault;
using Operation = FaultyStore::Operation;

constexpr char kRoutine[] = R"({"name": "job", "prompt": "do", "triggers": [
    {"id": "job", "custom": {"source": "queue", "type": "job"}}]})";

// An engine with a source, on a store whose admissions end as `fault` says.
struct World {
  World() {
    EngineOptions options;
    options.store = store;
    engine = std::make_unique<TestEngine>(std::move(options));
    EXPECT_THAT((*engine)->AddSource("queue", source), IsOk());
    engine->PutYaml(kRoutine);
  }

  Fault fault = Fault::kNone;
  const std::shared_ptr<FaultyStore> store =
      std::make_shared<FaultyStore>(NewMemoryStore(), [this](Operation operation) {
        return operation == Operation::kAdmit ? fault : Fault::kNone;
      });
  const std::shared_ptr<ManualSource> source = std::make_shared<ManualSource>();
  std::unique_ptr<TestEngine> engine;
};

TEST(ManualSource, EmitsWhatItIsToldAndTellsWhatBecameOfIt) {
  World world;
  world.engine->RunUntilIdle();
  const auto taken = world.source->Emit(ManualSource::NewEvent("job", "1", R"({"size": 3})"));
  ASSERT_THAT(taken, IsOk());
  EXPECT_EQ((*world.engine)->GetEvent(taken->event_id)->payload(), R"({"size": 3})");
  ASSERT_EQ(taken->decisions.size(), 1u);
  EXPECT_EQ(taken->decisions[0].reason(), v1::DECISION_REASON_FIRED);
  world.engine->RunUntilIdle();
  EXPECT_THAT((*world.engine)->GetSession(taken->decisions[0].session_id()),
              IsOkAndHolds(SessionSucceeded()));
  EXPECT_TRUE(world.source->Emit(ManualSource::NewEvent("job", "1"))->duplicate);
  EXPECT_FALSE(world.source->Emit(ManualSource::NewEvent("job"))->duplicate);
}

TEST(ManualSource, SendsWithoutWaitingForTheAnswer) {
  World world;
  world.engine->RunUntilIdle();
  world.fault = Fault::kHoldAnswer;
  const int first = world.source->Send(ManualSource::NewEvent("job", "1"));
  const int second = world.source->Send(ManualSource::NewEvent("job", "2"));
  EXPECT_NE(first, second);
  EXPECT_FALSE(world.source->acknowledged(first));
  EXPECT_THAT(world.source->Wait(first, absl::ZeroDuration()),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  std::thread disk([&] { world.store->AnswerHeld(); });
  const auto answer = world.source->Wait(first);
  disk.join();
  ASSERT_THAT(answer, IsOk());
  EXPECT_TRUE(world.source->acknowledged(first));
  EXPECT_TRUE(world.source->acknowledged(second));
  EXPECT_NE(world.source->Wait(second)->event_id, answer->event_id);
}

TEST(ManualSource, SendsAgainWhatWasNotDurableAndNothingElse) {
  World world;
  world.engine->RunUntilIdle();
  EXPECT_THAT(world.source->Emit(ManualSource::NewEvent("job", "taken")), IsOk());
  EXPECT_THAT(world.source->Emit(ManualSource::NewEvent("job", std::string(1000, 'x'))),
              StatusIs(absl::StatusCode::kInvalidArgument));
  world.fault = Fault::kRefuse;
  const int refused = world.source->Send(ManualSource::NewEvent("job", "refused"));
  world.fault = Fault::kLoseAnswer;
  const int lost = world.source->Send(ManualSource::NewEvent("job", "lost"));
  EXPECT_THAT(world.source->Wait(refused), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(world.source->Wait(lost), StatusIs(absl::StatusCode::kUnavailable));
  world.fault = Fault::kNone;
  EXPECT_EQ(world.source->Retry(), 2);
  EXPECT_FALSE(world.source->Wait(refused)->duplicate);
  EXPECT_TRUE(world.source->Wait(lost)->duplicate);
  EXPECT_EQ(world.source->Retry(), 0);
  EXPECT_EQ((*world.engine)->ListEvents({})->size(), 3u);
}

TEST(ManualSource, SaysWhyTheEngineDidNotGetAnEvent) {
  World world;
  EXPECT_THAT(world.source->Emit(ManualSource::NewEvent("job")),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("start it, or step it")));
  EXPECT_FALSE(world.source->running());
  world.engine->RunUntilIdle();
  EXPECT_TRUE(world.source->running());
  (*world.engine)->Stop();
  EXPECT_FALSE(world.source->running());
  EXPECT_THAT(world.source->Emit(ManualSource::NewEvent("job")),
              StatusIs(absl::StatusCode::kCancelled));
  EXPECT_EQ(world.source->starts(), 1);
  EXPECT_EQ(world.source->stops(), 1);
  EXPECT_THAT(world.source->Wait(17), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_FALSE(world.source->acknowledged(17));
}

TEST(ManualSource, FailsToStartWhenTold) {
  World world;
  world.source->FailStart(absl::UnavailableError("no database"));
  EXPECT_THAT((*world.engine)->StartSources(), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_FALSE(world.source->running());
  world.source->FailStart(absl::OkStatus());
  EXPECT_THAT((*world.engine)->StartSources(), IsOk());
  EXPECT_THAT(world.source->Emit(ManualSource::NewEvent("job")), IsOk());
}

TEST(ManualSource, MayEndBeforeItsAnswersCome) {
  const auto sink = std::make_shared<RecordingSink>();
  sink->HoldAnswers(2);
  {
    ManualSource source;
    ASSERT_THAT(source.Start(sink), IsOk());
    source.Send(ManualSource::NewEvent("job", "1"));
    source.Stop();
  }
  EXPECT_TRUE(sink->WaitFor(1));
  sink->Stop();  // answers
  EXPECT_EQ(sink.use_count(), 1);
}

}  // namespace
}  // namespace routines::testing
