#include <algorithm>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "routines/executor.h"
#include "routines/secrets.h"
#include "src/executor/toml.h"
#include "tests/unit/executor/agent_testing.h"

namespace routines {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kKey[] = "sk-canary-0123456789abcdef";
constexpr char kTurn[] =
    R"(echo '{"type":"item.completed","item":{"id":"1","type":"agent_message","text":"done"}}'
echo '{"type":"turn.completed","usage":{"input_tokens":1,"output_tokens":2}}')";

class CodexExecutorTest : public AgentTest {
 protected:
  Outcome Run(const std::string& script, const std::string& version = "codex-cli 0.169.0") {
    CodexExecutorOptions options;
    options.program = Program(script, version);
    options.secrets = NewMapSecretProvider({{"OPENAI_API_KEY", kKey}});
    options.api_url = "http://127.0.0.1:9/v1";  // nobody
    Start(NewCodexExecutor(options));
    return Wait();
  }

  std::string Arguments() const {
    return absl::StrJoin(absl::StrSplit(Read(directory_ + "/arguments"), '\n', absl::SkipEmpty()),
                         " ");
  }
};

TEST_F(CodexExecutorTest, MakesTypedEventsOfEveryLineInOrder) {
  const Outcome outcome = Run(Cat("codex/fixed.jsonl"));
  EXPECT_TRUE(outcome.ok()) << outcome.message;
  EXPECT_THAT(Log(),
              ElementsAre("kept thread.started", "kept turn.started",
                          "kept item.completed/reasoning", "text An empty cart divides by zero.",
                          "call item_2 command {\"command\":\"/bin/bash -lc 'make test'\"}",
                          "result item_2 error 1 failed\n", "note Reconnecting... 1/4",
                          "call item_3 mcp__tickets__comment {\"text\":\"found it\"}",
                          "result item_3 added\n[image]",
                          "call item_4 file_change [{\"path\":\"cart.py\",\"kind\":\"update\"}]",
                          "result item_4 completed", "kept item.updated/todo_list",
                          "note no metadata of this model", "text Pushed claude/fix-7.",
                          "usage 1050 240 980 30 1 0", "end Pushed claude/fix-7."));
}

TEST_F(CodexExecutorTest, KeepsWhatItDoesNotKnow) {
  EXPECT_TRUE(Run(absl::StrCat(R"(echo '{"type":"comet","tail":1}'
echo '{"type":"item.completed","item":"words"}'
echo 'no JSON'
echo '{"type":"error"}'
)",
                               kTurn))
                  .ok());
  EXPECT_THAT(Log(), ElementsAre("kept comet", "kept item.completed", "stdout no JSON\n",
                                 "kept error", "text done", "usage 1 2 0 0 1 0", "end done"));
}

TEST_F(CodexExecutorTest, JudgesItByTheEndOfItsTurn) {
  ExpectFailure(Run(R"(echo '{"type":"turn.failed","error":{"message":"401 bad key"}}'; exit 1)"),
                v1::SESSION_STEP_AGENT, "agent_error", "401 bad key");
  ExpectFailure(Run("echo '{\"type\":\"turn.started\"}'"), v1::SESSION_STEP_AGENT, "no_result");
  ExpectFailure(Run("echo 'bad option' >&2; exit 2"), v1::SESSION_STEP_AGENT, "exit_code",
                "exit code 2: bad option");
  ExpectFailure(Run(absl::StrCat(kTurn, "\nexit 1")), v1::SESSION_STEP_AGENT, "exit_code");
  ExpectFailure(Run("echo '{\"type\":\"turn.completed\"}'"), v1::SESSION_STEP_AGENT, "no_output");
  ExpectFailure(Run("kill -TERM $$"), v1::SESSION_STEP_AGENT, "signal", "SIGTERM");
}

TEST_F(CodexExecutorTest, NamesTheConnectorThatCouldNotBeStarted) {
  ExpectFailure(Run("echo 'Error: required MCP servers failed to initialize: tickets: no such "
                    "file' >&2; exit 1"),
                v1::SESSION_STEP_CONNECTOR, "connector_failed", "connector tickets: no such file");
}

TEST_F(CodexExecutorTest, ConfiguresItInAFolderOfItsOwn) {
  ConnectorEndpoint tickets;
  tickets.name = "tickets";
  tickets.command = {"/usr/bin/tickets", "--fast"};
  tickets.environment = {{"TOKEN", "t0ken\"\n"}};
  tickets.tools = {"comment"};
  tickets.denied_tools = {"delete"};
  ConnectorEndpoint web;
  web.name = "web";
  web.url = "https://example.org/mcp";
  web.headers = {{"Authorization", "Bearer s3cret"}};
  request_.connectors = {tickets, web};
  request_.routine.set_model("some-model");
  EXPECT_TRUE(Run(absl::StrCat("cp \"$CODEX_HOME/config.toml\" \"$dir/config\"; env > "
                               "\"$dir/env\"\nstat -c %a \"$CODEX_HOME/config.toml\" > "
                               "\"$dir/mode\"\n",
                               kTurn))
                  .ok());
  const std::string config = Read(directory_ + "/config");
  for (const char* part :
       {"base_url = \"http://127.0.0.1:", "env_key = \"OPENAI_API_KEY\"",
        "[mcp_servers.\"tickets\"]\ncommand = \"/usr/bin/tickets\"\nargs = [\"--fast\"]\n"
        "env = {\"TOKEN\" = \"t0ken\\\"\\u000a\"}\nenabled_tools = [\"comment\"]\n"
        "disabled_tools = [\"delete\"]\nrequired = true",
        "[mcp_servers.\"web\"]\nurl = \"https://example.org/mcp\"\n"
        "http_headers = {\"Authorization\" = \"Bearer s3cret\"}"}) {
    EXPECT_THAT(config, HasSubstr(part));
  }
  EXPECT_EQ(Read(directory_ + "/mode"), "600\n");
  EXPECT_EQ(Read(directory_ + "/input"), "Mend it.");
  EXPECT_EQ(Arguments(),
            "exec --json --skip-git-repo-check --ephemeral --color=never "
            "--dangerously-bypass-approvals-and-sandbox --model=some-model -");
  const std::string environment = Read(directory_ + "/env");
  EXPECT_THAT(environment, AllOf(HasSubstr("OPENAI_API_KEY=routines-"), Not(HasSubstr(kKey)),
                                 HasSubstr("NO_PROXY=127.0.0.1")));
  EXPECT_TRUE(std::filesystem::is_empty(directory_ + "/home"));
}

TEST_F(CodexExecutorTest, TellsWhichLimitsItCannotKeep) {
  EXPECT_TRUE(Run(kTurn).ok());
  EXPECT_THAT(Log(), Not(Contains(StartsWith("note"))));
  request_.routine.mutable_limits()->set_max_cost_usd(1);
  EXPECT_TRUE(Run(kTurn).ok());
  EXPECT_THAT(Log(), Contains(HasSubstr("limits.max_cost_usd and limits.max_turns are not")));
}

TEST_F(CodexExecutorTest, ChecksTheVersion) {
  ExpectFailure(Run(kTurn, "codex-cli 0.99.3"), v1::SESSION_STEP_EXECUTOR, "agent_version",
                "is version 0.99.3; install 0.169.0 or newer");
}

TEST(Toml, QuotesWhatItMust) {
  EXPECT_EQ(TomlString("a \"b\" \\ \n \x7f é"), "\"a \\\"b\\\" \\\\ \\u000a \\u007f é\"");
  EXPECT_EQ(TomlString("\xff"), "\"\xEF\xBF\xBD\"");
  EXPECT_EQ(TomlArray({}), "[]");
  EXPECT_EQ(TomlArray({"a", "b"}), "[\"a\", \"b\"]");
  EXPECT_EQ(TomlTable({{"a.b", "c"}, {"d", ""}}), "{\"a.b\" = \"c\", \"d\" = \"\"}");
}

}  // namespace
}  // namespace routines
