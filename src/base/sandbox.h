// Turns a Sandbox into bubblewrap's arguments. Looks at the file system; does not run anything.
#ifndef ROUTINES_SRC_BASE_SANDBOX_H_
#define ROUTINES_SRC_BASE_SANDBOX_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "routines/sandbox.h"

namespace routines {

// Descriptors that bubblewrap gets and the program does not.
inline constexpr int kSandboxArgumentsFd = 5;  // what BubblewrapOptions returned
inline constexpr int kSandboxStatusFd = 6;     // written: {"child-pid": N} then {"exit-code": N}
inline constexpr int kSandboxReleaseFd = 7;    // read before the program is started

// The options, each ended by a NUL. By descriptor, because `environment` holds secrets and an
// argument list is for everybody to read.
std::string BubblewrapOptions(const Sandbox& sandbox,
                              const std::map<std::string, std::string>& environment,
                              const std::string& directory);

// The path without links; `path` itself where it leads nowhere.
std::string WithoutLinks(const std::string& path);

// Where the user that this process runs as, and the system, may have files and folders with keys.
std::vector<std::string> CredentialPlaces();

// The error of a program that was to be run in a sandbox which could not be built.
absl::Status SandboxError(std::string_view why);
bool IsSandboxError(const absl::Status& status);

// The number after `"key": ` in a line of bubblewrap's status; -1 where there is none.
int64_t SandboxStatusNumber(std::string_view status, std::string_view key);

}  // namespace routines

#endif  // ROUTINES_SRC_BASE_SANDBOX_H_
