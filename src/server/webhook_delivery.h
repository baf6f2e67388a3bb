// A GitHub delivery as it stands in an HTTP request: its headers, and what is made of it.
//
// Pure and thread-safe.
#ifndef ROUTINES_SRC_SERVER_WEBHOOK_DELIVERY_H_
#define ROUTINES_SRC_SERVER_WEBHOOK_DELIVERY_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "routines/engine.h"
#include "src/server/http_message.h"

namespace routines::server {

// GitHub's own limit of a payload.
inline constexpr int64_t kMaxDeliveryBytes = 25 << 20;

// The only value of X-Hub-Signature-256 that can be right in its form: given once, `sha256=` and 64
// lower-case hex digits. Empty: there is none, and the body need not be read.
std::string_view SignatureOf(const Request& request);

// What the headers of a delivery say. kInvalidArgument: one is missing, comes twice or cannot be;
// or the body is not JSON by its content type.
struct DeliveryHeaders {
  std::string event;     // X-GitHub-Event
  std::string delivery;  // X-GitHub-Delivery
};
absl::StatusOr<DeliveryHeaders> ReadDeliveryHeaders(const Request& request);

// How long the same signed body under another delivery id is taken for a replay. Zero for what
// people may cause twice with the very same body: dispatches, and checks that are asked for again.
absl::Duration ReplayWindow(std::string_view event, std::string_view body,
                            absl::Duration configured);

}  // namespace routines::server

#endif  // ROUTINES_SRC_SERVER_WEBHOOK_DELIVERY_H_
