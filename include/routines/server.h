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
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "routines/engine.h"

namespace routines {

// A webhook at GitHub whose deliveries the server takes, at /v1/webhooks/github/<name>; one named
// "default" at /v1/webhooks/github too.
struct GithubHook {
  std::string name = "default";
  std::string account;               // only its routines are started; empty: everybody's
  std::vector<std::string> secrets;  // one, or two while rotating; 16 to 255 characters
};

struct ServerOptions {
  std::string listen = "127.0.0.1:7433";  // host:port; port 0: any free one
  // Needed by every management call as `Authorization: Bearer`; empty: management answers 403.
  std::string admin_token;
  // What session URLs begin with, a scheme and a host; empty: the listen address.
  std::string public_url;
  std::string tls_certificate_file, tls_key_file;  // PEM; both or none
  int threads = 2;

  // Beside those that the management calls add, which are kept in the engine's store.
  std::vector<GithubHook> github_hooks;
  // How long a signed body that comes again under another delivery id is taken for a replay.
  absl::Duration github_replay_window = absl::Hours(30 * 24);

  int max_connections =
      10'000;  // in all; past that those are closed that wait longest for a request
  int max_connections_per_address = 1'000;  // not counted for loopback
  int64_t max_header_bytes = 16 << 10;
  int64_t max_body_bytes = 1 << 20;  // management; fires and deliveries have limits of their own
  // Of all bodies beyond 64 KiB that are being read or handled; past that they are answered 503.
  int64_t max_large_body_bytes = int64_t{256} << 20;
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
  const std::string& url() const;  // public_url, or that of the listen address
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
