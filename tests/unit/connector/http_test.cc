// Connectors over Streamable HTTP, against servers that behave and servers that do not (T33, T34).

#include <atomic>
#include <chrono>
#include <thread>

#include "absl/strings/str_split.h"
#include "src/base/subprocess.h"
#include "src/connector/http_channel.h"
#include "tests/unit/connector/connector_fixture.h"

namespace routines {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

// A server that runs a script of fake_mcp.py, in a folder of its own, until this object ends.
class HttpServer {
 public:
  HttpServer(const std::string& folder, const std::string& script, bool tls = false)
      : folder_(folder) {
    std::filesystem::create_directories(folder_);
    if (tls) MakeCertificate();
    SubprocessOptions options;
    options.command = {kPython, kFakeServer, tls ? "https" : "http", folder_, script};
    options.environment = {{"PATH", "/usr/bin:/bin"}};
    options.cancellation = &stop_;
    options.kill_grace = absl::ZeroDuration();
    thread_ = std::thread([this, options] {
      const auto result = RunSubprocess(options);
      EXPECT_TRUE(result.ok()) << result.status();
      ended_ = true;
    });
    while (!std::filesystem::exists(folder_ + "/port") && !ended_) std::this_thread::yield();
    std::ifstream(folder_ + "/port") >> port_;
  }
  ~HttpServer() {
    stop_.Cancel();
    thread_.join();
  }

  std::string Url(const std::string& host = "127.0.0.1") const {
    return absl::StrCat("http://", host, ":", port_, "/mcp");
  }
  int port() const { return port_; }

  // The requests so far, as JSON.
  std::vector<std::string> Requests() const {
    std::ifstream file(folder_ + "/requests");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    return absl::StrSplit(text, '\n', absl::SkipEmpty());
  }

 private:
  void MakeCertificate() {
    SubprocessOptions make;
    make.command = {"openssl",
                    "req",
                    "-x509",
                    "-newkey",
                    "ec",
                    "-pkeyopt",
                    "ec_paramgen_curve:prime256v1",
                    "-nodes",
                    "-days",
                    "2",
                    "-subj",
                    "/CN=localhost",
                    "-addext",
                    "subjectAltName=DNS:localhost",
                    "-keyout",
                    folder_ + "/key.pem",
                    "-out",
                    folder_ + "/cert.pem"};
    make.environment = {{"PATH", "/usr/bin:/bin"}};
    const auto made = RunSubprocess(make);
    ASSERT_TRUE(made.ok() && made->exit_code == 0);
  }

  const std::string folder_;
  Cancellation stop_;
  std::atomic<bool> ended_ = false;
  int port_ = 0;
  std::thread thread_;
};

class HttpConnectorTest : public ConnectorTest {
 protected:
  Outcome OutcomeOfUrl(const std::string& url) {
    request_.routine.clear_connectors();
    Add("web").set_url(url);
    return Open().outcome;
  }

  // What comes of a server whose post() is `body`, indented lines.
  Outcome OutcomeOfPost(const std::string& body) {
    HttpServer server(File(absl::StrCat("server", ++servers_)),
                      absl::StrCat("def post(server, message):\n", body));
    return OutcomeOfUrl(server.Url());
  }

  int servers_ = 0;
};

TEST_F(HttpConnectorTest, SpeaksTheProtocol) {
  HttpServer server(File("server"), "");
  v1::Connector& connector = Add("web");
  connector.set_url(server.Url() + "?tenant=a");
  (*connector.mutable_headers())["Authorization"] = "Bearer ${TOKEN}";
  (*connector.mutable_headers())["X-Plain"] = "as it is: $TOKEN {TOKEN}";
  (*connector.mutable_headers())["Accept"] = "text/html";
  const OpenedConnectors opened = Open();
  ASSERT_TRUE(opened.outcome.ok()) << opened.outcome.message;
  EXPECT_THAT(opened.endpoints[0].tools, ElementsAre("echo", "add"));
  EXPECT_EQ(opened.endpoints[0].url, server.Url() + "?tenant=a");
  EXPECT_EQ(opened.endpoints[0].headers.at("Authorization"), "Bearer s3cret-token-value");
  EXPECT_THAT(opened.secret_values, ElementsAre("s3cret-token-value"));
  EXPECT_THAT(log_.Text(), Not(HasSubstr("s3cret")));

  const std::vector<std::string> requests = server.Requests();
  ASSERT_EQ(requests.size(), 4u);
  for (const std::string& request : requests) {
    EXPECT_THAT(request, HasSubstr(R"("path": "/mcp?tenant=a")"));
    EXPECT_THAT(request, HasSubstr(R"("accept": "application/json, text/event-stream")"));
    EXPECT_THAT(request, HasSubstr(R"("authorization": "Bearer s3cret-token-value")"));
    EXPECT_THAT(request, HasSubstr(R"("x-plain": "as it is: $TOKEN {TOKEN}")"));
  }
  EXPECT_THAT(requests[0], HasSubstr(R"("method": "initialize")"));
  EXPECT_THAT(requests[0], Not(HasSubstr("mcp-session-id")));
  EXPECT_THAT(requests[0], Not(HasSubstr("mcp-protocol-version")));
  EXPECT_THAT(requests[1], HasSubstr("notifications/initialized"));
  EXPECT_THAT(requests[2], HasSubstr("tools/list"));
  EXPECT_THAT(requests[3], HasSubstr(R"("method": "DELETE")"));
  for (int i = 1; i < 4; ++i) {
    EXPECT_THAT(requests[i], HasSubstr(R"("mcp-session-id": "session-1")"));
    EXPECT_THAT(requests[i], HasSubstr(R"("mcp-protocol-version": "2025-11-25")"));
  }
}

TEST_F(HttpConnectorTest, ReadsStreamsOfEventsAndAnswersWhatIsAskedInThem) {
  HttpServer server(File("server"), R"(
def post(server, message):
    if message.get("method") not in ("initialize", "tools/list"):
        return server.answer(202)
    server.begin_stream()
    server.wfile.write(b": a comment\nid: 1\ndata:\n\n")
    server.event({"jsonrpc": "2.0", "method": "notifications/message"})
    if message["method"] == "tools/list":
        server.event({"jsonrpc": "2.0", "id": "p", "method": "ping"})
    server.event(right_answer(message))
)");
  const Outcome outcome = OutcomeOfUrl(server.Url());
  EXPECT_TRUE(outcome.ok()) << outcome.message;
  EXPECT_THAT(server.Requests(), Contains(HasSubstr(R"("id": "p", "result": {})")));
}

TEST_F(HttpConnectorTest, SaysWhatTheServerRefusedAndWhatToDo) {
  struct Case {
    int status;
    const char* hint;
    bool retryable;
  } cases[] = {
      {401, "check the connector's headers and the secrets", false},
      {403, "check the connector's headers and the secrets", false},
      {404, "check the connector's url", false},
      {405, "not a Streamable HTTP endpoint", false},
      {400, "answered 400: go away", false},
      {301, "write the URL that takes POST requests", false},
      {429, "answered 429", true},
      {503, "answered 503", true},
  };
  for (const Case& refused : cases) {
    const Outcome outcome = OutcomeOfPost(
        absl::StrCat("  server.answer(", refused.status, ", b'go away', type='text/plain')"));
    EXPECT_THAT(outcome, FailedWith("connector_failed", refused.hint)) << refused.status;
    EXPECT_THAT(outcome.message, HasSubstr("connector web: ")) << refused.status;
    EXPECT_EQ(outcome.retryable, refused.retryable) << refused.status;
  }
}

TEST_F(HttpConnectorTest, RefusesWhatIsNotTheProtocol) {
  struct Case {
    const char* post;
    const char* message;
  } cases[] = {
      {"  server.answer(body=b'<html>', type='text/html; charset=utf-8')",
       "answered with \"text/html\" instead of"},
      {"  server.answer(202)", "answered with \"\" instead of"},
      {"  server.answer(body=b'')", "answered with \"\" instead of"},
      {"  server.answer(body=b'{')", "not JSON"},
      {"  server.answer(body=b'\\xff')", "not UTF-8"},
      {"  server.answer(body={'jsonrpc': '2.0', 'id': 99, 'result': {}})", "with the id \"99\""},
      {"  server.answer(body=right_answer(message), Mcp_Session_Id='a b')", "session id"},
      {"  server.answer(body=right_answer(message), Mcp_Session_Id='x' * 1025)", "session id"},
      {"  server.begin_stream()", "ended its stream of events before it had answered"},
      {"  server.begin_stream(); server.event({'jsonrpc': '2.0', 'id': 5, 'result': {}})",
       "with the id \"5\""},
      {"  server.wfile.write(b'HTTP/1.1 200 OK\\r\\nContent-Length: 99\\r\\n"
       "Content-Type: application/json\\r\\n\\r\\n{'); server.close_connection = True",
       "broke the connection"},
      {"  server.wfile.write(b'hello\\r\\n\\r\\n'); server.close_connection = True",
       "cannot be reached"},
      {"  server.close_connection = True", "broke the connection"},
  };
  for (const Case& wrong : cases) {
    const Outcome outcome = OutcomeOfPost(wrong.post);
    EXPECT_THAT(outcome, FailedWith("connector_failed", wrong.message)) << wrong.post;
    EXPECT_THAT(outcome.message, HasSubstr("connector web: ")) << wrong.post;
  }
}

TEST_F(HttpConnectorTest, FollowsRedirectsWithinTheServerOnly) {
  HttpServer other(File("other"), "");
  HttpServer server(File("server"), absl::StrCat(R"(
def post(server, message):
    if server.path == "/mcp":
        return server.answer(307, Location="/mcp/")
    if server.path == "/away":
        return server.answer(308, Location=")",
                                                 other.Url(), R"(")
    if server.path == "/round":
        return server.answer(307, Location="/round")
    server.right(message)
)"));
  const Outcome outcome = OutcomeOfUrl(server.Url());
  EXPECT_TRUE(outcome.ok()) << outcome.message;
  const std::string origin = absl::StrCat("http://127.0.0.1:", server.port());
  EXPECT_THAT(OutcomeOfUrl(origin + "/away"),
              FailedWith("connector_failed", "redirects to \"" + other.Url() + "\""));
  EXPECT_THAT(other.Requests(), SizeIs(0));
  EXPECT_THAT(OutcomeOfUrl(origin + "/round"), FailedWith("connector_failed", "again and again"));
}

TEST_F(HttpConnectorTest, EndsOneThatSaysTooMuch) {
  options_.max_answer_bytes = 1 << 20;
  constexpr char kTooMuch[] = "said more than 1048576 bytes";
  EXPECT_THAT(
      OutcomeOfPost("  server.begin_stream()\n  while True: server.wfile.write(b'x' * 65536)"),
      FailedWith("connector_failed", kTooMuch));
  EXPECT_THAT(OutcomeOfPost("  server.begin_stream()\n"
                            "  while True: server.event({'jsonrpc': '2.0', 'method': 'n'})"),
              FailedWith("connector_failed", kTooMuch));
  EXPECT_THAT(OutcomeOfPost("  server.answer(body=b'[' + b' ' * (2 << 20))"),
              FailedWith("connector_failed", kTooMuch));
  EXPECT_THAT(OutcomeOfPost("  server.wfile.write(b'HTTP/1.1 200 OK\\r\\nA: ' + b'x' * (1 << 20))"),
              FailedWith("connector_failed", "cannot be reached"));
  // What an error brings is not waited for to its end.
  EXPECT_THAT(OutcomeOfPost("  server.wfile.write(b'HTTP/1.1 500 No\\r\\n\\r\\n')\n"
                            "  while True: server.wfile.write(b'x' * 65536)"),
              FailedWith("connector_failed", "answered 500"));
}

TEST_F(HttpConnectorTest, EndsOneThatNeverAnswers) {
  options_.start_timeout = absl::Milliseconds(400);
  const Outcome silent = OutcomeOfPost("  time.sleep(600)");
  EXPECT_THAT(silent, FailedWith("connector_timeout", "did not answer in time (400ms)"));
  EXPECT_TRUE(silent.retryable);
  EXPECT_THAT(OutcomeOfPost("  server.begin_stream()\n"
                            "  while True: server.wfile.write(b':\\n'); time.sleep(0.02)"),
              FailedWith("connector_timeout", "did not answer in time"));
}

TEST_F(HttpConnectorTest, SaysThatNobodyListens) {
  int port = 0;
  {
    HttpServer server(File("server"), "");
    port = server.port();
  }
  const Outcome outcome = OutcomeOfUrl(absl::StrCat("http://127.0.0.1:", port));
  EXPECT_THAT(outcome, FailedWith("connector_failed", "cannot be reached: http://127.0.0.1:"));
  EXPECT_TRUE(outcome.retryable);
}

TEST_F(HttpConnectorTest, ReturnsSoonAfterItWasCancelled) {
  HttpServer server(File("server"), "def post(server, message): time.sleep(600)");
  std::thread canceller([&] {
    while (server.Requests().empty()) std::this_thread::yield();
    cancellation_.Cancel();
  });
  const auto start = std::chrono::steady_clock::now();
  const Outcome outcome = OutcomeOfUrl(server.Url());
  canceller.join();
  EXPECT_EQ(outcome.state, v1::SESSION_STATE_CANCELLED);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(15));
}

TEST_F(HttpConnectorTest, TrustsTheSystemsAuthoritiesAndTheNameOnly) {
  HttpServer server(File("server"), "", /*tls=*/true);
  const std::string url = absl::StrCat("https://localhost:", server.port(), "/mcp");
  EXPECT_THAT(OutcomeOfUrl(url), FailedWith("connector_failed", "certificate verify failed"));
  setenv("SSL_CERT_FILE", File("server/cert.pem").c_str(), 1);
  const Outcome trusted = OutcomeOfUrl(url);
  EXPECT_TRUE(trusted.ok()) << trusted.message;
  EXPECT_THAT(OutcomeOfUrl(absl::StrCat("https://127.0.0.1:", server.port())),
              FailedWith("connector_failed", "certificate verify failed"));
  unsetenv("SSL_CERT_FILE");
  EXPECT_THAT(
      OutcomeOfUrl(absl::StrCat("https://localhost:", HttpServer(File("plain"), "").port())),
      FailedWith("connector_failed", "cannot be reached"));
}

TEST_F(HttpConnectorTest, ASessionWithoutNetworkCannotHaveThem) {
  HttpServer server(File("server"), "");
  request_.sandbox.bubblewrap = "/usr/bin/bwrap";
  request_.sandbox.network = false;
  EXPECT_THAT(OutcomeOfUrl(server.Url()), FailedWith("connectors_unavailable", "no network"));
  EXPECT_THAT(server.Requests(), SizeIs(0));
}

TEST_F(HttpConnectorTest, FillsHeadersWithWhatAHeaderCanHold) {
  v1::Connector& connector = Add("web");
  connector.set_url("http://127.0.0.1:1");
  (*connector.mutable_headers())["X-Key"] = "${BROKEN}";
  EXPECT_THAT(Open().outcome, FailedWith("connector_failed", "header \"X-Key\" has a line break"));
  (*connector.mutable_headers())["X-Key"] = "${ABSENT}";
  EXPECT_THAT(Open().outcome, FailedWith("secret_missing", "connector web: secret ABSENT"));
}

// ---- addresses ----

TEST_F(HttpConnectorTest, NeverReachesLinkLocalAddresses) {
  for (const char* url :
       {"http://169.254.169.254/latest/meta-data", "http://2852039166/", "http://0xa9fea9fe",
        "http://0251.0376.0251.0376", "http://[::ffff:169.254.169.254]/", "http://[fe80::1]:80/"}) {
    EXPECT_THAT(OutcomeOfUrl(url), FailedWith("address_blocked", "connectors may never reach"))
        << url;
  }
}

TEST_F(HttpConnectorTest, ReachesPrivateAddressesUnlessToldNotTo) {
  HttpServer server(File("server"), "");
  EXPECT_TRUE(OutcomeOfUrl(server.Url("localhost")).ok());
  options_.allow_private_addresses = false;
  for (const std::string host :
       {"localhost", "127.0.0.1", "0x7f.1", "2130706433", "[::1]", "[::ffff:7f00:1]", "0.0.0.0"}) {
    EXPECT_THAT(OutcomeOfUrl(server.Url(host)), FailedWith("address_blocked", "private network"))
        << host;
  }
  EXPECT_THAT(server.Requests(), SizeIs(4));  // those of the first
}

// A name that leads to the server when it is checked and elsewhere when it is used.
TEST_F(HttpConnectorTest, LooksANameUpOnce) {
  HttpServer server(File("server"), "");
  int lookups = 0;
  HttpChannelOptions options;
  options.url = *ParseHttpUrl(server.Url("rebinding.example"));
  options.resolver = [&](const std::string& host, const ChannelLimits&) {
    EXPECT_EQ(host, "rebinding.example");
    return std::vector<std::string>{++lookups == 1 ? "127.0.0.1" : "169.254.169.254"};
  };
  const std::unique_ptr<Channel> channel = NewHttpChannel(options);
  for (int i = 0; i < 3; ++i) {
    const absl::Status sent =
        channel->Send(R"({"jsonrpc":"2.0","id":1,"method":"initialize"})", true);
    EXPECT_TRUE(sent.ok()) << sent;
    EXPECT_TRUE(channel->Receive().ok());
  }
  EXPECT_EQ(lookups, 1);
}

TEST_F(HttpConnectorTest, OneForbiddenAddressIsEnough) {
  HttpServer server(File("server"), "");
  HttpChannelOptions options;
  options.url = *ParseHttpUrl(server.Url("mixed.example"));
  options.resolver = [](const std::string&, const ChannelLimits&) {
    return std::vector<std::string>{"127.0.0.1", "fe80::1%lo"};
  };
  EXPECT_EQ(NewHttpChannel(options)->Send("{}", true).code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(server.Requests(), SizeIs(0));
}

TEST_F(HttpConnectorTest, SaysThatANameIsUnknown) {
  const Outcome outcome = OutcomeOfUrl("http://no-such-host.invalid/mcp");
  EXPECT_THAT(outcome, FailedWith("connector_failed", "host no-such-host.invalid"));
  EXPECT_TRUE(outcome.retryable);
}

}  // namespace
}  // namespace routines
