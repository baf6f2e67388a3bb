#include "src/server/connection.h"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "absl/time/clock.h"
#include "src/base/ids.h"
#include "src/server/error_response.h"
#include "src/server/response_head.h"

namespace routines::server {
namespace {

namespace asio = boost::asio;

constexpr absl::Duration kLingerTimeout = absl::Seconds(2);
constexpr auto kHeartbeatInterval = std::chrono::seconds(15);

}  // namespace

Connection::Connection(std::unique_ptr<Transport> transport, ConnectionContext& context,
                       std::shared_ptr<void> ticket, std::function<void(Connection*)> closed)
    : ticket_(std::move(ticket)),
      context_(context),
      transport_(std::move(transport)),
      closed_(std::move(closed)),
      reader_(context.options.max_header_bytes) {
  ++context_.metrics.connections;
}

Connection::~Connection() {
  --context_.metrics.connections;
}

void Connection::Start() {
  waiting_since_ = Clock::now();
  SetDeadline(context_.options.header_timeout);
  transport_->Handshake([self = shared_from_this()](Transport::Error error, size_t) {
    if (error || self->state_ == State::kClosed) return self->Close();
    self->state_ = State::kIdle;
    self->SetDeadline(self->context_.options.idle_timeout);
    self->Read();
  });
}

void Connection::SetDeadline(absl::Duration timeout) {
  deadline_ = Clock::now() + std::chrono::nanoseconds(absl::ToInt64Nanoseconds(timeout));
}

void Connection::Tick(Clock::time_point now) {
  if (state_ == State::kStreaming && !pumping_ && now - last_write_ >= kHeartbeatInterval) {
    pumping_ = true;
    Write(kHeartbeat, [this] { PumpDone(); });
  }
  if (now < deadline_) return;
  if (state_ != State::kHead && state_ != State::kBody) return Close();
  // A read is under way: what it still takes cannot reset the connection.
  keep_alive_ = false;
  linger_ = false;
  Send(ErrorResponse(408, "the request did not come in time"));
}

void Connection::Drain() {
  draining_ = true;
  if (state_ == State::kHandshake || state_ == State::kIdle || state_ == State::kStreaming) Close();
}

void Connection::Close() {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  deadline_ = Clock::time_point::max();
  transport_->Close();
  if (stream_ != nullptr) --context_.metrics.streams;
  stream_.reset();
  closed_(this);
}

std::optional<Connection::Clock::time_point> Connection::WaitingSince() const {
  if (state_ == State::kHandshake || state_ == State::kIdle || state_ == State::kHead) {
    return waiting_since_;
  }
  return std::nullopt;
}

// ---- requests ----

void Connection::Read() {
  transport_->ReadSome(reader_.Prepare(),
                       [self = shared_from_this()](Transport::Error error, size_t size) {
                         if (error) return self->Close();
                         self->reader_.Commit(size);
                         self->Advance();
                       });
}

void Connection::Advance() {
  if (state_ == State::kIdle) {
    state_ = State::kHead;
    SetDeadline(context_.options.header_timeout);
    request_ = std::make_shared<Request>();
  }
  if (state_ == State::kHead) return ReadHead();
  if (state_ == State::kBody) return ReadBody();
  // Too late: the request was refused while these bytes were on their way.
}

void Connection::ReadHead() {
  switch (reader_.ReadHead(*request_)) {
    case RequestReader::Result::kMore:
      return Read();
    case RequestReader::Result::kBad:
      return Refuse(ErrorResponse(400, reader_.problem()));
    case RequestReader::Result::kTooLarge:
      return Refuse(ErrorResponse(431, "request head: is too large"));
    case RequestReader::Result::kDone:
      return BeginRequest();
  }
}

void Connection::BeginRequest() {
  keep_alive_ = reader_.keep_alive();
  request_->id = NewId("req_", absl::Now());
  if (std::optional<Response> refused = context_.api.Begin(*request_)) {
    // What is left of the body is not worth reading; without it the connection cannot go on.
    if (!reader_.body_done()) return Refuse(*std::move(refused));
    return Send(*std::move(refused));
  }
  state_ = State::kBody;
  SetDeadline(context_.options.body_timeout);
  if (reader_.body_done() || !reader_.expects_continue() || !reader_.empty()) return ReadBody();
  Write("HTTP/1.1 100 Continue\r\n\r\n", [this] {
    SetDeadline(context_.options.body_timeout);
    ReadBody();
  });
}

void Connection::ReadBody() {
  switch (reader_.ReadBody(context_.api.MaxBodyBytes(*request_), request_->body)) {
    case RequestReader::Result::kMore:
      return Read();
    case RequestReader::Result::kBad:
      return Refuse(ErrorResponse(400, reader_.problem()));
    case RequestReader::Result::kTooLarge:
      return Refuse(ErrorResponse(413, "body: is too large"));
    case RequestReader::Result::kDone:
      return Dispatch();
  }
}

void Connection::Dispatch() {
  state_ = State::kHandling;
  deadline_ = Clock::time_point::max();
  context_.api.Handle(request_, [self = shared_from_this()](Response response) mutable {
    // On the socket's thread at once; from another one by way of its queue, and with the reference,
    // so that a connection ends where it lived.
    asio::io_context& io = self->context_.io;
    asio::dispatch(io, [self = std::move(self), response = std::move(response)]() mutable {
      if (self->state_ == State::kHandling) self->Send(std::move(response));
    });
  });
}

// ---- answers ----

void Connection::Refuse(Response response) {
  keep_alive_ = false;
  Send(std::move(response));
}

void Connection::Send(Response response) {
  if (request_ == nullptr) request_ = std::make_shared<Request>();
  if (request_->id.empty()) request_->id = NewId("req_", absl::Now());
  const bool head_only = request_->method == "HEAD";
  const bool streams = response.stream != nullptr;
  keep_alive_ = keep_alive_ && !draining_ && !streams;
  state_ = State::kWriting;
  std::string bytes = ResponseHead(response, request_->id, keep_alive_);
  if (streams) {
    return Write(std::move(bytes), [this, stream = std::move(response.stream)]() mutable {
      StartStream(std::move(stream));
    });
  }
  if (!head_only) bytes += response.body;
  Write(std::move(bytes), [this] { AfterAnswer(); });
}

void Connection::Write(std::string bytes, std::function<void()> then) {
  out_ = std::move(bytes);
  written_ = 0;
  after_write_ = std::move(then);
  WriteMore();
}

void Connection::WriteMore() {
  SetDeadline(context_.options.write_timeout);
  transport_->WriteSome(asio::buffer(out_.data() + written_, out_.size() - written_),
                        [self = shared_from_this()](Transport::Error error, size_t size) {
                          if (error || self->state_ == State::kClosed) return self->Close();
                          self->written_ += size;
                          if (self->written_ < self->out_.size()) return self->WriteMore();
                          self->deadline_ = Clock::time_point::max();
                          self->last_write_ = Clock::now();
                          std::string().swap(self->out_);
                          const std::function<void()> then = std::move(self->after_write_);
                          then();
                        });
}

void Connection::AfterAnswer() {
  if (!linger_) return Close();
  if (!keep_alive_ || draining_) return Linger();
  state_ = State::kIdle;
  waiting_since_ = Clock::now();
  SetDeadline(context_.options.idle_timeout);
  request_.reset();
  reader_.Reset();
  if (reader_.empty()) return Read();
  Advance();  // the next request is here already
}

void Connection::Linger() {
  state_ = State::kLinger;
  SetDeadline(kLingerTimeout);
  transport_->Shutdown([self = shared_from_this()](Transport::Error, size_t) {
    // Not beside another read: of two at once, Asio tells one alone of the end.
    if (self->state_ == State::kClosed || self->watching_) return;
    self->transport_->Discard([self](Transport::Error, size_t) { self->Close(); });
  });
}

// ---- event streams ----

void Connection::StartStream(std::shared_ptr<EventStream> stream) {
  state_ = State::kStreaming;
  stream_ = std::move(stream);
  ++context_.metrics.streams;
  stream_->Watch([io = &context_.io, weak = weak_from_this(),
                  told = std::make_shared<std::atomic<bool>>(false)] {
    if (told->exchange(true)) return;  // one post is as good as many
    asio::post(*io, [weak, told] {
      told->store(false);
      if (const std::shared_ptr<Connection> self = weak.lock()) self->Pump();
    });
  });
  WatchPeer();
  Pump();
}

// A reader that went away is noticed here, not at the next heartbeat. What it sends is not read.
void Connection::WatchPeer() {
  watching_ = true;
  transport_->Discard([self = shared_from_this()](Transport::Error, size_t) { self->Close(); });
}

void Connection::Pump() {
  if (state_ != State::kStreaming) return;
  if (std::exchange(pumping_, true)) {
    pump_again_ = true;
    return;
  }
  context_.pool.Run([self = shared_from_this(), stream = stream_]() mutable {
    absl::StatusOr<EventStream::Piece> piece = stream->Next();
    stream.reset();
    asio::io_context& io = self->context_.io;
    asio::post(io, [self = std::move(self), piece = std::move(piece)]() mutable {
      self->OnPiece(std::move(piece));
    });
  });
}

void Connection::OnPiece(absl::StatusOr<EventStream::Piece> piece) {
  if (state_ != State::kStreaming) return;
  if (!piece.ok()) return Close();  // the reader comes back with Last-Event-ID
  if (piece->bytes.empty()) return PumpDone();
  Write(std::move(piece->bytes), [this, end = piece->end] {
    if (end) return Linger();
    pump_again_ = true;  // there may be more at once
    PumpDone();
  });
}

void Connection::PumpDone() {
  pumping_ = false;
  if (std::exchange(pump_again_, false)) Pump();
}

}  // namespace routines::server
