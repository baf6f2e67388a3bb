#include "src/connector/http_exchange.h"

#include <fcntl.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "routines/version.h"
#include "src/base/status_macros.h"

namespace routines {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using SteadyClock = std::chrono::steady_clock;

constexpr size_t kPiece = 16 << 10;
constexpr uint32_t kMaxHead = 64 << 10;
constexpr std::chrono::seconds kConnectTimeout(15);
// A cancellation without a descriptor is looked at so often.
constexpr std::chrono::milliseconds kLook(500);

std::string View(boost::beast::string_view text) {
  return std::string(text.data(), text.size());
}

// "application/json" of "Application/JSON; charset=utf-8".
std::string MediaType(const std::string& value) {
  return absl::AsciiStrToLower(
      absl::StripAsciiWhitespace(absl::string_view(value).substr(0, value.find(';'))));
}

// Boost's operations have time limits and can be cancelled only where they are asynchronous, so
// each is started asynchronously and run to its end at once.
template <class Stream>
class ExchangeOf : public HttpExchange {
 public:
  template <class... Arguments>
  ExchangeOf(const HttpUrl& url, const ChannelLimits& limits, Arguments&... arguments)
      : url_(url), limits_(limits), stream_(io_, arguments...), cancel_(io_) {
    if (limits.cancellation == nullptr || limits.cancellation->fd() < 0) return;
    const int watched = fcntl(limits.cancellation->fd(), F_DUPFD_CLOEXEC, 0);
    if (watched < 0) return;
    cancel_.assign(watched);
    cancel_.async_wait(asio::posix::stream_descriptor::wait_read,
                       [this](error_code) { beast::get_lowest_layer(stream_).cancel(); });
  }

  Stream& stream() { return stream_; }

  absl::Status Connect(const std::vector<std::string>& addresses) {
    std::vector<asio::ip::tcp::endpoint> endpoints;
    for (const std::string& address : addresses) {
      error_code error;
      const asio::ip::address parsed = asio::ip::make_address(address, error);
      if (!error) endpoints.emplace_back(parsed, static_cast<uint16_t>(std::stoi(url_.port)));
    }
    const auto until = std::min(limits_.deadline, SteadyClock::now() + kConnectTimeout);
    return StatusOf(Run(until, [&](auto done) {
      beast::get_lowest_layer(stream_).async_connect(
          endpoints, [done](error_code error, const asio::ip::tcp::endpoint&) { done(error); });
    }));
  }

  absl::Status Handshake() {
    const auto until = std::min(limits_.deadline, SteadyClock::now() + kConnectTimeout);
    return StatusOf(Run(
        until, [&](auto done) { stream_.async_handshake(asio::ssl::stream_base::client, done); }));
  }

  absl::Status Send(const HttpCall& call) {
    http::request<http::string_body> message(http::string_to_verb(call.method), url_.target, 11);
    for (const auto& [name, value] : call.headers) message.set(name, value);
    message.set(http::field::host, url_.HostHeader());
    message.set(http::field::user_agent, absl::StrCat("routines/", kVersion));
    message.set(http::field::connection, "close");
    message.body() = call.body;
    message.prepare_payload();
    RETURN_IF_ERROR(StatusOf(Run(limits_.deadline, [&](auto done) {
      http::async_write(stream_, message, [done](error_code error, size_t) { done(error); });
    })));
    parser_.header_limit(kMaxHead);
    // Who reads it counts it. (Boost 1.74 does not take "none".)
    parser_.body_limit(std::numeric_limits<uint64_t>::max());
    RETURN_IF_ERROR(StatusOf(Run(limits_.deadline, [&](auto done) {
      http::async_read_header(stream_, buffer_, parser_,
                              [done](error_code error, size_t) { done(error); });
    })));
    const auto& head = parser_.get();
    head_.status = head.result_int();
    head_.content_type = MediaType(View(head[http::field::content_type]));
    head_.session_id = View(head["Mcp-Session-Id"]);
    head_.location = View(head[http::field::location]);
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> Read() override {
    std::string piece(kPiece, '\0');
    while (!parser_.is_done()) {
      parser_.get().body().data = piece.data();
      parser_.get().body().size = piece.size();
      // read_some and not read: an event must not wait until the buffer is full.
      error_code error = Run(limits_.deadline, [&](auto done) {
        http::async_read_some(stream_, buffer_, parser_,
                              [done](error_code error, size_t) { done(error); });
      });
      if (error == http::error::need_buffer) error = {};
      RETURN_IF_ERROR(StatusOf(error));
      piece.resize(piece.size() - parser_.get().body().size);
      if (!piece.empty()) return piece;
      piece.resize(kPiece);
    }
    return std::string();
  }

 private:
  template <class Operation>
  error_code Run(SteadyClock::time_point until, Operation start) {
    if (limits_.Cancelled()) return asio::error::operation_aborted;
    auto& socket = beast::get_lowest_layer(stream_);
    if (until == SteadyClock::time_point::max()) {
      socket.expires_never();
    } else {
      socket.expires_at(until);
    }
    bool finished = false;
    error_code result;
    start([&](error_code error) {
      finished = true;
      result = error;
    });
    io_.restart();
    while (!finished) {
      if (io_.run_one_for(kLook) == 0 && limits_.Cancelled()) socket.cancel();
      if (io_.stopped()) io_.restart();
    }
    return result;
  }

  absl::Status StatusOf(const error_code& error) const {
    if (!error) return absl::OkStatus();
    RETURN_IF_ERROR(limits_.Check());
    const std::string place = absl::StrCat(url_.tls ? "https://" : "http://", url_.HostHeader());
    if (error == beast::error::timeout) {
      return absl::UnavailableError(
          absl::StrCat("cannot be reached: ", place, " does not answer in time"));
    }
    if (error == http::error::end_of_stream || error == http::error::partial_message) {
      return absl::UnavailableError(absl::StrCat("broke the connection: ", place));
    }
    const std::string message = absl::StrCat("cannot be reached: ", place, ": ", error.message());
    // Certificates do not mend themselves; neither does what is not HTTP.
    const bool lasting =
        error.category() == asio::error::get_ssl_category() ||
        error.category() == http::make_error_code(http::error::bad_version).category();
    return lasting ? absl::FailedPreconditionError(message) : absl::UnavailableError(message);
  }

  asio::io_context io_;
  const HttpUrl url_;
  const ChannelLimits limits_;
  Stream stream_;
  asio::posix::stream_descriptor cancel_;
  beast::flat_buffer buffer_;
  http::response_parser<http::buffer_body> parser_;
};

absl::StatusOr<std::unique_ptr<HttpExchange>> StartPlain(const HttpCall& call,
                                                         const ChannelLimits& limits) {
  auto exchange = std::make_unique<ExchangeOf<beast::tcp_stream>>(call.url, limits);
  RETURN_IF_ERROR(exchange->Connect(call.addresses));
  RETURN_IF_ERROR(exchange->Send(call));
  return exchange;
}

// The context must outlive the stream.
struct TlsContext {
  asio::ssl::context context{asio::ssl::context::tls_client};
};
class TlsExchange : private TlsContext, public ExchangeOf<beast::ssl_stream<beast::tcp_stream>> {
 public:
  TlsExchange(const HttpUrl& url, const ChannelLimits& limits) : ExchangeOf(url, limits, context) {}

  absl::Status TrustTheSystem(const std::string& host) {
    error_code error;
    context.set_default_verify_paths(error);  // SSL_CERT_FILE and SSL_CERT_DIR included
    if (!error) stream().set_verify_mode(asio::ssl::verify_peer, error);
    if (!error) stream().set_verify_callback(asio::ssl::host_name_verification(host), error);
    const bool named = SSL_set_tlsext_host_name(stream().native_handle(), host.c_str()) == 1;
    if (error || !named)
      return absl::FailedPreconditionError("cannot be reached: TLS is not usable");
    return absl::OkStatus();
  }
};

absl::StatusOr<std::unique_ptr<HttpExchange>> StartTls(const HttpCall& call,
                                                       const ChannelLimits& limits) {
  auto exchange = std::make_unique<TlsExchange>(call.url, limits);
  RETURN_IF_ERROR(exchange->TrustTheSystem(call.url.host));
  RETURN_IF_ERROR(exchange->Connect(call.addresses));
  RETURN_IF_ERROR(exchange->Handshake());
  RETURN_IF_ERROR(exchange->Send(call));
  return exchange;
}

}  // namespace

absl::StatusOr<std::unique_ptr<HttpExchange>> HttpExchange::Start(const HttpCall& call,
                                                                  const ChannelLimits& limits) {
  return call.url.tls ? StartTls(call, limits) : StartPlain(call, limits);
}

}  // namespace routines
