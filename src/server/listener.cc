#include "src/server/listener.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "src/base/status_macros.h"

namespace routines::server {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

// Often enough that the shortest deadline is kept within a quarter of itself.
std::chrono::nanoseconds TickInterval(const ServerOptions& options) {
  const absl::Duration shortest = std::min(
      {options.header_timeout, options.body_timeout, options.write_timeout, options.idle_timeout});
  return absl::ToChronoNanoseconds(
      std::clamp(shortest / 4, absl::Milliseconds(5), absl::Milliseconds(250)));
}

absl::Status PortError(const tcp::endpoint& endpoint, const error_code& error) {
  return absl::UnavailableError(absl::StrCat("listen: ", endpoint.address().to_string(), ":",
                                             endpoint.port(), ": ", error.message()));
}

absl::Status Bind(tcp::acceptor& acceptor, const tcp::endpoint& endpoint, bool share) {
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && share) acceptor.set_option(ReusePort(true), error);
  if (!error) acceptor.bind(endpoint, error);
  return error ? PortError(endpoint, error) : absl::OkStatus();
}

}  // namespace

// ---- ConnectionCount ----

bool ConnectionCount::IsFull() const {
  absl::MutexLock lock(&mu_);
  return total_ >= options_.max_connections;
}

std::shared_ptr<void> ConnectionCount::Take(const asio::ip::address& address) {
  absl::MutexLock lock(&mu_);
  int& count = by_address_[address];
  if (count >= options_.max_connections_per_address && !address.is_loopback()) return nullptr;
  ++count;
  ++total_;
  return std::shared_ptr<void>(this, [this, address](void*) { Give(address); });
}

void ConnectionCount::Give(const asio::ip::address& address) {
  absl::MutexLock lock(&mu_);
  --total_;
  const auto entry = by_address_.find(address);
  if (--entry->second == 0) by_address_.erase(entry);
}

bool ConnectionCount::AwaitNone(absl::Time deadline) {
  absl::MutexLock lock(&mu_);
  return mu_.AwaitWithDeadline(absl::Condition(this, &ConnectionCount::IsNone), deadline);
}

// ---- Listener ----

Listener::Listener(Api& api, const ServerOptions& options, Metrics& metrics, WorkerPool& pool,
                   ConnectionCount& count, asio::ssl::context* tls)
    : options_(options),
      count_(count),
      tls_(tls),
      work_(io_.get_executor()),
      acceptor_(io_),
      ticker_(io_),
      tick_interval_(TickInterval(options)),
      context_{api, options, metrics, pool, io_} {}

absl::StatusOr<Listener::Endpoint> Listener::Claim(Endpoint endpoint) {
  // Without SO_REUSEPORT: with it, a second server of the same user would share the port unnoticed.
  asio::io_context io;
  tcp::acceptor acceptor(io);
  RETURN_IF_ERROR(Bind(acceptor, endpoint, /*share=*/false));
  error_code error;
  acceptor.listen(1, error);  // two that only bind may do so beside each other
  if (!error) endpoint = acceptor.local_endpoint(error);
  if (error) return PortError(endpoint, error);
  return endpoint;
}

absl::Status Listener::Listen(const Endpoint& endpoint) {
  RETURN_IF_ERROR(Bind(acceptor_, endpoint, /*share=*/true));
  error_code error;
  acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) return PortError(endpoint, error);
  asio::post(io_, [this] {
    Accept();
    Tick();
  });
  return absl::OkStatus();
}

void Listener::Accept() {
  if (draining_ || std::exchange(accepting_, true)) return;
  if (!count_.IsFull()) {
    room_ = 0;
    return AcceptOne();
  }
  acceptor_.async_wait(tcp::acceptor::wait_read, [this](error_code error) {
    accepting_ = false;
    if (draining_ || error) return;
    // What was closed gives its place back a little later.
    if (count_.IsFull() && room_ == 0 && !MakeRoom()) return;  // Tick tries again
    if (room_ > 0) --room_;
    accepting_ = true;
    AcceptOne();
  });
}

bool Listener::MakeRoom() {
  using Waiting = std::pair<Connection::Clock::time_point, std::shared_ptr<Connection>>;
  std::vector<Waiting> waiting;
  for (const std::shared_ptr<Connection>& connection : connections_) {
    if (const auto since = connection->WaitingSince()) waiting.emplace_back(*since, connection);
  }
  if (waiting.empty()) return false;
  // Several at once, so that a flood does not pay for a look at all of them each time.
  room_ = std::max<size_t>(waiting.size() / 64, 1);
  std::nth_element(waiting.begin(), waiting.begin() + static_cast<ptrdiff_t>(room_ - 1),
                   waiting.end());
  for (size_t i = 0; i < room_; ++i) waiting[i].second->Close();
  return true;
}

void Listener::AcceptOne() {
  acceptor_.async_accept([this](error_code error, tcp::socket socket) {
    accepting_ = false;
    if (draining_) return;
    // Out of descriptors, most likely. Trying at once would spin; Tick tries again.
    if (error) return;
    OnAccepted(std::move(socket));
    Accept();
  });
}

void Listener::OnAccepted(tcp::socket socket) {
  error_code error;
  const tcp::endpoint peer = socket.remote_endpoint(error);
  if (error) return;  // gone already
  std::shared_ptr<void> ticket = count_.Take(peer.address());
  if (ticket == nullptr) return;
  socket.set_option(tcp::no_delay(true), error);
  auto connection = std::make_shared<Connection>(
      tls_ == nullptr ? NewPlainTransport(std::move(socket))
                      : NewTlsTransport(std::move(socket), *tls_),
      context_, std::move(ticket),
      [this](Connection* closed) { connections_.erase(closed->shared_from_this()); });
  connections_.insert(connection);
  connection->Start();
}

void Listener::Tick() {
  const auto now = Connection::Clock::now();
  const std::vector<std::shared_ptr<Connection>> all(connections_.begin(), connections_.end());
  for (const std::shared_ptr<Connection>& connection : all) connection->Tick(now);
  Accept();
  ticker_.expires_after(tick_interval_);
  ticker_.async_wait([this](error_code error) {
    if (!error) Tick();
  });
}

void Listener::Drain() {
  asio::post(io_, [this] {
    draining_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    const std::vector<std::shared_ptr<Connection>> all(connections_.begin(), connections_.end());
    for (const std::shared_ptr<Connection>& connection : all) connection->Drain();
  });
}

void Listener::CloseAll() {
  asio::post(io_, [this] {
    const std::vector<std::shared_ptr<Connection>> all(connections_.begin(), connections_.end());
    for (const std::shared_ptr<Connection>& connection : all) connection->Close();
  });
}

void Listener::Stop() {
  io_.stop();
}

}  // namespace routines::server
