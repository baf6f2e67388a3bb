// One connection of an agent to the gateway, as a coroutine, and what it shares with the others.
//
// Thread-safety: GatewayPasses may be used from any thread; the rest belongs to the thread of the
// io_context.
#ifndef ROUTINES_SRC_EXECUTOR_GATEWAY_CONNECTION_H_
#define ROUTINES_SRC_EXECUTOR_GATEWAY_CONNECTION_H_

#include <utility>  // Asio of Boost 1.74 forgets it

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "src/executor/gateway.h"

namespace routines::gateway {

struct Upstream {
  bool tls = false;
  std::string host;  // without the brackets of an IPv6 address
  std::string port;
  std::string prefix;  // of every path; no "/" at its end
};

// nullopt: no http or https URL.
std::optional<Upstream> ParseUpstream(std::string_view url);

// The open passes, by token, and the connections that use them.
class Passes {
 public:
  void Add(const std::string& token, std::string key);
  // The connections that used it are closed, each on its own thread.
  void Remove(const std::string& token);
  // The key; nullopt: no such token. `close` is called once, when the pass ends, unless Leave came
  // before.
  std::optional<std::string> Enter(const std::string& token, const void* connection,
                                   std::function<void()> close);
  void Leave(const void* connection);

 private:
  struct Pass {
    std::string key;
    std::map<const void*, std::function<void()>> connections;
  };
  absl::Mutex mu_;
  std::map<std::string, Pass> passes_ ABSL_GUARDED_BY(mu_);
};

struct Context {
  GatewayOptions options;
  Upstream upstream;
  Passes& passes;
  boost::asio::io_context& io;
  boost::asio::ssl::context& tls;
};

// Serves requests until the connection ends.
boost::asio::awaitable<void> Serve(std::shared_ptr<Context> context,
                                   boost::asio::ip::tcp::socket socket);

}  // namespace routines::gateway

#endif  // ROUTINES_SRC_EXECUTOR_GATEWAY_CONNECTION_H_
