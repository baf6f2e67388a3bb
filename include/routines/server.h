// The HTTP door: fire endpoint, sessions, management, metrics, session page. See docs/http_api.md.
//
// Thread-safety: every method may be called from any thread.
// Ownership: borrows the engine, which must outlive the server.
// Blocking: Stop and the destructor wait until no handler runs; open connections are closed.
// Errors: Start says kInvalidArgument (listen address, certificate, no admin token with a
// non-loopback
//   address) or kUnavailable (the port is taken).
#ifndef ROUTINES_SERVER_H_
#define ROUTINES_SERVER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "routines/engine.h"

namespace routines {

struct ServerOptions {
  std::string listen = "127.0.0.1:7433";  // host:port; port 0: any free one
  // Needed by every management call as `Authorization: Bearer`; empty: management answers 403.
  std::string admin_token;
  // What session URLs begin with, http:// or https:// and a host; empty: the listen address.
  std::string public_url;
  std::string tls_certificate_file, tls_key_file;  // PEM; both or none
  int threads = 2;

  int max_connections = 10'000;             // in all; past that a new one waits to be accepted
  int max_connections_per_address = 1'000;  // not counted for loopback
  int64_t max_header_bytes = 16 << 10;
  int64_t max_body_bytes = 1 << 20;                   // management; a fire's body has its own limit
  absl::Duration header_timeout = absl::Seconds(10);  // from the first byte of a request
  absl::Duration body_timeout = absl::Seconds(30);
  absl::Duration write_timeout = absl::Seconds(30);  // without progress
  absl::Duration idle_timeout = absl::Seconds(60);   // between requests
};

class Server {
 public:
  static absl::StatusOr<std::unique_ptr<Server>> Start(Engine& engine, ServerOptions options);
  ~Server();  // Stop()

  int port() const;
  const std::string& url() const;  // public_url, or http(s)://host:port
  void Stop();                     // idempotent

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The page of a session, with its read key.
std::string SessionUrl(std::string_view base_url, std::string_view session_id,
                       std::string_view read_key);

}  // namespace routines

#endif  // ROUTINES_SERVER_H_
