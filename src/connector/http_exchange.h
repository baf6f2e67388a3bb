// One HTTP/1.1 request and its answer, on a connection of its own, to addresses that were chosen
// before: no name is looked up here, so what was checked is what is reached.
//
// Thread-safety: none. Blocking: until the limits say stop. Boost.Beast stays behind this header.
#ifndef ROUTINES_SRC_CONNECTOR_HTTP_EXCHANGE_H_
#define ROUTINES_SRC_CONNECTOR_HTTP_EXCHANGE_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "src/connector/channel.h"
#include "src/connector/http_url.h"

namespace routines {

struct HttpCall {
  std::string method;
  HttpUrl url;
  std::vector<std::string> addresses;  // numeric; tried in this order
  std::map<std::string, std::string> headers;
  std::string body;
};

struct HttpHead {
  int status = 0;
  std::string content_type;  // in lower case, without parameters
  std::string session_id;    // Mcp-Session-Id
  std::string location;
};

class HttpExchange {
 public:
  // Connects, sends, and reads the answer's head. An error status is an answer.
  // kUnavailable: no connection, or it broke; kFailedPrecondition: TLS refused the server.
  static absl::StatusOr<std::unique_ptr<HttpExchange>> Start(const HttpCall& call,
                                                             const ChannelLimits& limits);
  virtual ~HttpExchange() = default;

  const HttpHead& head() const { return head_; }
  // The next bytes of the body, as soon as there are some; none: its end. What it keeps in memory
  // is one piece.
  virtual absl::StatusOr<std::string> Read() = 0;

 protected:
  HttpHead head_;
};

}  // namespace routines

#endif  // ROUTINES_SRC_CONNECTOR_HTTP_EXCHANGE_H_
