#include "src/executor/gateway.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/executor/gateway_connection.h"

namespace routines {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kKey[] = "sk-canary-0123456789";

// A TCP connection that the test reads and writes byte by byte. Reads end after 20 s at the latest.
class Wire {
 public:
  explicit Wire(int fd) : fd_(fd) {}
  static Wire To(int port) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return Wire(fd);
  }
  Wire(Wire&& other) noexcept : fd_(std::exchange(other.fd_, -1)), read_(other.read_) {}
  ~Wire() { Close(); }
  void Close() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }

  void Send(const std::string& bytes) {
    EXPECT_EQ(send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }

  // Everything up to and with `end`, or to the end of the connection.
  std::string Until(const std::string& end) {
    size_t at = 0;
    while ((at = read_.find(end)) == std::string::npos && More()) {
    }
    const size_t size = at == std::string::npos ? read_.size() : at + end.size();
    const std::string taken = read_.substr(0, size);
    read_.erase(0, size);
    return taken;
  }
  std::string Rest() { return Until("\x01 never"); }

  // A message with a Content-Length, or without a body.
  std::string Message() {
    std::string message = Until("\r\n\r\n");
    const size_t at = message.find("Content-Length: ");
    int size = 0;
    if (at != std::string::npos) {
      EXPECT_TRUE(
          absl::SimpleAtoi(message.substr(at + 16, message.find('\r', at) - at - 16), &size));
    }
    while (read_.size() < static_cast<size_t>(size) && More()) {
    }
    message += read_.substr(0, size);
    read_.erase(0, size);
    return message;
  }

 private:
  bool More() {
    pollfd polled = {fd_, POLLIN, 0};
    char piece[4096];
    if (poll(&polled, 1, 20'000) <= 0) return false;
    const ssize_t size = recv(fd_, piece, sizeof piece, 0);
    if (size > 0) read_.append(piece, size);
    return size > 0;
  }

  int fd_;
  std::string read_;
};

// Serves each connection with `serve`, one after the other.
class FakeUpstream {
 public:
  explicit FakeUpstream(std::function<void(Wire&)> serve) : serve_(std::move(serve)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listener_, 8), 0);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] {
      for (int fd = 0; (fd = accept(listener_, nullptr, nullptr)) >= 0;) {
        ++connections_;
        Wire wire(fd);
        serve_(wire);
      }
    });
  }
  ~FakeUpstream() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }
  std::string url() const { return absl::StrCat("http://127.0.0.1:", port_); }
  int connections() const { return connections_; }

 private:
  const std::function<void(Wire&)> serve_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> connections_ = 0;
  std::thread thread_;
};

class GatewayTest : public ::testing::Test {
 protected:
  // Answers every request with 200 and "ok"; keeps what it got.
  GatewayTest()
      : upstream_([this](Wire& wire) {
          for (std::string got; !(got = wire.Message()).empty();) {
            {
              absl::MutexLock lock(&mu_);
              requests_.push_back(got);
            }
            wire.Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Answer: yes\r\n\r\nok");
          }
        }) {}

  void Start(GatewayOptions options) {
    auto gateway = ApiGateway::Start(std::move(options));
    ASSERT_TRUE(gateway.ok()) << gateway.status();
    gateway_ = *std::move(gateway);
    pass_ = gateway_->Open(kKey);
  }
  void Start() {
    Start({.upstream = upstream_.url() + "/base/", .allowed = {"POST /v1/messages"}});
  }

  Wire Connect() const {
    int port = 0;
    EXPECT_TRUE(absl::SimpleAtoi(gateway_->url().substr(gateway_->url().rfind(':') + 1), &port));
    return Wire::To(port);
  }

  std::string Head(const std::string& line, const std::string& more = "") const {
    return absl::StrCat(line, " HTTP/1.1\r\nHost: gateway\r\nX-Api-Key: ", pass_->token(), "\r\n",
                        more, "\r\n");
  }

  std::vector<std::string> requests() {
    absl::MutexLock lock(&mu_);
    return requests_;
  }

  absl::Mutex mu_;
  std::vector<std::string> requests_ ABSL_GUARDED_BY(mu_);
  FakeUpstream upstream_;
  std::unique_ptr<ApiGateway> gateway_;
  std::unique_ptr<GatewayPass> pass_;
};

TEST_F(GatewayTest, PutsTheKeyInThePlaceOfTheToken) {
  Start();
  Wire wire = Connect();
  wire.Send(Head("POST /v1/messages?beta=true",
                 "Content-Length: 5\r\nAnthropic-Version: 2023-06-01\r\nCookie: a=b\r\n"
                 "Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nTE: trailers\r\n") +
            "hello");
  EXPECT_THAT(wire.Message(), AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("X-Answer: yes"),
                                    EndsWith("\r\n\r\nok")));
  ASSERT_EQ(requests().size(), 1);
  EXPECT_THAT(requests()[0],
              AllOf(StartsWith("POST /base/v1/messages?beta=true HTTP/1.1\r\n"),
                    HasSubstr(absl::StrCat("X-Api-Key: ", kKey)), HasSubstr("Anthropic-Version"),
                    HasSubstr("Host: 127.0.0.1:"), EndsWith("\r\n\r\nhello")));
  EXPECT_THAT(requests()[0], AllOf(Not(HasSubstr(pass_->token())), Not(HasSubstr("Cookie")),
                                   Not(HasSubstr("X-Hop")), Not(HasSubstr("TE:"))));
}

TEST_F(GatewayTest, SpeaksBearerWhereItShould) {
  Start({.upstream = upstream_.url(),
         .allowed = {"POST /responses"},
         .key_header = GatewayOptions::KeyHeader::kBearer});
  Wire wire = Connect();
  wire.Send(absl::StrCat("POST /responses HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ",
                         pass_->token(), "\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_THAT(wire.Message(), HasSubstr("200 OK"));
  EXPECT_THAT(requests()[0], HasSubstr(absl::StrCat("Authorization: Bearer ", kKey, "\r\n")));
}

TEST_F(GatewayTest, KeepsBothConnectionsForTheNextRequest) {
  Start();
  Wire wire = Connect();
  for (int i = 0; i < 3; ++i) {
    wire.Send(Head("POST /v1/messages", "Content-Length: 1\r\n") + "x");
    EXPECT_THAT(wire.Message(), EndsWith("ok"));
  }
  EXPECT_EQ(requests().size(), 3);
  EXPECT_EQ(upstream_.connections(), 1);
}

TEST_F(GatewayTest, RefusesOtherTokensPathsAndMethods) {
  Start();
  for (const std::string& header :
       {std::string(), std::string("X-Api-Key: "), absl::StrCat("X-Api-Key: ", kKey),
        absl::StrCat("X-Api-Key: ", pass_->token(), "x"),
        absl::StrCat("Authorization: ", pass_->token())}) {
    Wire wire = Connect();
    wire.Send(absl::StrCat("POST /v1/messages HTTP/1.1\r\nHost: x\r\n", header,
                           header.empty() ? "" : "\r\n", "Content-Length: 100000000\r\n\r\n"));
    EXPECT_THAT(wire.Rest(), HasSubstr("401 Unauthorized")) << header;
  }
  for (const char* line : {"GET /v1/messages", "POST /v1/messages/", "POST /v1/files", "POST /",
                           "POST /v1/messages/../files", "POST /v1//messages", "POST //v1/messages",
                           "POST /v1/messages%2f", "POST http://other/v1/messages", "HEAD /"}) {
    Wire wire = Connect();
    wire.Send(Head(line, "Content-Length: 0\r\nConnection: close\r\n"));
    EXPECT_THAT(wire.Rest(), HasSubstr("404 Not Found")) << line;
  }
  EXPECT_TRUE(requests().empty());
}

TEST_F(GatewayTest, EndsAConnectionThatTwoReadersCouldReadDifferently) {
  Start();
  for (const char* framing :
       {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Content-Length: 1\r\nContent-Length: 2\r\n", "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "Content-Length: -1\r\n"}) {
    Wire wire = Connect();
    wire.Send(Head("POST /v1/messages", framing) + "0\r\n\r\n");
    EXPECT_THAT(wire.Rest(), Not(HasSubstr("200 OK"))) << framing;
  }
  EXPECT_TRUE(requests().empty());
}

TEST_F(GatewayTest, BoundsRequests) {
  Start({.upstream = upstream_.url(), .allowed = {"POST /v1/messages"}, .max_request_bytes = 10});
  Wire wire = Connect();
  wire.Send(Head("POST /v1/messages", "Content-Length: 11\r\n"));
  EXPECT_THAT(wire.Rest(), HasSubstr("413"));
  Wire chunked = Connect();
  chunked.Send(Head("POST /v1/messages", "Transfer-Encoding: chunked\r\n") +
               "8\r\n12345678\r\n8\r\n12345678\r\n");
  EXPECT_THAT(chunked.Rest(), HasSubstr("413"));
  Wire head = Connect();
  head.Send("POST /v1/messages HTTP/1.1\r\nX: " + std::string(70'000, 'x'));
  EXPECT_EQ(head.Rest(), "");
  EXPECT_TRUE(requests().empty());
}

TEST_F(GatewayTest, StreamsAnAnswerAsItComes) {
  absl::Notification first_was_read;
  FakeUpstream slow([&](Wire& wire) {
    wire.Message();
    wire.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\ndata 1\r\n");
    first_was_read.WaitForNotificationWithTimeout(absl::Seconds(20));
    wire.Send("6\r\ndata 2\r\n0\r\n\r\n");
    wire.Rest();
  });
  Start({.upstream = slow.url(), .allowed = {"POST /v1/messages"}});
  Wire wire = Connect();
  wire.Send(Head("POST /v1/messages", "Content-Length: 0\r\n"));
  EXPECT_THAT(wire.Until("data 1"), HasSubstr("Transfer-Encoding: chunked"));
  first_was_read.Notify();
  EXPECT_THAT(wire.Until("0\r\n\r\n"), HasSubstr("data 2"));
}

TEST_F(GatewayTest, LeavesABrokenAnswerWithoutItsEnd) {
  FakeUpstream broken([](Wire& wire) {
    wire.Message();
    wire.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
  });
  Start({.upstream = broken.url(), .allowed = {"POST /v1/messages"}});
  Wire wire = Connect();
  wire.Send(Head("POST /v1/messages", "Content-Length: 0\r\n"));
  EXPECT_THAT(wire.Rest(), AllOf(HasSubstr("half"), Not(HasSubstr("0\r\n\r\n"))));
}

TEST_F(GatewayTest, AnswersBadGatewayWhereNobodyListens) {
  Start({.upstream = "http://127.0.0.1:1", .allowed = {"POST /v1/messages"}});
  Wire wire = Connect();
  wire.Send(Head("POST /v1/messages", "Content-Length: 0\r\n"));
  EXPECT_THAT(wire.Message(), AllOf(HasSubstr("502"), HasSubstr("the API cannot be reached")));
}

TEST_F(GatewayTest, RefusesAnUpstreamWithoutTls) {
  std::string got;
  {
    FakeUpstream plain([&](Wire& wire) {
      wire.Send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
      got += wire.Rest();
    });
    Start({.upstream = "https" + plain.url().substr(4), .allowed = {"POST /v1/messages"}});
    Wire wire = Connect();
    wire.Send(Head("POST /v1/messages", "Content-Length: 0\r\n"));
    EXPECT_THAT(wire.Message(), HasSubstr("502"));
  }
  EXPECT_THAT(got, Not(HasSubstr(kKey)));
}

TEST_F(GatewayTest, TriesOnceMoreWhereTheKeptConnectionHadEnded) {
  FakeUpstream once([this](Wire& wire) {  // one answer for each connection, and no word of the end
    absl::MutexLock lock(&mu_);
    requests_.push_back(wire.Message());
    wire.Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  });
  Start({.upstream = once.url(), .allowed = {"POST /v1/messages"}});
  Wire wire = Connect();
  for (int i = 0; i < 3; ++i) {
    wire.Send(Head("POST /v1/messages", "Content-Length: 0\r\n"));
    EXPECT_THAT(wire.Message(), EndsWith("ok"));
  }
  EXPECT_EQ(requests().size(), 3);
}

TEST_F(GatewayTest, TheTokenEndsWithItsPass) {
  Start();
  const std::string head = Head("POST /v1/messages", "Content-Length: 0\r\n");
  Wire idle = Connect();
  idle.Send(head);
  EXPECT_THAT(idle.Message(), HasSubstr("200"));
  const std::unique_ptr<GatewayPass> other = gateway_->Open("another key");
  EXPECT_NE(other->token(), pass_->token());
  pass_.reset();
  EXPECT_EQ(idle.Rest(), "");  // its connection, too
  Wire late = Connect();
  late.Send(head);
  EXPECT_THAT(late.Rest(), HasSubstr("401"));
  EXPECT_EQ(requests().size(), 1);
}

TEST_F(GatewayTest, EndsAnAnswerUnderWayWithItsPass) {
  absl::Notification under_way;
  FakeUpstream endless([&](Wire& wire) {
    wire.Message();
    wire.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
    EXPECT_EQ(wire.Rest(), "");  // the gateway closes it
  });
  Start({.upstream = endless.url(), .allowed = {"POST /v1/messages"}});
  Wire wire = Connect();
  wire.Send(Head("POST /v1/messages", "Content-Length: 0\r\n"));
  wire.Until("half");
  pass_.reset();
  EXPECT_THAT(wire.Rest(), Not(HasSubstr("0\r\n\r\n")));
}

TEST_F(GatewayTest, EndsWithConnectionsOpen) {
  Start();
  Wire idle = Connect();
  idle.Send(Head("POST /v1/messages", "Content-Length: 3\r\n"));
  gateway_.reset();
  EXPECT_EQ(idle.Rest(), "");
  pass_.reset();
}

TEST(ParseUpstream, TakesUrlsApart) {
  const auto full = gateway::ParseUpstream("https://api.example.org:8443/some/base/");
  ASSERT_TRUE(full);
  EXPECT_TRUE(full->tls);
  EXPECT_EQ(full->host, "api.example.org");
  EXPECT_EQ(full->port, "8443");
  EXPECT_EQ(full->prefix, "/some/base");
  const auto plain = gateway::ParseUpstream("http://[::1]");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->host + " " + plain->port + plain->prefix, "::1 80");
  for (const char* url :
       {"", "api.example.org", "ftp://x", "http://", "http:///x", "http://x:", "http://x:y",
        "http://u@x", "http://x/?q", "http://x/#f", "http://x y", "http://[::1"}) {
    EXPECT_FALSE(gateway::ParseUpstream(url)) << url;
  }
}

}  // namespace
}  // namespace routines
