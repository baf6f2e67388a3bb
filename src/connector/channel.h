// How the messages of one MCP server come and go, whatever carries them.
//
// Thread-safety: none; a channel belongs to one thread.
// Blocking: everything but the constructor blocks, until the limits say stop.
// Errors: kCancelled and kDeadlineExceeded: the limits; kUnavailable: the server or the way to it
// failed, which may pass; kFailedPrecondition: it will not; kPermissionDenied: an address that
// connectors may not reach. Messages go on after the connector's name: "cannot be reached: …".
#ifndef ROUTINES_SRC_CONNECTOR_CHANNEL_H_
#define ROUTINES_SRC_CONNECTOR_CHANNEL_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "routines/cancellation.h"

namespace routines {

// Until when, and for how much. Monotonic time: the wall clock may jump.
struct ChannelLimits {
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
  const Cancellation* cancellation = nullptr;  // may be null
  int64_t max_bytes = int64_t{8} << 20;        // of everything that the server says

  bool Expired() const { return std::chrono::steady_clock::now() >= deadline; }
  bool Cancelled() const { return cancellation != nullptr && cancellation->IsCancelled(); }
  // OK while neither has happened.
  absl::Status Check() const {
    if (Cancelled()) return absl::CancelledError("was cancelled");
    return Expired() ? absl::DeadlineExceededError("did not answer in time") : absl::OkStatus();
  }
};

inline absl::Status TooMuch(int64_t max_bytes) {
  return absl::FailedPreconditionError(
      absl::StrCat("said more than ", max_bytes, " bytes before its tools were listed"));
}

class Channel {
 public:
  virtual ~Channel() = default;

  // Sends one JSON-RPC message. `is_request`: an answer is to come.
  virtual absl::Status Send(std::string_view message, bool is_request) = 0;
  // The next text of the server: one message or one batch.
  virtual absl::StatusOr<std::string> Receive() = 0;
  // From now on both sides speak this revision.
  virtual void SetProtocolVersion(std::string_view version) {}
  // Says good-bye and lets go of the server; nothing of it is left when this returns. Idempotent.
  virtual void Close() = 0;
};

}  // namespace routines

#endif  // ROUTINES_SRC_CONNECTOR_CHANNEL_H_
