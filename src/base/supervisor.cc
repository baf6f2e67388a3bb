// Runs in a copy of a process whose other threads are gone, perhaps in the middle of holding a
// lock. So: no allocation, no library function that could wait for one, only system calls, made
// directly because sanitizers wrap the C library's (this file is compiled without them).
#include "src/base/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <initializer_list>

#include "src/base/process_tree.h"

namespace routines {
namespace {

constexpr int kControl = SupervisorSpec::kProgramDescriptors;
constexpr int kDescriptors = SupervisorSpec::kDescriptors;
constexpr size_t kSignalSetSize = 8;  // of the kernel, not of the C library

[[noreturn]] void Exit(int code) {
  for (;;) syscall(SYS_exit_group, code);
}

int64_t NowMs() {
  timespec now = {};
  syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

int Poll(pollfd* descriptors, int count, int timeout_ms) {
  timespec timeout = {timeout_ms / 1000, timeout_ms % 1000 * 1'000'000L};
  return syscall(SYS_ppoll, descriptors, count, timeout_ms < 0 ? nullptr : &timeout, nullptr, 0);
}

void Report(SupervisorReport::Kind kind, int value) {
  const SupervisorReport report = {kind, value};
  syscall(SYS_sendto, kControl, &report, sizeof report, MSG_NOSIGNAL, nullptr, 0);
}

// ---- The program -------------------------------------------------------------------------------

[[noreturn]] void FailStart(int report, SupervisorReport::Kind kind, int error) {
  const SupervisorReport failure = {kind, error};
  syscall(SYS_write, report, &failure, sizeof failure);
  Exit(127);
}

int Execute(const SupervisorSpec& spec) {
  int error = ENOENT;
  for (const char* const* path = spec.paths; *path != nullptr; ++path) {
    // A file that was just written is busy while any fork of any thread still has it open: they
    // close it in their first steps.
    for (int attempt = 0; attempt < 200; ++attempt) {
      syscall(SYS_execve, *path, spec.argv, spec.envp);
      if (errno != ETXTBSY) break;
      Poll(nullptr, 0, 5);
    }
    if (errno == EACCES)
      error = EACCES;  // as a shell does: look on, but say so in the end
    else if (errno != ENOENT && errno != ENOTDIR)
      return errno;
  }
  return error;
}

// `report` is closed by a successful exec.
[[noreturn]] void BecomeProgram(const SupervisorSpec& spec, int report) {
  syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);  // the supervisor shall not die alone
  syscall(SYS_setsid);
  // By itself: it may kill the supervisor as its first deed, and its group must be known then.
  Report(SupervisorReport::kForked, syscall(SYS_getpid));
  const uint64_t by_default[4] = {};  // the kernel's struct sigaction of SIG_DFL
  for (int signal = 1; signal <= 64; ++signal) {
    syscall(SYS_rt_sigaction, signal, by_default, nullptr, kSignalSetSize);
  }
  const uint64_t none = 0;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, kSignalSetSize);
  const uint64_t no_core[2] = {};
  syscall(SYS_prlimit64, 0, RLIMIT_CORE, no_core, nullptr);
  if (spec.directory != nullptr && syscall(SYS_chdir, spec.directory) != 0) {
    FailStart(report, SupervisorReport::kDirectoryFailed, errno);
  }
  FailStart(report, SupervisorReport::kExecFailed, Execute(spec));
}

// ---- Memory ------------------------------------------------------------------------------------

uintptr_t ParseHex(const char*& text) {
  uintptr_t number = 0;
  for (;; ++text) {
    if (*text >= '0' && *text <= '9')
      number = number * 16 + (*text - '0');
    else if (*text >= 'a' && *text <= 'f')
      number = number * 16 + (*text - 'a' + 10);
    else
      return number;
  }
}

// One line of /proc/self/maps: "begin-end rights offset device inode name". What has a name is
// code, constants or the kernel's; the heap, and what has no name, is the host's data. But for the
// stack that this runs on, and the thread's own storage: what lies beside them may be part of the
// same mapping.
void UnmapHostData(const char* line, const char* end) {
  constexpr uintptr_t kMargin = 256 << 10, kPage = 64 << 10;
  const char* at = line;
  const uintptr_t begin = ParseHex(at);
  ++at;
  const uintptr_t limit = ParseHex(at);
  const char* name = end;
  while (name > line && name[-1] != ' ') --name;
  const bool heap = end - name == 6 && name[1] == 'h';
  if (name != end && !heap) return;
  const auto stack = reinterpret_cast<uintptr_t>(&at);
  const auto storage = reinterpret_cast<uintptr_t>(__builtin_thread_pointer());
  uintptr_t keep = limit, kept = limit;  // from … to
  for (const uintptr_t address : {reinterpret_cast<uintptr_t>(&errno), storage, stack}) {
    if (address < begin || address >= limit) continue;
    const uintptr_t low = (address - kMargin) & ~(kPage - 1);
    if (low < keep) keep = low;
    kept = address == stack ? limit : (address + kMargin) & ~(kPage - 1);
  }
  if (keep > begin) syscall(SYS_munmap, begin, keep - begin);
  if (kept < limit) syscall(SYS_munmap, kept, limit - kept);
}

// Gives back the copy of the host's heap: otherwise each supervisor would hold on to every page as
// it was when its session began.
void ReleaseHostMemory() {
  const int maps = syscall(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (maps < 0) return;
  char line[512];
  size_t size = 0;  // of the line so far; what does not fit is the end of a file's name
  char buffer[4096];
  for (ssize_t got; (got = syscall(SYS_read, maps, buffer, sizeof buffer)) > 0;) {
    for (ssize_t i = 0; i < got; ++i) {
      if (buffer[i] != '\n') {
        if (size < sizeof line) line[size++] = buffer[i];
      } else {
        UnmapHostData(line, line + size);
        size = 0;
      }
    }
  }
  syscall(SYS_close, maps);
}

// Blanks the variables that the host was started with: /proc/PID/environ shows them of the
// supervisor, too. Their place is told by the fields 50 and 51 of /proc/self/stat.
void ForgetHostEnvironment() {
  const int file = syscall(SYS_openat, AT_FDCWD, "/proc/self/stat", O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  char text[2048];
  const ssize_t size = syscall(SYS_read, file, text, sizeof text - 1);
  syscall(SYS_close, file);
  if (size <= 0) return;
  text[size] = '\0';
  const char* at = text + size;
  while (at > text && *at != ')') --at;
  uintptr_t ends[2] = {};
  int field = 2;  // at whose end we are
  for (; *at != '\0' && field < 51; ++field) {
    while (*at != '\0' && *at != ' ') ++at;
    if (*at == ' ') ++at;
    if (field < 49) continue;
    for (const char* digit = at; *digit >= '0' && *digit <= '9'; ++digit) {
      ends[field - 49] = ends[field - 49] * 10 + (*digit - '0');
    }
  }
  for (uintptr_t byte = ends[0]; field == 51 && byte < ends[1]; ++byte) {
    *reinterpret_cast<volatile char*>(byte) = '\0';
  }
}

// ---- The supervisor ----------------------------------------------------------------------------

class Supervisor {
 public:
  explicit Supervisor(const SupervisorSpec& spec) : spec_(spec) {}

  [[noreturn]] void Run() {
    Isolate();
    PlaceDescriptors();
    Start();
    ForgetHostEnvironment();
    ReleaseHostMemory();
    while (!ReapAll()) {
      Wait();
      if (kill_at_ >= 0 && NowMs() >= kill_at_) KillTree();
    }
    Report(SupervisorReport::kEnded, status_);
    Exit(0);
  }

 private:
  void Isolate() {
    syscall(SYS_prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    syscall(SYS_prctl, PR_SET_NAME, "routines-guard", 0, 0, 0);
    // A copy of the host's memory, of which the program must see nothing.
    syscall(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
    // Beside the connection, which another fork of the host may hold open: SIGTERM when it dies.
    syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
    if (syscall(SYS_getppid) != spec_.host) Exit(1);
    syscall(SYS_setsid);  // what a terminal sends is for the host
  }

  // Moves what is needed to 0…7 and closes everything else.
  void PlaceDescriptors() {
    int from[kDescriptors];
    for (int i = 0; i < kDescriptors; ++i) {
      from[i] = spec_.descriptors[i];
      if (from[i] >= 0 && from[i] < kDescriptors)
        from[i] = syscall(SYS_fcntl, from[i], F_DUPFD, kDescriptors);
    }
    if (from[kControl] < 0) Exit(1);
    for (int i = 0; i < kDescriptors; ++i) {
      // What is absent is taken too, until exec: nothing else may get its number.
      const bool absent = from[i] < 0;
      syscall(SYS_dup3, absent ? from[kControl] : from[i], i,
              absent || i == kControl ? O_CLOEXEC : 0);
    }
    if (syscall(SYS_close_range, kDescriptors, ~0U, 0) != 0) {
      for (int i = kDescriptors; i < 1 << 16; ++i) syscall(SYS_close, i);
    }
  }

  void Start() {
    const uint64_t all = ~uint64_t{0};
    signals_ = syscall(SYS_signalfd4, -1, &all, kSignalSetSize, SFD_CLOEXEC | SFD_NONBLOCK);
    int report[2];
    if (signals_ < 0 || syscall(SYS_pipe2, report, O_CLOEXEC) != 0) FailAll(errno);
    program_ = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (program_ < 0) FailAll(errno);
    if (program_ == 0) BecomeProgram(spec_, report[1]);
    starting_ = report[0];
    syscall(SYS_close, report[1]);
    for (int i = 0; i < kDescriptors; ++i) {
      if (i != kControl) syscall(SYS_close, i);
    }
  }

  [[noreturn]] void FailAll(int error) {
    Report(SupervisorReport::kForkFailed, error);
    Exit(1);
  }

  // Collects what has ended; true when nothing is left to wait for.
  bool ReapAll() {
    for (;;) {
      int status = 0;
      const pid_t pid = syscall(SYS_wait4, -1, &status, WNOHANG | __WALL, nullptr);
      if (pid < 0) return true;
      if (pid == 0) break;
      if (pid != program_) continue;
      ReadStart();
      status_ = status;
      program_ = 0;
    }
    if (program_ == 0) Terminate(spec_.grace_ms);
    return fruitless_ * kRepeatMs > kGiveUpMs;
  }

  // The first call is the one that counts, but for a shorter grace.
  void Terminate(int grace_ms) {
    const int64_t at = NowMs() + grace_ms;
    if (kill_at_ < 0 && grace_ms > 0) {
      // What watches a sandbox would die of it, and take the sandbox along without a grace.
      tree_.Signal(SIGTERM, ProcessTree::Which::kAll, spec_.sandbox ? program_ : 0);
      tree_.Signal(SIGCONT, ProcessTree::Which::kStopped);
    }
    if (kill_at_ < 0 || at < kill_at_) kill_at_ = at;
  }

  // Stops first, until nothing runs any more: what is stopped cannot fork faster than it is killed.
  void KillTree() {
    for (int round = 0; round < 50; ++round) {
      if (tree_.Signal(SIGSTOP, ProcessTree::Which::kNotStopped) == 0) break;
    }
    // Nobody to be signalled though children are left: they belong to another user by now.
    if (tree_.Signal(SIGKILL) > 0)
      fruitless_ = 0;
    else if (program_ > 0 && syscall(SYS_kill, -program_, SIGKILL) == 0)
      fruitless_ = 0;
    else
      ++fruitless_;
    kill_at_ = NowMs() + kRepeatMs;
  }

  void Wait() {
    pollfd descriptors[] = {
        {signals_, POLLIN, 0}, {host_gone_ ? -1 : kControl, POLLIN, 0}, {starting_, POLLIN, 0}};
    int timeout = -1;
    if (kill_at_ >= 0) timeout = kill_at_ > NowMs() ? kill_at_ - NowMs() : 0;
    if (Poll(descriptors, 3, timeout) <= 0) return;
    if (descriptors[0].revents != 0) ReadSignals();
    if (descriptors[1].revents != 0) ReadRequest();
    if (descriptors[2].revents != 0) ReadStart();
  }

  void ReadSignals() {
    signalfd_siginfo info;
    while (syscall(SYS_read, signals_, &info, sizeof info) == sizeof info) {
      const int signal = info.ssi_signo;
      if (signal == SIGTERM || signal == SIGINT || signal == SIGHUP || signal == SIGQUIT)
        Terminate(0);
    }
  }

  void ReadRequest() {
    char request;
    const ssize_t size = syscall(SYS_recvfrom, kControl, &request, 1, 0, nullptr, nullptr);
    if (size < 0 && errno == EINTR) return;
    host_gone_ = size <= 0;
    Terminate(host_gone_ || request == kKill ? 0 : spec_.grace_ms);
  }

  // What became of exec: a failure arrives through the pipe, success closes it.
  void ReadStart() {
    if (starting_ < 0) return;
    SupervisorReport failure;
    const ssize_t size = syscall(SYS_read, starting_, &failure, sizeof failure);
    if (size < 0 && errno == EINTR) return;
    if (size == sizeof failure)
      Report(failure.kind, failure.value);
    else
      Report(SupervisorReport::kStarted, program_);
    syscall(SYS_close, starting_);
    starting_ = -1;
  }

  static constexpr int kRepeatMs = 10;
  static constexpr int kGiveUpMs = 10'000;

  const SupervisorSpec& spec_;
  ProcessTree tree_;
  pid_t program_ = -1;  // 0: has ended
  int status_ = 0;
  int signals_ = -1;
  int starting_ = -1;
  bool host_gone_ = false;
  int64_t kill_at_ = -1;  // monotonic; -1: nobody is to be killed yet
  int fruitless_ = 0;
};

}  // namespace

pid_t ForkSupervisor(const SupervisorSpec& spec) {
  // Not fork(): what the host has hooked to it (pthread_atfork) is not for this child.
  const pid_t pid = syscall(SYS_clone, 0, 0, 0, 0, 0);
  if (pid == 0) Supervisor(spec).Run();
  return pid;
}

}  // namespace routines
