#include "routines/server.h"

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "src/base/status_macros.h"
#include "src/server/listen_address.h"
#include "src/server/listener.h"

namespace routines {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using server::Listener;

constexpr int kPoolThreads = 4;
constexpr absl::Duration kDrainTimeout = absl::Seconds(3);

absl::StatusOr<tcp::endpoint> Resolve(const server::ListenAddress& address) {
  boost::system::error_code error;
  if (address.host.empty()) return tcp::endpoint(tcp::v4(), address.port);
  const asio::ip::address numeric = asio::ip::make_address(address.host, error);
  if (!error) return tcp::endpoint(numeric, address.port);
  asio::io_context io;
  tcp::resolver resolver(io);
  const auto results = resolver.resolve(address.host, "", error);
  if (error || results.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("listen: the host \"", address.host, "\" cannot be resolved"));
  }
  return tcp::endpoint(results.begin()->endpoint().address(), address.port);
}

bool HasSchemeAndHost(absl::string_view url) {
  if (!absl::ConsumePrefix(&url, "https://") && !absl::ConsumePrefix(&url, "http://")) return false;
  // It goes into answers and logs as it is.
  return !url.empty() && std::all_of(url.begin(), url.end(), absl::ascii_isgraph) &&
         absl::string_view("/:?#@").find(url[0]) == absl::string_view::npos;
}

absl::Status CheckOptions(const ServerOptions& options, const tcp::endpoint& endpoint) {
  if (options.threads < 1 || options.max_connections < 1 ||
      options.max_connections_per_address < 1) {
    return absl::InvalidArgumentError(
        "threads, max_connections and max_connections_per_address: must be at least 1");
  }
  if (options.tls_certificate_file.empty() != options.tls_key_file.empty()) {
    return absl::InvalidArgumentError("tls certificate and key: give both or none");
  }
  if (!options.public_url.empty() && !HasSchemeAndHost(options.public_url)) {
    return absl::InvalidArgumentError(
        absl::StrCat("public_url: \"", options.public_url,
                     "\" must begin with http:// or https:// and a host, and have no blanks; write "
                     "e.g. https://routines.example.org"));
  }
  if (!endpoint.address().is_loopback() && options.admin_token.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("listen: ", options.listen,
                     " can be reached by other machines, which needs an admin token"));
  }
  return absl::OkStatus();
}

}  // namespace

struct Server::Impl {
  Impl(Engine& engine, ServerOptions o, int port, std::string url)
      : options(std::move(o)),
        port(port),
        url(std::move(url)),
        pool(kPoolThreads),
        api(engine,
            {options.admin_token, this->url, options.max_body_bytes, options.max_large_body_bytes,
             options.github_replay_window},
            metrics, [this](std::function<void()> job) { pool.Run(std::move(job)); }),
        count(options) {}

  absl::Status Listen(const tcp::endpoint& endpoint) {
    for (int i = 0; i < options.threads; ++i) {
      listeners.push_back(
          std::make_unique<Listener>(api, options, metrics, pool, count, tls.get()));
      RETURN_IF_ERROR(listeners.back()->Listen(endpoint));
    }
    for (const auto& listener : listeners) {
      threads.emplace_back([&listener = *listener] { listener.Run(); });
    }
    return absl::OkStatus();
  }

  const ServerOptions options;
  const int port;
  const std::string url;
  server::Metrics metrics;
  server::WorkerPool pool;
  server::Api api;
  server::ConnectionCount count;
  std::shared_ptr<asio::ssl::context> tls;
  std::vector<std::unique_ptr<Listener>> listeners;
  std::vector<std::thread> threads;
  absl::Mutex stop_mu;
};

absl::StatusOr<std::unique_ptr<Server>> Server::Start(Engine& engine, ServerOptions options) {
  ASSIGN_OR_RETURN(const server::ListenAddress address, server::ParseListenAddress(options.listen));
  ASSIGN_OR_RETURN(tcp::endpoint endpoint, Resolve(address));
  RETURN_IF_ERROR(CheckOptions(options, endpoint));
  const bool tls = !options.tls_certificate_file.empty();
  std::shared_ptr<asio::ssl::context> tls_context;
  if (tls) {
    ASSIGN_OR_RETURN(tls_context,
                     server::NewTlsContext(options.tls_certificate_file, options.tls_key_file));
  }
  ASSIGN_OR_RETURN(endpoint, Listener::Claim(endpoint));
  std::string url = options.public_url;
  while (absl::EndsWith(url, "/")) url.pop_back();
  if (url.empty()) {
    url = absl::StrCat(tls ? "https://" : "http://", address.HostForUrl(), ":", endpoint.port());
  }
  auto impl = std::make_unique<Impl>(engine, std::move(options), endpoint.port(), std::move(url));
  impl->tls = std::move(tls_context);
  RETURN_IF_ERROR(impl->api.LoadHooks(impl->options.github_hooks));
  RETURN_IF_ERROR(impl->Listen(endpoint));
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Server::~Server() {
  Stop();
}

int Server::port() const {
  return impl_->port;
}

const std::string& Server::url() const {
  return impl_->url;
}

void Server::Stop() {
  absl::MutexLock lock(&impl_->stop_mu);
  if (impl_->threads.empty()) return;
  for (const auto& listener : impl_->listeners) listener->Drain();
  if (!impl_->count.AwaitNone(absl::Now() + kDrainTimeout)) {
    for (const auto& listener : impl_->listeners) listener->CloseAll();
    // Handlers that wait for the engine are waited for: it answers every one of them.
    impl_->count.AwaitNone(absl::InfiniteFuture());
  }
  for (const auto& listener : impl_->listeners) listener->Stop();
  for (std::thread& thread : impl_->threads) thread.join();
  impl_->threads.clear();
}

}  // namespace routines
