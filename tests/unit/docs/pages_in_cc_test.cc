// The lines of C++ that the pages of docs/ show without a whole program around them, run.
// tests/unit/docs_test.py holds the pages to this file: change both.
#include <memory>

#include "absl/synchronization/notification.h"
#include "examples/03_inbox/inbox.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "routines/executor.h"
#include "routines/routine.h"
#include "routines/secrets.h"
#include "routines/session.h"
#include "routines/testing/matchers.h"
#include "routines/testing/test_engine.h"

namespace routines {
namespace {

constexpr char kAlert[] =
    "name: alert\nprompt: look\ntriggers:\n  - {id: trig_alert0001, api: {}}\n"
    "  - {id: in, custom: {source: inbox}}\n";

// The end of a session of an engine whose only executor is `agent`.
v1::SessionState EndWith(std::shared_ptr<Executor> agent) {
  auto engine = Engine::Create({.executors = {{"agent", std::move(agent)}}}).value();
  engine->Put(LoadRoutine(kAlert, "alert.yaml").routine).value();
  EXPECT_THAT(engine->Start(), testing::IsOk());
  const auto fired = engine->Fire({.trigger_id = "trig_alert0001"}).value();
  return engine->Wait(fired.session_id, absl::InfiniteFuture()).value().state();
}

TEST(Embedding, ShowsHowToWatchASession) {
  testing::TestEngine engine;
  engine.PutYaml(kAlert);
  const std::string id = engine->Fire({.trigger_id = "trig_alert0001"})->session_id;
  absl::Notification changed_once;
  struct {
    absl::Notification& once;
    void Notify() {
      if (!once.HasBeenNotified()) once.Notify();
    }
  } changed{changed_once};
  // clang-format off
  int64_t after = 0;
  int64_t watch = engine->Subscribe(id, [&] { changed.Notify(); });
  auto events = engine->ReadLog({.session_id = id, .after = after});
  // clang-format on
  ASSERT_THAT(events, testing::IsOk());
  engine.RunUntilIdle();
  changed_once.WaitForNotification();
  engine->Unsubscribe(watch);
}

TEST(Executors, ShowsHowEachIsMade) {
  const std::shared_ptr<SecretProvider> secrets;
  {
    auto agent = routines::NewClaudeExecutor({.secrets = secrets}).value();
    EXPECT_NE(agent, nullptr);
  }
  {
    auto agent = routines::NewCodexExecutor({.secrets = secrets}).value();
    EXPECT_NE(agent, nullptr);
  }
  auto agent = routines::NewProcessExecutor({.command = {"my-agent", "--headless"}}).value();
  EXPECT_NE(agent, nullptr);
}

TEST(Executors, ShowsAFunctionOfTheHost) {
  // clang-format off
  auto agent = routines::NewCallbackExecutor([](routines::Execution& execution) {
    execution.log().Append(routines::OutputEvent(routines::v1::SESSION_STEP_AGENT,
                                                 routines::v1::Output::STREAM_STDOUT, "thinking\n"));
    if (execution.cancellation().IsCancelled()) return routines::Outcome::Cancelled();
    return routines::Outcome::Success();
  });
  // clang-format on
  EXPECT_EQ(EndWith(std::move(agent)), v1::SESSION_STATE_SUCCEEDED);
}

// Compiled only: it is the host's folder.
[[maybe_unused]] void CustomTriggersShowsHowASourceComesIntoTheEngine(Engine* engine) {
  // clang-format off
  engine->AddSource("inbox", std::make_shared<Inbox>("/var/inbox"));
  engine->Start();  // starts the source too
  // clang-format on
}

TEST(CustomTriggers, ShowsHowToTestARoutineWithoutASource) {
  testing::TestEngine engine;
  engine.PutYaml(kAlert);
  v1::Event event;
  event.set_source("inbox");
  event.set_external_id("1");
  engine->Deliver({.event = event});
  engine.RunUntilIdle();
  EXPECT_EQ(engine.executor().started().size(), 1u);
}

}  // namespace
}  // namespace routines
