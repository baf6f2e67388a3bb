// Sources of events within an engine; and the example of one, held to the contract.
#include <filesystem>
#include <fstream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "examples/03_inbox/inbox.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "routines/testing/manual_source.h"
#include "routines/testing/test_engine.h"
#include "routines/testing/trigger_source_conformance.h"
#include "tests/unit/engine/inbox_folder.h"

namespace routines {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::ManualSource;

constexpr char kRoutine[] = R"({"name": "job", "prompt": "do", "triggers": [
    {"id": "job", "custom": {"source": "queue", "type": "job"}}]})";

DeliverRequest Job(std::string_view id) {
  DeliverRequest request = ManualSource::NewEvent("job", id);
  request.event.set_source("whatever");
  return request;
}

TEST(Sources, BringEventsUnderTheNameOfTheirRegistration) {
  testing::TestEngine engine;
  const auto source = std::make_shared<ManualSource>();
  ASSERT_TRUE(engine->AddSource("queue", source).ok());
  engine.PutYaml(kRoutine);
  engine.RunUntilIdle();
  ASSERT_EQ(source->starts(), 1);
  const auto taken = source->Emit(Job("1"));
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_EQ(engine->GetEvent(taken->event_id)->source(), "queue");
  ASSERT_EQ(taken->decisions.size(), 1u);
  engine.RunUntilIdle();
  EXPECT_EQ(engine->GetSession(taken->decisions[0].session_id())->routine(), "job");
  const auto again = source->Emit(Job("1"));
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(again->duplicate);
  EXPECT_EQ(again->event_id, taken->event_id);
  EXPECT_EQ(source->starts(), 1);
}

// Keeps its sink for ever, as a source may.
class KeepsItsSink : public ManualSource {
 public:
  absl::Status Start(std::shared_ptr<EventSink> given) override {
    sink = given;
    return ManualSource::Start(std::move(given));
  }

  std::shared_ptr<EventSink> sink;
};

TEST(Sources, AreStoppedWithTheEngineAndEmitNoMore) {
  const auto source = std::make_shared<KeepsItsSink>();
  {
    testing::TestEngine engine;
    ASSERT_TRUE(engine->AddSource("queue", source).ok());
    engine.RunUntilIdle();
    EXPECT_FALSE(source->sink->stopping().IsCancelled());
    engine->Stop();
    EXPECT_EQ(source->stops(), 1);
    EXPECT_TRUE(source->sink->stopping().IsCancelled());
    EXPECT_TRUE(absl::IsCancelled(source->sink->Emit(Job("1")).status()));
  }
  EXPECT_EQ(source->stops(), 1);
  EXPECT_TRUE(absl::IsCancelled(source->sink->Emit(Job("1")).status()));
}

TEST(Sources, ThatDoNotStartKeepTheEngineFromStarting) {
  auto engine = Engine::Create({});
  ASSERT_TRUE(engine.ok());
  const auto good = std::make_shared<ManualSource>(), bad = std::make_shared<ManualSource>();
  bad->FailStart(absl::UnavailableError("no database"));
  ASSERT_TRUE((*engine)->AddSource("a", good).ok());
  ASSERT_TRUE((*engine)->AddSource("b", bad).ok());
  const absl::Status status = (*engine)->Start();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("source \"b\" does not start: no database"));
  EXPECT_EQ(good->stops(), 1);
  EXPECT_EQ(bad->stops(), 0);
  bad->FailStart(absl::OkStatus());
  EXPECT_TRUE((*engine)->Start().ok());  // it may be tried again
  EXPECT_EQ(good->starts(), 2);
}

TEST(Sources, AreRefusedUnderNamesThatCannotBeAndTooLate) {
  auto engine = Engine::Create({});
  const auto source = std::make_shared<ManualSource>();
  for (const char* name : {"", "github", "api", "manual", "schedule", "No", "a b"}) {
    EXPECT_TRUE(absl::IsInvalidArgument((*engine)->AddSource(name, source))) << name;
  }
  EXPECT_TRUE(absl::IsInvalidArgument((*engine)->AddSource("a", nullptr)));
  EXPECT_TRUE((*engine)->AddSource("a", source).ok());
  EXPECT_TRUE(absl::IsAlreadyExists((*engine)->AddSource("a", source)));
  ASSERT_TRUE((*engine)->Start().ok());
  EXPECT_TRUE(absl::IsFailedPrecondition((*engine)->AddSource("b", source)));
  EXPECT_TRUE(absl::IsFailedPrecondition((*engine)->StartSources()));
}

// A store that answers an admission when told.
class SlowStore : public Store {
 public:
  void Admit(Admission admission, AdmitDone done) override {
    absl::MutexLock lock(&mu);
    waiting.push_back([this, admission = std::move(admission), done = std::move(done)]() mutable {
      memory->Admit(std::move(admission), std::move(done));
    });
  }
  absl::StatusOr<std::vector<v1::Session>> Lease(const LeaseRequest& request) override {
    return memory->Lease(request);
  }
  void Update(SessionUpdate update, UpdateDone done) override {
    memory->Update(std::move(update), std::move(done));
  }
  absl::Status Save(const Change& change) override { return memory->Save(change); }
  absl::StatusOr<Rows> Read(const Query& query) override { return memory->Read(query); }

  void AnswerOne() {
    std::function<void()> answer;
    {
      absl::MutexLock lock(&mu);
      mu.Await(absl::Condition(
          +[](std::vector<std::function<void()>>* all) { return !all->empty(); }, &waiting));
      answer = std::move(waiting.front());
      waiting.erase(waiting.begin());
    }
    answer();
  }

  const std::shared_ptr<Store> memory = NewMemoryStore();
  absl::Mutex mu;
  std::vector<std::function<void()>> waiting;
};

TEST(Sources, WaitWhileTooManyOfTheirEventsAreOnTheirWay) {
  const auto store = std::make_shared<SlowStore>();
  const auto source = std::make_shared<ManualSource>();
  EngineOptions options;
  options.store = store;
  options.max_source_backlog = 2;
  auto engine = Engine::Create(std::move(options));
  ASSERT_TRUE((*engine)->AddSource("queue", source).ok());
  ASSERT_TRUE((*engine)->StartSources().ok());
  source->Send(Job("1"));
  source->Send(Job("2"));
  absl::Notification third;
  std::thread emitter([&] {
    source->Send(Job("3"));
    third.Notify();
  });
  EXPECT_FALSE(third.HasBeenNotified());
  store->AnswerOne();
  third.WaitForNotification();
  emitter.join();
  store->AnswerOne();
  store->AnswerOne();
  EXPECT_EQ((*engine)->ListEvents({})->size(), 3u);
}

TEST(Engine, TakesExecutorsAfterItWasMade) {
  auto engine = Engine::Create({});
  const auto executor = std::make_shared<testing::FakeExecutor>();
  v1::Routine routine;
  routine.set_name("r");
  routine.set_prompt("p");
  routine.set_executor("late");
  EXPECT_TRUE(absl::IsInvalidArgument((*engine)->Put(routine).status()));
  ASSERT_TRUE((*engine)->RegisterExecutor("late", executor).ok());
  EXPECT_TRUE((*engine)->Put(routine).ok());
  EXPECT_TRUE(absl::IsAlreadyExists((*engine)->RegisterExecutor("late", executor)));
  EXPECT_TRUE(absl::IsInvalidArgument((*engine)->RegisterExecutor("No", executor)));
  EXPECT_TRUE(absl::IsInvalidArgument((*engine)->RegisterExecutor("b", nullptr)));
  ASSERT_TRUE((*engine)->Start().ok());
  EXPECT_TRUE(absl::IsFailedPrecondition((*engine)->RegisterExecutor("b", executor)));
}

}  // namespace

namespace testing {
namespace {

INSTANTIATE_TEST_SUITE_P(Inbox, TriggerSourceConformanceTest,
                         ::testing::Values(TriggerSourceFactory{
                             .make = [] { return std::make_unique<Inbox>(TheFolder().Renew()); },
                             .happen = WriteToInbox}));

}  // namespace
}  // namespace testing
}  // namespace routines
