// The host's side: pipes, the loop that serves them, and what the supervisor reports.
#include "src/base/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <csignal>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "src/base/program.h"
#include "src/base/sandbox.h"
#include "src/base/status_macros.h"
#include "src/base/supervisor.h"

namespace routines {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr size_t kPieceBytes = 64 << 10;
constexpr size_t kDrainBytes = 1 << 20;  // of one stream after the end: more than a pipe holds
constexpr size_t kComplaintBytes = 1 << 10;
// Past TERM and grace: a supervisor that has not finished by then was stopped by somebody.
constexpr std::chrono::seconds kSupervisorGrace(30);

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() { Close(); }

  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }
  void Close() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

// ---- The run -----------------------------------------------------------------------------------

class Run {
 public:
  Run(const SubprocessOptions& options, const Program& program)
      : options_(options),
        what_(program),
        unsent_(options.stdin_data),
        piece_(new char[kPieceBytes]) {}

  absl::Status Start(SupervisorSpec& spec);
  absl::StatusOr<SubprocessResult> Serve();

 private:
  using Stream = SubprocessOptions::Stream;
  enum { kControl, kStdin, kStdout, kStderr, kEvents, kSandbox, kRelease, kCancel, kPolled };

  absl::Status Connect(SupervisorSpec& spec, std::vector<Descriptor>& theirs);
  absl::Status ConnectSandbox(SupervisorSpec& spec, std::vector<Descriptor>& theirs);
  void Poll();
  int PollTimeoutMs();
  void ReadReport();
  void ReadSandbox();
  void ReadOutput(int which);
  void WriteInput();
  void Stop(SubprocessResult::End end);
  void Abandon();
  void Drain();
  absl::StatusOr<SubprocessResult> Result();
  absl::StatusOr<SubprocessResult> SandboxResult();

  const SubprocessOptions& options_;
  const Program& what_;
  std::string_view unsent_;
  std::unique_ptr<char[]> piece_;
  std::array<Descriptor, kCancel> ends_;  // ours, by what they are for
  pid_t supervisor_ = -1;
  pid_t program_ = -1;
  SteadyClock::time_point deadline_ = SteadyClock::time_point::max();
  std::optional<SubprocessResult::End> stopped_;  // we asked for the end, and why
  std::optional<SupervisorReport> failure_;
  std::optional<int> status_;
  std::string sandbox_status_;  // what bubblewrap said
  std::string complaint_;       // the beginning of standard error
};

SteadyClock::time_point After(absl::Duration duration) {
  if (duration >= absl::Hours(24 * 365)) return SteadyClock::time_point::max();
  return SteadyClock::now() + absl::ToChronoNanoseconds(duration);
}

absl::Status Run::Connect(SupervisorSpec& spec, std::vector<Descriptor>& theirs) {
  int pair[2];
  const auto keep = [&](int ours, int our_end, int their_end, int slot) {
    ends_[ours] = Descriptor(our_end);
    theirs.push_back(Descriptor(their_end));
    spec.descriptors[slot] = their_end;
  };
  for (const int stream : {kStdin, kStdout, kStderr, kEvents}) {
    spec.descriptors[stream - kStdin] = stream == kStdin ? options_.stdin_fd : -1;
    if (stream == kEvents && !options_.events) continue;
    if (stream == kStdin && options_.stdin_fd >= 0) continue;
    if (pipe2(pair, O_CLOEXEC) != 0) return SystemError(errno, "cannot make a pipe");
    const int our_end = stream == kStdin ? 1 : 0;
    keep(stream, pair[our_end], pair[1 - our_end], stream - kStdin);
    fcntl(pair[our_end], F_SETFL, O_NONBLOCK);  // ours alone: a pipe's two ends have a mode each
  }
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
    return SystemError(errno, "cannot make a socket");
  }
  keep(kControl, pair[0], pair[1], SupervisorSpec::kProgramDescriptors);
  for (int i = SupervisorSpec::kSandboxDescriptors; i < SupervisorSpec::kDescriptors; ++i) {
    spec.descriptors[i] = -1;
  }
  return what_.sandboxed() ? ConnectSandbox(spec, theirs) : absl::OkStatus();
}

absl::Status Run::ConnectSandbox(SupervisorSpec& spec, std::vector<Descriptor>& theirs) {
  ASSIGN_OR_RETURN(const int arguments, what_.SandboxArguments());
  theirs.push_back(Descriptor(arguments));
  spec.descriptors[kSandboxArgumentsFd] = arguments;
  int pair[2];
  for (const auto& [ours, our_end, slot] :
       {std::array{int{kSandbox}, 0, kSandboxStatusFd}, {int{kRelease}, 1, kSandboxReleaseFd}}) {
    if (pipe2(pair, O_CLOEXEC) != 0) return SystemError(errno, "cannot make a pipe");
    ends_[ours] = Descriptor(pair[our_end]);
    theirs.push_back(Descriptor(pair[1 - our_end]));
    spec.descriptors[slot] = pair[1 - our_end];
    fcntl(pair[our_end], F_SETFL, O_NONBLOCK);
  }
  return absl::OkStatus();
}

absl::Status Run::Start(SupervisorSpec& spec) {
  std::vector<Descriptor> theirs;
  RETURN_IF_ERROR(Connect(spec, theirs));
  spec.grace_ms = static_cast<int>(
      std::clamp<int64_t>(absl::ToInt64Milliseconds(options_.kill_grace), 0, INT_MAX / 2));
  spec.host = getpid();
  spec.sandbox = what_.sandboxed();
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  supervisor_ = ForkSupervisor(spec);
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (supervisor_ < 0) return SystemError(error, "cannot fork");
  deadline_ = After(options_.timeout);
  return absl::OkStatus();
}

absl::StatusOr<SubprocessResult> Run::Serve() {
  while (ends_[kControl].open()) Poll();
  while (waitpid(supervisor_, nullptr, __WALL) < 0 && errno == EINTR) {
  }
  Drain();
  return Result();
}

void Run::Poll() {
  if (!stopped_ && options_.cancellation != nullptr && options_.cancellation->IsCancelled()) {
    Stop(SubprocessResult::End::kCancelled);
  }
  if (SteadyClock::now() >= deadline_) {
    if (stopped_) return Abandon();
    Stop(SubprocessResult::End::kTimedOut);
  }
  pollfd polled[kPolled];
  for (int i = 0; i < kCancel; ++i) polled[i] = {ends_[i].get(), POLLIN, 0};
  polled[kStdin].events = POLLOUT;
  polled[kRelease].fd = -1;
  const bool watch = !stopped_ && options_.cancellation != nullptr;
  polled[kCancel] = {watch ? options_.cancellation->fd() : -1, POLLIN, 0};
  if (poll(polled, kPolled, PollTimeoutMs()) <= 0) return;
  if (polled[kControl].revents != 0) ReadReport();
  if (polled[kSandbox].revents != 0) ReadSandbox();
  if ((polled[kStdin].revents & POLLERR) != 0) {
    ends_[kStdin].Close();  // nobody reads
  } else if (polled[kStdin].revents != 0) {
    WriteInput();
  }
  for (const int stream : {kStdout, kStderr, kEvents}) {
    if (polled[stream].revents != 0) ReadOutput(stream);
  }
}

int Run::PollTimeoutMs() {
  using std::chrono::milliseconds;
  milliseconds timeout = milliseconds::max();
  if (deadline_ != SteadyClock::time_point::max()) {
    timeout = std::chrono::ceil<milliseconds>(deadline_ - SteadyClock::now());
  }
  if (!stopped_ && options_.cancellation != nullptr && options_.cancellation->fd() < 0) {
    timeout = std::min(timeout, milliseconds(500));
  }
  if (timeout == milliseconds::max()) return -1;
  return static_cast<int>(std::clamp<int64_t>(timeout.count(), 0, INT_MAX));
}

void Run::ReadReport() {
  SupervisorReport report;
  const ssize_t size = recv(ends_[kControl].get(), &report, sizeof report, 0);
  if (size < 0 && errno == EINTR) return;
  if (size != sizeof report) {
    ends_[kControl].Close();
  } else if (report.kind == SupervisorReport::kEnded) {
    status_ = report.value;
  } else if (report.kind == SupervisorReport::kForked) {
    program_ = report.value;
  } else if (report.kind != SupervisorReport::kStarted) {
    failure_ = report;
  } else if (!what_.sandboxed() && options_.started) {
    options_.started();
  }
}

// The sandbox's first process waits to be released, and hands its limits down to all others.
void Run::ReadSandbox() {
  char text[512];
  const ssize_t size = read(ends_[kSandbox].get(), text, sizeof text);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size <= 0) return ends_[kSandbox].Close();
  sandbox_status_.append(text, size);
  const int64_t first = SandboxStatusNumber(sandbox_status_, "child-pid");
  if (first <= 0 || !ends_[kRelease].open()) return;
  if (stopped_) return;  // it shall not start any more
  const auto limit = [first](__rlimit_resource resource, int64_t most) {
    const rlimit value = {static_cast<rlim_t>(most), static_cast<rlim_t>(most)};
    if (most > 0) prlimit(static_cast<pid_t>(first), resource, &value, nullptr);
  };
  limit(RLIMIT_NPROC, options_.sandbox.max_processes);
  limit(RLIMIT_FSIZE, options_.sandbox.max_file_bytes);
  ends_[kRelease].Close();
  if (options_.started) options_.started();
}

void Run::ReadOutput(int which) {
  const ssize_t size = read(ends_[which].get(), piece_.get(), kPieceBytes);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size <= 0) return ends_[which].Close();
  if (what_.sandboxed() && which == kStderr && complaint_.size() < kComplaintBytes) {
    complaint_.append(piece_.get(), std::min<size_t>(size, kComplaintBytes - complaint_.size()));
  }
  if (!options_.output) return;
  constexpr Stream kStreams[] = {Stream::kStdout, Stream::kStderr, Stream::kEvents};
  options_.output(kStreams[which - kStdout], std::string_view(piece_.get(), size));
}

// A program that does not want its input is no error; the host's disposition of SIGPIPE is its own.
void Run::WriteInput() {
  if (unsent_.empty() && options_.input && !stopped_) unsent_ = options_.input();
  sigset_t broken_pipe, before, pending;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  sigpending(&pending);
  pthread_sigmask(SIG_BLOCK, &broken_pipe, &before);
  const size_t size = std::min(unsent_.size(), kPieceBytes);
  const ssize_t written = size == 0 ? 0 : write(ends_[kStdin].get(), unsent_.data(), size);
  const int error = errno;
  if (written < 0 && error == EPIPE && !sigismember(&pending, SIGPIPE)) {
    const timespec now = {};
    while (sigtimedwait(&broken_pipe, nullptr, &now) < 0 && errno == EINTR) {
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (written < 0 && (error == EAGAIN || error == EINTR)) return;
  if (written > 0) unsent_.remove_prefix(written);
  if (written < 0 || (unsent_.empty() && (size == 0 || !options_.input))) ends_[kStdin].Close();
}

void Run::Stop(SubprocessResult::End end) {
  if (status_) return;
  stopped_ = end;
  // What has not been released has nothing to be asked, and would only wait for its end.
  const char request = ends_[kRelease].open() ? kKill : kTerminate;
  send(ends_[kControl].get(), &request, 1, MSG_NOSIGNAL);
  deadline_ = After(options_.kill_grace + absl::FromChrono(kSupervisorGrace));
}

// The program has a signal to die by when its supervisor does; its group is what else can be
// reached.
void Run::Abandon() {
  kill(supervisor_, SIGKILL);
  deadline_ = SteadyClock::time_point::max();
}

// Nobody of the tree writes any more; what was passed to strangers is not waited for.
void Run::Drain() {
  for (const int stream : {kStdout, kStderr, kEvents}) {
    for (size_t rounds = 0; ends_[stream].open() && rounds < kDrainBytes / kPieceBytes; ++rounds) {
      pollfd polled = {ends_[stream].get(), POLLIN, 0};
      if (poll(&polled, 1, 0) <= 0) break;
      ReadOutput(stream);
    }
  }
}

absl::StatusOr<SubprocessResult> Run::Result() {
  if (failure_) {
    switch (failure_->kind) {
      case SupervisorReport::kDirectoryFailed:
        return absl::FailedPreconditionError(
            absl::StrCat("directory \"", options_.directory,
                         "\" cannot be entered: ", std::strerror(failure_->value)));
      case SupervisorReport::kExecFailed:
        if (what_.sandboxed()) {
          return SandboxError(absl::StrCat("cannot run \"", options_.sandbox.bubblewrap,
                                           "\": ", std::strerror(failure_->value)));
        }
        return SystemError(failure_->value,
                           absl::StrCat("cannot run \"", options_.command[0], "\""));
      default:
        return SystemError(failure_->value, "cannot start a process");
    }
  }
  if (!status_ && program_ > 0) kill(-program_, SIGKILL);
  if (!status_ && !stopped_) {
    return absl::AbortedError("the supervisor of the program was killed; so was the program");
  }
  SubprocessResult result;
  if (stopped_) {
    result.end = *stopped_;
  } else if (what_.sandboxed()) {
    return SandboxResult();
  } else if (WIFSIGNALED(*status_)) {
    result.end = SubprocessResult::End::kSignaled;
    result.signal = WTERMSIG(*status_);
  } else {
    result.exit_code = WEXITSTATUS(*status_);
  }
  return result;
}

// bubblewrap speaks of an exit code only where it came to execute the program.
absl::StatusOr<SubprocessResult> Run::SandboxResult() {
  while (ends_[kSandbox].open()) ReadSandbox();
  const int64_t code = SandboxStatusNumber(sandbox_status_, "exit-code");
  if (code < 0 && WIFSIGNALED(*status_)) {
    return absl::AbortedError("the supervisor of the sandbox was killed; so was the program");
  }
  if (code < 0) return SandboxFailure(options_.command[0], complaint_);
  SubprocessResult result;
  if (code > 128 && code <= 128 + SIGRTMAX) {
    result.end = SubprocessResult::End::kSignaled;
    result.signal = static_cast<int>(code - 128);
  } else {
    result.exit_code = static_cast<int>(code);
  }
  return result;
}

}  // namespace

absl::StatusOr<SubprocessResult> RunSubprocess(const SubprocessOptions& options) {
  ASSIGN_OR_RETURN(Program program, Program::Make(options));
  SupervisorSpec spec = {};
  program.Fill(spec);
  Run run(options, program);
  RETURN_IF_ERROR(run.Start(spec));
  return run.Serve();
}

}  // namespace routines
