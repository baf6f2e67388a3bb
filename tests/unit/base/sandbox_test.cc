#include "src/base/sandbox.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/base/subprocess.h"

namespace routines {
namespace {

using End = SubprocessResult::End;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;

std::string MakeFolder() {
  std::string folder = ::testing::TempDir() + "sandbox_XXXXXX";
  return WithoutLinks(mkdtemp(folder.data()));
}

// A host's folder with a state folder in it, as serve makes them; a session owns
// state/session/work.
class SandboxTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(Path("state/session/work"));
    fs::create_directories(Path("state/mirror"));
    Write("state/secret", "hidden");
    Write("state/mirror/object", "shared");
    Write("file", "outside");
    sandbox_ = FindSandbox({.hidden = {Path("state")}, .writable = {}});
    if (sandbox_.bubblewrap.empty()) GTEST_SKIP() << "no sandbox here: " << sandbox_.missing;
    sandbox_.host_writable = {folder_};
    sandbox_.readable = {Path("state/mirror")};
    sandbox_.writable = {Path("state/session/work")};
  }
  ~SandboxTest() override { fs::remove_all(folder_); }

  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  void Write(const std::string& name, const std::string& text) {
    std::ofstream(Path(name)) << text;
  }
  std::string Read(const std::string& name) const {
    std::ifstream file(Path(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }

  // What `script` printed to both streams; it starts in the session's folder.
  std::string Shell(const std::string& script) {
    SubprocessOptions options;
    options.command = {"/bin/bash", "-c", script};
    options.environment = {{"PATH", "/usr/bin:/bin"}, {"STATE", Path("state")}, {"HOST", folder_}};
    options.directory = Path("state/session/work");
    options.sandbox = sandbox_;
    std::string output;
    options.output = [&](SubprocessOptions::Stream, std::string_view bytes) { output += bytes; };
    result_ = RunSubprocess(options);
    EXPECT_TRUE(result_.ok()) << result_.status();
    return output;
  }

  const std::string folder_ = MakeFolder();
  Sandbox sandbox_;
  absl::StatusOr<SubprocessResult> result_ = absl::UnknownError("not run");
};

TEST_F(SandboxTest, ShowsOfWhatIsHiddenOnlyWhatIsTheSessions) {
  EXPECT_EQ(Shell("cd $STATE; find . | sort; cat mirror/object"),
            ".\n./mirror\n./mirror/object\n./session\n./session/work\nshared");
}

TEST_F(SandboxTest, LetsTheSessionWriteInItsOwnFolderOnly) {
  Shell(
      "echo mine >file; echo x >$STATE/mirror/object; echo x >$STATE/mirror/new; echo x "
      ">$STATE/new; "
      "rm -rf $STATE/mirror; mv $STATE/session/work $STATE/session/other; echo x >/etc/routines");
  EXPECT_EQ(Read("state/session/work/file"), "mine\n");
  EXPECT_EQ(Read("state/mirror/object"), "shared");
  EXPECT_FALSE(fs::exists(Path("state/mirror/new")));
  EXPECT_FALSE(fs::exists(Path("state/new")));
  EXPECT_FALSE(fs::exists("/etc/routines"));
  struct stat status = {};
  ASSERT_EQ(stat(Path("state/session/work/file").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, geteuid());  // so that the host can remove it
}

TEST_F(SandboxTest, LetsTheSessionWriteWhereTheHostSaysSo) {
  Shell("echo changed >$HOST/file");
  EXPECT_EQ(Read("file"), "changed\n");
  sandbox_.host_writable.clear();
  EXPECT_THAT(Shell("cat $HOST/file"), HasSubstr("No such file"));  // it lies in /tmp
  sandbox_.host_readable = {Path("file")};
  EXPECT_EQ(Shell("cat $HOST/file; touch $HOST/file 2>/dev/null || echo refused"),
            "changed\nrefused\n");
}

TEST_F(SandboxTest, HidesFilesToo) {
  sandbox_.hidden.push_back(Path("file"));
  EXPECT_EQ(Shell("cat $HOST/file 2>/dev/null; (echo x >$HOST/file) 2>/dev/null || echo refused"),
            "refused\n");
  EXPECT_EQ(Read("file"), "outside");
}

TEST_F(SandboxTest, CannotUndoWhatIsHidden) {
  EXPECT_EQ(
      Shell("umount $STATE 2>/dev/null || echo 1; mount -o remount,rw / 2>/dev/null || echo 2;"
            "unshare -Urm umount $STATE 2>/dev/null || echo 3; cat $STATE/secret 2>/dev/null;"
            "unshare -Urm mount -o remount,rw,bind / 2>/dev/null || echo 4"),
      "1\n2\n3\n4\n");
}

TEST_F(SandboxTest, HasItsOwnTemporaryFolders) {
  Shell(
      "echo x >/tmp/routines-canary; echo x >/var/tmp/routines-canary; echo x "
      ">/dev/shm/routines-canary");
  EXPECT_EQ(result_->exit_code, 0);
  for (const char* folder : {"/tmp", "/var/tmp", "/dev/shm"}) {
    EXPECT_FALSE(fs::exists(absl::StrCat(folder, "/routines-canary")));
  }
}

TEST_F(SandboxTest, SeesNoProcessButItsOwn) {
  const std::string seen =
      Shell(absl::StrCat("kill -0 ", getpid(),
                         " 2>/dev/null && echo alive; ls /proc | grep -c '^[0-9]'; "
                         "tr '\\0' ' ' </proc/1/cmdline"));
  const std::vector<std::string> lines = absl::StrSplit(seen, '\n');
  EXPECT_LE(std::stoi(lines[0]), 6);
  EXPECT_THAT(lines[1], HasSubstr("bwrap"));
}

TEST_F(SandboxTest, NamesNoVariableInAnArgumentList) {
  sandbox_.network = false;
  EXPECT_THAT(Shell("cat /proc/*/cmdline | tr '\\0' ' '"), Not(HasSubstr("STATE ")));
  EXPECT_EQ(Shell("cat /proc/1/environ"), "");
}

TEST_F(SandboxTest, GivesNoDeviceOfTheHost) {
  EXPECT_EQ(Shell("ls -l /dev | grep -c '^b'; mknod disk b 8 0 2>/dev/null || echo refused"),
            "0\nrefused\n");
}

TEST_F(SandboxTest, KeepsSocketsOfTheHostOutOfReach) {
  EXPECT_THAT(Shell("ls /run"), Not(HasSubstr("docker")));
  if (const std::string names = Shell("find /run -type s"); !names.empty()) ADD_FAILURE() << names;
}

TEST_F(SandboxTest, HasTheHostsNetworkOrNone) {
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address = {AF_UNIX, {}};  // an abstract name, chosen by the kernel
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof(sa_family_t)), 0);
  const std::string host = Shell("readlink /proc/self/ns/net");
  EXPECT_EQ(host, fs::read_symlink("/proc/self/ns/net").string() + "\n");
  sandbox_.network = false;
  EXPECT_NE(Shell("readlink /proc/self/ns/net"), host);
  EXPECT_EQ(Shell("grep -c : /proc/net/dev; grep -o lo: /proc/net/dev"), "1\nlo:\n");
  close(listener);
}

TEST_F(SandboxTest, LimitsTheSizeOfAFile) {
  sandbox_.max_file_bytes = 1 << 20;
  Shell("exec head -c 10000000 /dev/zero >large");
  EXPECT_EQ(result_->end, End::kSignaled);
  EXPECT_EQ(result_->signal, SIGXFSZ);
  EXPECT_EQ(fs::file_size(Path("state/session/work/large")), 1 << 20);
}

TEST_F(SandboxTest, LimitsTheNumberOfProcesses) {
  sandbox_.max_processes = 40;
  EXPECT_EQ(Shell("ulimit -u"), "40\n");
  if (geteuid() == 0) GTEST_SKIP() << "the kernel holds no process of root to it";
  EXPECT_THAT(Shell("for i in $(seq 100); do sleep 10 & done; kill $(jobs -p)"),
              HasSubstr("Resource temporarily unavailable"));
}

TEST_F(SandboxTest, RunsAnOrdinaryUserWithoutRights) {
  EXPECT_EQ(Shell("[ $(id -u) -ne 0 ] && grep -E 'CapEff|NoNewPrivs' /proc/self/status"),
            "CapEff:\t0000000000000000\nNoNewPrivs:\t1\n");
}

TEST_F(SandboxTest, RunsNothingWhereItCannotBeBuilt) {
  SubprocessOptions options;
  options.command = {"/bin/touch", Path("ran")};
  options.directory = "/";
  options.sandbox = sandbox_;
  options.sandbox.writable = {"/no/such/folder"};
  absl::Status status = RunSubprocess(options).status();
  EXPECT_TRUE(IsSandboxError(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("/no/such/folder"));
  options.sandbox = sandbox_;
  options.sandbox.bubblewrap = "/no/such/bwrap";
  status = RunSubprocess(options).status();
  EXPECT_TRUE(IsSandboxError(status)) << status;
  EXPECT_FALSE(fs::exists(Path("ran")));
}

TEST_F(SandboxTest, SaysWhyAProgramOfTheSandboxCouldNotBeStarted) {
  SubprocessOptions options;
  options.directory = "/";
  options.sandbox = sandbox_;
  options.sandbox.host_writable.clear();
  Write("tool", "#!/bin/sh\n");
  fs::permissions(Path("tool"), fs::perms::owner_all);
  options.command = {Path("tool")};  // the host sees it, the session does not
  EXPECT_EQ(RunSubprocess(options).status().code(), absl::StatusCode::kNotFound);
}

TEST(FindSandboxTest, SaysWhatIsMissing) {
  const std::string path = getenv("PATH");
  setenv("PATH", "/no/such/folder", 1);
  const Sandbox automatic = FindSandbox({});
  const Sandbox required = FindSandbox({.mode = SandboxOptions::Mode::kRequire});
  setenv("PATH", path.c_str(), 1);
  EXPECT_EQ(automatic.bubblewrap, "");
  EXPECT_FALSE(automatic.required);
  EXPECT_THAT(automatic.missing, HasSubstr("install the package bubblewrap"));
  EXPECT_EQ(required.bubblewrap, "");
  EXPECT_TRUE(required.required);
}

TEST(FindSandboxTest, TakesABubblewrapThatDoesNotWorkForNone) {
  const std::string folder = MakeFolder(), path = getenv("PATH");
  std::ofstream(folder + "/bwrap") << "#!/bin/sh\necho 'bwrap: No permissions to create new "
                                      "namespace' >&2; exit 1\n";
  fs::permissions(folder + "/bwrap", fs::perms::owner_all);
  setenv("PATH", (folder + ":" + path).c_str(), 1);
  const Sandbox sandbox = FindSandbox({});
  setenv("PATH", path.c_str(), 1);
  EXPECT_EQ(sandbox.bubblewrap, "");
  EXPECT_THAT(sandbox.missing, HasSubstr("No permissions to create new namespace"));
  fs::remove_all(folder);
}

TEST(FindSandboxTest, LooksForNothingWhereNoneIsWanted) {
  const Sandbox sandbox = FindSandbox({.mode = SandboxOptions::Mode::kOff});
  EXPECT_EQ(sandbox.bubblewrap, "");
  EXPECT_EQ(sandbox.missing, "");
}

TEST(FindSandboxTest, HidesTheKeysOfItsUser) {
  const std::string folder = MakeFolder(), home = getenv("HOME");
  fs::create_directory(folder + "/.ssh");
  std::ofstream(folder + "/.ssh/id_ed25519") << "key";
  setenv("HOME", folder.c_str(), 1);
  const Sandbox sandbox = FindSandbox({});
  setenv("HOME", home.c_str(), 1);
  EXPECT_THAT(sandbox.hidden, Contains(folder + "/.ssh"));
  EXPECT_THAT(sandbox.hidden, Contains("/etc/shadow"));
  fs::remove_all(folder);
}

TEST(SandboxStatusTest, FindsNumbers) {
  const std::string status =
      "{ \"child-pid\": 4711, \"net-namespace\": 1 }\n{ \"exit-code\": 0 }\n";
  EXPECT_EQ(SandboxStatusNumber(status, "child-pid"), 4711);
  EXPECT_EQ(SandboxStatusNumber(status, "exit-code"), 0);
  EXPECT_EQ(SandboxStatusNumber(status, "other"), -1);
}

}  // namespace
}  // namespace routines
