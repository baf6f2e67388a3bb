// One connection: reads requests, lets the Api answer them, writes the answers, in order.
//
// A request is read only when the answer before it was written, so a peer that does not read costs
// its own socket and nothing else. All waiting is bounded by one deadline, which Tick looks at.
//
// Thread-safety: none; everything happens on the thread of the io_context. Answers may come from
// any thread and find their own way there.
#ifndef ROUTINES_SRC_SERVER_CONNECTION_H_
#define ROUTINES_SRC_SERVER_CONNECTION_H_

#include "src/server/transport.h"  // first: it works around Asio

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "routines/server.h"
#include "src/server/api.h"
#include "src/server/event_stream.h"
#include "src/server/http_message.h"
#include "src/server/metrics.h"
#include "src/server/request_reader.h"
#include "src/server/worker_pool.h"

namespace routines::server {

// What all connections of one thread share; outlives them.
struct ConnectionContext {
  Api& api;
  const ServerOptions& options;
  Metrics& metrics;
  WorkerPool& pool;
  boost::asio::io_context& io;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Clock = std::chrono::steady_clock;

  // `ticket` is destroyed last, when nothing of the connection is left. `closed` is called once, at
  // the end, and must drop the caller's reference.
  Connection(std::unique_ptr<Transport> transport, ConnectionContext& context,
             std::shared_ptr<void> ticket, std::function<void(Connection*)> closed);
  ~Connection();

  void Start();
  // Ends what took too long; keeps streams alive. Called a few times a second.
  void Tick(Clock::time_point now);
  // Ends the connection after the answer that is under way.
  void Drain();
  // Ends it now.
  void Close();
  // Since when the head of a request is waited for. Nothing while there is one to be answered.
  std::optional<Clock::time_point> WaitingSince() const;

 private:
  enum class State {
    kHandshake,
    kIdle,  // between requests
    kHead,  // from the first byte of one
    kBody,
    kHandling,  // the Api has it
    kWriting,
    kStreaming,
    kLinger,  // all is said; waiting for the peer to read it
    kClosed
  };

  void SetDeadline(absl::Duration timeout);
  void Read();
  void Advance();
  void ReadHead();
  void BeginRequest();
  void ReadBody();
  void Dispatch();
  void Refuse(Response response);
  void Send(Response response);
  void Write(std::string bytes, std::function<void()> then);
  void WriteMore();
  void AfterAnswer();
  void Linger();
  void StartStream(std::shared_ptr<EventStream> stream);
  void WatchPeer();
  void Pump();
  void OnPiece(absl::StatusOr<EventStream::Piece> piece);
  void PumpDone();

  const std::shared_ptr<void> ticket_;
  ConnectionContext& context_;
  const std::unique_ptr<Transport> transport_;
  const std::function<void(Connection*)> closed_;
  RequestReader reader_;

  State state_ = State::kHandshake;
  Clock::time_point deadline_ = Clock::time_point::max();
  Clock::time_point waiting_since_;
  bool draining_ = false;
  bool linger_ = true;

  std::shared_ptr<Request> request_;
  bool keep_alive_ = false;  // as far as the request under way goes

  std::string out_;
  size_t written_ = 0;
  std::function<void()> after_write_;

  std::shared_ptr<EventStream> stream_;
  bool pumping_ = false;  // a read of the store or a write of the stream is under way
  bool pump_again_ = false;
  bool watching_ = false;  // a read is under way that ends with the peer
  Clock::time_point last_write_;
};

}  // namespace routines::server

#endif  // ROUTINES_SRC_SERVER_CONNECTION_H_
