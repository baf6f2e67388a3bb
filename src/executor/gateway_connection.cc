#include "src/executor/gateway_connection.h"

#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace routines::gateway {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace ssl = asio::ssl;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::chrono::minutes kIdle(10);       // between requests, and between pieces of an answer
constexpr std::chrono::seconds kConnect(30);    // to the upstream, TLS included
constexpr std::chrono::seconds kTransfer(120);  // of a request, or of one piece to the agent
constexpr size_t kHeaderBytes = size_t{64} << 10;
constexpr size_t kPieceBytes = size_t{64} << 10;

using RequestParser = http::request_parser<http::string_body>;
using ResponseParser = http::response_parser<http::buffer_body>;
using Request = http::request<http::string_body>;

std::string_view ToStd(beast::string_view text) {
  return {text.data(), text.size()};
}

absl::string_view ToAbsl(beast::string_view text) {
  return {text.data(), text.size()};
}

// Belongs to one connection, or is set anew by whoever sends the message on.
bool IsHopByHop(beast::string_view name) {
  constexpr std::array<const char*, 10> kNames = {"connection",
                                                  "keep-alive",
                                                  "proxy-authenticate",
                                                  "proxy-authorization",
                                                  "proxy-connection",
                                                  "te",
                                                  "trailer",
                                                  "transfer-encoding",
                                                  "upgrade",
                                                  "content-length"};
  return std::any_of(kNames.begin(), kNames.end(),
                     [name](const char* known) { return beast::iequals(name, known); });
}

// What the agent must not decide, or the upstream not see.
bool IsOurs(beast::string_view name) {
  constexpr std::array<const char*, 6> kNames = {"host",   "x-api-key", "authorization",
                                                 "cookie", "expect",    "forwarded"};
  return std::any_of(kNames.begin(), kNames.end(),
                     [name](const char* known) { return beast::iequals(name, known); });
}

// The token, from either header; "" where there is none.
std::string TokenOf(const Request& request) {
  if (const auto key = request.find("x-api-key"); key != request.end()) {
    return std::string(ToStd(key->value()));
  }
  absl::string_view value = ToAbsl(request[http::field::authorization]);
  return absl::ConsumePrefix(&value, "Bearer ") ? std::string(value) : "";
}

// Whether every reader finds the same end of the body; the parser itself refuses a length with
// chunks.
bool IsPlainlyFramed(const Request& request) {
  const auto encodings = request.equal_range(http::field::transfer_encoding);
  return encodings.first == encodings.second ||
         (std::next(encodings.first) == encodings.second &&
          beast::iequals(encodings.first->value(), "chunked"));
}

bool IsAllowed(const GatewayOptions& options, const Request& request) {
  const std::string_view target = ToStd(request.target());
  const std::string asked = absl::StrCat(ToAbsl(request.method_string()), " ",
                                         ToAbsl(request.target().substr(0, target.find('?'))));
  return std::find(options.allowed.begin(), options.allowed.end(), asked) != options.allowed.end();
}

// A connection to the upstream, kept for the next request.
class UpstreamConnection {
 public:
  UpstreamConnection(asio::io_context& io, ssl::context& tls, const Upstream& upstream)
      : io_(io), tls_(tls), upstream_(upstream) {}

  bool open() const { return stream_.has_value(); }
  // Ends what is under way, with an error. The stream stays: whoever waits on it still uses it.
  void Cancel() {
    if (stream_) beast::get_lowest_layer(*stream_).close();
  }
  // Only where nothing is under way.
  void Close() {
    if (stream_) beast::get_lowest_layer(*stream_).close();
    stream_.reset();
    buffer_.clear();
  }

  asio::awaitable<error_code> Open() {
    Close();
    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    tcp::resolver resolver(io_);
    const auto found = co_await resolver.async_resolve(upstream_.host, upstream_.port, token);
    if (error) co_return error;
    stream_.emplace(io_, tls_);
    beast::tcp_stream& lowest = beast::get_lowest_layer(*stream_);
    lowest.expires_after(kConnect);
    co_await lowest.async_connect(found, token);
    if (!error && upstream_.tls) {
      SSL_set_tlsext_host_name(stream_->native_handle(), upstream_.host.c_str());
      stream_->set_verify_callback(ssl::host_name_verification(upstream_.host));
      co_await stream_->async_handshake(ssl::stream_base::client, token);
    }
    if (error) Close();
    co_return error;
  }

  asio::awaitable<error_code> Send(Request& request) {
    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    beast::tcp_stream& lowest = beast::get_lowest_layer(*stream_);
    lowest.expires_after(kTransfer);
    if (upstream_.tls) {
      co_await http::async_write(*stream_, request, token);
    } else {
      co_await http::async_write(lowest, request, token);
    }
    co_return error;
  }

  asio::awaitable<error_code> ReadHeader(ResponseParser& parser) {
    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    beast::tcp_stream& lowest = beast::get_lowest_layer(*stream_);
    lowest.expires_after(kIdle);
    if (upstream_.tls) {
      co_await http::async_read_header(*stream_, buffer_, parser, token);
    } else {
      co_await http::async_read_header(lowest, buffer_, parser, token);
    }
    co_return error;
  }

  // What is there of the body, into `parser`'s buffer.
  asio::awaitable<error_code> ReadSome(ResponseParser& parser) {
    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    beast::tcp_stream& lowest = beast::get_lowest_layer(*stream_);
    lowest.expires_after(kIdle);
    if (upstream_.tls) {
      co_await http::async_read_some(*stream_, buffer_, parser, token);
    } else {
      co_await http::async_read_some(lowest, buffer_, parser, token);
    }
    co_return error;
  }

 private:
  asio::io_context& io_;
  ssl::context& tls_;
  const Upstream& upstream_;
  std::optional<beast::ssl_stream<beast::tcp_stream>> stream_;
  beast::flat_buffer buffer_{kHeaderBytes + kPieceBytes};
};

class Connection {
 public:
  Connection(std::shared_ptr<Context> context, tcp::socket socket)
      : context_(std::move(context)),
        client_(std::move(socket)),
        upstream_(context_->io, context_->tls, context_->upstream),
        alive_(std::make_shared<Connection*>(this)) {}
  ~Connection() {
    *alive_ = nullptr;
    context_->passes.Leave(this);
  }

  // Here and below each co_await is a statement of its own: g++ 12 makes wrong code of those within
  // conditions.
  asio::awaitable<void> Run() {
    bool more = true;
    while (more) {
      more = co_await ServeOne();
      more = more && !closed_;
    }
    Close();
  }

 private:
  void Close() {
    closed_ = true;
    client_.close();
    upstream_.Cancel();
  }

  // False: the connection has ended.
  asio::awaitable<bool> ServeOne() {
    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    RequestParser parser;
    parser.header_limit(kHeaderBytes);
    parser.body_limit(std::numeric_limits<uint64_t>::max());  // later: first who asks, and for what
    client_.expires_after(kIdle);
    co_await http::async_read_header(client_, buffer_, parser, token);
    if (error) co_return false;
    // Before the body is read: who has no token may not make us hold 64 MiB.
    const std::optional<std::string> key = Enter(TokenOf(parser.get()));
    if (!key) {
      co_await Refuse(http::status::unauthorized, "authentication_error", "unknown session token");
      co_return false;
    }
    const bool whole = co_await ReadBody(parser);
    if (!whole) co_return false;
    Request request = parser.release();
    const bool keep = request.keep_alive();
    if (!IsAllowed(context_->options, request)) {
      const bool answered = co_await Refuse(http::status::not_found, "not_found_error",
                                            "the gateway does not serve this path");
      co_return answered&& keep;
    }
    Prepare(request, *key);
    const bool answered = co_await Forward(request);
    co_return answered&& keep;
  }

  // False: it has been refused, or the connection has ended.
  asio::awaitable<bool> ReadBody(RequestParser& parser) {
    error_code error;
    if (!IsPlainlyFramed(parser.get())) {
      co_await Refuse(http::status::bad_request, "invalid_request_error",
                      "no Transfer-Encoding but chunked");
      co_return false;
    }
    client_.expires_after(kTransfer);
    parser.body_limit(context_->options.max_request_bytes);
    if (parser.content_length().value_or(0) > context_->options.max_request_bytes) {
      error = http::error::body_limit;
    } else {
      co_await http::async_read(client_, buffer_, parser,
                                asio::redirect_error(asio::use_awaitable, error));
    }
    if (error == http::error::body_limit) {
      co_await Refuse(http::status::payload_too_large, "request_too_large", "request too large");
    }
    co_return !error;
  }

  std::optional<std::string> Enter(const std::string& token) {
    // The pass may end on any thread, and this connection before the message is here.
    return context_->passes.Enter(token, this, [&io = context_->io, alive = alive_] {
      asio::post(io, [alive] {
        if (*alive != nullptr) (*alive)->Close();
      });
    });
  }

  void Prepare(Request& request, const std::string& key) const {
    std::vector<std::string> drop;
    for (const auto& name : absl::StrSplit(ToAbsl(request[http::field::connection]), ',')) {
      drop.emplace_back(absl::StripAsciiWhitespace(name));
    }
    for (const auto& field : request) {
      if (IsHopByHop(field.name_string()) || IsOurs(field.name_string())) {
        drop.emplace_back(ToStd(field.name_string()));
      }
    }
    for (const std::string& name : drop) request.erase(name);
    const Upstream& upstream = context_->upstream;
    const bool usual = upstream.port == (upstream.tls ? "443" : "80");
    const std::string host = upstream.host.find(':') == std::string::npos
                                 ? upstream.host
                                 : absl::StrCat("[", upstream.host, "]");
    request.set(http::field::host, usual ? host : absl::StrCat(host, ":", upstream.port));
    if (context_->options.key_header == GatewayOptions::KeyHeader::kApiKey) {
      request.set("X-Api-Key", key);
    } else {
      request.set(http::field::authorization, "Bearer " + key);
    }
    request.target(upstream.prefix + std::string(ToStd(request.target())));
    request.version(11);
    request.keep_alive(true);
    request.prepare_payload();
  }

  asio::awaitable<bool> Forward(Request& request) {
    error_code error;
    std::optional<ResponseParser> parser;
    // A kept connection may have ended meanwhile: then a new one, once.
    for (bool fresh = false;;) {
      fresh = fresh || !upstream_.open();
      if (!upstream_.open()) {
        error = co_await upstream_.Open();
      }
      if (!error && !closed_) {
        error = co_await upstream_.Send(request);
      }
      if (!error && !closed_) {
        parser.emplace();
        parser->body_limit(std::numeric_limits<uint64_t>::max());  // none refuses all, in 1.74
        parser->header_limit(kHeaderBytes);
        error = co_await upstream_.ReadHeader(*parser);
      }
      if (!error || closed_) break;
      upstream_.Close();
      if (fresh) break;
      error = {};
      fresh = true;
    }
    if (closed_) co_return false;
    if (error) {
      const std::string message = "the API cannot be reached: " + error.message();
      const bool answered = co_await Refuse(http::status::bad_gateway, "api_error", message);
      co_return answered;
    }
    const bool whole = co_await Relay(*parser);
    co_return whole;
  }

  asio::awaitable<bool> Relay(ResponseParser& parser) {
    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    http::response<http::buffer_body> answer;
    answer.result(parser.get().result_int());
    answer.reason(parser.get().reason());
    for (const auto& field : parser.get()) {
      if (!IsHopByHop(field.name_string())) answer.insert(field.name_string(), field.value());
    }
    const bool reusable = parser.keep_alive();
    if (const auto length = parser.content_length()) {
      answer.content_length(*length);
    } else {
      answer.chunked(true);
    }
    answer.body().data = nullptr;
    answer.body().more = true;
    http::response_serializer<http::buffer_body> serializer(answer);
    client_.expires_after(kTransfer);
    co_await http::async_write_header(client_, serializer, token);
    const auto piece = std::make_unique<char[]>(kPieceBytes);
    while (!error && !serializer.is_done()) {
      size_t size = 0;
      if (!parser.is_done()) {
        parser.get().body().data = piece.get();
        parser.get().body().size = kPieceBytes;
        error = co_await upstream_.ReadSome(parser);
        if (error == http::error::need_buffer) error = {};
        size = kPieceBytes - parser.get().body().size;
      }
      if (error || closed_) break;
      if (size == 0 && !parser.is_done()) continue;
      answer.body().data = size == 0 ? nullptr : piece.get();
      answer.body().size = size;
      answer.body().more = !parser.is_done();
      client_.expires_after(kTransfer);
      co_await http::async_write(client_, serializer, token);
      if (error == http::error::need_buffer) error = {};
    }
    if (closed_ || error || !reusable) upstream_.Close();
    // An answer that broke off is left without its end, so that the agent sees that it is not
    // whole.
    co_return !error && !closed_;
  }

  asio::awaitable<bool> Refuse(http::status status, const char* type, std::string_view message) {
    error_code error;
    http::response<http::string_body> answer(status, 11);
    answer.set(http::field::content_type, "application/json");
    // The texts are our own or the system's: nothing to escape.
    answer.body() =
        absl::StrCat("{\"type\":\"error\",\"error\":{\"type\":\"", type, "\",\"message\":\"",
                     absl::string_view(message.data(), message.size()), "\"}}");
    answer.prepare_payload();
    client_.expires_after(kTransfer);
    co_await http::async_write(client_, answer, asio::redirect_error(asio::use_awaitable, error));
    co_return !error;
  }

  const std::shared_ptr<Context> context_;
  beast::tcp_stream client_;
  UpstreamConnection upstream_;
  const std::shared_ptr<Connection*> alive_;
  beast::flat_buffer buffer_;
  bool closed_ = false;
};

}  // namespace

std::optional<Upstream> ParseUpstream(std::string_view url) {
  absl::string_view rest(url.data(), url.size());
  Upstream upstream;
  if (absl::ConsumePrefix(&rest, "https://")) {
    upstream.tls = true;
  } else if (!absl::ConsumePrefix(&rest, "http://")) {
    return std::nullopt;
  }
  for (const char c : rest) {
    if (!absl::ascii_isgraph(c) || c == '?' || c == '#' || c == '@') return std::nullopt;
  }
  const size_t slash = std::min(rest.find('/'), rest.size());
  absl::string_view host = rest.substr(0, slash);
  upstream.prefix = std::string(rest.substr(slash));
  while (!upstream.prefix.empty() && upstream.prefix.back() == '/') upstream.prefix.pop_back();
  upstream.port = upstream.tls ? "443" : "80";
  const size_t bracket = host.find(']');
  const size_t colon = host.find(':', bracket == absl::string_view::npos ? 0 : bracket);
  if (colon != absl::string_view::npos) {
    upstream.port = std::string(host.substr(colon + 1));
    host = host.substr(0, colon);
    const bool digits = std::all_of(upstream.port.begin(), upstream.port.end(),
                                    [](char c) { return absl::ascii_isdigit(c); });
    if (upstream.port.empty() || upstream.port.size() > 5 || !digits) return std::nullopt;
  }
  if (absl::ConsumePrefix(&host, "[") && !absl::ConsumeSuffix(&host, "]")) return std::nullopt;
  upstream.host = std::string(host);
  if (upstream.host.empty()) return std::nullopt;
  return upstream;
}

void Passes::Add(const std::string& token, std::string key) {
  absl::MutexLock lock(&mu_);
  passes_[token].key = std::move(key);
}

void Passes::Remove(const std::string& token) {
  absl::MutexLock lock(&mu_);
  const auto pass = passes_.find(token);
  if (pass == passes_.end()) return;
  for (const auto& [connection, close] : pass->second.connections) close();  // they only post
  passes_.erase(pass);
}

std::optional<std::string> Passes::Enter(const std::string& token, const void* connection,
                                         std::function<void()> close) {
  absl::MutexLock lock(&mu_);
  const auto pass = passes_.find(token);
  if (pass == passes_.end()) return std::nullopt;
  pass->second.connections[connection] = std::move(close);
  return pass->second.key;
}

void Passes::Leave(const void* connection) {
  absl::MutexLock lock(&mu_);
  for (auto& [token, pass] : passes_) pass.connections.erase(connection);
}

asio::awaitable<void> Serve(std::shared_ptr<Context> context, tcp::socket socket) {
  Connection connection(std::move(context), std::move(socket));
  co_await connection.Run();
}

}  // namespace routines::gateway
