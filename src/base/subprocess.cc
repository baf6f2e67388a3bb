// The host's side: pipes, the loop that serves them, and what the supervisor reports.
#include "src/base/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
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
#include "absl/strings/str_split.h"
#include "src/base/status_macros.h"
#include "src/base/supervisor.h"

namespace routines {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr char kDefaultPath[] = "/usr/local/bin:/usr/bin:/bin";
constexpr size_t kPieceBytes = 64 << 10;
constexpr size_t kDrainBytes = 1 << 20;  // of one stream after the end: more than a pipe holds
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

absl::Status SystemError(int error, const std::string& what) {
  const std::string message = absl::StrCat(what, ": ", std::strerror(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(message);
    case EACCES:
    case EPERM:
    case ENOEXEC:
      return absl::PermissionDeniedError(message);
    case EAGAIN:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
      return absl::ResourceExhaustedError(message);
    case E2BIG:
      return absl::InvalidArgumentError(message);
    case ETXTBSY:
      return absl::UnavailableError(message);
    default:
      return absl::InternalError(message);
  }
}

// ---- What is to be executed --------------------------------------------------------------------

// The arguments of execve, in memory that the fork finds ready.
class Program {
 public:
  static absl::StatusOr<Program> Make(const SubprocessOptions& options) {
    if (options.command.empty() || options.command[0].empty()) {
      return absl::InvalidArgumentError("command is empty");
    }
    Program program;
    for (const std::string& argument : options.command) program.arguments_.push_back(argument);
    for (const auto& [name, value] : options.environment) {
      if (name.empty() || name.find('=') != name.npos) {
        return absl::InvalidArgumentError(absl::StrCat("\"", name, "\" cannot name a variable"));
      }
      program.variables_.push_back(absl::StrCat(name, "=", value));
    }
    for (const auto* texts : {&program.arguments_, &program.variables_}) {
      for (const std::string& text : *texts) {
        if (text.find('\0') == text.npos) continue;
        return absl::InvalidArgumentError(absl::StrCat(
            texts == &program.arguments_ ? "an argument" : "a variable", " holds a NUL byte"));
      }
    }
    program.FindCandidates(options);
    program.directory_ = options.directory;
    return program;
  }

  // Points into this object.
  void Fill(SupervisorSpec& spec) {
    for (const std::string& path : paths_) path_pointers_.push_back(path.c_str());
    path_pointers_.push_back(nullptr);
    for (std::string& argument : arguments_) argv_.push_back(argument.data());
    argv_.push_back(nullptr);
    for (std::string& variable : variables_) envp_.push_back(variable.data());
    envp_.push_back(nullptr);
    spec.paths = path_pointers_.data();
    spec.argv = argv_.data();
    spec.envp = envp_.data();
    spec.directory = directory_.empty() ? nullptr : directory_.c_str();
  }

 private:
  void FindCandidates(const SubprocessOptions& options) {
    const std::string& name = options.command[0];
    if (name.find('/') != name.npos) {
      paths_.push_back(name);
      return;
    }
    const auto path = options.environment.find("PATH");
    const std::string search = path == options.environment.end() ? kDefaultPath : path->second;
    for (const absl::string_view folder : absl::StrSplit(search, ':', absl::SkipEmpty())) {
      if (folder[0] != '/') continue;  // it would be a folder of where the program starts
      paths_.push_back(absl::StrCat(folder, "/", name));
    }
  }

  std::vector<std::string> paths_, arguments_, variables_;
  std::string directory_;
  std::vector<const char*> path_pointers_;
  std::vector<char*> argv_, envp_;
};

// ---- The run -----------------------------------------------------------------------------------

class Run {
 public:
  explicit Run(const SubprocessOptions& options)
      : options_(options), unsent_(options.stdin_data), piece_(new char[kPieceBytes]) {}

  absl::Status Start(SupervisorSpec& spec);
  absl::StatusOr<SubprocessResult> Serve();

 private:
  using Stream = SubprocessOptions::Stream;
  enum { kControl, kStdin, kStdout, kStderr, kEvents, kCancel, kPolled };

  absl::Status Connect(SupervisorSpec& spec, std::vector<Descriptor>& theirs);
  void Poll();
  int PollTimeoutMs();
  void ReadReport();
  void ReadOutput(int which);
  void WriteInput();
  void Stop(SubprocessResult::End end);
  void Abandon();
  void Drain();
  absl::StatusOr<SubprocessResult> Result();

  const SubprocessOptions& options_;
  std::string_view unsent_;
  std::unique_ptr<char[]> piece_;
  std::array<Descriptor, kCancel> ends_;  // ours, by what they are for
  pid_t supervisor_ = -1;
  pid_t program_ = -1;
  SteadyClock::time_point deadline_ = SteadyClock::time_point::max();
  std::optional<SubprocessResult::End> stopped_;  // we asked for the end, and why
  std::optional<SupervisorReport> failure_;
  std::optional<int> status_;
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
  return absl::OkStatus();
}

absl::Status Run::Start(SupervisorSpec& spec) {
  std::vector<Descriptor> theirs;
  RETURN_IF_ERROR(Connect(spec, theirs));
  spec.grace_ms = static_cast<int>(
      std::clamp<int64_t>(absl::ToInt64Milliseconds(options_.kill_grace), 0, INT_MAX / 2));
  spec.host = getpid();
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
  const bool watch = !stopped_ && options_.cancellation != nullptr;
  polled[kCancel] = {watch ? options_.cancellation->fd() : -1, POLLIN, 0};
  if (poll(polled, kPolled, PollTimeoutMs()) <= 0) return;
  if (polled[kControl].revents != 0) ReadReport();
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
  } else if (options_.started) {
    options_.started();
  }
}

void Run::ReadOutput(int which) {
  const ssize_t size = read(ends_[which].get(), piece_.get(), kPieceBytes);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size <= 0) return ends_[which].Close();
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
  const char request = 'T';
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
  } else if (WIFSIGNALED(*status_)) {
    result.end = SubprocessResult::End::kSignaled;
    result.signal = WTERMSIG(*status_);
  } else {
    result.exit_code = WEXITSTATUS(*status_);
  }
  return result;
}

}  // namespace

absl::StatusOr<SubprocessResult> RunSubprocess(const SubprocessOptions& options) {
  ASSIGN_OR_RETURN(Program program, Program::Make(options));
  SupervisorSpec spec = {};
  program.Fill(spec);
  Run run(options);
  RETURN_IF_ERROR(run.Start(spec));
  return run.Serve();
}

}  // namespace routines
