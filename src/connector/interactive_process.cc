#include "src/connector/interactive_process.h"

#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "src/base/sandbox.h"
#include "src/base/status_macros.h"

namespace routines {
namespace {

constexpr absl::Duration kKillGrace = absl::Seconds(2);
constexpr int kUnwatchedPollMs = 500;  // where a cancellation has no descriptor

absl::Status EndingOf(const absl::StatusOr<SubprocessResult>& result) {
  if (IsSandboxError(result.status())) return result.status();
  if (!result.ok()) {
    const std::string message =
        absl::StrCat("could not be started: ", std::string(result.status().message()));
    const bool passing =
        absl::IsResourceExhausted(result.status()) || absl::IsUnavailable(result.status());
    return passing ? absl::UnavailableError(message) : absl::FailedPreconditionError(message);
  }
  if (result->end == SubprocessResult::End::kExited) {
    return absl::FailedPreconditionError(
        absl::StrCat("ended with exit code ", result->exit_code, " before its tools were listed"));
  }
  const char* const name = sigabbrev_np(result->signal);
  return absl::FailedPreconditionError(absl::StrCat(
      "was ended by signal ", result->signal,
      name == nullptr ? "" : absl::StrCat(" (SIG", name, ")"), " before its tools were listed"));
}

int PollTimeoutMs(const ChannelLimits& limits) {
  using std::chrono::milliseconds;
  int64_t timeout = INT_MAX;
  if (limits.deadline != std::chrono::steady_clock::time_point::max()) {
    const auto left = limits.deadline - std::chrono::steady_clock::now();
    timeout = std::chrono::ceil<milliseconds>(left).count();
  }
  if (limits.cancellation != nullptr && limits.cancellation->fd() < 0) {
    timeout = std::min<int64_t>(timeout, kUnwatchedPollMs);
  }
  return static_cast<int>(std::clamp<int64_t>(timeout, 0, INT_MAX));
}

}  // namespace

// A socket and not a pipe, so that writing to a program that has ended raises no signal.
InteractiveProcess::InteractiveProcess(Options options) : options_(std::move(options)) {
  int pair[2] = {-1, -1};
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_ < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    absl::MutexLock lock(&mu_);
    ended_ = true;
    ending_ = absl::UnavailableError("could not be started: no descriptor to be had");
    return;
  }
  input_ = pair[0];
  thread_ = std::thread([this, program_end = pair[1]] { Run(program_end); });
}

InteractiveProcess::~InteractiveProcess() {
  End(absl::ZeroDuration());
  if (wake_ >= 0) close(wake_);
}

void InteractiveProcess::Run(int program_end) {
  // The program has its copy by then; while ours were open, nobody would learn that it has ended.
  const auto close_ours = [&program_end] {
    if (program_end >= 0) close(std::exchange(program_end, -1));
  };
  SubprocessOptions run;
  run.command = options_.command;
  run.environment = options_.environment;
  run.directory = options_.directory;
  run.stdin_fd = program_end;
  run.sandbox = options_.sandbox;
  run.started = close_ours;
  run.output = [this](SubprocessOptions::Stream stream, std::string_view bytes) {
    if (stream == SubprocessOptions::Stream::kStdout) return TakeOutput(bytes);
    if (options_.on_stderr) options_.on_stderr(bytes);
  };
  run.cancellation = &stop_;
  run.kill_grace = kKillGrace;
  const absl::StatusOr<SubprocessResult> result = RunSubprocess(run);
  close_ours();
  absl::MutexLock lock(&mu_);
  ended_ = true;
  if (ending_.ok()) ending_ = EndingOf(result);
  Wake();
}

void InteractiveProcess::TakeOutput(std::string_view bytes) {
  absl::MutexLock lock(&mu_);
  received_ += static_cast<int64_t>(bytes.size());
  if (received_ > options_.limits.max_bytes) {
    if (ending_.ok()) ending_ = TooMuch(options_.limits.max_bytes);
    output_ = {};
    searched_ = 0;
    stop_.Cancel();
  } else {
    output_.append(bytes);
  }
  Wake();
}

void InteractiveProcess::Wake() const {
  eventfd_write(wake_, 1);
}

// Until `fd` has `events`, or there is a reason to stop.
absl::Status InteractiveProcess::Wait(int fd, short events) {
  while (true) {
    RETURN_IF_ERROR(options_.limits.Check());
    const Cancellation* const cancellation = options_.limits.cancellation;
    pollfd polled[] = {{fd, events, 0},
                       {cancellation == nullptr ? -1 : cancellation->fd(), POLLIN, 0}};
    if (poll(polled, 2, PollTimeoutMs(options_.limits)) > 0 && polled[0].revents != 0) {
      return options_.limits.Check();
    }
  }
}

absl::Status InteractiveProcess::WriteLine(std::string_view line) {
  std::string text(line);
  text.push_back('\n');
  std::string_view rest = text;
  while (!rest.empty()) {
    if (input_ < 0) break;
    const ssize_t sent = send(input_, rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      rest.remove_prefix(sent);
    } else if (errno == EAGAIN) {
      RETURN_IF_ERROR(Wait(input_, POLLOUT));
    } else if (errno != EINTR) {
      break;  // it does not read any more: ReadLine tells what it still said, and how it ended
    }
  }
  return options_.limits.Check();
}

absl::StatusOr<std::string> InteractiveProcess::ReadLine() {
  while (true) {
    {
      absl::MutexLock lock(&mu_);
      if (received_ > options_.limits.max_bytes) return ending_;
      const size_t end = output_.find('\n', searched_);
      if (end != output_.npos) {
        std::string line = output_.substr(0, end);
        output_.erase(0, end + 1);
        searched_ = 0;
        return line;
      }
      searched_ = output_.size();
      if (ended_) return ending_;
    }
    RETURN_IF_ERROR(Wait(wake_, POLLIN));
    eventfd_t ignored;
    eventfd_read(wake_, &ignored);
  }
}

void InteractiveProcess::End(absl::Duration patience) {
  if (input_ >= 0) close(std::exchange(input_, -1));
  if (!thread_.joinable()) return;
  if (patience > absl::ZeroDuration() && !options_.limits.Cancelled()) {
    absl::MutexLock lock(&mu_);
    mu_.AwaitWithTimeout(absl::Condition(&ended_), patience);
  }
  stop_.Cancel();
  thread_.join();
}

}  // namespace routines
