// The mirror: repositories that are too large, servers that never end, damage, other protocols.
#include "src/workspace/mirror.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <thread>

#include "absl/strings/str_cat.h"
#include "src/workspace/tree_size.h"
#include "tests/unit/workspace/workspace_fixture.h"

namespace routines {
namespace {

using ::testing::HasSubstr;

class MirrorTest : public WorkspaceTest {
 protected:
  // As after a restart, with other limits.
  void Reopen(GitWorkspaceOptions options = {}) {
    workspace_.reset();
    provider_.reset();
    options.root = base_ + "/root";
    auto provider = NewGitWorkspaceProvider(options);
    ASSERT_TRUE(provider.ok()) << provider.status();
    provider_ = *std::move(provider);
  }
  std::string Mirrors() { return Host("cd root/mirrors; ls | tr '\\n' ' '"); }
};

// ---- size ----

TEST_F(MirrorTest, RefusesARepositoryThatIsTooLarge) {
  Host(
      "cd author; head -c 3000000 /dev/urandom > big; git add big; git commit -qm big; "
      "git push -q origin main");
  GitWorkspaceOptions options;
  options.max_clone_bytes = 1 << 20;
  Reopen(options);
  const Outcome outcome = Prepare();
  EXPECT_EQ(outcome.state, v1::SESSION_STATE_FAILED);
  EXPECT_EQ(outcome.step, v1::SESSION_STEP_CLONE);
  EXPECT_EQ(outcome.reason, "clone_limit") << outcome.message;
  EXPECT_FALSE(outcome.retryable);
  EXPECT_EQ(Host("find root/mirrors -name 'tmp_*'; ls root/sessions"), "");
  options.max_clone_bytes = 8 << 20;
  Reopen(options);
  MustPrepare();
}

TEST_F(MirrorTest, RefusesFilesThatUnpackToTooMuch) {
  Host(
      "cd author; head -c 30000000 /dev/zero > zeros; git add zeros; git commit -qm zeros; "
      "git push -q origin main");
  GitWorkspaceOptions options;
  options.max_clone_bytes = 8 << 20;
  Reopen(options);
  const Outcome outcome = Prepare();
  EXPECT_EQ(outcome.reason, "clone_limit") << outcome.message;
  EXPECT_THAT(outcome.message, HasSubstr("larger than 8 MiB"));
}

TEST_F(MirrorTest, RefusesMoreFilesThanTheLimit) {
  Host(
      "cd author; mkdir many; for i in $(seq 50); do echo > many/$i; done; git add many; "
      "git commit -qm many; git push -q origin main");
  GitWorkspaceOptions options;
  options.max_clone_files = 50;  // and the one that was there
  Reopen(options);
  EXPECT_EQ(Prepare().reason, "clone_limit");
  options.max_clone_files = 51;
  Reopen(options);
  MustPrepare();
}

// Some kilobytes whose checkout would have ten thousand million files.
TEST_F(MirrorTest, RefusesATreeThatMultiplies) {
  Host(
      "cd author; id=$(git rev-parse main:file); type='100644 blob'; for level in $(seq 10); do "
      "id=$(for i in $(seq 10); do printf '%s %s\\t%s\\n' \"$type\" $id $i; done | git mktree); "
      "type='040000 tree'; done; git push -q origin $(git commit-tree -m bomb "
      "$id):refs/heads/bomb");
  request_.routine.mutable_repositories(0)->set_ref("bomb");
  Reopen();
  EXPECT_EQ(Prepare().reason, "clone_limit");
}

TEST(TreeSize, ReadsLinesInAnyPieces) {
  const std::string lines = std::string("100644 blob ") + std::string(40, 'a') + "     12\ta b\tc" +
                            std::string(1, '\0') + "160000 commit " + std::string(40, 'b') +
                            "       -\tsub" + std::string(1, '\0') + "100644 blob " +
                            std::string(40, 'c') + " 30\tx\n1" + std::string(1, '\0');
  for (size_t piece = 1; piece < lines.size(); ++piece) {
    TreeSize just(3, 42), files(2, 42), bytes(3, 41);
    for (size_t at = 0; at < lines.size(); at += piece) {
      for (TreeSize* size : {&just, &files, &bytes}) size->Add(lines.substr(at, piece));
    }
    EXPECT_TRUE(just.within());
    EXPECT_FALSE(files.within());
    EXPECT_FALSE(bytes.within());
  }
  TreeSize huge(100, INT64_MAX - 1);
  const std::string line = "x 9223372036854775806\tx" + std::string(1, '\0');
  huge.Add(line);
  EXPECT_TRUE(huge.within());
  huge.Add(line);
  EXPECT_FALSE(huge.within());
}

// ---- servers ----

// Accepts connections and sends a byte of an answer now and then, for ever.
class Drip {
 public:
  Drip() : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(listener_.get(), raw, size), 0);
    EXPECT_EQ(listen(listener_.get(), 10), 0);
    getsockname(listener_.get(), raw, &size);
    url_ = absl::StrCat("http://127.0.0.1:", ntohs(address.sin_port), "/x.git");
    thread_ = std::thread([this] { Run(); });
  }
  ~Drip() {
    stop_.Cancel();
    thread_.join();
  }
  const std::string& url() const { return url_; }
  int bytes() const { return bytes_; }

 private:
  void Run() {
    std::vector<UniqueFd> clients;
    while (true) {
      pollfd polled[] = {{stop_.fd(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
      const int ready = poll(polled, 2, 10);
      if (polled[0].revents != 0) return;
      if (ready > 0) {
        clients.emplace_back(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        const std::string head =
            "HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\n\r\n"
            "001e# service=git-upload-pack\n0000";
        send(clients.back().get(), head.data(), head.size(), MSG_NOSIGNAL);
      }
      for (const UniqueFd& client : clients)
        bytes_ += send(client.get(), "0", 1, MSG_NOSIGNAL) == 1;
    }
  }

  UniqueFd listener_;
  std::string url_;
  Cancellation stop_;
  std::atomic<int> bytes_ = 0;
  std::thread thread_;
};

TEST_F(MirrorTest, EndsAServerThatDripsWhenCancelled) {
  Drip drip;
  request_.routine.mutable_repositories(0)->set_url(drip.url());
  std::thread canceller([&] {
    while (drip.bytes() < 3) std::this_thread::yield();
    cancellation_.Cancel();
  });
  const absl::Time start = absl::Now();
  EXPECT_EQ(Prepare().state, v1::SESSION_STATE_CANCELLED);
  EXPECT_LT(absl::Now() - start, absl::Seconds(20));
  canceller.join();
}

TEST_F(MirrorTest, EndsAServerThatDripsAtTheTimeLimit) {
  Drip drip;
  request_.routine.mutable_repositories(0)->set_url(drip.url());
  GitWorkspaceOptions options;
  options.clone_timeout = absl::Milliseconds(300);
  Reopen(options);
  const Outcome outcome = Prepare();
  EXPECT_EQ(outcome.reason, "clone_timeout") << outcome.message;
  EXPECT_TRUE(outcome.retryable);
}

TEST_F(MirrorTest, SaysThatSha256RepositoriesAreNotSupported) {
  Host(
      "git init -q --bare --object-format=sha256 s.git; git init -q --object-format=sha256 s; cd "
      "s; "
      "git commit -q --allow-empty -m x; git push -q ../s.git HEAD:main");
  request_.routine.mutable_repositories(0)->set_url("file://" + base_ + "/s.git");
  const Outcome outcome = Prepare();
  EXPECT_EQ(outcome.reason, "clone_failed");
  EXPECT_FALSE(outcome.retryable);
  EXPECT_THAT(outcome.message, HasSubstr("SHA-256"));
}

TEST_F(MirrorTest, AllowsGitTheProtocolOfTheUrlOnly) {
  const std::string file = "file://" + upstream_;
  for (const auto& [url, allowed] :
       std::vector<std::pair<std::string, std::string>>{{"https://h/x", "https"},
                                                        {"http://h/x", "http"},
                                                        {"ssh://h/x", "ssh"},
                                                        {"git@h:x/y", "ssh"},
                                                        {file, "file"},
                                                        {upstream_, "file"}}) {
    const Upstream upstream{url, ""};
    // An alias that runs a shell shows the environment that git gets.
    const auto aliased =
        RunGit({.arguments = {"-c", "alias.shown=!echo $GIT_ALLOW_PROTOCOL", "shown"},
                .repository = upstream_,
                .upstream = &upstream},
               {});
    ASSERT_TRUE(aliased.ok());
    EXPECT_EQ(aliased->output, allowed + "\n");
  }
  // A git that speaks to no upstream speaks to nobody.
  for (const std::string& url : {file, std::string("ext::sh -c id"), std::string("fd::0")}) {
    const auto fetched = RunGit({.arguments = {"fetch", url}, .repository = upstream_}, {});
    ASSERT_TRUE(fetched.ok());
    EXPECT_NE(fetched->exit_code, 0);
    EXPECT_THAT(fetched->errors, HasSubstr("not allowed"));
  }
}

// ---- damage ----

TEST_F(MirrorTest, IsMadeAnewWhereItIsDamaged) {
  Host(
      "cd author; seq 2000 > numbers; git add numbers; git commit -qm numbers; "
      "git push -q origin main");
  for (const char* damage :
       {"rm HEAD", ": > HEAD", ": > config", "echo '[' > config", "rm -r objects", "rm -r refs",
        "chmod u+w objects/pack/*; : > objects/pack/*.pack",
        "chmod u+w objects/pack/*; for p in objects/pack/*.pack; do truncate -s -40 $p; done",
        "chmod u+w objects/pack/*; rm objects/pack/*.idx", "rm objects/pack/*.pack",
        "chmod u+w objects/pack/*; for p in objects/pack/*.pack; do printf '\\377\\377\\377\\377"
        "\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377' | "
        "dd of=$p bs=1 seek=40 conv=notrunc status=none; done",
        "git pack-refs --all; echo rubbish > packed-refs",
        "mkdir -p refs/heads; : > refs/heads/main",
        "mkdir -p refs/heads; echo 0123456789012345678901234567890123456789 > refs/heads/main"}) {
    Reopen();
    MustPrepare();
    workspace_.reset();
    Host(absl::StrCat("cd root/mirrors/*.git*; ", damage));
    MustPrepare();
    ASSERT_NE(workspace_, nullptr) << damage;
    EXPECT_EQ(Read(workspace_->working_directory() + "/file"), "one\n") << damage;
    EXPECT_EQ(Agent("tail -n 1 numbers; git fsck 2>&1 && git log --oneline | wc -l").output,
              "2000\n2\n")
        << damage;
    workspace_.reset();
    provider_.reset();
    Host("rm -rf root");
  }
}

TEST_F(MirrorTest, KeepsTheDamagedOneForSessionsThatReadIt) {
  MustPrepare();
  const std::string first = Mirrors();
  std::unique_ptr<Workspace> running = std::move(workspace_);
  Host("cd root/mirrors/*.git; : > HEAD");
  request_.session.set_id("session_2");
  MustPrepare();
  EXPECT_THAT(Mirrors(), HasSubstr(first));
  EXPECT_NE(Mirrors(), first);
  // The first goes on: it reads its objects, and reaches the gate, which has the new mirror.
  workspace_.swap(running);
  EXPECT_EQ(Agent("git commit -q --allow-empty -m more; git push -q origin HEAD:claude/more; "
                  "git fetch -q; git show origin/main:file")
                .output,
            "one\n");
  EXPECT_THAT(UpstreamRefs(), HasSubstr("claude/more"));
  running.reset();
  // After a restart the new one alone is left, and used.
  Reopen();
  MustPrepare();
  EXPECT_EQ(absl::StrCat(first, Mirrors()),
            absl::StrCat(first, first.substr(0, first.size() - 1), ".1 "));
}

TEST_F(MirrorTest, KeepsADamagedOneWhereTheUpstreamIsGone) {
  MustPrepare();
  workspace_.reset();
  const std::string before = Mirrors();
  Host("cd root/mirrors/*.git; : > HEAD; mv ../../../upstream.git ../../../away.git");
  EXPECT_EQ(Prepare().reason, "clone_failed");
  EXPECT_EQ(Mirrors(), before);
  Host("mv away.git upstream.git");
  MustPrepare();
}

}  // namespace
}  // namespace routines
