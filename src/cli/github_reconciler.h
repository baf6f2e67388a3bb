// Asks GitHub for the deliveries of a webhook that failed, and to make them again.
//
// GitHub does not repeat a delivery by itself. After an outage of the server, this reads the list
// of deliveries (GET …/deliveries, newest first) and requests another attempt (POST
// …/deliveries/{id}/attempts) of each event that none of its attempts brought through. A repeated
// delivery keeps its id, so that doing this twice, or beside somebody's click, starts nothing
// twice. Source: GitHub's REST documentation, "Repository webhooks", "Organization webhooks" and
// "GitHub App webhooks".
//
// Thread-safety: none needed. Blocking: as `send` and `sleep` do.
#ifndef ROUTINES_SRC_CLI_GITHUB_RECONCILER_H_
#define ROUTINES_SRC_CLI_GITHUB_RECONCILER_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "src/cli/http_client.h"

namespace routines::cli {

struct ReconcileOptions {
  std::string hook;  // "/repos/acme/api/hooks/1", "/orgs/acme/hooks/1" or "/app/hook"
  absl::Time now;
  absl::Duration since = absl::Hours(72);  // GitHub repeats nothing older than 3 days
  int64_t done_until = 0;  // deliveries up to this id need no look: an earlier run's report says so
  int max_attempts = 5;    // of one event, all attempts counted
  int max_requests = 2000;
  absl::Duration max_wait = absl::Minutes(15);  // for GitHub's limits, in all
  bool dry_run = false;                         // requests no redelivery

  std::function<absl::StatusOr<HttpResponse>(const HttpRequest&)> send;
  std::function<void(absl::Duration)> sleep;
};

struct ReconcileReport {
  int events = 0;       // that were looked at
  int failed = 0;       // of which no attempt came through
  int redelivered = 0;  // requested now
  int given_up = 0;     // had max_attempts already
  int64_t done_until = 0;
};

// kResourceExhausted: GitHub's limits would take longer than max_wait, or max_requests are used up;
// try again later. kUnauthenticated, kPermissionDenied, kNotFound: what GitHub said of the token
// and the hook. Other errors are those of `send`.
absl::StatusOr<ReconcileReport> Reconcile(const ReconcileOptions& options);

}  // namespace routines::cli

#endif  // ROUTINES_SRC_CLI_GITHUB_RECONCILER_H_
