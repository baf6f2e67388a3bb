// A program that is talked to line by line: written to its standard input while it runs, read from
// its standard output. RunSubprocess runs it, on a thread of this object, and so its whole tree
// ends with it.
//
// Thread-safety: none; one thread uses it. `on_stderr` is called on another.
// Blocking: WriteLine, ReadLine and End, until the limits say stop. The destructor ends the
// program.
#ifndef ROUTINES_SRC_CONNECTOR_INTERACTIVE_PROCESS_H_
#define ROUTINES_SRC_CONNECTOR_INTERACTIVE_PROCESS_H_

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "src/base/subprocess.h"
#include "src/connector/channel.h"

namespace routines {

class InteractiveProcess {
 public:
  struct Options {
    std::vector<std::string> command;                // as SubprocessOptions
    std::map<std::string, std::string> environment;  // has it
    std::string directory;
    Sandbox sandbox = {};
    std::function<void(std::string_view)> on_stderr;
    ChannelLimits limits;  // max_bytes: of standard output
  };

  explicit InteractiveProcess(Options options);
  ~InteractiveProcess();  // End(absl::ZeroDuration())
  InteractiveProcess(const InteractiveProcess&) = delete;
  InteractiveProcess& operator=(const InteractiveProcess&) = delete;

  // Writes `line` and a line end. A program that does not read makes this wait.
  absl::Status WriteLine(std::string_view line);
  // The next whole line, without its end. kFailedPrecondition or kUnavailable: the program could
  // not be started, or has ended and said all it had to say; the message tells how.
  absl::StatusOr<std::string> ReadLine();
  // Closes standard input, gives the program `patience` to end by itself, and then ends its tree.
  void End(absl::Duration patience);

 private:
  void Run(int program_end);
  void TakeOutput(std::string_view bytes);
  void Wake() const;
  absl::Status Wait(int fd, short events);
  absl::Status Ending() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Options options_;
  Cancellation stop_;
  int input_ = -1;  // our end of its standard input
  int wake_ = -1;   // becomes readable when there is something new for the reader
  absl::Mutex mu_;
  std::string output_ ABSL_GUARDED_BY(mu_);
  size_t searched_ ABSL_GUARDED_BY(mu_) = 0;  // so far there is no line end in output_
  int64_t received_ ABSL_GUARDED_BY(mu_) = 0;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status ending_ ABSL_GUARDED_BY(mu_);  // how, once ended_
  std::thread thread_;
};

}  // namespace routines

#endif  // ROUTINES_SRC_CONNECTOR_INTERACTIVE_PROCESS_H_
