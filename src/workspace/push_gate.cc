#include "src/workspace/push_gate.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <list>
#include <map>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "src/base/crypto.h"
#include "src/workspace/gate_pass.h"
#include "src/workspace/gate_service.h"
#include "src/workspace/http_connection.h"

namespace routines {
namespace {

// Of these, at most kMaxRequests of a session are being served at a time. Where no more are to be
// had, the oldest that says nothing, or shows no pass, gives way.
constexpr size_t kMaxConnections = 512;
constexpr int kMadeRoom = 32;

class PushGateServer : public PushGate {
 public:
  PushGateServer(UniqueFd listener, int port, std::string scratch, const PushBounds& bounds)
      : listener_(std::move(listener)),
        url_(absl::StrCat("http://127.0.0.1:", port, "/")),
        scratch_(std::move(scratch)),
        bounds_(bounds),
        acceptor_([this] { Accept(); }) {}

  ~PushGateServer() override {
    stop_.Cancel();
    acceptor_.join();
  }

  std::unique_ptr<Pass> Open(std::vector<GateRepository> repositories, SessionLog* log) override {
    auto pass = std::make_shared<GatePass>(std::move(repositories), log);
    absl::MutexLock lock(&mu_);
    passes_[Sha256(pass->token())] = pass;
    return std::make_unique<Handle>(*this, std::move(pass));
  }

  const std::string& url() const override { return url_; }

 private:
  class Handle : public Pass {
   public:
    Handle(PushGateServer& gate, std::shared_ptr<GatePass> pass)
        : gate_(gate), pass_(std::move(pass)) {}
    ~Handle() override { Close(); }
    const std::string& token() const override { return pass_->token(); }
    void Close() override {
      gate_.Forget(*pass_);
      pass_->Close();
    }
    std::set<std::string> Pushed(const std::string& repository) const override {
      return pass_->Pushed(repository);
    }

   private:
    PushGateServer& gate_;
    const std::shared_ptr<GatePass> pass_;
  };

  struct Connection {
    Cancellation end;  // asks it to end
    std::atomic<bool> served = false;
    std::atomic<bool> done = false;
    std::thread thread;
  };

  void Forget(const GatePass& pass) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    passes_.erase(Sha256(pass.token()));
  }

  // By the hash, so that how long a look-up takes says nothing about the tokens.
  std::shared_ptr<GatePass> FindPass(absl::string_view authorization) ABSL_LOCKS_EXCLUDED(mu_) {
    if (!absl::ConsumePrefix(&authorization, "Bearer ")) return nullptr;
    absl::MutexLock lock(&mu_);
    const auto found = passes_.find(Sha256(std::string(authorization)));
    return found == passes_.end() ? nullptr : found->second;
  }

  void Accept() {
    std::list<Connection> connections;
    while (!stop_.IsCancelled()) {
      const bool full = connections.size() >= kMaxConnections;
      if (full) MakeRoom(connections);
      pollfd polled[] = {{stop_.fd(), POLLIN, 0}, {full ? -1 : listener_.get(), POLLIN, 0}};
      poll(polled, 2, full ? 10 : connections.empty() ? -1 : 1000);
      connections.remove_if([](Connection& connection) {
        if (!connection.done) return false;
        connection.thread.join();
        return true;
      });
      if ((polled[1].revents & POLLIN) == 0) continue;
      UniqueFd socket(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!socket.ok()) {
        poll(polled, 1, 50);  // perhaps no descriptor is left; do not spin
        continue;
      }
      const int on = 1;
      setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      Connection& connection = connections.emplace_back();
      connection.thread = std::thread([this, &connection, fd = socket.release()] {
        Serve(UniqueFd(fd), connection);
        connection.done = true;
      });
    }
    for (Connection& connection : connections) connection.end.Cancel();
    for (Connection& connection : connections) connection.thread.join();
  }

  // Asks the oldest connections that nobody is served on to end, so that idle ones keep no session
  // out.
  static void MakeRoom(std::list<Connection>& connections) {
    int ended = 0;
    for (Connection& connection : connections) {
      if (!connection.served) {
        connection.end.Cancel();
        if (++ended == kMadeRoom) return;
      }
    }
  }

  void Serve(UniqueFd socket, Connection& place) {
    HttpConnection connection(std::move(socket), place.end.fd());
    while (true) {
      place.served = false;
      const absl::StatusOr<HttpRequest> request = connection.ReadRequest();
      if (!request.ok()) return;
      const std::shared_ptr<GatePass> pass = FindPass(request->authorization);
      if (pass == nullptr) {
        connection.Respond(404, "text/plain", "not found\n");
        return;
      }
      place.served = true;
      if (!pass->Enter()) {
        connection.Respond(503, "text/plain", "the session asks for too much at once, or ends\n");
        return;
      }
      connection.StopAlsoAt(pass->cancellation().fd());
      ServeGateRequest(*request, *pass, scratch_, bounds_, connection);
      connection.StopAlsoAt(-1);
      pass->Leave();
      if (!connection.reusable()) return;
    }
  }

  const UniqueFd listener_;
  const std::string url_;
  const std::string scratch_;
  const PushBounds bounds_;
  Cancellation stop_;
  absl::Mutex mu_;
  std::map<std::string, std::shared_ptr<GatePass>> passes_
      ABSL_GUARDED_BY(mu_);  // by SHA-256 of the token
  std::thread acceptor_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<PushGate>> PushGate::Start(std::string scratch,
                                                          const PushBounds& bounds) {
  UniqueFd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const raw = reinterpret_cast<sockaddr*>(&address);
  if (!listener.ok() || bind(listener.get(), raw, size) != 0 || listen(listener.get(), 128) != 0 ||
      getsockname(listener.get(), raw, &size) != 0) {
    return absl::UnavailableError(
        absl::StrCat("the push gate cannot listen: ", std::strerror(errno)));
  }
  return std::make_unique<PushGateServer>(std::move(listener), ntohs(address.sin_port),
                                          std::move(scratch), bounds);
}

}  // namespace routines
