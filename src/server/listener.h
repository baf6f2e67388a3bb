// One thread of the server: an io_context, a listening socket, and the connections that it
// accepted.
//
// Thread-safety: Run on a thread of its own; Drain and CloseAll from any thread.
#ifndef ROUTINES_SRC_SERVER_LISTENER_H_
#define ROUTINES_SRC_SERVER_LISTENER_H_

#include "src/server/transport.h"  // first: it works around Asio

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "routines/server.h"
#include "src/server/connection.h"

namespace routines::server {

// How many connections there are, in all and of each address. Thread-safe.
class ConnectionCount {
 public:
  explicit ConnectionCount(const ServerOptions& options) : options_(options) {}

  bool IsFull() const;
  // Counts one connection until the ticket is gone; null: its address has too many.
  std::shared_ptr<void> Take(const boost::asio::ip::address& address);
  // Whether none was left by `deadline`.
  bool AwaitNone(absl::Time deadline);

 private:
  bool IsNone() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return total_ == 0; }
  void Give(const boost::asio::ip::address& address);

  const ServerOptions& options_;
  mutable absl::Mutex mu_;
  int total_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<boost::asio::ip::address, int> by_address_ ABSL_GUARDED_BY(mu_);
};

class Listener {
 public:
  using Endpoint = boost::asio::ip::tcp::endpoint;

  // The first listener finds out whether the port is free and, where it is 0, which one it becomes.
  // kUnavailable: it is taken.
  static absl::StatusOr<Endpoint> Claim(Endpoint endpoint);

  Listener(Api& api, const ServerOptions& options, Metrics& metrics, WorkerPool& pool,
           ConnectionCount& count, boost::asio::ssl::context* tls);

  // SO_REUSEPORT: the kernel spreads connections over all listeners of the port.
  absl::Status Listen(const Endpoint& endpoint);
  // Serves until Stop.
  void Run() { io_.run(); }

  void Drain();     // accepts no more; ends connections as soon as their answer is written
  void CloseAll();  // at once
  void Stop();      // lets Run return; when no connection is left

 private:
  void Accept();
  void AcceptOne();
  // Closes those that have waited longest for a request. False: none waits for one.
  bool MakeRoom();
  void OnAccepted(boost::asio::ip::tcp::socket socket);
  void Tick();

  const ServerOptions& options_;
  ConnectionCount& count_;
  boost::asio::ssl::context* const tls_;  // null: plain
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer ticker_;
  const std::chrono::nanoseconds tick_interval_;
  ConnectionContext context_;
  bool accepting_ = false;
  size_t room_ = 0;  // connections that MakeRoom closed, and whose places are not yet taken
  bool draining_ = false;
  std::set<std::shared_ptr<Connection>> connections_;
};

}  // namespace routines::server

#endif  // ROUTINES_SRC_SERVER_LISTENER_H_
