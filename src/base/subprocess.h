// Runs a program with everything it starts, and leaves nothing of it running.
//
// The program becomes the leader of a tree under a small supervisor process that adopts orphans
// (child subreaper), so that double forks, setsid and programs that ignore TERM end with it. The
// supervisor also holds a pipe to this process: when this process dies, by kill -9 too, the tree is
// killed. With a sandbox the tree is a process namespace besides, which its members cannot leave.
//
// Thread-safety: RunSubprocess may be called from any number of threads; each call keeps its thread
// until the tree is gone.
#ifndef ROUTINES_SRC_BASE_SUBPROCESS_H_
#define ROUTINES_SRC_BASE_SUBPROCESS_H_

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "routines/cancellation.h"
#include "routines/sandbox.h"

namespace routines {

struct SubprocessOptions {
  std::vector<std::string> command;  // argv; argv[0] with a slash, or looked up in the
                                     // absolute folders of PATH in `environment`
  std::map<std::string, std::string> environment;  // the whole of it
  std::string directory;                           // where it starts; empty: where the host is
  std::string stdin_data;  // written to its standard input, then end of file
  // Where given, is asked for more when that is written: the next piece, valid until the next call,
  // or none for the end. Called on the calling thread, and no more once the program is being ended
  // or does not read any more. While it blocks, nothing else of this run goes on.
  std::function<std::string_view()> input;
  // Where not -1, becomes its standard input instead of both; borrowed until `started` is called or
  // the run returns. For a caller that talks to the program while it runs.
  int stdin_fd = -1;

  enum class Stream { kStdout, kStderr, kEvents };
  // Called on the calling thread with what was read, at most 64 KiB at a time. kEvents is
  // descriptor 3 of the program, a pipe, present when `events` is set. While it blocks, the
  // program's output waits; cancellation and timeout are then seen when it returns.
  std::function<void(Stream stream, std::string_view bytes)> output;
  bool events = false;
  // Called once, after exec succeeded.
  std::function<void()> started;

  absl::Duration timeout = absl::InfiniteDuration();
  const Cancellation* cancellation = nullptr;
  absl::Duration kill_grace = absl::Seconds(5);  // between TERM and KILL to the whole tree

  // Where it names bubblewrap, the program runs in it: `started` is then called when the sandbox
  // stands, before exec; what the program leaves behind is killed without TERM; PWD is set; and an
  // exit code of 128 + N counts as signal N, because bubblewrap tells no difference.
  Sandbox sandbox;
};

struct SubprocessResult {
  enum class End { kExited, kSignaled, kTimedOut, kCancelled };
  End end = End::kExited;
  int exit_code = 0;  // kExited
  int signal = 0;     // kSignaled
};

// Returns when the program has ended and no process of its tree is left; what still held its output
// pipes open is killed with it. kNotFound: no such program; kPermissionDenied: it may not be
// executed; kFailedPrecondition: no such directory; kResourceExhausted: no process or descriptor to
// be had; kInvalidArgument: no command, a NUL byte, or more than the kernel takes; kUnavailable:
// the file is still being written; kAborted: somebody killed the supervisor, and the program with
// it. Where the sandbox cannot be built, nothing is run: kFailedPrecondition, and IsSandboxError
// (src/base/sandbox.h) is true.
absl::StatusOr<SubprocessResult> RunSubprocess(const SubprocessOptions& options);

}  // namespace routines

#endif  // ROUTINES_SRC_BASE_SUBPROCESS_H_
