#include "src/cli/http_client.h"

#include <chrono>
#include <cstdint>
#include <limits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "boost/asio/connect.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "boost/asio/ssl/context.hpp"
#include "boost/asio/ssl/host_name_verification.hpp"
#include "boost/beast/core.hpp"
#include "boost/beast/http.hpp"
#include "boost/beast/ssl.hpp"
#include "routines/version.h"

namespace routines::cli {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr uint64_t kMaxBody = uint64_t{64} << 20;
constexpr size_t kPiece = 16 << 10;

// One exchange over a plain or a TLS stream. Beast has time limits for asynchronous operations
// only, so each step is started asynchronously and run to its end at once.
template <class Stream>
class Exchange {
 public:
  Exchange(asio::io_context& io, Stream& stream, const Url& server, const HttpTimeouts& timeouts)
      : io_(io), stream_(stream), server_(server), timeouts_(timeouts) {}

  absl::Status Connect() {
    asio::ip::tcp::resolver resolver(io_);
    error_code error;
    // Blocks as long as the system's resolver takes; that has limits of its own.
    const auto addresses = resolver.resolve(server_.host, server_.port, error);
    if (error) return Unavailable(error);
    error = Run(timeouts_.connect, [&](auto done) {
      beast::get_lowest_layer(stream_).async_connect(
          addresses, [done](error_code e, const asio::ip::tcp::endpoint&) { done(e); });
    });
    return error ? Unavailable(error) : absl::OkStatus();
  }

  absl::Status Handshake() {
    const error_code error = Run(timeouts_.connect, [&](auto done) {
      stream_.async_handshake(asio::ssl::stream_base::client, done);
    });
    return error ? Unavailable(error) : absl::OkStatus();
  }

  absl::StatusOr<HttpResponse> Send(const HttpRequest& request, const HttpBodySink& sink) {
    http::request<http::string_body> message(http::string_to_verb(request.method),
                                             absl::StrCat(server_.base, request.target), 11);
    message.set(http::field::host, server_.HostHeader());
    message.set(http::field::user_agent, absl::StrCat("routines/", kVersion));
    message.set(http::field::connection, "close");
    for (const auto& [name, value] : request.headers) message.set(name, value);
    message.body() = request.body;
    message.prepare_payload();
    error_code error = Run(timeouts_.progress, [&](auto done) {
      http::async_write(stream_, message, [done](error_code e, size_t) { done(e); });
    });
    if (error) return Unavailable(error);
    return Receive(sink);
  }

 private:
  // Starts one operation, and runs it to its end or to the time limit.
  template <class Start>
  error_code Run(absl::Duration limit, Start start) {
    error_code result = asio::error::operation_aborted;
    beast::get_lowest_layer(stream_).expires_after(absl::ToChronoMilliseconds(limit));
    start([&result](error_code error) { result = error; });
    io_.restart();
    io_.run();
    return result;
  }

  absl::StatusOr<HttpResponse> Receive(const HttpBodySink& sink) {
    http::response_parser<http::buffer_body> parser;
    // A followed log has no end; what is gathered is counted below. (Boost 1.74 does not take
    // "none".)
    parser.body_limit(std::numeric_limits<uint64_t>::max());
    error_code error = Run(timeouts_.progress, [&](auto done) {
      http::async_read_header(stream_, buffer_, parser, [done](error_code e, size_t) { done(e); });
    });
    if (error) return Unavailable(error);
    HttpResponse response;
    response.status = parser.get().result_int();
    for (const auto& field : parser.get()) {
      const auto name = field.name_string();
      response.headers.emplace(absl::AsciiStrToLower(absl::string_view(name.data(), name.size())),
                               std::string(field.value()));
    }
    const bool to_sink = sink != nullptr && response.status == 200;
    std::string piece(kPiece, '\0');
    while (!parser.is_done()) {
      parser.get().body().data = piece.data();
      parser.get().body().size = piece.size();
      // read_some and not read: a log's event must not wait until the buffer is full.
      error = Run(timeouts_.progress, [&](auto done) {
        http::async_read_some(stream_, buffer_, parser, [done](error_code e, size_t) { done(e); });
      });
      if (error && error != http::error::need_buffer) return Unavailable(error);
      const std::string_view got(piece.data(), piece.size() - parser.get().body().size);
      if (to_sink) {
        if (!got.empty() && !sink(got)) return response;
      } else if (response.body.size() + got.size() > kMaxBody) {
        return absl::UnavailableError("the answer is larger than 64 MiB");
      } else {
        response.body.append(got);
      }
    }
    return response;
  }

  absl::Status Unavailable(const error_code& error) const {
    const std::string place =
        absl::StrCat(server_.tls ? "https://" : "http://", server_.HostHeader());
    if (error == beast::error::timeout) {
      return absl::DeadlineExceededError(absl::StrCat("no answer in time from ", place));
    }
    return absl::UnavailableError(absl::StrCat("cannot reach ", place, ": ", error.message()));
  }

  asio::io_context& io_;
  Stream& stream_;
  const Url& server_;
  const HttpTimeouts& timeouts_;
  beast::flat_buffer buffer_;
};

absl::StatusOr<HttpResponse> SendPlain(const Url& server, const HttpRequest& request,
                                       const HttpTimeouts& timeouts, const HttpBodySink& sink) {
  asio::io_context io;
  beast::tcp_stream stream(io);
  Exchange exchange(io, stream, server, timeouts);
  if (absl::Status status = exchange.Connect(); !status.ok()) return status;
  return exchange.Send(request, sink);
}

absl::StatusOr<HttpResponse> SendTls(const Url& server, const HttpRequest& request,
                                     const HttpTimeouts& timeouts, const HttpBodySink& sink) {
  asio::io_context io;
  asio::ssl::context context(asio::ssl::context::tls_client);
  error_code error;
  context.set_default_verify_paths(error);  // SSL_CERT_FILE and SSL_CERT_DIR included
  context.set_verify_mode(asio::ssl::verify_peer, error);
  beast::ssl_stream<beast::tcp_stream> stream(io, context);
  stream.set_verify_callback(asio::ssl::host_name_verification(server.host), error);
  if (SSL_set_tlsext_host_name(stream.native_handle(), server.host.c_str()) != 1) {
    return absl::InternalError("TLS refuses the server's name");
  }
  Exchange exchange(io, stream, server, timeouts);
  if (absl::Status status = exchange.Connect(); !status.ok()) return status;
  if (absl::Status status = exchange.Handshake(); !status.ok()) return status;
  return exchange.Send(request, sink);
}

}  // namespace

absl::StatusOr<HttpResponse> SendHttp(const Url& server, const HttpRequest& request,
                                      const HttpTimeouts& timeouts, const HttpBodySink& sink) {
  return server.tls ? SendTls(server, request, timeouts, sink)
                    : SendPlain(server, request, timeouts, sink);
}

}  // namespace routines::cli
