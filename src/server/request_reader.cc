#include "src/server/request_reader.h"

#include <algorithm>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <limits>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "src/server/request_head.h"

namespace routines::server {
namespace {

namespace http = boost::beast::http;

constexpr size_t kSmallBuffer = 4 << 10;   // what an idle connection costs
constexpr size_t kLargeBuffer = 64 << 10;  // while a body comes: fewer reads

std::string Lower(boost::beast::string_view text) {
  return absl::AsciiStrToLower(absl::string_view(text.data(), text.size()));
}

}  // namespace

struct RequestReader::Impl {
  explicit Impl(int64_t max) : max_header_bytes(max) { NewParser(); }

  void NewParser() {
    parser.emplace();
    parser->eager(true);
    parser->header_limit(static_cast<uint32_t>(max_header_bytes));
    // The route decides, which is known after the head only.
    parser->body_limit(std::numeric_limits<uint64_t>::max());
    limited = false;
  }

  std::string_view Bytes() const {
    const auto data = buffer.cdata();
    return {static_cast<const char*>(data.data()), data.size()};
  }

  const int64_t max_header_bytes;
  boost::beast::flat_buffer buffer;
  std::optional<http::request_parser<http::string_body>> parser;
  size_t scanned = 0;  // so much of the buffer holds no end of a head
  bool limited = false;
  std::string problem;
};

RequestReader::RequestReader(int64_t max_header_bytes)
    : impl_(std::make_unique<Impl>(max_header_bytes)) {}

RequestReader::~RequestReader() = default;

boost::asio::mutable_buffer RequestReader::Prepare() {
  const size_t size = impl_->parser->is_header_done() ? kLargeBuffer : kSmallBuffer;
  return impl_->buffer.prepare(size);
}

void RequestReader::Commit(size_t size) {
  impl_->buffer.commit(size);
}

bool RequestReader::empty() const {
  return impl_->buffer.size() == 0;
}

RequestReader::Result RequestReader::ReadHead(Request& request) {
  Impl& impl = *impl_;
  // One empty line before a request is forgiven (RFC 9112, 2.2).
  if (impl.scanned == 0 && impl.Bytes().starts_with("\r\n")) impl.buffer.consume(2);
  const std::string_view bytes = impl.Bytes();
  const size_t end = bytes.find("\r\n\r\n", impl.scanned < 3 ? 0 : impl.scanned - 3);
  const std::string_view head = bytes.substr(0, end == bytes.npos ? end : end + 4);
  if (FindBareLineFeed(head, std::min(impl.scanned, head.size())) != head.npos) {
    impl.problem = "request head: lines must end with CR LF";
    return Result::kBad;
  }
  if (static_cast<int64_t>(head.size()) > impl.max_header_bytes) return Result::kTooLarge;
  if (end == bytes.npos) {
    impl.scanned = bytes == "\r" ? 0 : bytes.size();
    return Result::kMore;
  }
  impl.problem = ProblemOfHead(head);
  if (!impl.problem.empty()) return Result::kBad;
  boost::system::error_code error;
  impl.parser->put(boost::asio::buffer(head.data(), head.size()), error);
  if (error == http::error::need_more) error = {};  // the body
  if (error || !impl.parser->is_header_done()) {
    impl.problem = "request head: cannot be understood";
    return Result::kBad;
  }
  impl.buffer.consume(head.size());
  const auto& message = impl.parser->get();
  request.method = std::string(message.method_string());
  request.target = std::string(message.target());
  for (const auto& field : message) {
    request.headers.emplace_back(Lower(field.name_string()), std::string(field.value()));
  }
  if (const auto length = impl.parser->content_length()) request.content_length = *length;
  return Result::kDone;
}

RequestReader::Result RequestReader::ReadBody(int64_t max_bytes, std::string& body) {
  Impl& impl = *impl_;
  // Once: the parser counts down from it, over all chunks.
  if (!std::exchange(impl.limited, true)) impl.parser->body_limit(max_bytes);
  if (!impl.parser->is_done() && impl.buffer.size() > 0) {
    boost::system::error_code error;
    impl.buffer.consume(impl.parser->put(impl.buffer.cdata(), error));
    if (error == http::error::body_limit) return Result::kTooLarge;
    // What is left is the beginning of a chunk's header or of the trailer.
    const bool long_line =
        !impl.parser->is_done() && static_cast<int64_t>(impl.buffer.size()) > impl.max_header_bytes;
    if ((error && error != http::error::need_more) || long_line) {
      impl.problem = "body: the chunks cannot be understood";
      return Result::kBad;
    }
  }
  if (!impl.parser->is_done()) return Result::kMore;
  body = std::move(impl.parser->get().body());
  return Result::kDone;
}

bool RequestReader::body_done() const {
  return impl_->parser->is_done();
}
bool RequestReader::keep_alive() const {
  return impl_->parser->keep_alive();
}
bool RequestReader::http_1_0() const {
  return impl_->parser->get().version() == 10;
}
const std::string& RequestReader::problem() const {
  return impl_->problem;
}

bool RequestReader::expects_continue() const {
  return !http_1_0() && Lower(impl_->parser->get()[http::field::expect]) == "100-continue";
}

void RequestReader::Reset() {
  impl_->NewParser();
  impl_->scanned = 0;
  if (impl_->buffer.size() == 0 && impl_->buffer.capacity() > kSmallBuffer) {
    impl_->buffer.shrink_to_fit();
  }
}

}  // namespace routines::server
