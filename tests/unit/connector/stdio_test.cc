// Connectors over stdio: what a session's connectors are opened to, against servers that behave and
// servers that do not (T34).
#include <signal.h>

#include <chrono>
#include <thread>

#include "absl/strings/numbers.h"
#include "tests/unit/connector/connector_fixture.h"

namespace routines {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

using StdioConnectorTest = ConnectorTest;

TEST_F(StdioConnectorTest, ListsTheToolsOfAllPages) {
  AddScript(R"(
initialize()
tools('a', 'b', cursor='page "2"')
request = tools('c')
assert request['params'] == {'cursor': 'page "2"'}, request
)");
  const OpenedConnectors opened = Open();
  ASSERT_TRUE(opened.outcome.ok()) << opened.outcome.message;
  ASSERT_EQ(opened.endpoints.size(), 1u);
  EXPECT_EQ(opened.endpoints[0].name, "fake");
  EXPECT_EQ(opened.endpoints[0].command[0], kPython);
  EXPECT_THAT(opened.endpoints[0].tools, ElementsAre("a", "b", "c"));
  EXPECT_THAT(opened.endpoints[0].denied_tools, IsEmpty());
  EXPECT_EQ(opened.reports[0].server_name, "fake");
  EXPECT_EQ(opened.reports[0].server_version, "1.2.3");
  EXPECT_EQ(opened.reports[0].protocol_version, "2025-11-25");
  EXPECT_GT(opened.reports[0].time, absl::ZeroDuration());
}

TEST_F(StdioConnectorTest, OffersTheNewestRevisionAndWhatAgentsOffer) {
  AddScript(R"(
request = initialize()
assert request['params']['protocolVersion'] == '2025-11-25', request
assert request['params']['capabilities'] == {'elicitation': {}, 'roots': {}}, request
assert request['params']['clientInfo']['name'] == 'routines', request
tools('a')
)");
  const OpenedConnectors opened = Open();
  EXPECT_TRUE(opened.outcome.ok()) << opened.outcome.message;
}

TEST_F(StdioConnectorTest, TakesEveryRevisionThatItKnowsAndNoOther) {
  for (const char* revision : {"2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"}) {
    const Outcome outcome =
        OutcomeOf(absl::StrCat("initialize(protocolVersion='", revision, "'); tools('a')"));
    EXPECT_TRUE(outcome.ok()) << outcome.message;
  }
  EXPECT_THAT(OutcomeOf("initialize(protocolVersion='2099-01-01')"),
              FailedWith("connector_failed", "speaks revision \"2099-01-01\""));
  EXPECT_THAT(OutcomeOf("initialize(protocolVersion=7)"),
              FailedWith("connector_failed", "no protocolVersion"));
}

TEST_F(StdioConnectorTest, AnswersPingsAndRefusesWhatElseItIsAsked) {
  AddScript(R"(
request = expect('initialize')
send({'method': 'notifications/message', 'params': {'level': 'info', 'data': 'hello'}})
send({'id': 'p', 'method': 'ping'})
assert read() == {'jsonrpc': '2.0', 'id': 'p', 'result': {}}
send({'id': 1, 'method': 'sampling/createMessage', 'params': {}})
assert read()['error']['code'] == -32601
send({'id': 8, 'method': 'roots/list'})
assert read() == {'jsonrpc': '2.0', 'id': 8, 'result': {'roots': []}}
send({'id': 9, 'method': 'elicitation/create', 'params': {'message': 'who are you?'}})
assert read()['result'] == {'action': 'decline'}
answer(request, initialize_result())
expect('notifications/initialized')
send({'method': 'notifications/tools/list_changed'})
tools('a')
)");
  const OpenedConnectors opened = Open();
  EXPECT_TRUE(opened.outcome.ok()) << opened.outcome.message;
}

TEST_F(StdioConnectorTest, TakesBatches) {
  AddScript(R"(
initialize()
request = expect('tools/list')
raw(json.dumps([{'jsonrpc': '2.0', 'method': 'notifications/message'},
                {'jsonrpc': '2.0', 'id': request['id'], 'result': tools_result('a')}]) + '\n')
)");
  const OpenedConnectors opened = Open();
  EXPECT_TRUE(opened.outcome.ok()) << opened.outcome.message;
}

TEST_F(StdioConnectorTest, ServersWithoutToolsHaveNone) {
  AddScript("initialize(capabilities={'prompts': {}}); read()");
  const OpenedConnectors opened = Open();
  EXPECT_TRUE(opened.outcome.ok()) << opened.outcome.message;
  EXPECT_THAT(opened.endpoints[0].tools, IsEmpty());
}

TEST_F(StdioConnectorTest, RunsInTheSessionsFolderAndEnvironment) {
  request_.environment["COLOUR"] = "green";
  AddScript("say(os.getcwd()); say(sorted(os.environ)); initialize(); tools('a')");
  ASSERT_TRUE(Open().outcome.ok());
  EXPECT_THAT(log_.Text(), HasSubstr(directory_));
  EXPECT_THAT(log_.Text(), HasSubstr("COLOUR"));
  EXPECT_THAT(log_.Text(), Not(HasSubstr("HOME")));  // that of this process
}

TEST_F(StdioConnectorTest, FindsProgramsInTheSessionsPath) {
  std::filesystem::create_directory(File("bin"));
  std::filesystem::create_symlink(kPython, File("bin/my-server"));
  request_.environment["PATH"] = absl::StrCat(".:", File("bin"));
  v1::Connector& connector = AddScript("initialize(); tools('a')");
  connector.set_command(0, "my-server");
  OpenedConnectors opened = Open();
  ASSERT_TRUE(opened.outcome.ok()) << opened.outcome.message;
  EXPECT_EQ(opened.endpoints[0].command[0], File("bin/my-server"));

  connector.set_command(0, "bin/my-server");  // of the session's folder
  opened = Open();
  ASSERT_TRUE(opened.outcome.ok()) << opened.outcome.message;
  EXPECT_EQ(opened.endpoints[0].command[0], File("bin/my-server"));

  connector.set_command(0, "no-such-server");
  EXPECT_THAT(Open().outcome, FailedWith("connector_failed", "no program \"no-such-server\""));
  connector.set_command(0, "/no/such/server");
  EXPECT_THAT(Open().outcome,
              FailedWith("connector_failed", "connector fake: could not be started"));
}

// ---- secrets ----

TEST_F(StdioConnectorTest, SecretsAreInTheEnvironmentAndNowhereElse) {
  AddScript(R"(
import base64
say(os.environ['TOKEN'])
say(base64.b64encode(os.environ['TOKEN'].encode()).decode())
say(open('/proc/self/cmdline').read().replace('\0', ' '))
initialize(serverInfo={'name': os.environ['TOKEN'], 'version': '1'}); tools('a')
)")
      .add_secrets("TOKEN");
  const OpenedConnectors opened = Open();
  ASSERT_TRUE(opened.outcome.ok()) << opened.outcome.message;
  EXPECT_EQ(opened.endpoints[0].environment.at("TOKEN"), "s3cret-token-value");
  EXPECT_THAT(opened.secret_values, ElementsAre("s3cret-token-value"));
  EXPECT_EQ(opened.reports[0].server_name, "[redacted]");
  EXPECT_THAT(log_.Text(), HasSubstr("[fake] [redacted]"));
  EXPECT_THAT(log_.Text(), Not(HasSubstr("s3cret")));
  EXPECT_THAT(log_.Text(), Not(HasSubstr("czNjcmV0")));
}

TEST_F(StdioConnectorTest, SaysWhichSecretIsMissing) {
  AddScript("initialize()").add_secrets("ABSENT");
  EXPECT_THAT(Open().outcome, FailedWith("secret_missing", "connector fake: secret ABSENT"));
  options_.secrets = nullptr;
  EXPECT_THAT(Open().outcome, FailedWith("secret_missing", "no secret provider"));
}

TEST_F(StdioConnectorTest, TriesAgainWhereTheSecretProviderFailsForNow) {
  class Away : public SecretProvider {
    absl::StatusOr<std::string> Get(std::string_view, std::string_view) override {
      return absl::UnavailableError("the vault is sealed");
    }
  };
  options_.secrets = std::make_shared<Away>();
  AddScript("initialize()").add_secrets("TOKEN");
  const Outcome outcome = Open().outcome;
  EXPECT_THAT(outcome, FailedWith("secret_unavailable", "the vault is sealed"));
  EXPECT_TRUE(outcome.retryable);
}

// ---- policy ----

TEST_F(StdioConnectorTest, AppliesThePolicy) {
  v1::Connector& connector = AddScript("initialize(); tools('read', 'write', 'erase')");
  connector.mutable_tools()->add_deny("erase");
  connector.mutable_tools()->add_deny("not-there");
  OpenedConnectors opened = Open();
  EXPECT_THAT(opened.endpoints[0].tools, ElementsAre("read", "write"));
  EXPECT_THAT(opened.endpoints[0].denied_tools, ElementsAre("erase"));

  connector.mutable_tools()->Clear();
  connector.mutable_tools()->add_allow("read");
  opened = Open();
  EXPECT_THAT(opened.endpoints[0].tools, ElementsAre("read"));
  EXPECT_THAT(opened.endpoints[0].denied_tools, ElementsAre("write", "erase"));
  EXPECT_THAT(opened.reports[0].denied_tools, ElementsAre("write", "erase"));
}

TEST_F(StdioConnectorTest, AnAllowedToolMustBeThere) {
  v1::Connector& connector = AddScript("initialize(); tools('post_message', 'read')");
  connector.mutable_tools()->add_allow("post_mesage");
  const OpenedConnectors opened = Open();
  EXPECT_THAT(opened.outcome, FailedWith("connector_failed", "\"post_mesage\""));
  EXPECT_THAT(opened.outcome.message, HasSubstr("\"post_message\""));
  EXPECT_THAT(opened.endpoints, IsEmpty());
  connector.set_command(3, "initialize(capabilities={}); read()");
  EXPECT_THAT(Open().outcome, FailedWith("connector_failed", "the server has no tools"));
}

TEST_F(StdioConnectorTest, NoToolTakesTheFullNameOfAnother) {
  AddScript("initialize(); tools('c')", "a__b");
  AddScript("initialize(); tools('b__c')", "a");
  EXPECT_THAT(Open().outcome, FailedWith("connector_failed", "the same full name, \"a__b__c\""));
}

// ---- several ----

TEST_F(StdioConnectorTest, OpensThemSideBySide) {
  // Each waits for the other's file: one after the other they would not come to an end.
  const auto script = [](const char* mine, const char* other) {
    return absl::StrCat("open('", mine, "', 'w').close()\nwhile not os.path.exists('", other,
                        "'): time.sleep(0.01)\ninitialize(); tools('t')");
  };
  AddScript(script("one", "two"), "first");
  AddScript(script("two", "one"), "second");
  const OpenedConnectors opened = Open();
  ASSERT_TRUE(opened.outcome.ok()) << opened.outcome.message;
  EXPECT_EQ(opened.endpoints[0].name, "first");
  EXPECT_EQ(opened.endpoints[1].name, "second");
}

TEST_F(StdioConnectorTest, NamesTheOneThatFailed) {
  AddScript("initialize(); tools('a')", "good");
  AddScript("say('no licence'); sys.exit(3)", "bad");
  const OpenedConnectors opened = Open();
  EXPECT_THAT(opened.outcome, FailedWith("connector_failed",
                                         "connector bad: ended with exit code 3 before its tools "
                                         "were listed; its last words: no licence"));
  EXPECT_TRUE(opened.reports[0].outcome.ok());
  EXPECT_FALSE(opened.reports[1].outcome.ok());
  EXPECT_THAT(opened.endpoints, IsEmpty());
}

TEST_F(StdioConnectorTest, HostConnectorsAreNotThereYet) {
  Add("functions").set_host("tools");
  EXPECT_THAT(Open().outcome, FailedWith("connectors_unavailable", "connector functions: "));
}

// ---- servers that do wrong ----

TEST_F(StdioConnectorTest, RefusesWhatIsNotTheProtocol) {
  struct Case {
    const char* script;
    const char* message;
  } cases[] = {
      {"r = expect('initialize'); send({'id': r['id'] + 1, 'result': {}})", "with the id \"2\""},
      {"r = expect('initialize'); send({'id': '1', 'result': {}})", "instead of 1"},
      {"r = expect('initialize'); send({'id': None, 'result': {}})", "without an id"},
      {"r = expect('initialize'); send({'id': 1.5, 'result': {}})", "without an id"},
      {"r = expect('initialize'); send({'result': {}})", "without an id"},
      {"r = expect('initialize'); send({'id': 1})", "without method, result and error"},
      {"r = expect('initialize'); send({'id': 1, 'result': []})", "is not a JSON object"},
      {"r = expect('initialize'); raw('{oops\\n')", "is not JSON"},
      {"r = expect('initialize'); raw('[1]\\n')", "is not an object"},
      {"r = expect('initialize'); raw('{\"id\": 1, \"result\": {}}\\n')", "not JSON-RPC 2.0"},
      {"r = expect('initialize'); raw(b'{\"jsonrpc\": \"2.0\", \"x\": \"\\xff\"}\\n')",
       "not UTF-8"},
      {"r = expect('initialize'); raw('[' * 3000 + ']' * 3000 + '\\n')", "nested too deeply"},
      {"r = expect('initialize'); send({'id': 1, 'error': {'code': -3, 'message': 'no\\nway'}})",
       "answered initialize with error -3: no\\nway"},
      {"r = expect('initialize'); send({'id': None, 'error': {'code': -32700}})", "error -32700"},
      {"r = expect('initialize'); send({'id': 1, 'error': 'x'})", "error that is not an object"},
      {"r = expect('initialize'); send({'id': {}, 'method': 'ping'})", "no text or whole number"},
      {"initialize(); tools('a', 'a')", "lists the tool \"a\" twice"},
      {"initialize(); tools('a', cursor='2'); tools('a')", "lists the tool \"a\" twice"},
      {"initialize(); tools('a b')", "has a tool named \"a b\""},
      {"initialize(); tools('a,Bash')", "has a tool named \"a,Bash\""},
      {"initialize(); tools('--flag')", "has a tool named \"--flag\""},
      {"initialize(); tools('\\u0430')", "has a tool named"},
      {"initialize(); tools('')", "has a tool named \"\""},
      {"initialize(); tools('x' * 129)", "has a tool named"},
      {"initialize(); tools(7)", "a tool without a name"},
      {"initialize(); r = expect('tools/list'); answer(r, {})", "no list of tools"},
      {"initialize(); tools(cursor='x'); tools(cursor='x')", "the same page"},
      {"initialize()\nfor i in range(50): tools(cursor=str(i))", "pages without end"},
      {"initialize(); tools(*('t%d' % i for i in range(21)))", "more than 20 tools"},
      {"expect('initialize'); os.kill(os.getpid(), 11)", "was ended by signal 11 (SIGSEGV)"},
      {"sys.exit(0)", "ended with exit code 0"},
      {"expect('initialize'); os.close(1); read()", "did not answer in time"},
  };
  options_.max_tools = 20;
  for (const Case& wrong : cases) {
    options_.start_timeout = std::string(wrong.message) == "did not answer in time"
                                 ? absl::Seconds(1)
                                 : absl::Seconds(30);
    const Outcome outcome = OutcomeOf(wrong.script);
    EXPECT_FALSE(outcome.ok()) << wrong.script;
    EXPECT_THAT(outcome.message, HasSubstr("connector fake: ")) << wrong.script;
    EXPECT_THAT(outcome.message, HasSubstr(wrong.message)) << wrong.script;
  }
}

TEST_F(StdioConnectorTest, LogsWhatCannotBeMeantAsAMessage) {
  AddScript("raw('Server ready!\\n\\n'); initialize(); raw('  \\nlistening\\n'); tools('a')");
  const OpenedConnectors opened = Open();
  ASSERT_TRUE(opened.outcome.ok()) << opened.outcome.message;
  EXPECT_THAT(log_.Text(), HasSubstr("[fake] Server ready!"));
  EXPECT_THAT(log_.Text(), HasSubstr("[fake] listening"));
}

TEST_F(StdioConnectorTest, EndsOneThatNeverAnswers) {
  options_.start_timeout = absl::Milliseconds(300);
  const Outcome outcome = OutcomeOf("say('waiting'); time.sleep(600)");
  EXPECT_THAT(outcome, FailedWith("connector_timeout", "did not answer in time (300ms)"));
  EXPECT_TRUE(outcome.retryable);
}

TEST_F(StdioConnectorTest, EndsOneThatDoesNotRead) {
  options_.start_timeout = absl::Milliseconds(500);
  // Its own pings are answered until its input is full.
  EXPECT_THAT(OutcomeOf("while True: send({'id': 'p' * 1000, 'method': 'ping'})").reason,
              ::testing::AnyOf("connector_timeout", "connector_failed"));
}

TEST_F(StdioConnectorTest, EndsOneThatSaysTooMuch) {
  options_.max_answer_bytes = 1 << 20;
  EXPECT_THAT(OutcomeOf("r = expect('initialize')\nwhile True: raw('x' * 65536)"),
              FailedWith("connector_failed", "said more than 1048576 bytes"));
  EXPECT_THAT(OutcomeOf("r = expect('initialize')\n"
                        "while True: send({'method': 'notifications/message'})"),
              FailedWith("connector_failed", "said more than 1048576 bytes"));
}

TEST_F(StdioConnectorTest, KeepsNoMoreThanABitOfItsStandardError) {
  AddScript(R"(
for _ in range(100000): print('x' * 100, file=sys.stderr)
sys.stderr.flush()
initialize(); tools('a')
)");
  const OpenedConnectors opened = Open();
  ASSERT_TRUE(opened.outcome.ok()) << opened.outcome.message;
  EXPECT_LT(log_.Bytes(), 100u << 10);
  EXPECT_GT(log_.Bytes(), 50u << 10);
  EXPECT_THAT(log_.Text(), HasSubstr("is left out"));
}

// ---- the end ----

bool Gone(pid_t pid) {
  return kill(pid, 0) != 0;
}

pid_t ToPid(const std::string& text) {
  pid_t pid = 0;
  EXPECT_TRUE(absl::SimpleAtoi(text, &pid)) << text;
  return pid;
}

TEST_F(StdioConnectorTest, NothingOfTheServerIsLeft) {
  AddScript(R"(
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() != 0: os._exit(0)
    open('daemon', 'w').write(str(os.getpid()))
    os.rename('daemon', 'grandchild')
    time.sleep(600)
while not os.path.exists('grandchild'): time.sleep(0.01)
open('server', 'w').write(str(os.getpid()))
initialize(); tools('a')
time.sleep(600)
)");
  const OpenedConnectors opened = Open();
  ASSERT_TRUE(opened.outcome.ok()) << opened.outcome.message;
  EXPECT_TRUE(Gone(ToPid(Read("server"))));
  EXPECT_TRUE(Gone(ToPid(Read("grandchild"))));
}

TEST_F(StdioConnectorTest, AServerThatMindsTheEndOfItsInputEndsByItself) {
  AddScript(R"(
initialize(); tools('a')
try: read()
finally: open('ended', 'w').write('by itself')
)");
  ASSERT_TRUE(Open().outcome.ok());
  EXPECT_EQ(Read("ended"), "by itself");
}

TEST_F(StdioConnectorTest, ReturnsSoonAfterItWasCancelled) {
  log_.on_append = [this](const v1::SessionEvent&) { cancellation_.Cancel(); };
  AddScript("open('server', 'w').write(str(os.getpid()))\nsay('waiting')\ntime.sleep(600)");
  const auto start = std::chrono::steady_clock::now();
  const Outcome outcome = Open().outcome;
  EXPECT_EQ(outcome.state, v1::SESSION_STATE_CANCELLED);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(15));
  EXPECT_TRUE(Gone(ToPid(Read("server"))));
}

TEST_F(StdioConnectorTest, LeavesNoDescriptor) {
  const auto count = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
  };
  AddScript("initialize(); tools('a')");
  ASSERT_TRUE(Open().outcome.ok());
  const auto before = count();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(Open().outcome.ok());
  EXPECT_EQ(count(), before);
}

}  // namespace
}  // namespace routines
