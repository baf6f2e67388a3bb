#include "src/executor/gateway.h"

#include <utility>  // before Asio

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <exception>
#include <thread>

#include "absl/strings/str_cat.h"
#include "src/base/ids.h"
#include "src/executor/gateway_connection.h"

namespace routines {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

absl::Status NoSocket(const std::string& why) {
  return absl::ResourceExhaustedError(
      absl::StrCat("the gateway to the agent's API cannot be opened: ", why));
}

asio::awaitable<void> Accept(std::shared_ptr<gateway::Context> context, tcp::acceptor& acceptor) {
  while (true) {
    boost::system::error_code error;
    tcp::socket socket =
        co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (error == asio::error::operation_aborted) co_return;
    if (error) {  // no descriptor left: wait for one
      asio::steady_timer timer(context->io, std::chrono::milliseconds(100));
      co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
      continue;
    }
    asio::co_spawn(context->io, gateway::Serve(context, std::move(socket)), asio::detached);
  }
}

}  // namespace

absl::Status CheckGatewayOptions(const GatewayOptions& options) {
  if (gateway::ParseUpstream(options.upstream)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("API URL \"", options.upstream,
                   "\": write http://HOST or https://HOST, with a port and a path where needed"));
}

struct ApiGateway::Impl {
  explicit Impl(GatewayOptions options)
      : acceptor(io),
        context(std::make_shared<gateway::Context>(gateway::Context{
            options, *gateway::ParseUpstream(options.upstream), passes, io, tls})) {}

  // Before `io`, whose end is the end of the connections.
  gateway::Passes passes;
  asio::ssl::context tls{asio::ssl::context::tls_client};
  asio::io_context io{1};
  tcp::acceptor acceptor;
  std::shared_ptr<gateway::Context> context;
  std::string url;
  std::thread thread;
};

namespace {

class OpenPass : public GatewayPass {
 public:
  // `owner` keeps `passes` alive.
  OpenPass(std::shared_ptr<void> owner, gateway::Passes& passes, std::string key)
      : owner_(std::move(owner)), passes_(passes), token_("routines-" + RandomKey()) {
    passes_.Add(token_, std::move(key));
  }
  ~OpenPass() override { passes_.Remove(token_); }
  const std::string& token() const override { return token_; }

 private:
  const std::shared_ptr<void> owner_;
  gateway::Passes& passes_;
  const std::string token_;
};

}  // namespace

ApiGateway::ApiGateway(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

absl::StatusOr<std::unique_ptr<ApiGateway>> ApiGateway::Start(GatewayOptions options) {
  if (const absl::Status status = CheckGatewayOptions(options); !status.ok()) return status;
  try {
    auto impl = std::make_shared<Impl>(std::move(options));
    impl->tls.set_default_verify_paths();
    impl->tls.set_verify_mode(asio::ssl::verify_peer);
    const tcp::endpoint loopback(asio::ip::address_v4::loopback(), 0);
    impl->acceptor.open(loopback.protocol());
    impl->acceptor.bind(loopback);
    impl->acceptor.listen();
    impl->url = absl::StrCat("http://127.0.0.1:", impl->acceptor.local_endpoint().port());
    asio::co_spawn(impl->io, Accept(impl->context, impl->acceptor), asio::detached);
    impl->thread = std::thread([&io = impl->io] { io.run(); });
    return std::unique_ptr<ApiGateway>(new ApiGateway(std::move(impl)));
  } catch (const std::exception& error) {
    return NoSocket(error.what());
  }
}

ApiGateway::~ApiGateway() {
  impl_->io.stop();
  if (impl_->thread.joinable()) impl_->thread.join();
}

const std::string& ApiGateway::url() const {
  return impl_->url;
}

std::unique_ptr<GatewayPass> ApiGateway::Open(std::string key) {
  return std::make_unique<OpenPass>(impl_, impl_->passes, std::move(key));
}

}  // namespace routines
