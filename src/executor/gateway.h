// A small reverse proxy between a session's agent and its API, in the host's process.
//
// The agent gets a token of its own in the place of the key. Requests that bring it, and ask for
// one of the allowed paths, go on to the upstream with the real key; answers are streamed back as
// they come. The token is good for as long as its pass is open, on the loopback interface of this
// machine, and for nothing else.
//
// Thread-safety: every method may be called from any thread. One thread serves all connections.
// Ownership: passes may outlive the gateway, but are of no use then.
// Blocking: Start and destructors do not wait for the network. Memory: a request is held in full,
// an
//   answer in pieces of 64 KiB.
#ifndef ROUTINES_SRC_EXECUTOR_GATEWAY_H_
#define ROUTINES_SRC_EXECUTOR_GATEWAY_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace routines {

struct GatewayOptions {
  std::string upstream;  // http or https URL: scheme, host, port and the beginning of each path
  std::vector<std::string> allowed;  // "POST /v1/messages": method and path, without the query
  enum class KeyHeader {
    kApiKey,  // X-Api-Key: KEY
    kBearer,  // Authorization: Bearer KEY
  };
  KeyHeader key_header = KeyHeader::kApiKey;
  size_t max_request_bytes = size_t{64} << 20;
};

// kInvalidArgument: the upstream is no such URL.
absl::Status CheckGatewayOptions(const GatewayOptions& options);

// One session's right to use the gateway; ends with this object.
class GatewayPass {
 public:
  virtual ~GatewayPass() = default;
  virtual const std::string& token() const = 0;
};

class ApiGateway {
 public:
  // kResourceExhausted: no socket, port or thread to be had.
  static absl::StatusOr<std::unique_ptr<ApiGateway>> Start(GatewayOptions options);
  ~ApiGateway();

  // "http://127.0.0.1:PORT"
  const std::string& url() const;

  std::unique_ptr<GatewayPass> Open(std::string key);

 private:
  struct Impl;
  explicit ApiGateway(std::shared_ptr<Impl> impl);
  const std::shared_ptr<Impl> impl_;
};

}  // namespace routines

#endif  // ROUTINES_SRC_EXECUTOR_GATEWAY_H_
