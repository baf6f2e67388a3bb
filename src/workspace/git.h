// Runs git for the host itself, so that nothing but its own arguments decides what it does: no
// system or user configuration, no hooks, no prompts, no submodules, no LFS, no protocols but file,
// http(s) and ssh. It is never run in a folder that an agent could have written.
#ifndef ROUTINES_SRC_WORKSPACE_GIT_H_
#define ROUTINES_SRC_WORKSPACE_GIT_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "routines/cancellation.h"

namespace routines {

// How long a piece of work, of several steps perhaps, may take.
struct WorkLimits {
  absl::Time deadline = absl::InfiniteFuture();
  const Cancellation* cancellation = nullptr;

  bool IsCancelled() const { return cancellation != nullptr && cancellation->IsCancelled(); }
};

// A repository that the host reaches with its own rights.
struct Upstream {
  std::string url;
  std::string credential;  // "user:password", a token alone, or empty; for http and https
};

// What a git that reads objects of unknown origin may use of this machine; 0: as much as it likes.
struct GitBounds {
  int64_t object = 0;  // bytes that it allocates at once: no object can be larger
  int64_t memory = 0;  // bytes of address space
  int64_t file = 0;    // bytes of each file that it writes
  absl::Duration cpu = absl::ZeroDuration();
};

struct GitCommand {
  std::vector<std::string> arguments;
  std::string repository;                               // becomes GIT_DIR
  std::string work_tree;                                // becomes GIT_WORK_TREE, where not empty
  const Upstream* upstream = nullptr;                   // that the command talks to
  std::map<std::string, std::string> environment = {};  // more of it
  std::string stdin_data = {};
  // After stdin_data: the next piece of standard input, none for its end. May block.
  std::function<std::string_view()> input = {};
  GitBounds bounds = {};
  size_t max_output = size_t{64} << 20;
  // Where given, takes the standard output instead of the result.
  std::function<void(std::string_view bytes)> output = {};
};

struct GitResult {
  int exit_code = 0;
  std::string output;
  std::string errors;  // the last 16 KiB of standard error
  bool truncated = false;

  bool ok() const { return exit_code == 0; }
};

// kCancelled; kDeadlineExceeded, also of processor time; kOutOfRange: it would have written too
// long a file; kUnavailable: it could not be run, or died. That git itself failed is a result.
absl::StatusOr<GitResult> RunGit(const GitCommand& command, const WorkLimits& limits);

// The same where only success will do, and all of the output (kOutOfRange: it is too long). The
// error of a git that failed begins with `what` and ends with what git said: kUnavailable where
// trying again may help, kDataLoss where the host's own repository is damaged, else
// kFailedPrecondition.
absl::StatusOr<std::string> RunGitOk(const GitCommand& command, const WorkLimits& limits,
                                     std::string_view what);

// The last line of `text` that is not empty, as valid UTF-8.
std::string LastLine(std::string_view text);

// Makes an empty bare repository that reads objects of `alternates` (folders named "objects")
// besides its own. Without git: there is little to it, and no template can get in.
inline constexpr std::string_view kBareConfig =
    "[core]\n\trepositoryformatversion = 0\n\tbare = true\n";
absl::Status MakeBareRepository(const std::string& path,
                                const std::vector<std::string>& alternates);

// PATH of this process, or a usual one.
std::string HostPath();

}  // namespace routines

#endif  // ROUTINES_SRC_WORKSPACE_GIT_H_
