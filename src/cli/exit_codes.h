// What the command line's exit codes mean; docs/cli.md is the promise to scripts.
#ifndef ROUTINES_SRC_CLI_EXIT_CODES_H_
#define ROUTINES_SRC_CLI_EXIT_CODES_H_

#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"

namespace routines::cli {

enum ExitCode : int {
  kExitOk = 0,
  kExitFailed = 1,  // what was asked for failed: an invalid file, a session that did not succeed
  kExitUsage = 2,   // the command line itself is wrong
  kExitUnreachable = 3,  // no server there, or no answer in time
  kExitNotFound = 4,     // no such routine, trigger, token or session
  kExitPermission = 5,   // no token, or one that does not open this
  kExitBusy = 6,         // a limit, or the server cannot store just now: try again later
};

// Marks the errors that are the command line's own. kInvalidArgument alone does not tell: a
// server's answer has that code too.
inline constexpr char kUsagePayload[] = "routines/usage";

inline absl::Status UsageError(std::string_view message) {
  absl::Status status =
      absl::InvalidArgumentError(absl::string_view(message.data(), message.size()));
  status.SetPayload(kUsagePayload, absl::Cord());
  return status;
}

// kUnavailable is the connection; kResourceExhausted is a server that answered "later".
inline int ExitCodeOf(const absl::Status& status) {
  if (status.GetPayload(kUsagePayload).has_value()) return kExitUsage;
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kExitOk;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return kExitUnreachable;
    case absl::StatusCode::kNotFound:
      return kExitNotFound;
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
      return kExitPermission;
    case absl::StatusCode::kResourceExhausted:
      return kExitBusy;
    default:
      return kExitFailed;
  }
}

}  // namespace routines::cli

#endif  // ROUTINES_SRC_CLI_EXIT_CODES_H_
