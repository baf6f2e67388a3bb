#include "routines/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "routines/routine.h"
#include "routines/testing/fake_executor.h"
#include "tests/unit/server/socket_client.h"

namespace routines::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kHealth[] = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr char kTrigger[] = "trig_alert0001";

class ServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    EngineOptions options;
    options.limits.fires_per_hour_routine = options.limits.fires_per_hour_account = 0;
    options.executors["fake"] = executor_;
    engine_ = *Engine::Create(std::move(options));
    const LoadResult loaded = LoadRoutine(
        "name: alert\nprompt: look\ntriggers: [{id: trig_alert0001, api: {}}]\n", "test.yaml");
    ASSERT_TRUE(engine_->Put(loaded.routine).ok());
    token_ = engine_->CreateToken(kTrigger)->secret;
    ASSERT_TRUE(engine_->Start().ok());
    options_.listen = "127.0.0.1:0";
    options_.admin_token = "admin-secret";
  }

  void TearDown() override {
    server_.reset();
    engine_.reset();
  }

  void Start() {
    absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(*engine_, options_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  int port() const { return server_->port(); }

  std::string FireRequestText(const std::string& more, const std::string& body) const {
    return absl::StrCat("POST /v1/claude_code/routines/", kTrigger,
                        "/fire HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ", token_,
                        "\r\nContent-Type: application/json\r\n", more, "\r\n", body);
  }

  // Asserts that the server refuses `bytes` with `status` and closes.
  void ExpectRefused(const std::string& bytes, int status) {
    SocketClient client(port());
    client.Send(bytes);
    const std::string all = client.ReadAll();
    EXPECT_EQ(StatusOf(all), status) << bytes.substr(0, 200) << "\n" << all;
    EXPECT_THAT(all, HasSubstr("Connection: close"));
    EXPECT_EQ(all.find("request-id"), all.rfind("request-id")) << "more than one answer: " << all;
  }

  // Of a session of a fire, with an executor that holds it.
  std::string EventsRequest(const FireResult& fired, const std::string& headers = "") {
    return absl::StrCat("GET /v1/sessions/", fired.session_id, "/events?key=", fired.read_key,
                        " HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n", headers, "\r\n");
  }

  // Asks for the metrics until `line` stands in them.
  static void AwaitMetric(SocketClient& client, const std::string& line) {
    const absl::Time deadline = absl::Now() + absl::Seconds(30);
    std::string text;
    while (text.find(line) == text.npos && absl::Now() < deadline) {
      client.Send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
      text = client.ReadResponse();
    }
    EXPECT_THAT(text, HasSubstr(line));
  }

  // The first session's; later ones succeed at once.
  std::shared_ptr<Execution> AwaitExecution() {
    absl::MutexLock lock(&mu_);
    mu_.Await(absl::Condition(
        +[](std::shared_ptr<Execution>* execution) { return *execution != nullptr; }, &execution_));
    return execution_;
  }

  void OnStarted(std::shared_ptr<Execution> execution) {
    {
      absl::MutexLock lock(&mu_);
      if (execution_ == nullptr) {
        execution_ = std::move(execution);
        return;
      }
    }
    execution->Finish(Outcome::Success());
  }

  absl::Mutex mu_;
  std::shared_ptr<Execution> execution_ ABSL_GUARDED_BY(mu_);
  std::shared_ptr<routines::testing::FakeExecutor> executor_ =
      std::make_shared<routines::testing::FakeExecutor>(
          [this](std::shared_ptr<Execution> execution) { OnStarted(std::move(execution)); });
  std::unique_ptr<Engine> engine_;
  std::string token_;
  ServerOptions options_;
  std::unique_ptr<Server> server_;
};

// ---- start and stop ----

TEST_F(ServerTest, TellsWhereItListens) {
  Start();
  EXPECT_EQ(server_->url(), absl::StrCat("http://127.0.0.1:", port()));
}

TEST_F(ServerTest, TakesThePublicUrl) {
  options_.public_url = "https://routines.example/base/";
  Start();
  EXPECT_EQ(server_->url(), "https://routines.example/base");
}

TEST_F(ServerTest, RefusesAPortThatIsTaken) {
  Start();
  options_.listen = absl::StrCat("127.0.0.1:", port());
  EXPECT_EQ(Server::Start(*engine_, options_).status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(ServerTest, RefusesOptionsThatCannotBe) {
  const auto refused = [&](auto change) {
    ServerOptions options = options_;
    change(options);
    return Server::Start(*engine_, options).status().code();
  };
  const auto kInvalid = absl::StatusCode::kInvalidArgument;
  EXPECT_EQ(refused([](auto& o) { o.listen = "nonsense"; }), kInvalid);
  EXPECT_EQ(refused([](auto& o) { o.listen = "0.0.0.0:0", o.admin_token = ""; }), kInvalid);
  EXPECT_EQ(refused([](auto& o) { o.tls_certificate_file = "a"; }), kInvalid);
  EXPECT_EQ(refused([](auto& o) { o.tls_certificate_file = o.tls_key_file = "/absent"; }),
            kInvalid);
  EXPECT_EQ(refused([](auto& o) { o.threads = 0; }), kInvalid);
  for (const char* url :
       {"routines.example", "ftp://routines.example", "http://", "https:///x", "http://:80",
        "http://a b", "javascript:alert(1)", "//routines.example"}) {
    EXPECT_EQ(refused([url](auto& o) { o.public_url = url; }), kInvalid) << url;
  }
}

TEST_F(ServerTest, StopEndsIdleConnectionsAndStreams) {
  Start();
  SocketClient idle(port());
  idle.Send(kHealth);
  EXPECT_EQ(StatusOf(idle.ReadResponse()), 200);
  const FireResult fired = *engine_->Fire({.trigger_id = kTrigger});
  SocketClient stream(port());
  stream.Send(EventsRequest(fired));
  stream.ReadUntil("id: 1\n");
  server_->Stop();
  server_->Stop();
  EXPECT_EQ(idle.ReadAll(), "");
  stream.ReadAll();
  AwaitExecution()->Finish(Outcome::Success());
}

// ---- requests ----

TEST_F(ServerTest, EveryAnswerHasARequestId) {
  Start();
  SocketClient client(port());
  client.Send(kHealth);
  EXPECT_THAT(client.ReadResponse(), HasSubstr("\r\nrequest-id: req_"));
  client.Send("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.ReadResponse(), HasSubstr("\r\nrequest-id: req_"));
  client.Send("garbage\r\n\r\n");
  EXPECT_THAT(client.ReadResponse(), HasSubstr("\r\nrequest-id: req_"));
}

TEST_F(ServerTest, FiresOverTheWire) {
  Start();
  SocketClient client(port());
  const std::string body = R"({"text":"SEN-4521"})";
  client.Send(FireRequestText(absl::StrCat("Content-Length: ", body.size(), "\r\n"), body));
  const std::string response = client.ReadResponse();
  EXPECT_EQ(StatusOf(response), 200) << response;
  EXPECT_THAT(response, HasSubstr("routine_fire"));
  AwaitExecution()->Finish(Outcome::Success());
}

TEST_F(ServerTest, TakesAChunkedBodyByteByByte) {
  Start();
  SocketClient client(port());
  const std::string request =
      FireRequestText("Transfer-Encoding: chunked\r\n",
                      "8;ext=1\r\n{\"text\":\r\n4\r\n\"ab\"\r\n1\r\n}\r\n0\r\n\r\n");
  for (const char c : request) ASSERT_TRUE(client.Send(std::string(1, c)));
  EXPECT_EQ(StatusOf(client.ReadResponse()), 200);
  AwaitExecution()->Finish(Outcome::Success());
}

TEST_F(ServerTest, AnswersPipelinedRequestsInOrder) {
  Start();
  SocketClient client(port());
  std::string requests;
  for (int i = 0; i < 50; ++i) {
    absl::StrAppend(&requests, kHealth, "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n");
  }
  client.Send(requests);
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(StatusOf(client.ReadResponse()), 200);
    ASSERT_EQ(StatusOf(client.ReadResponse()), 404);
  }
}

TEST_F(ServerTest, HeadHasNoBody) {
  Start();
  SocketClient client(port());
  client.Send("HEAD /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string all = client.ReadAll();
  EXPECT_EQ(StatusOf(all), 200);
  EXPECT_THAT(all, HasSubstr("Content-Length: 15\r\n"));
  EXPECT_TRUE(all.ends_with("\r\n\r\n")) << all;
}

TEST_F(ServerTest, ContinuesWhenAskedAndOnlyThen) {
  Start();
  SocketClient client(port());
  client.Send(FireRequestText("Content-Length: 2\r\nExpect: 100-continue\r\n", ""));
  EXPECT_EQ(client.ReadUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.Send("{}");
  EXPECT_EQ(StatusOf(client.ReadResponse()), 200);
  AwaitExecution()->Finish(Outcome::Success());
  // The body of a request that is refused anyway is not asked for.
  ExpectRefused(
      "POST /v1/claude_code/routines/trig_alert0001/fire HTTP/1.1\r\nHost: x\r\n"
      "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n",
      401);
}

TEST_F(ServerTest, Http10ClosesUnlessAskedNotTo) {
  Start();
  SocketClient client(port());
  client.Send("GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_THAT(client.ReadResponse(), HasSubstr("Connection: keep-alive"));
  client.Send("GET /healthz HTTP/1.0\r\n\r\n");
  EXPECT_THAT(client.ReadAll(), HasSubstr("Connection: close"));
}

// ---- abuse ----

TEST_F(ServerTest, RefusesWhatTwoProgramsMayReadDifferently) {
  Start();
  const std::string smuggled = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
  ExpectRefused(FireRequestText("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
                                "0\r\n\r\n" + smuggled),
                400);
  ExpectRefused(FireRequestText("Content-Length: 2\r\nContent-Length: 3\r\n", "{}" + smuggled),
                400);
  ExpectRefused(FireRequestText("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n" + smuggled),
                400);
  ExpectRefused(FireRequestText("X: a\r\n b\r\n", smuggled), 400);
  ExpectRefused("GET /healthz HTTP/1.1\nHost: x\n\n" + smuggled, 400);
  ExpectRefused("GET /healthz HTTP/1.1\r\nHost: x\n\r\n" + smuggled, 400);
  ExpectRefused("GET /healthz HTTP/3.0\r\nHost: x\r\n\r\n" + smuggled, 400);
  ExpectRefused(FireRequestText("Transfer-Encoding: chunked\r\n", "zz\r\n\r\n" + smuggled), 400);
  ExpectRefused(
      FireRequestText("Transfer-Encoding: chunked\r\n", "ffffffffffffffffff\r\n\r\n" + smuggled),
      400);
  ExpectRefused(FireRequestText("Transfer-Encoding: chunked\r\n", "2\n{}\n0\n\n" + smuggled), 400);
  ExpectRefused(FireRequestText("Transfer-Encoding: chunked\r\n", "2\r\n{}XX0\r\n\r\n" + smuggled),
                400);
}

TEST_F(ServerTest, RefusesHeadsThatAreTooLarge) {
  Start();
  ExpectRefused(
      absl::StrCat("GET / HTTP/1.1\r\nHost: x\r\nX: ", std::string(20'000, 'a'), "\r\n\r\n"), 431);
  ExpectRefused("GET /" + std::string(20'000, 'a'), 431);
  ExpectRefused(FireRequestText("Transfer-Encoding: chunked\r\n", "1;" + std::string(80'000, 'a')),
                400);
}

TEST_F(ServerTest, RefusesBodiesThatAreTooLarge) {
  Start();
  ExpectRefused(FireRequestText("Content-Length: 10737418240\r\n", ""), 413);
  ExpectRefused(FireRequestText("Content-Length: 1048577\r\n", std::string(1'000'000, ' ')), 413);
  std::string chunks;
  for (int i = 0; i < 20; ++i)
    absl::StrAppend(&chunks, "10000\r\n", std::string(65536, ' '), "\r\n");
  ExpectRefused(FireRequestText("Transfer-Encoding: chunked\r\n", chunks), 413);
}

TEST_F(ServerTest, EndsRequestsThatDoNotCome) {
  options_.header_timeout = options_.body_timeout = absl::Milliseconds(50);
  Start();
  ExpectRefused("GET /healthz HT", 408);
  ExpectRefused(FireRequestText("Content-Length: 10\r\n", "{"), 408);
  ExpectRefused(FireRequestText("Transfer-Encoding: chunked\r\n", "1\r\n"), 408);
}

TEST_F(ServerTest, DripsDoNotPutTheDeadlineOff) {
  options_.header_timeout = absl::Milliseconds(100);
  options_.threads = 1;
  Start();
  SocketClient slow(port());
  SocketClient good(port());
  slow.Send("GET /healthz HTTP/1.1\r\n");
  // The good one is served while the slow one drips, until the slow one is cut off.
  int served = 0;
  while (slow.Send("X: y\r\n") && served < 1'000'000) {
    good.Send(kHealth);
    ASSERT_EQ(StatusOf(good.ReadResponse()), 200);
    ++served;
  }
  EXPECT_GT(served, 0);
  EXPECT_THAT(slow.ReadAll(), Not(HasSubstr("200 OK")));
}

TEST_F(ServerTest, EndsIdleConnections) {
  options_.idle_timeout = absl::Milliseconds(30);
  Start();
  SocketClient fresh(port());
  EXPECT_EQ(fresh.ReadAll(), "");
  SocketClient used(port());
  used.Send(kHealth);
  EXPECT_EQ(StatusOf(used.ReadResponse()), 200);
  EXPECT_EQ(used.ReadAll(), "");
}

TEST_F(ServerTest, AReaderThatDoesNotReadIsCutOff) {
  options_.write_timeout = absl::Milliseconds(100);
  Start();
  SocketClient deaf(port());
  std::string requests;
  for (int i = 0; i < 20'000; ++i) requests += "GET /assets/session.js HTTP/1.1\r\nHost: x\r\n\r\n";
  deaf.Send(requests);
  SocketClient good(port());
  AwaitMetric(good, "routines_http_connections 1\n");
}

TEST_F(ServerTest, SurvivesClientsThatVanish) {
  Start();
  for (int i = 0; i < 50; ++i) {
    SocketClient client(port());
    client.Send(i % 2 == 0 ? std::string(kHealth) : FireRequestText("Content-Length: 9\r\n", "{"));
  }
  SocketClient good(port());
  good.Send(kHealth);
  EXPECT_EQ(StatusOf(good.ReadResponse()), 200);
}

TEST_F(ServerTest, ClosesWhatWaitsLongestForARequestBeyondTheConnectionLimit) {
  options_.max_connections = 3;
  options_.threads = 1;
  Start();
  SocketClient first(port()), second(port()), slow(port());
  for (SocketClient* client : {&slow, &first, &second}) {
    client->Send(kHealth);
    ASSERT_EQ(StatusOf(client->ReadResponse()), 200);
  }
  slow.Send("GET /healthz HTTP/1.1\r\nX: ");  // waits still: a request is not there before its end
  SocketClient third(port());
  third.Send(kHealth);
  EXPECT_EQ(StatusOf(third.ReadResponse()), 200);
  EXPECT_EQ(slow.ReadAll(), "");
  SocketClient fourth(port());
  fourth.Send(kHealth);
  EXPECT_EQ(StatusOf(fourth.ReadResponse()), 200);
  EXPECT_EQ(first.ReadAll(), "");
  second.Send(kHealth);
  EXPECT_EQ(StatusOf(second.ReadResponse()), 200);
}

TEST_F(ServerTest, WaitsForAPlaceWhereAllHaveRequests) {
  options_.max_connections = 2;
  options_.threads = 1;
  Start();
  auto first = std::make_unique<SocketClient>(port());
  auto second = std::make_unique<SocketClient>(port());
  for (auto* client : {first.get(), second.get()}) {
    client->Send(FireRequestText("Content-Length: 2\r\nExpect: 100-continue\r\n", ""));
    ASSERT_EQ(client->ReadUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  }
  SocketClient third(port());  // by the kernel, not yet by the server
  third.Send(kHealth);
  first.reset();
  EXPECT_EQ(StatusOf(third.ReadResponse()), 200);
}

TEST_F(ServerTest, AcceptsAgainAfterItRanOutOfDescriptors) {
  options_.threads = 1;
  Start();
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 200;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &small), 0);
  std::vector<int> taken;
  for (int fd; (fd = dup(0)) >= 0;) taken.push_back(fd);
  close(taken.back());
  taken.pop_back();
  SocketClient client(port());  // takes the last one: the server finds none to accept with
  client.Send(kHealth);
  for (const int fd : taken) close(fd);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(StatusOf(client.ReadResponse()), 200);
}

// ---- event streams ----

TEST_F(ServerTest, StreamsEventsAsTheyHappen) {
  Start();
  const FireResult fired = *engine_->Fire({.trigger_id = kTrigger});
  SocketClient client(port());
  client.Send(EventsRequest(fired));
  EXPECT_THAT(client.ReadUntil("\r\n\r\n"), HasSubstr("Content-Type: text/event-stream"));
  const std::shared_ptr<Execution> execution = AwaitExecution();
  execution->log().Append(NoteEvent(v1::Note::SEVERITY_INFO, "live news"));
  EXPECT_THAT(client.ReadUntil("live news"), HasSubstr("id: 1\nevent: session_event\ndata: {"));
  execution->Finish(Outcome::Success());
  const std::string rest = client.ReadAll();
  EXPECT_THAT(rest, HasSubstr("event: end\ndata: {\"url\":\""));
  EXPECT_TRUE(rest.ends_with("}\n\n")) << rest;
}

TEST_F(ServerTest, ResumesAfterTheLastEventId) {
  Start();
  const FireResult fired = *engine_->Fire({.trigger_id = kTrigger});
  AwaitExecution()->Finish(Outcome::Success());
  ASSERT_TRUE(engine_->Wait(fired.session_id, absl::InfiniteFuture()).ok());
  SocketClient client(port());
  client.Send(EventsRequest(fired, "Last-Event-ID: 1\r\n"));
  const std::string all = client.ReadAll();
  EXPECT_THAT(all, Not(HasSubstr("id: 1\n")));
  EXPECT_THAT(all, HasSubstr("id: 2\n"));
  EXPECT_THAT(all, HasSubstr("event: end\n"));
}

TEST_F(ServerTest, ASlowReaderGetsEverythingInOrder) {
  Start();
  const FireResult fired = *engine_->Fire({.trigger_id = kTrigger});
  SocketClient client(port());
  client.Send(EventsRequest(fired));
  client.ReadUntil("\r\n\r\n");
  const std::shared_ptr<Execution> execution = AwaitExecution();
  const std::string text(10'000, 'x');
  for (int i = 0; i < 1000; ++i) {
    execution->log().Append(OutputEvent(v1::SESSION_STEP_AGENT, v1::Output::STREAM_STDOUT, text));
  }
  execution->Finish(Outcome::Success());
  ASSERT_TRUE(engine_->Wait(fired.session_id, absl::InfiniteFuture()).ok());
  const std::string all = client.ReadAll();
  const int64_t last = engine_->GetSession(fired.session_id)->last_sequence();
  size_t at = 0;
  for (int64_t i = 1; i <= last; ++i) {
    at = all.find(absl::StrCat("id: ", i, "\n"), at);
    ASSERT_NE(at, all.npos) << i;
  }
  EXPECT_THAT(all.substr(at), HasSubstr("event: end\n"));
}

TEST_F(ServerTest, NoticesAReaderThatWentAway) {
  Start();
  const FireResult fired = *engine_->Fire({.trigger_id = kTrigger});
  SocketClient metrics(port());
  {
    SocketClient client(port());
    client.Send(EventsRequest(fired));
    client.ReadUntil("id: 1\n");
    AwaitMetric(metrics, "routines_http_streams 1\n");
  }
  AwaitMetric(metrics, "routines_http_streams 0\n");
  AwaitExecution()->Finish(Outcome::Success());
}

TEST_F(ServerTest, ManyClientsFireAtOnce) {
  Start();
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      SocketClient client(port());
      for (int i = 0; i < 25; ++i) {
        client.Send(FireRequestText("Content-Length: 2\r\n", "{}"));
        if (StatusOf(client.ReadResponse()) == 200) ++good;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 200);
  AwaitExecution()->Finish(Outcome::Success());
}

}  // namespace
}  // namespace routines::server
