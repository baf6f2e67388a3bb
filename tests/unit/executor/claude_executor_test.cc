#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "routines/executor.h"
#include "routines/secrets.h"
#include "src/executor/mcp_config.h"
#include "tests/unit/executor/agent_testing.h"

namespace routines {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
namespace fs = std::filesystem;

constexpr char kKey[] = "sk-canary-0123456789abcdef";
constexpr char kResult[] =
    R"(echo '{"type":"assistant","message":{"id":"m","model":"x","content":[{"type":"text","text":"hi"}]}}'
echo '{"type":"result","subtype":"success","is_error":false,"num_turns":1,"result":"done"}')";

class ClaudeExecutorTest : public AgentTest {
 protected:
  Outcome Run(const std::string& script, const std::string& version = "2.1.197 (Claude Code)") {
    ClaudeExecutorOptions options;
    options.program = Program(script, version);
    options.secrets = NewMapSecretProvider({{"ANTHROPIC_API_KEY", kKey}});
    options.api_url = "http://127.0.0.1:9";  // nobody
    Start(NewClaudeExecutor(options));
    return Wait();
  }

  std::vector<std::string> Arguments() const {
    return absl::StrSplit(Read(directory_ + "/arguments"), '\n', absl::SkipEmpty());
  }

  // Adds a connector as the engine does.
  void AddConnector(const std::string& name) {
    ConnectorEndpoint connector;
    connector.name = name;
    connector.command = {"/usr/bin/tickets", "--fast"};
    connector.environment = {{"TOKEN", "t0ken\"\n"}};
    connector.tools = {"comment"};
    connector.denied_tools = {"delete"};
    request_.connectors.push_back(connector);
  }
};

// ---- lines ----

TEST_F(ClaudeExecutorTest, MakesTypedEventsOfEveryLineInOrder) {
  AddConnector("tickets");
  const Outcome outcome = Run(Cat("claude/fixed.jsonl"));
  EXPECT_TRUE(outcome.ok()) << outcome.message;
  EXPECT_THAT(
      Log(),
      ElementsAre(
          "kept system/init", "note the API answered 529 (overloaded); retry 1 of 4 in 0.5 s",
          "kept stream_event", "usage 900 3 20 30 1 0", "kept assistant/thinking",
          "text An empty cart divides by zero.",
          "call toolu_1 Bash {\"command\":\"make test\",\"description\":\"Run the tests\"}",
          "result toolu_1 error 1 failed", "usage 1000 5 950 30 2 0",
          "call toolu_2 mcp__tickets__comment {\"text\":\"found it\"}",
          "result toolu_2 added\n[image]\nas no. 7", "kept user/text", "kept rate_limit_event",
          "usage 1050 6 1980 30 3 0", "text Pushed claude/fix-7.", "usage 1050 240 1980 30 3 0.125",
          "note the agent was not allowed to use WebFetch: {\"url\":\"https://example.org\"}",
          "end Pushed claude/fix-7."));
  EXPECT_EQ(execution_->events().back().result().duration().seconds(), 4);
}

TEST_F(ClaudeExecutorTest, KeepsWhatItDoesNotKnowAsItStands) {
  const std::string line = R"({"type": "comet",  "tail": [1, 2.50, {"a": null}]})";
  Run(absl::StrCat("echo '", line, "'\n", kResult));
  const v1::SessionEvent event = execution_->events()[0];
  EXPECT_EQ(event.agent_event().type(), "comet");
  EXPECT_EQ(event.agent_event().json(), line);
}

TEST_F(ClaudeExecutorTest, KeepsKnownTypesOfAnotherShape) {
  Run(absl::StrCat(R"(echo '{"type":"assistant","message":"words"}'
echo '{"type":"user","message":{"content":"words"}}'
echo '{"type":"assistant","message":{"content":["words"]}}'
echo '{"type":"system"}'
echo '{"type":"system","subtype":"compact_boundary"}'
)",
                   kResult));
  EXPECT_THAT(Log(), ElementsAre("kept assistant", "kept user", "kept assistant", "kept system",
                                 "kept system/compact_boundary", "text hi", "usage 0 0 0 0 1 0",
                                 "end done"));
}

TEST_F(ClaudeExecutorTest, KeepsBrokenLinesAsOutput) {
  const Outcome outcome =
      Run(absl::StrCat("echo 'no JSON'; echo '[1]'; echo '{\"no\":\"type\"}'; echo; printf "
                       "'\\377\\n'; echo oops >&2\n",
                       kResult, "\nprintf '{\"type\":'"));
  EXPECT_TRUE(outcome.ok()) << outcome.message;
  const std::vector<std::string> log = Log();
  for (const char* kept : {"stdout no JSON\n", "stdout [1]\n", "stdout {\"no\":\"type\"}\n",
                           "stdout \xEF\xBF\xBD\n", "stderr oops\n"}) {
    EXPECT_THAT(log, Contains(kept));
  }
  EXPECT_EQ(log.back(), "stdout {\"type\":\n");
}

TEST_F(ClaudeExecutorTest, ReadsALineOf15MiBAndKeepsTheBeginningOfALongerOne) {
  const auto line = [](int mib) {
    return absl::StrCat("printf '{\"type\":\"big\",\"x\":\"'; head -c ", mib,
                        "M /dev/zero | tr '\\0' x; echo '\"}'\n");
  };
  EXPECT_TRUE(Run(absl::StrCat(line(15), line(17), kResult)).ok());
  const std::vector<v1::SessionEvent> events = execution_->events();
  ASSERT_GE(events.size(), 3);
  EXPECT_GT(events[0].agent_event().json().size(), 15 << 20);
  EXPECT_EQ(events[1].output().text().size(), (64 << 10) + 1);
  EXPECT_THAT(events[2].note().text(), HasSubstr("longer than 16 MiB"));
  EXPECT_EQ(Log().back(), "end done");
}

// ---- the outcome ----

TEST_F(ClaudeExecutorTest, IsNotFooledByASubtypeOfSuccess) {
  ExpectFailure(Run(R"(echo '{"type":"result","subtype":"success","is_error":true,"num_turns":1,)"
                    R"("result":"API Error: 401 bad key"}'; exit 1)"),
                v1::SESSION_STEP_AGENT, "agent_error", "API Error: 401 bad key");
}

TEST_F(ClaudeExecutorTest, FailsWhereTheResultDoesNotSayThatItIsNone) {
  ExpectFailure(Run(R"(echo '{"type":"result","subtype":"success","result":"fine"}')"),
                v1::SESSION_STEP_AGENT, "agent_error");
}

TEST_F(ClaudeExecutorTest, FailsWithoutAResultWhateverTheExitCode) {
  const std::string init = R"(echo '{"type":"system","subtype":"init"}')";
  ExpectFailure(Run(init), v1::SESSION_STEP_AGENT, "no_result", "cut off");
  ExpectFailure(Run("true"), v1::SESSION_STEP_AGENT, "no_result");
  ExpectFailure(Run(init + "; echo 'no such option' >&2; exit 3"), v1::SESSION_STEP_AGENT,
                "exit_code", "exit code 3 and no result: no such option");
  ExpectFailure(Run(init + "; exit 143"), v1::SESSION_STEP_AGENT, "exit_code", "143");
  ExpectFailure(Run(init + "; kill -9 $$"), v1::SESSION_STEP_AGENT, "signal", "SIGKILL");
}

TEST_F(ClaudeExecutorTest, FailsWhereTheExitCodeContradictsTheResult) {
  ExpectFailure(Run(absl::StrCat(kResult, "\nexit 1")), v1::SESSION_STEP_AGENT, "exit_code");
}

TEST_F(ClaudeExecutorTest, FailsWhereNoTurnWasTaken) {
  ExpectFailure(
      Run(R"(echo '{"type":"assistant","message":{"id":"m","model":"<synthetic>","content":)"
          R"([{"type":"text","text":"Unknown command: /nope"}]}}')"
          "\n"
          R"(echo '{"type":"result","subtype":"success","is_error":false,"num_turns":0,)"
          R"("result":"Unknown command: /nope"}')"),
      v1::SESSION_STEP_AGENT, "no_output", "Unknown command: /nope");
}

TEST_F(ClaudeExecutorTest, NamesTheLimitThatEndedIt) {
  request_.routine.mutable_limits()->set_max_turns(7);
  request_.routine.mutable_limits()->set_max_cost_usd(0.5);
  ExpectFailure(Run(R"(echo '{"type":"result","subtype":"error_max_turns","is_error":true,)"
                    R"("num_turns":8,"errors":["Reached it"]}'; exit 1)"),
                v1::SESSION_STEP_AGENT, "max_turns", "7 turns: Reached it");
  EXPECT_THAT(Arguments(), AllOf(Contains("--max-turns=7"), Contains("--max-budget-usd=0.500000")));
  ExpectFailure(Run(R"(echo '{"type":"result","subtype":"error_max_budget_usd","is_error":true,)"
                    R"("num_turns":2,"total_cost_usd":0.6}'; exit 1)"),
                v1::SESSION_STEP_AGENT, "cost_limit", "0.5 USD");
}

TEST_F(ClaudeExecutorTest, FailsWhereAToolOfTheRoutineWasDenied) {
  AddConnector("tickets");
  const std::string denied =
      R"(echo '{"type":"result","is_error":false,"num_turns":1,"result":"done",)"
      R"("permission_denials":[{"tool_name":"mcp__tickets__%s","tool_input":{}}]}')";
  const std::string said = kResult;
  const auto with = [&](const std::string& tool) {
    std::string script = denied;
    script.replace(script.find("%s"), 2, tool);
    return said.substr(0, said.find('\n') + 1) + script;
  };
  ExpectFailure(Run(with("comment")), v1::SESSION_STEP_AGENT, "permission_denied", "comment");
  EXPECT_TRUE(Run(with("delete")).ok());  // as the routine wants it
  EXPECT_THAT(Log(), Contains(HasSubstr("not allowed to use mcp__tickets__delete")));
}

// ---- connectors ----

TEST_F(ClaudeExecutorTest, EndsASessionWhoseConnectorFailed) {
  AddConnector("tickets");
  const std::string init = R"(echo '{"type":"system","subtype":"init","mcp_servers":[%s]}')";
  const auto with = [&](const std::string& servers) {
    std::string script = init;
    return script.replace(script.find("%s"), 2, servers) + "; sleep 1000";
  };
  ExpectFailure(Run(with(R"({"name":"tickets","status":"failed"})")), v1::SESSION_STEP_CONNECTOR,
                "connector_failed", "tickets: claude could not use it (failed)");
  ExpectFailure(Run(with("")), v1::SESSION_STEP_CONNECTOR, "connector_failed", "missing");
  ExpectFailure(Run(with(R"({"name":"tickets","status":"pending"})")), v1::SESSION_STEP_CONNECTOR,
                "connector_failed", "tickets: claude could not use it (pending)");
}

TEST_F(ClaudeExecutorTest, EndsASessionWhoseConnectorShowsMoreThanTheRoutineGives) {
  AddConnector("tickets");
  const std::string init =
      R"(echo '{"type":"system","subtype":"init","mcp_servers":[{"name":"tickets",)"
      R"("status":"connected"}],"tools":["Bash","mcp__tickets__comment","mcp__tickets__%s"]}')"
      "\n";
  const auto with = [&](const std::string& tool) {
    std::string script = init;
    return script.replace(script.find("%s"), 2, tool);
  };
  const std::string call =
      R"(echo '{"type":"assistant","message":{"id":"m","model":"x","content":[{"type":"tool_use",)"
      R"("id":"t","name":"mcp__tickets__late","input":{}}]}}'; sleep 1000)";
  EXPECT_TRUE(Run(with("late") + kResult).ok());  // it gives all that there is
  v1::Connector& connector = *request_.routine.add_connectors();
  connector.set_name("tickets");
  connector.mutable_tools()->add_allow("comment");
  connector.mutable_tools()->add_deny("never");
  ExpectFailure(Run(with("late") + "sleep 1000"), v1::SESSION_STEP_CONNECTOR, "connector_failed",
                "connector tickets: the agent has its tool late, which tools.allow does not have");
  ExpectFailure(Run(call), v1::SESSION_STEP_CONNECTOR, "connector_failed", "its tool late");
  EXPECT_TRUE(Run(with("never") + kResult).ok());
  EXPECT_TRUE(Run(with("delete") + kResult).ok());
  EXPECT_THAT(Arguments(), Contains("--disallowed-tools=mcp__tickets__delete,mcp__tickets__never"));
}

TEST_F(ClaudeExecutorTest, CountsASubagentsTokensButNotItsTurns) {
  const auto answer = [](const std::string& id, const std::string& parent) {
    return absl::StrCat(R"(echo '{"type":"assistant","parent_tool_use_id":)", parent,
                        R"(,"message":{"id":")", id,
                        R"(","model":"x","usage":{"input_tokens":10},)",
                        R"("content":[{"type":"text","text":"hi"}]}}')", "\n");
  };
  Run(answer("m1", "null") + answer("m2", "\"toolu_1\""));
  EXPECT_THAT(Log(), ElementsAre("usage 10 0 0 0 1 0", "text hi", "usage 20 0 0 0 1 0", "text hi"));
}

TEST_F(ClaudeExecutorTest, TellsOfServersThatAreNotTheRoutines) {
  EXPECT_TRUE(Run(absl::StrCat(R"(echo '{"type":"system","subtype":"init","mcp_servers":)"
                               R"([{"name":"odd","status":"failed"}]}')",
                               "\n", kResult))
                  .ok());
  EXPECT_THAT(Log(), Contains("note MCP server odd: failed"));
}

TEST_F(ClaudeExecutorTest, HandsConnectorsOverInAPrivateFileThatIsRemoved) {
  AddConnector("tickets");
  ConnectorEndpoint web;
  web.name = "web";
  web.url = "https://example.org/mcp";
  web.headers = {{"Authorization", "Bearer s3cret"}};
  request_.connectors.push_back(web);
  Run("for last; do if [ \"$before\" = --mcp-config ]; then file=$last; fi; before=$last; done\n"
      "cp \"$file\" \"$dir/mcp\"; stat -c %a \"$file\" > \"$dir/mode\"");
  EXPECT_EQ(Read(directory_ + "/mode"), "600\n");
  EXPECT_EQ(Read(directory_ + "/mcp"), McpConfigJson(request_.connectors));
  EXPECT_THAT(Read(directory_ + "/mcp"), HasSubstr("Bearer s3cret"));
  EXPECT_THAT(Arguments(), AllOf(Contains("--strict-mcp-config"),
                                 Contains("--allowed-tools=mcp__tickets__comment"),
                                 Contains("--disallowed-tools=mcp__tickets__delete")));
  EXPECT_THAT(Read(directory_ + "/arguments"), Not(HasSubstr("s3cret")));
  EXPECT_TRUE(fs::is_empty(directory_ + "/home"));
}

// ---- what it is run with ----

TEST_F(ClaudeExecutorTest, RunsItWithoutTheRepositorysSettings) {
  request_.routine.set_model("--some-model");
  EXPECT_TRUE(Run(kResult).ok());
  EXPECT_EQ(Read(directory_ + "/input"), "Mend it.");
  const std::vector<std::string> arguments = Arguments();
  EXPECT_THAT(absl::StrJoin(arguments, " "),
              AllOf(HasSubstr("-p --output-format stream-json --verbose --permission-mode "
                              "bypassPermissions --setting-sources user --strict-mcp-config"),
                    HasSubstr("--model=--some-model"), HasSubstr("--add-dir=" + repository_),
                    Not(HasSubstr("Mend it"))));
  const auto id = std::find(arguments.begin(), arguments.end(), "--session-id");
  ASSERT_LT(id + 1, arguments.end());
  EXPECT_THAT(*(id + 1),
              ::testing::MatchesRegex(
                  "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
}

TEST_F(ClaudeExecutorTest, KeepsTheKeyFromTheAgentAndItsTokenFromTheLog) {
  request_.environment["ANTHROPIC_API_KEY"] = "sk-of-the-routine";
  request_.environment["ANTHROPIC_AUTH_TOKEN"] = "another-way";
  request_.environment["HTTPS_PROXY"] = "http://proxy.example";
  request_.environment["NO_PROXY"] = "example.org";
  Run("env | sort > \"$dir/env\"; cat /proc/$PPID/cmdline /proc/self/environ | tr '\\0' '\\n' >> "
      "\"$dir/env\"\necho \"token $ANTHROPIC_API_KEY\"");
  const std::string environment = Read(directory_ + "/env");
  EXPECT_THAT(environment, AllOf(Not(HasSubstr(kKey)), Not(HasSubstr("sk-of-the-routine")),
                                 Not(HasSubstr("another-way"))));
  for (const char* line :
       {"ANTHROPIC_API_KEY=routines-", "ANTHROPIC_BASE_URL=http://127.0.0.1:",
        "CLAUDE_CODE_MAX_RETRIES=4", "DISABLE_AUTOUPDATER=1", "NO_PROXY=example.org,127.0.0.1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1",
        "CLAUDE_CONFIG_DIR=", "MCP_CONNECTION_NONBLOCKING=0", "MCP_CONNECT_TIMEOUT_MS=60000"}) {
    EXPECT_THAT(environment, HasSubstr(line));
  }
  EXPECT_THAT(Log(), Contains("stdout token [redacted]\n"));
}

TEST_F(ClaudeExecutorTest, FailsWithoutAKey) {
  ClaudeExecutorOptions options;
  options.program = Program(kResult, "2.1.197");
  options.secrets = NewMapSecretProvider({});
  Start(NewClaudeExecutor(options));
  ExpectFailure(Wait(), v1::SESSION_STEP_EXECUTOR, "secret_missing", "ANTHROPIC_API_KEY");
  options.secrets = NewMapSecretProvider({{"ANTHROPIC_API_KEY", "two\r\nlines"}});
  Start(NewClaudeExecutor(options));
  ExpectFailure(Wait(), v1::SESSION_STEP_EXECUTOR, "secret_missing", "more than one line");
}

TEST_F(ClaudeExecutorTest, NeedsAProgramAndAnApiUrl) {
  EXPECT_EQ(NewClaudeExecutor({.program = ""}).status().code(), absl::StatusCode::kInvalidArgument);
  for (const char* url :
       {"", "ftp://x", "https://", "https://u:p@x", "https://x:99999999", "http://[::1"}) {
    EXPECT_EQ(NewClaudeExecutor({.api_url = url}).status().code(),
              absl::StatusCode::kInvalidArgument)
        << url;
  }
}

TEST_F(ClaudeExecutorTest, ChecksTheVersionOnce) {
  ExpectFailure(Run(kResult, "2.0.99 (Claude Code)"), v1::SESSION_STEP_EXECUTOR, "agent_version",
                "is version 2.0.99; install 2.1.0 or newer");
  ExpectFailure(Run(kResult, "claude"), v1::SESSION_STEP_EXECUTOR, "agent_version");
  ExpectFailure(Run(kResult, "2.1"), v1::SESSION_STEP_EXECUTOR, "agent_version");
  fs::remove(directory_ + "/versions");
  EXPECT_TRUE(Run(kResult, "10.0.0").ok());
  StartAgain();
  EXPECT_TRUE(Wait().ok());
  EXPECT_EQ(Read(directory_ + "/versions"), ".\n");
}

TEST_F(ClaudeExecutorTest, FailsWhereThereIsNoProgram) {
  Start(NewClaudeExecutor({.program = "/no/such/claude",
                           .secrets = NewMapSecretProvider({{"ANTHROPIC_API_KEY", kKey}})}));
  ExpectFailure(Wait(), v1::SESSION_STEP_EXECUTOR, "start_failed", "/no/such/claude");
}

TEST_F(ClaudeExecutorTest, RunsWithoutAWorkspace) {
  request_.workspace = request_.working_directory = "";
  request_.environment.clear();
  request_.routine.clear_repositories();
  EXPECT_TRUE(Run(absl::StrCat("pwd > \"$dir/pwd\"\n", kResult)).ok());
  EXPECT_THAT(Read(directory_ + "/pwd"), HasSubstr("/.routines-agent-"));
}

TEST_F(ClaudeExecutorTest, EndsWhenItIsCancelled) {
  ClaudeExecutorOptions options;
  options.program = Program("echo '{\"type\":\"started\"}'; sleep 1000 & wait", "2.1.197");
  options.secrets = NewMapSecretProvider({{"ANTHROPIC_API_KEY", kKey}});
  auto executor = NewClaudeExecutor(options);
  ASSERT_TRUE(executor.ok());
  executor_ = *std::move(executor);
  execution_ = std::make_shared<testing::RecordingExecution>(request_);
  execution_->on_append = [this](const v1::SessionEvent&) { execution_->Cancel(); };
  executor_->Start(execution_);
  EXPECT_EQ(Wait().state, v1::SESSION_STATE_CANCELLED);
}

// ---- what the repository gives ----

TEST_F(ClaudeExecutorTest, CopiesSkillsAndCommandsWithoutFollowingLinks) {
  Write(directory_ + "/outside/SKILL.md", "not theirs");
  Write(repository_ + "/.claude/skills/fix-it/SKILL.md", "the skill");
  Write(repository_ + "/.claude/skills/fix-it/run.sh", "true");
  fs::permissions(repository_ + "/.claude/skills/fix-it/run.sh", fs::perms::owner_all);
  Write(repository_ + "/.claude/commands/greet.md", "the command");
  Write(repository_ + "/.claude/settings.json", "{\"hooks\": {}}");
  fs::create_symlink("/etc/passwd", repository_ + "/.claude/skills/fix-it/link");
  fs::create_symlink(directory_ + "/outside", repository_ + "/.claude/skills/linked");
  fs::create_symlink("..", repository_ + "/.claude/skills/loop");
  ASSERT_EQ(mkfifo((repository_ + "/.claude/skills/fix-it/pipe").c_str(), 0600), 0);
  EXPECT_TRUE(Run(absl::StrCat("cp -r \"$CLAUDE_CONFIG_DIR\" \"$dir/config\"\n", kResult)).ok());
  const std::string config = directory_ + "/config";
  EXPECT_EQ(Read(config + "/skills/fix-it/SKILL.md"), "the skill");
  EXPECT_EQ(Read(config + "/commands/greet.md"), "the command");
  EXPECT_EQ(Read(config + "/settings.json"), "{\"disableAllHooks\": true}\n");
  struct stat status = {};
  ASSERT_EQ(stat((config + "/skills/fix-it/run.sh").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700);
  std::vector<std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(config)) {
    EXPECT_FALSE(entry.is_symlink()) << entry.path();
    if (entry.is_regular_file()) found.push_back(entry.path().filename());
  }
  EXPECT_THAT(found,
              ::testing::UnorderedElementsAre("settings.json", "SKILL.md", "run.sh", "greet.md"));
  EXPECT_THAT(Log(), Contains(StartsWith("note .claude/skills: 4 entries were left out")));
}

TEST_F(ClaudeExecutorTest, CopiesNothingThroughALinkedSkillsFolder) {
  Write(directory_ + "/outside/skills/s/SKILL.md", "not theirs");
  fs::create_symlink(directory_ + "/outside", repository_ + "/.claude");
  EXPECT_TRUE(Run(absl::StrCat("ls \"$CLAUDE_CONFIG_DIR\" > \"$dir/names\"\n", kResult)).ok());
  EXPECT_EQ(Read(directory_ + "/names"), "settings.json\n");
}

TEST_F(ClaudeExecutorTest, BoundsWhatItCopies) {
  std::string deep = repository_ + "/.claude/skills";
  for (int i = 0; i < 40; ++i) deep += "/d";
  Write(deep + "/SKILL.md", "too deep");
  Write(repository_ + "/.claude/skills/big/SKILL.md", std::string(17 << 20, 'x'));
  for (int i = 0; i < 2100; ++i) {
    Write(absl::StrCat(repository_, "/.claude/commands/", i, ".md"), "one of many");
  }
  EXPECT_TRUE(
      Run(absl::StrCat("find \"$CLAUDE_CONFIG_DIR\" -type f | wc -l > \"$dir/count\"\n", kResult))
          .ok());
  EXPECT_EQ(Read(directory_ + "/count"), "2001\n");  // 2000 commands and settings.json
}

// A command may put its arguments into a shell: what an event brought must not be among them.
TEST_F(ClaudeExecutorTest, GivesACommandsEventInABlockOfItsOwn) {
  request_.routine.set_prompt("/fix-it now");
  request_.prompt = "/fix-it now\n\n<untrusted>$(touch canary) \"q\"</untrusted>\n";
  EXPECT_TRUE(Run(kResult).ok());
  const std::string input = Read(directory_ + "/input");
  EXPECT_THAT(input, StartsWith(R"({"type": "user", "message": {"role": "user", "content": [)"
                                R"({"type": "text", "text": "\n\n)"));
  EXPECT_THAT(input, HasSubstr("$(touch canary)"));
  EXPECT_THAT(input, ::testing::EndsWith(R"(, {"type": "text", "text": "/fix-it now"}]}})"
                                         "\n"));
  EXPECT_THAT(absl::StrJoin(Arguments(), " "), HasSubstr("--input-format stream-json"));
}

// ---- recorded streams ----

// Those of others, where this clone has them beside it.
class RecordedStreamTest : public ClaudeExecutorTest {
 protected:
  void SetUp() override {
    folder_ = std::string(ROUTINES_SOURCE_DIR) + "/../shared/data/claude-stream/";
    if (!fs::exists(folder_)) GTEST_SKIP() << "no recorded streams";
  }

  // The lines of the n-th session of a recording.
  std::vector<std::string> Session(const std::string& name, int wanted) {
    std::ifstream file(folder_ + name);
    std::vector<std::string> lines;
    int session = -1;
    for (std::string line; std::getline(file, line);) {
      if (line.find("\"subtype\":\"init\"") != line.npos) ++session;
      if (session == wanted) lines.push_back(line);
    }
    return lines;
  }

  Outcome Play(const std::vector<std::string>& lines, int exit_code) {
    Write(directory_ + "/recorded", absl::StrJoin(lines, "\n") + "\n");
    const Outcome outcome = Run(absl::StrCat("cat \"$dir/recorded\"; exit ", exit_code));
    // Every line is there: one event at least for each, none as mere output.
    size_t events = 0;
    for (const std::string& event : Log()) {
      EXPECT_THAT(event, Not(StartsWith("stdout"))) << event;
      if (!absl::StartsWith(event, "usage")) ++events;
    }
    EXPECT_GE(events, lines.size());
    return outcome;
  }

  std::string folder_;
};

TEST_F(RecordedStreamTest, SucceedsWhereTheAgentDid) {
  EXPECT_TRUE(Play(Session("claude-stream-sample.jsonl", 0), 0).ok());
  EXPECT_EQ(Log().back(), "end Done: pushed claude/test.");
  EXPECT_TRUE(Play(Session("claude-stream-partial.jsonl", 0), 0).ok());
  EXPECT_THAT(Log(), Contains("kept stream_event"));
}

TEST_F(RecordedStreamTest, JudgesErrorsAsTheyAre) {
  ExpectFailure(Play(Session("claude-stream-errors.jsonl", 0), 1), v1::SESSION_STEP_AGENT,
                "agent_error", "529");
  EXPECT_THAT(Log(), Contains(HasSubstr("note the API answered 529 (overloaded); retry 1 of 10")));
  // Ended by TERM in the middle of its retries.
  ExpectFailure(Play(Session("claude-stream-errors.jsonl", 1), 143), v1::SESSION_STEP_AGENT,
                "exit_code", "143");
  ExpectFailure(Play(Session("claude-stream-errors.jsonl", 2), 1), v1::SESSION_STEP_AGENT,
                "agent_error", "400");
  ExpectFailure(Play(Session("claude-stream-errors.jsonl", 3), 1), v1::SESSION_STEP_AGENT,
                "agent_error", "ConnectionRefused");
  ExpectFailure(Play(Session("claude-stream-errors.jsonl", 4), 1), v1::SESSION_STEP_AGENT,
                "max_turns");
}

TEST_F(RecordedStreamTest, FindsTheServerThatFailed) {
  const std::vector<std::string> lines = Session("claude-stream-mcp.jsonl", 0);
  EXPECT_TRUE(Play(lines, 0).ok());
  EXPECT_THAT(Log(), Contains("note MCP server broken: failed"));
  for (const char* name : {"every", "fs", "broken"}) AddConnector(name);
  ExpectFailure(Play(lines, 0), v1::SESSION_STEP_CONNECTOR, "connector_failed", "broken");
}

}  // namespace
}  // namespace routines
