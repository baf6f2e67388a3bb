#include "src/base/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/base/sandbox.h"

namespace routines {
namespace {

using End = SubprocessResult::End;
using Stream = SubprocessOptions::Stream;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

constexpr char kPath[] = "/usr/local/bin:/usr/bin:/bin";

class BareSubprocessTest : public ::testing::Test {
 protected:
  BareSubprocessTest() {
    std::string folder = ::testing::TempDir() + "subprocess_XXXXXX";
    directory_ = WithoutLinks(mkdtemp(folder.data()));
  }
  ~BareSubprocessTest() override { fs::remove_all(directory_); }

  SubprocessOptions Shell(const std::string& script) {
    SubprocessOptions options;
    options.command = {"/bin/sh", "-c", script};
    options.environment = {{"PATH", kPath}};
    options.directory = directory_;
    options.sandbox = sandbox_;
    options.output = [this](Stream stream, std::string_view bytes) {
      (stream == Stream::kStdout ? out_ : stream == Stream::kStderr ? err_ : events_) += bytes;
    };
    return options;
  }

  SubprocessResult Run(const SubprocessOptions& options) {
    const absl::StatusOr<SubprocessResult> result = RunSubprocess(options);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? *result : SubprocessResult{End::kExited, -1};
  }

  std::string File(const std::string& name) const { return directory_ + "/" + name; }
  std::string Read(const std::string& name) const {
    std::ifstream file(File(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }

  // How many processes work in this test's folder, seen from outside of any sandbox.
  int Running() const {
    int found = 0;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator("/proc")) {
      found += fs::read_symlink(entry.path() / "cwd", error) == directory_;
    }
    return found;
  }
  // Waits until there is none, but not forever.
  bool NoneIsLeft() const {
    for (int i = 0; i < 2000 && Running() > 0; ++i) absl::SleepFor(absl::Milliseconds(10));
    return Running() == 0;
  }

  std::string directory_, out_, err_, events_;
  Sandbox sandbox_;  // none
};

// What holds with and without a sandbox.
class SubprocessTest : public BareSubprocessTest, public ::testing::WithParamInterface<bool> {
 protected:
  void SetUp() override {
    if (!GetParam()) return;
    static const Sandbox* const found = new Sandbox(FindSandbox({}));
    if (found->bubblewrap.empty()) GTEST_SKIP() << "no sandbox here: " << found->missing;
    sandbox_ = *found;
    sandbox_.writable = {directory_};
  }
};
INSTANTIATE_TEST_SUITE_P(, SubprocessTest, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "Sandboxed" : "Bare"; });

// True once nothing lives under `pid` any more; waits for it, but not forever.
bool Gone(pid_t pid) {
  const int descriptor = syscall(SYS_pidfd_open, pid, 0);
  if (descriptor < 0) return true;
  pollfd polled = {descriptor, POLLIN, 0};
  const bool gone = poll(&polled, 1, 20'000) == 1;
  close(descriptor);
  return gone;
}

std::vector<pid_t> Pids(const std::string& text) {
  std::vector<pid_t> pids;
  for (const absl::string_view word :
       absl::StrSplit(text, absl::ByAnyChar(" \n"), absl::SkipEmpty())) {
    pid_t pid = 0;
    if (absl::SimpleAtoi(word, &pid)) pids.push_back(pid);
  }
  return pids;
}

std::set<std::string> OpenDescriptors() {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) names.insert(entry.path());
  return names;
}

TEST_P(SubprocessTest, ReportsTheExitCode) {
  const SubprocessResult result = Run(Shell("exit 7"));
  EXPECT_EQ(result.end, End::kExited);
  EXPECT_EQ(result.exit_code, 7);
  EXPECT_EQ(Run(Shell("true")).exit_code, 0);
}

TEST_P(SubprocessTest, ReportsTheSignal) {
  const SubprocessResult result = Run(Shell("kill -USR1 $$"));
  EXPECT_EQ(result.end, End::kSignaled);
  EXPECT_EQ(result.signal, SIGUSR1);
}

TEST_P(SubprocessTest, LooksTheProgramUpInThePathOfItsEnvironment) {
  fs::create_directory(File("bin"));
  std::ofstream(File("bin/tool")) << "#!/bin/sh\necho tool $1\n";
  fs::permissions(File("bin/tool"), fs::perms::owner_all);
  SubprocessOptions options = Shell("");
  options.command = {"tool", "argument"};
  EXPECT_EQ(RunSubprocess(options).status().code(), absl::StatusCode::kNotFound);
  options.environment["PATH"] = "/nonexistent:" + File("bin");
  Run(options);
  EXPECT_EQ(out_, "tool argument\n");
}

TEST_P(SubprocessTest, SaysWhyAProgramCouldNotBeStarted) {
  bool started = false;
  SubprocessOptions options = Shell("");
  options.started = [&] { started = true; };
  const auto status = [&] { return RunSubprocess(options).status(); };
  options.command = {"/no/such/program"};
  EXPECT_EQ(status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status().message()), HasSubstr("/no/such/program"));
  std::ofstream(File("plain")) << "text";
  options.command = {"./plain"};
  EXPECT_EQ(status().code(), absl::StatusCode::kPermissionDenied);
  options.environment["PATH"] = directory_;
  options.command = {"plain"};
  EXPECT_EQ(status().code(), absl::StatusCode::kPermissionDenied);
  fs::permissions(File("plain"), fs::perms::owner_all);
  EXPECT_EQ(status().code(), absl::StatusCode::kPermissionDenied);  // no format of the kernel's
  options.command = {"/bin/true"};
  options.directory = "/no/such/directory";
  EXPECT_EQ(status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status().message()), HasSubstr("/no/such/directory"));
  options.directory = directory_;
  options.environment["HUGE"] = std::string(4 << 20, 'x');
  EXPECT_EQ(status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(started);
}

TEST_P(SubprocessTest, RefusesWhatTheKernelWouldCutShort) {
  SubprocessOptions options = Shell("");
  const auto code = [&] { return RunSubprocess(options).status().code(); };
  options.command = {};
  EXPECT_EQ(code(), absl::StatusCode::kInvalidArgument);
  options.command = {"/bin/echo", std::string("a\0b", 3)};
  EXPECT_EQ(code(), absl::StatusCode::kInvalidArgument);
  options.command = {"/bin/echo"};
  options.environment = {{"A", std::string("a\0b", 3)}};
  EXPECT_EQ(code(), absl::StatusCode::kInvalidArgument);
  options.environment = {{"A=B", "c"}};
  EXPECT_EQ(code(), absl::StatusCode::kInvalidArgument);
}

TEST_P(SubprocessTest, GivesTheProgramThisEnvironmentDirectoryAndNothingElse) {
  // Descriptors, handlers and a blocked signal that must not arrive there.
  const int leak = open("/dev/null", O_RDONLY);
  signal(SIGPIPE, SIG_IGN);
  sigset_t usr2, before;
  sigemptyset(&usr2);
  sigaddset(&usr2, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &usr2, &before);
  SubprocessOptions options = Shell("");
  options.environment = {{"B", "two = 2\nlines"}, {"A", "$(touch x)"}};
  options.command = {"/usr/bin/env"};
  Run(options);
  const std::string where = GetParam() ? absl::StrCat("PWD=", directory_, "\n") : "";
  EXPECT_EQ(out_, "A=$(touch x)\nB=two = 2\nlines\n" + where);

  out_.clear();
  options.command = {"/bin/grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"};
  Run(options);
  EXPECT_EQ(out_, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");

  out_.clear();
  options.command = {"/bin/sh", "-c", "pwd; ulimit -c; /bin/ls /proc/self/fd"};
  Run(options);
  // ls has its directory open, too.
  EXPECT_EQ(out_, fs::canonical(directory_).string() + "\n0\n0\n1\n2\n3\n");
  close(leak);
  signal(SIGPIPE, SIG_DFL);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST_P(SubprocessTest, DeliversStandardInputThenEndOfFile) {
  SubprocessOptions options = Shell("md5sum; cat");
  std::string input;
  for (int i = 0; i < 150'000; ++i) absl::StrAppend(&input, i, "\n");
  input.resize(1 << 20);
  options.command = {"/bin/cat"};
  options.stdin_data = input;
  EXPECT_EQ(Run(options).exit_code, 0);
  EXPECT_TRUE(out_ == input);
  out_.clear();
  options.stdin_data = "";
  EXPECT_EQ(Run(options).exit_code, 0);
  EXPECT_EQ(out_, "");
}

TEST_P(SubprocessTest, AsksForInputPieceByPiece) {
  SubprocessOptions options = Shell("wc -c; echo end");
  options.stdin_data = "begin";
  std::string piece;
  int pieces = 0;
  options.input = [&]() -> std::string_view {
    piece.assign(pieces++ < 100 ? 100000 : 0, 'x');
    return piece;
  };
  EXPECT_EQ(Run(options).exit_code, 0);
  EXPECT_EQ(out_, "10000005\nend\n");
  EXPECT_EQ(pieces, 101);
}

TEST_P(SubprocessTest, AsksForNoInputThatNobodyReads) {
  SubprocessOptions options = Shell("head -c 1000 >/dev/null; echo done");
  const std::string piece(65536, 'x');
  int pieces = 0;
  options.input = [&] {
    ++pieces;
    return std::string_view(piece);
  };
  EXPECT_EQ(Run(options).exit_code, 0);
  EXPECT_EQ(out_, "done\n");
  EXPECT_LT(pieces, 100);
}

TEST_P(SubprocessTest, LetsAProgramIgnoreItsInput) {
  SubprocessOptions options = Shell("exec 0<&-; echo done");
  options.stdin_data = std::string(1 << 20, 'x');
  EXPECT_EQ(Run(options).exit_code, 0);
  EXPECT_EQ(out_, "done\n");
  sigset_t pending;
  sigpending(&pending);
  EXPECT_FALSE(sigismember(&pending, SIGPIPE));
}

TEST_P(SubprocessTest, KeepsTheStreamsApart) {
  SubprocessOptions options = Shell("echo out; echo err >&2; echo event >&3");
  options.events = true;
  Run(options);
  EXPECT_EQ(out_, "out\n");
  EXPECT_EQ(err_, "err\n");
  EXPECT_EQ(events_, "event\n");
}

TEST_P(SubprocessTest, SaysOnceThatTheProgramHasStarted) {
  int started = 0;
  SubprocessOptions options = Shell("true");
  options.started = [&] { ++started; };
  Run(options);
  EXPECT_EQ(started, 1);
}

TEST_P(SubprocessTest, GoesOnWhenTheProgramClosesItsOutput) {
  const SubprocessResult result = Run(Shell("echo a; exec >&- 2>&-; echo lost; : > later; exit 3"));
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(out_, "a\n");
  EXPECT_TRUE(fs::exists(File("later")));
}

TEST_P(SubprocessTest, PassesMuchOutputOnInBoundedPieces) {
  SubprocessOptions options = Shell("head -c 100000000 /dev/zero");
  size_t bytes = 0, largest = 0;
  options.output = [&](Stream, std::string_view piece) {
    bytes += piece.size();
    largest = std::max(largest, piece.size());
  };
  Run(options);
  EXPECT_EQ(bytes, 100'000'000);
  EXPECT_LE(largest, 64 << 10);
}

TEST_P(SubprocessTest, EndsAtTheTimeout) {
  SubprocessOptions options = Shell("echo $$; sleep 1000 & sleep 1000");
  options.timeout = absl::Milliseconds(200);
  EXPECT_EQ(Run(options).end, End::kTimedOut);
  EXPECT_EQ(Running(), 0);
}

TEST_P(SubprocessTest, EndsWhenCancelledWithTermFirst) {
  Cancellation cancellation;
  SubprocessOptions options =
      Shell("trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 1000 & wait; done");
  options.cancellation = &cancellation;
  options.output = [&](Stream, std::string_view bytes) {
    out_ += bytes;
    cancellation.Cancel();
  };
  EXPECT_EQ(Run(options).end, End::kCancelled);
  EXPECT_EQ(out_, "ready\nbye\n");
}

TEST_P(SubprocessTest, EndsAtOnceWhenCancelledBeforeItBegan) {
  Cancellation cancellation;
  cancellation.Cancel();
  SubprocessOptions options = Shell("sleep 1000");
  options.cancellation = &cancellation;
  EXPECT_EQ(Run(options).end, End::kCancelled);
}

TEST_P(SubprocessTest, KillsWhatIgnoresTermAfterTheGrace) {
  Cancellation cancellation;
  SubprocessOptions options = Shell(
      "trap '' TERM; (trap '' TERM; echo $$; while :; do sleep 1000; done) & wait; while :; do "
      "sleep 1000; done");
  options.kill_grace = absl::Milliseconds(100);
  options.cancellation = &cancellation;
  options.output = [&](Stream, std::string_view bytes) {
    out_ += bytes;
    cancellation.Cancel();
  };
  EXPECT_EQ(Run(options).end, End::kCancelled);
  EXPECT_EQ(Running(), 0);
}

TEST_P(SubprocessTest, KillsAStoppedTree) {
  Cancellation cancellation;
  SubprocessOptions options = Shell("echo $$; kill -STOP $$");
  options.cancellation = &cancellation;
  options.output = [&](Stream, std::string_view) { cancellation.Cancel(); };
  EXPECT_EQ(Run(options).end, End::kCancelled);
}

TEST_P(SubprocessTest, LeavesNoDaemonThatHoldsTheOutputOpen) {
  // Double fork, own session, ignores TERM, parent gone: what a daemon does.
  SubprocessOptions options = Shell(
      "setsid sh -c 'trap \"\" TERM HUP; (echo $$; exec setsid sleep 1000) & echo $! > daemon; "
      "exit 0'; exit 4");
  options.kill_grace = absl::Milliseconds(50);
  const SubprocessResult result = Run(options);
  EXPECT_EQ(result.end, End::kExited);
  EXPECT_EQ(result.exit_code, 4);
  EXPECT_EQ(Pids(Read("daemon")).size(), 1);
  EXPECT_EQ(Running(), 0);
}

// Each process forks another and exits: never many at a time, but never the same ones.
TEST_P(SubprocessTest, EndsAForkStorm) {
  Cancellation cancellation;
  SubprocessOptions options = Shell(
      "trap '' TERM; comet() { comet & }; for i in 1 2 3 4 5 6 7 8; do comet; done; echo $$ > pid; "
      "echo go; sleep 1000");
  options.kill_grace = absl::Milliseconds(50);
  options.cancellation = &cancellation;
  options.output = [&](Stream, std::string_view) { cancellation.Cancel(); };
  EXPECT_EQ(Run(options).end, End::kCancelled);
  EXPECT_EQ(Pids(Read("pid")).size(), 1);
  EXPECT_EQ(Running(), 0);
}

TEST_P(SubprocessTest, DiesWithItsHost) {
  int pipe_ends[2];
  ASSERT_EQ(pipe2(pipe_ends, O_CLOEXEC), 0);
  SubprocessOptions options = Shell(
      "trap '' TERM HUP; (trap '' TERM; exec setsid sleep 1000) & echo $$ $! > pids; echo go; "
      "while :; do sleep 1000; done");
  const pid_t host = fork();
  if (host == 0) {
    options.output = [&](Stream, std::string_view bytes) {
      [[maybe_unused]] const ssize_t written = write(pipe_ends[1], bytes.data(), bytes.size());
    };
    (void)RunSubprocess(options);
    _exit(0);
  }
  char go[3];
  ASSERT_EQ(read(pipe_ends[0], go, sizeof go), 3);
  kill(host, SIGKILL);
  ASSERT_EQ(waitpid(host, nullptr, 0), host);
  EXPECT_EQ(Pids(Read("pids")).size(), 2);
  EXPECT_TRUE(NoneIsLeft());
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

TEST_P(SubprocessTest, TakesItsInputFromADescriptorWhileItRuns) {
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  SubprocessOptions options = Shell("while read -r word; do echo \"got $word\"; done");
  options.stdin_fd = pair[1];
  options.started = [&] {
    close(pair[1]);
    send(pair[0], "one\n", 4, MSG_NOSIGNAL);
  };
  options.output = [&](Stream, std::string_view bytes) {
    out_ += bytes;
    if (out_ == "got one\n") send(pair[0], "two\n", 4, MSG_NOSIGNAL);
    if (out_ == "got one\ngot two\n") shutdown(pair[0], SHUT_WR);
  };
  EXPECT_EQ(Run(options).exit_code, 0);
  EXPECT_EQ(out_, "got one\ngot two\n");
  close(pair[0]);
}

TEST_F(BareSubprocessTest, ReturnsWhenTheProgramKillsItsSupervisor) {
  SubprocessOptions options = Shell("sleep 1000 & echo $$ $! > pids; kill -KILL $PPID; wait");
  const absl::StatusOr<SubprocessResult> result = RunSubprocess(options);
  EXPECT_EQ(result.status().code(), absl::StatusCode::kAborted);
  const std::vector<pid_t> pids = Pids(Read("pids"));
  ASSERT_EQ(pids.size(), 2);
  for (const pid_t pid : pids) EXPECT_TRUE(Gone(pid));
}

// With and without descriptor 3, which changes what numbers the supervisor's own descriptors get.
TEST_F(BareSubprocessTest, SupervisorSleepsWhileTheProgramRuns) {
  for (const bool events : {false, true}) {
    SubprocessOptions options = Shell(
        "ticks() { awk '{ print $14 + $15 }' /proc/$PPID/stat; }; before=$(ticks); n=0; "
        "while [ $n -lt 200000 ]; do n=$((n+1)); done; [ $(($(ticks) - before)) -lt 5 ] && echo "
        "idle");
    options.events = events;
    Run(options);
  }
  EXPECT_EQ(out_, "idle\nidle\n");
}

TEST_F(BareSubprocessTest, SupervisorGivesBackTheHostsMemory) {
  const std::vector<char> ballast(64 << 20, 'x');
  // Not at once, but soon after the program has begun.
  Run(
      Shell("n=0; until [ $(awk '{ print $2 }' /proc/$PPID/statm) -lt 4096 ]; do n=$((n+1)); "
            "[ $n -lt 500 ] || exit 1; done; echo small"));
  EXPECT_EQ(out_, "small\n");
}

// The variables that this process was started with, that is; PATH stands for all of them.
TEST_F(BareSubprocessTest, SupervisorForgetsTheHostsEnvironment) {
  std::ifstream own("/proc/self/environ");
  const std::string variables{std::istreambuf_iterator<char>(own), {}};
  ASSERT_THAT(variables, HasSubstr("PATH="));
  if (geteuid() != 0) GTEST_SKIP() << "only root may look";
  Run(
      Shell("n=0; while tr '\\0' '\\n' </proc/$PPID/environ | grep -q =; do n=$((n+1)); "
            "[ $n -lt 500 ] || exit 1; done; wc -c </proc/$PPID/environ; echo forgotten"));
  EXPECT_EQ(out_, absl::StrCat(variables.size(), "\nforgotten\n"));
}

TEST_F(BareSubprocessTest, HidesTheSupervisorsMemoryFromTheProgram) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read everything";
  EXPECT_NE(Run(Shell("cat /proc/$PPID/environ")).exit_code, 0);
}

TEST_P(SubprocessTest, LeavesNoDescriptorAndNoZombie) {
  Run(Shell("true"));
  const std::set<std::string> before = OpenDescriptors();
  for (int i = 0; i < 300; ++i) {
    SubprocessOptions options = Shell("");
    options.output = nullptr;
    options.events = i % 2;
    options.command = {i % 3 == 0 ? "/no/such/program" : "/bin/true"};
    (void)RunSubprocess(options);
  }
  EXPECT_EQ(OpenDescriptors(), before);
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG | __WALL), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST_P(SubprocessTest, SaysThatNoDescriptorIsLeft) {
  std::vector<int> taken;
  for (int fd; (fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) taken.push_back(fd);
  for (int freed = 0; freed < 4; ++freed) {
    EXPECT_EQ(RunSubprocess(Shell("true")).status().code(), absl::StatusCode::kResourceExhausted);
    close(taken.back());
    taken.pop_back();
  }
  for (const int fd : taken) close(fd);
}

TEST_P(SubprocessTest, RunsOnManyThreadsAtOnce) {
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 64; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 4; ++round) {
        std::string output;
        SubprocessOptions options = Shell(absl::StrCat("cat; echo ", i, "; exit ", i));
        options.stdin_data = std::string(1000 * i, 'x');
        options.output = [&](Stream, std::string_view bytes) { output += bytes; };
        const auto result = RunSubprocess(options);
        good += result.ok() && result->exit_code == i &&
                output == absl::StrCat(options.stdin_data, i, "\n");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 256);
}

}  // namespace
}  // namespace routines
