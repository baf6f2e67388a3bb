// What the engine does with a session's connectors: when it asks for them, to whom it gives them,
// and how long it keeps them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "routines/connector.h"
#include "routines/testing/test_engine.h"
#include "tests/unit/engine/fakes.h"

namespace routines {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kRoutine[] =
    "name: alert\nprompt: p\nrepositories: [{url: https://example.com/api.git}]\n"
    "environment: {variables: {LEVEL: info}, secrets: [KEY]}\n"
    "connectors: [{name: slack, command: [slack-mcp]}]\n"
    "triggers: [{id: trig_alert0001, api: {}}]\n";

class FakeConnectors : public ConnectorProvider {
 public:
  OpenedConnectors Open(const ConnectorRequest& request) override {
    requests.push_back(request);
    OpenedConnectors opened;
    if (!outcomes.empty()) {
      opened.outcome = outcomes.front();
      outcomes.pop_front();
    }
    opened.secret_values = {"connector-secret"};
    if (opened.outcome.ok()) {
      opened.endpoints = {{.name = "slack", .command = {"/bin/slack-mcp"}, .tools = {"post"}}};
      opened.keep = kept;
    }
    return opened;
  }

  std::vector<ConnectorRequest> requests;
  std::deque<Outcome> outcomes;  // of the next calls; then success
  std::shared_ptr<int> kept = std::make_shared<int>();
};

class EngineConnectorsTest : public ::testing::Test {
 protected:
  EngineConnectorsTest() {
    EngineOptions options;
    options.connectors = connectors_;
    options.workspaces = workspaces_;
    options.secrets = NewMapSecretProvider({{"KEY", "session-secret"}});
    options.executors["holding"] = executor_;
    engine_ = std::make_unique<testing::TestEngine>(std::move(options));
    engine_->PutYaml(kRoutine);
  }

  v1::Session Run() {
    id_ = (*engine_)->Fire({.trigger_id = "trig_alert0001"})->session_id;
    engine_->RunUntilIdle();
    return Get();
  }
  v1::Session Get() { return *(*engine_)->GetSession(id_); }

  // How many hold what the connectors need, besides the provider.
  long Holders() const { return connectors_->kept.use_count() - 1; }

  std::shared_ptr<FakeConnectors> connectors_ = std::make_shared<FakeConnectors>();
  std::shared_ptr<FakeWorkspaces> workspaces_ = std::make_shared<FakeWorkspaces>();
  std::shared_ptr<testing::FakeExecutor> executor_ = testing::FakeExecutor::Holding();
  std::unique_ptr<testing::TestEngine> engine_;
  std::string id_;
};

TEST_F(EngineConnectorsTest, OpensThemInThePreparedWorkspaceAndGivesThemToTheAgent) {
  EXPECT_EQ(Run().state(), v1::SESSION_STATE_RUNNING);
  ASSERT_THAT(connectors_->requests, SizeIs(1));
  const ConnectorRequest& request = connectors_->requests[0];
  EXPECT_EQ(request.session.id(), id_);
  EXPECT_EQ(request.routine.connectors(0).name(), "slack");
  EXPECT_EQ(request.working_directory, "/fake/work/api");
  EXPECT_EQ(request.environment.at("LEVEL"), "info");
  EXPECT_EQ(request.environment.at("KEY"), "session-secret");
  EXPECT_NE(request.log, nullptr);
  EXPECT_NE(request.cancellation, nullptr);
  ASSERT_THAT(executor_->started(), SizeIs(1));
  ASSERT_THAT(executor_->started()[0].connectors, SizeIs(1));
  EXPECT_EQ(executor_->started()[0].connectors[0].command[0], "/bin/slack-mcp");
}

TEST_F(EngineConnectorsTest, KeepsThemAsLongAsTheSession) {
  Run();
  EXPECT_EQ(Holders(), 1);
  executor_->Finish(id_, Outcome::Success());
  engine_->RunUntilIdle();
  EXPECT_EQ(Get().state(), v1::SESSION_STATE_SUCCEEDED);
  EXPECT_EQ(Holders(), 0);
}

TEST_F(EngineConnectorsTest, LetsGoOfThemWhenTheSessionIsCancelled) {
  Run();
  ASSERT_TRUE((*engine_)->Cancel(id_).ok());
  engine_->RunUntilIdle();
  executor_->Finish(id_, Outcome::Cancelled());
  engine_->RunUntilIdle();
  EXPECT_EQ(Get().state(), v1::SESSION_STATE_CANCELLED);
  EXPECT_EQ(Holders(), 0);
}

TEST_F(EngineConnectorsTest, OneThatFailsEndsTheSessionByName) {
  connectors_->outcomes = {Outcome::Failure(v1::SESSION_STEP_CONNECTOR, "connector_failed",
                                            "connector slack: ended with exit code 1")};
  const v1::Session session = Run();
  EXPECT_EQ(session.state(), v1::SESSION_STATE_FAILED);
  EXPECT_EQ(session.step(), v1::SESSION_STEP_CONNECTOR);
  EXPECT_EQ(session.reason(), "connector_failed");
  EXPECT_EQ(session.message(), "connector slack: ended with exit code 1");
  EXPECT_THAT(executor_->started(), SizeIs(0));
}

TEST_F(EngineConnectorsTest, TriesAgainWhatMayPass) {
  connectors_->outcomes = {Outcome::Retryable(v1::SESSION_STEP_CONNECTOR, "connector_timeout",
                                              "connector slack: did not answer in time")};
  EXPECT_EQ(Run().state(), v1::SESSION_STATE_QUEUED);
  engine_->AdvanceTime(absl::Minutes(1));
  EXPECT_EQ(Get().state(), v1::SESSION_STATE_RUNNING);
  EXPECT_THAT(connectors_->requests, SizeIs(2));
}

TEST_F(EngineConnectorsTest, RedactsTheSecretsOfBothFromThenOn) {
  const auto executor =
      std::make_shared<testing::FakeExecutor>([](std::shared_ptr<Execution> execution) {
        execution->log().Append(OutputEvent(v1::SESSION_STEP_AGENT, v1::Output::STREAM_STDOUT,
                                            "it is connector-secret, or session-secret\n"));
        execution->Finish(Outcome::Success("connector-secret"));
      });
  EngineOptions options;
  options.connectors = connectors_;
  options.workspaces = workspaces_;
  options.secrets = NewMapSecretProvider({{"KEY", "session-secret"}});
  options.executors["talking"] = executor;
  engine_ = std::make_unique<testing::TestEngine>(std::move(options));
  engine_->PutYaml(kRoutine);
  EXPECT_EQ(Run().state(), v1::SESSION_STATE_SUCCEEDED);
  std::string text = Get().ShortDebugString();
  const auto log = (*engine_)->ReadLog({.session_id = id_});
  ASSERT_TRUE(log.ok());
  for (const v1::SessionEvent& event : *log) text += event.ShortDebugString();
  EXPECT_THAT(text, HasSubstr("it is [redacted], or [redacted]"));
  EXPECT_THAT(text, Not(HasSubstr("connector-secret")));
  EXPECT_THAT(text, Not(HasSubstr("session-secret")));
}

TEST_F(EngineConnectorsTest, AsksForNoneWhereTheRoutineHasNone) {
  engine_->PutYaml("name: alert\nprompt: p\ntriggers: [{id: trig_alert0001, api: {}}]\n");
  EXPECT_EQ(Run().state(), v1::SESSION_STATE_RUNNING);
  EXPECT_THAT(connectors_->requests, SizeIs(0));
}

}  // namespace
}  // namespace routines
