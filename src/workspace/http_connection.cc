#include "src/workspace/http_connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace routines {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

constexpr size_t kMaxHead = 16 << 10;
constexpr absl::Duration kIdle = absl::Seconds(60);  // between requests, and for each piece
constexpr absl::Duration kHead = absl::Seconds(15);  // for a whole head, from its first byte
constexpr absl::Duration kAnswer = absl::Seconds(5);

// A socket as Beast wants it (SyncReadStream).
class SocketStream {
 public:
  SocketStream(UniqueFd socket, int stop_fd) : socket_(std::move(socket)), stop_fd_(stop_fd) {}

  void set_deadline(absl::Time deadline) { deadline_ = deadline; }
  // So that a client that took too long is told so.
  void LeaveTimeToAnswer() { deadline_ = std::max(deadline_, absl::Now() + kAnswer); }
  void set_second_stop_fd(int fd) { second_stop_fd_ = fd; }

  template <class Buffers>
  size_t read_some(const Buffers& buffers, beast::error_code& error) {
    for (auto it = boost::asio::buffer_sequence_begin(buffers);
         it != boost::asio::buffer_sequence_end(buffers); ++it) {
      const boost::asio::mutable_buffer buffer(*it);
      if (buffer.size() > 0) return Read(buffer.data(), buffer.size(), error);
    }
    return 0;
  }
  template <class Buffers>
  size_t read_some(const Buffers& buffers) {
    beast::error_code error;
    const size_t got = read_some(buffers, error);
    if (error) throw beast::system_error(error);
    return got;
  }

  bool WriteAll(std::string_view data) {
    while (!data.empty()) {
      if (!Await(POLLOUT)) return false;
      const ssize_t sent =
          send(socket_.get(), data.data(), data.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent >= 0)
        data.remove_prefix(sent);
      else if (errno != EINTR && errno != EAGAIN)
        return false;
    }
    return true;
  }

  // The time limit is the one that was set, or kIdle from now where that is sooner.
  bool Await(short events) {
    while (true) {
      pollfd polled[] = {
          {socket_.get(), events, 0}, {stop_fd_, POLLIN, 0}, {second_stop_fd_, POLLIN, 0}};
      const absl::Duration left = std::min(kIdle, deadline_ - absl::Now());
      if (left <= absl::ZeroDuration()) return false;
      const int ready = poll(polled, 3, static_cast<int>(absl::ToInt64Milliseconds(left)) + 1);
      if (ready < 0 && errno == EINTR) continue;
      return ready > 0 && polled[1].revents == 0 && polled[2].revents == 0;
    }
  }

 private:
  size_t Read(void* data, size_t size, beast::error_code& error) {
    error = {};
    while (true) {
      if (!Await(POLLIN)) {
        error = http::error::partial_message;
        return 0;
      }
      const ssize_t got = recv(socket_.get(), data, size, MSG_DONTWAIT);
      if (got > 0) return got;
      if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      error = http::error::end_of_stream;
      return 0;
    }
  }

  UniqueFd socket_;
  const int stop_fd_;
  int second_stop_fd_ = -1;
  absl::Time deadline_ = absl::InfiniteFuture();
};

// Undoes gzip, piece by piece.
class Gunzip {
 public:
  Gunzip() { ok_ = inflateInit2(&stream_, MAX_WBITS + 16) == Z_OK; }
  ~Gunzip() { inflateEnd(&stream_); }
  Gunzip(const Gunzip&) = delete;
  Gunzip& operator=(const Gunzip&) = delete;

  bool needs_input() const { return stream_.avail_in == 0 && !ended_; }
  bool ended() const { return ended_; }
  void SetInput(std::string_view input) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
    stream_.avail_in = static_cast<uInt>(input.size());
  }

  absl::StatusOr<size_t> Read(char* buffer, size_t size) {
    stream_.next_out = reinterpret_cast<Bytef*>(buffer);
    stream_.avail_out = static_cast<uInt>(size);
    const int result = ok_ ? inflate(&stream_, Z_NO_FLUSH) : Z_STREAM_ERROR;
    ended_ = result == Z_STREAM_END;
    const bool broken = (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) ||
                        (ended_ && stream_.avail_in > 0);
    if (broken) return absl::InvalidArgumentError("the body is not gzip");
    return size - stream_.avail_out;
  }

 private:
  z_stream stream_ = {};
  bool ok_ = false;
  bool ended_ = false;
};

std::string_view StatusText(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 502:
      return "Bad Gateway";
    default:
      return "Service Unavailable";
  }
}

std::string_view View(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace

struct HttpConnection::Impl {
  using Parser = http::request_parser<http::buffer_body>;

  Impl(UniqueFd socket, int stop_fd) : stream(std::move(socket), stop_fd) {}

  // What the head says about the body's form; a status to refuse with, or 0.
  int CheckFraming() {
    const auto& head = parser->get();
    const auto count = [&](http::field field) { return head.count(field); };
    if (count(http::field::content_length) > 1 || count(http::field::transfer_encoding) > 1 ||
        (count(http::field::content_length) > 0 && count(http::field::transfer_encoding) > 0)) {
      return 400;
    }
    if (count(http::field::authorization) > 1 || count(http::field::content_type) > 1) return 400;
    const std::string_view transfer = View(head[http::field::transfer_encoding]);
    if (!transfer.empty() &&
        !absl::EqualsIgnoreCase(absl::string_view(transfer.data(), transfer.size()), "chunked")) {
      return 400;
    }
    if (count(http::field::content_encoding) > 1) return 415;
    const std::string_view encoding = View(head[http::field::content_encoding]);
    if (encoding == "gzip" || encoding == "x-gzip") {
      gunzip.emplace();
    } else if (!encoding.empty()) {
      return 415;
    }
    return 0;
  }

  // Bytes of the body as they are between the chunks; none: its end.
  absl::StatusOr<size_t> ReadRaw(char* data, size_t size) {
    while (!parser->is_done()) {
      parser->get().body().data = data;
      parser->get().body().size = size;
      parser->get().body().more = true;
      beast::error_code error;
      http::read_some(stream, buffer, *parser, error);
      if (error == http::error::need_buffer) error = {};
      if (error == http::error::partial_message || error == http::error::end_of_stream) {
        return absl::UnavailableError("the connection has ended");
      }
      if (error) return absl::InvalidArgumentError(error.message());
      const size_t got = size - parser->get().body().size;
      if (got > 0) return got;
    }
    return 0;
  }

  SocketStream stream;
  beast::flat_buffer buffer{64 << 10};
  std::optional<Parser> parser;
  std::optional<Gunzip> gunzip;
  std::string compressed = std::string(64 << 10, '\0');
  bool answered = false;
  bool is_new = true;
};

HttpConnection::HttpConnection(UniqueFd socket, int stop_fd)
    : impl_(std::make_unique<Impl>(std::move(socket), stop_fd)) {}

HttpConnection::~HttpConnection() = default;

void HttpConnection::SetDeadline(absl::Time deadline) {
  impl_->stream.set_deadline(deadline);
}

void HttpConnection::StopAlsoAt(int fd) {
  impl_->stream.set_second_stop_fd(fd);
}

absl::StatusOr<HttpRequest> HttpConnection::ReadRequest() {
  Impl& impl = *impl_;
  impl.parser.emplace();
  impl.parser->header_limit(kMaxHead);
  impl.parser->body_limit(std::numeric_limits<uint64_t>::max());  // who reads it sets the limit
  impl.gunzip.reset();
  impl.answered = false;
  // Who has just come says at once what he wants.
  impl.stream.set_deadline(absl::Now() + (std::exchange(impl.is_new, false) ? kHead : kIdle));
  if (impl.buffer.size() == 0 && !impl.stream.Await(POLLIN)) {
    return absl::UnavailableError("the connection has ended");
  }
  impl.stream.set_deadline(absl::Now() + kHead);
  beast::error_code error;
  http::read_header(impl.stream, impl.buffer, *impl.parser, error);
  if (error == http::error::end_of_stream || error == http::error::partial_message) {
    return absl::UnavailableError("the connection has ended");
  }
  const int refusal = error ? 400 : impl.CheckFraming();
  if (refusal != 0) {
    Respond(refusal, "text/plain", "the request is not one that git sends\n");
    return absl::InvalidArgumentError("bad request");
  }
  const auto& head = impl.parser->get();
  if (head.count(http::field::expect) > 0) {
    if (!impl.stream.WriteAll("HTTP/1.1 100 Continue\r\n\r\n")) {
      return absl::UnavailableError("the connection has ended");
    }
  }
  return HttpRequest{std::string(View(head.method_string())), std::string(View(head.target())),
                     std::string(View(head[http::field::authorization])),
                     std::string(View(head[http::field::content_type])),
                     std::string(View(head["Git-Protocol"]))};
}

absl::StatusOr<size_t> HttpConnection::ReadBody(char* buffer, size_t size) {
  Impl& impl = *impl_;
  if (!impl.gunzip.has_value()) return impl.ReadRaw(buffer, size);
  while (!impl.gunzip->ended()) {
    if (impl.gunzip->needs_input()) {
      const absl::StatusOr<size_t> got =
          impl.ReadRaw(impl.compressed.data(), impl.compressed.size());
      if (!got.ok()) return got;
      if (*got == 0) return absl::InvalidArgumentError("the gzip data is cut short");
      impl.gunzip->SetInput(std::string_view(impl.compressed).substr(0, *got));
    }
    const absl::StatusOr<size_t> got = impl.gunzip->Read(buffer, size);
    if (!got.ok() || *got > 0) return got;
  }
  // Nothing may follow the compressed data.
  const absl::StatusOr<size_t> rest = impl.ReadRaw(impl.compressed.data(), impl.compressed.size());
  if (rest.ok() && *rest > 0) return absl::InvalidArgumentError("data after the gzip data");
  return rest;
}

void HttpConnection::Drain(size_t max) {
  for (size_t drained = 0; drained < max;) {
    const absl::StatusOr<size_t> got =
        impl_->ReadRaw(impl_->compressed.data(), impl_->compressed.size());
    if (!got.ok() || *got == 0) return;
    drained += *got;
  }
}

bool HttpConnection::Respond(int status, std::string_view type, std::string_view body) {
  const bool close = status != 200;
  impl_->answered = !close;
  impl_->stream.LeaveTimeToAnswer();
  return impl_->stream.WriteAll(absl::StrCat(
      "HTTP/1.1 ", status, " ", std::string(StatusText(status)), "\r\nContent-Type: ",
      std::string(type), "\r\nCache-Control: no-cache\r\nContent-Length: ", body.size(),
      close ? "\r\nConnection: close" : "", "\r\n\r\n", std::string(body)));
}

bool HttpConnection::BeginStream(std::string_view type) {
  return impl_->stream.WriteAll(
      absl::StrCat("HTTP/1.1 200 OK\r\nContent-Type: ", std::string(type),
                   "\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n"));
}

bool HttpConnection::WriteStream(std::string_view piece) {
  if (piece.empty()) return true;
  return impl_->stream.WriteAll(absl::StrCat(absl::Hex(piece.size()), "\r\n")) &&
         impl_->stream.WriteAll(piece) && impl_->stream.WriteAll("\r\n");
}

bool HttpConnection::EndStream() {
  impl_->answered = impl_->stream.WriteAll("0\r\n\r\n");
  return impl_->answered;
}

bool HttpConnection::reusable() const {
  return impl_->answered && impl_->parser->is_done() && impl_->parser->get().keep_alive();
}

}  // namespace routines
