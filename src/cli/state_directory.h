// What `serve` leaves in its state folder for the other commands: the admin token and where it
// listens.
#ifndef ROUTINES_SRC_CLI_STATE_DIRECTORY_H_
#define ROUTINES_SRC_CLI_STATE_DIRECTORY_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace routines::cli {

// The file's bytes; "-" is standard input. kFailedPrecondition names the file and what is wrong; a
// file of more than `max_bytes`, which /dev/zero is too, is a usage error.
inline constexpr size_t kMaxFileBytes = 1 << 20;
absl::StatusOr<std::string> ReadFile(const std::string& path, size_t max_bytes = kMaxFileBytes);

// Writes beside the file, then renames, so that a reader never sees half of it. Mode 0600.
absl::Status WriteFileAtomically(const std::string& path, std::string_view contents);

// The first line of a file that holds a secret. kInvalidArgument: it is empty or not printable
// ASCII, so that it can be no HTTP header value.
absl::StatusOr<std::string> ReadSecretFile(const std::string& path);

// <state>/admin-token; made, with mode 0600, where it is not there yet.
absl::StatusOr<std::string> ReadOrMakeAdminToken(const std::string& state);

// <state>/server.json.
absl::Status WriteServerFile(const std::string& state, std::string_view url);
void RemoveServerFile(const std::string& state);
// kUnavailable: there is none, so no server runs.
absl::StatusOr<std::string> ReadServerUrl(const std::string& state);

}  // namespace routines::cli

#endif  // ROUTINES_SRC_CLI_STATE_DIRECTORY_H_
