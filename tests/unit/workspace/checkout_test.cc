// What a session finds: clones, setup script, environment.
#include <gmock/gmock.h>

#include <thread>

#include "tests/unit/workspace/workspace_fixture.h"

namespace routines {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class CheckoutTest : public WorkspaceTest {};

TEST_F(CheckoutTest, ChecksOutTheDefaultBranch) {
  MustPrepare();
  EXPECT_EQ(workspace_->working_directory(), workspace_->directory() + "/upstream");
  EXPECT_EQ(Read(workspace_->working_directory() + "/file"), "one\n");
  const std::string commit = Host("git -C upstream.git rev-parse main");
  ASSERT_EQ(log_.checkouts().size(), 1u);
  EXPECT_EQ(log_.checkouts()[0].commit(), commit);
  EXPECT_EQ(log_.checkouts()[0].ref(), "refs/heads/main");
  EXPECT_EQ(log_.checkouts()[0].name(), "upstream");
  EXPECT_EQ(log_.checkouts()[0].url(), "file://" + upstream_);
  const ShellResult status =
      Agent("git status -sb; git log --oneline origin/main; git rev-parse origin/HEAD; git fsck");
  EXPECT_EQ(status.code, 0) << status.output;
  EXPECT_THAT(status.output, HasSubstr("## main...origin/main\n"));
  EXPECT_THAT(status.output, HasSubstr(commit));
  EXPECT_EQ(Agent("git status --porcelain").output, "");
}

TEST_F(CheckoutTest, ChecksOutABranchATagOrACommit) {
  Host(
      "cd author; git checkout -q -b side; echo two > file; git commit -qam two; git tag -am x v1;"
      "echo three > file; git commit -qam three; git push -q origin side v1");
  v1::Repository* repository = request_.routine.mutable_repositories(0);
  const std::string side = Host("git -C upstream.git rev-parse side");
  const std::string tagged = Host("git -C upstream.git rev-parse v1^{commit}");
  for (const auto& [ref, resolved, commit] :
       std::vector<std::tuple<std::string, std::string, std::string>>{
           {"side", "refs/heads/side", side},
           {"refs/heads/side", "refs/heads/side", side},
           {"v1", "refs/tags/v1", tagged},
           {tagged, tagged, tagged}}) {
    repository->set_ref(ref);
    MustPrepare();
    EXPECT_EQ(log_.checkouts().back().ref(), resolved);
    EXPECT_EQ(log_.checkouts().back().commit(), commit);
    EXPECT_EQ(Agent("git rev-parse HEAD").output, commit + "\n");
    const ShellResult branch = Agent("git symbolic-ref -q HEAD || echo detached");
    EXPECT_EQ(branch.output, commit == side ? "refs/heads/side\n" : "detached\n");
  }
}

TEST_F(CheckoutTest, FindsACommitThatNoBranchLeadsTo) {
  const std::string orphan = Host(
      "cd author; git checkout -q -b gone; git commit -qm gone --allow-empty;"
      "git push -q origin gone; git push -q origin :gone; git rev-parse HEAD;"
      "git -C ../upstream.git config uploadpack.allowAnySHA1InWant true");
  request_.routine.mutable_repositories(0)->set_ref(orphan);
  MustPrepare();
  EXPECT_EQ(log_.checkouts().back().commit(), orphan);
}

TEST_F(CheckoutTest, RefusesARefThatIsNotThere) {
  for (const char* ref :
       {"nowhere", "refs/notes/x", "0123456789012345678901234567890123456789", "-x", "main~0"}) {
    request_.routine.mutable_repositories(0)->set_ref(ref);
    const Outcome outcome = Prepare();
    EXPECT_EQ(workspace_, nullptr);
    EXPECT_EQ(outcome.state, v1::SESSION_STATE_FAILED);
    EXPECT_EQ(outcome.step, v1::SESSION_STEP_CLONE);
    EXPECT_EQ(outcome.reason, "ref_not_found") << outcome.message;
    EXPECT_FALSE(outcome.retryable);
    EXPECT_THAT(outcome.message, HasSubstr(ref));
  }
  EXPECT_FALSE(std::filesystem::exists(base_ + "/root/sessions/session_1"));
}

TEST_F(CheckoutTest, IsNeverStale) {
  MustPrepare();
  Host("cd author; echo two > file; git commit -qam two; git push -q origin main");
  MustPrepare();
  EXPECT_EQ(Read(workspace_->working_directory() + "/file"), "two\n");
  // Rewritten history and another default branch are followed too.
  Host(
      "cd author; git checkout -q --orphan trunk; echo three > file; git add file; git commit -qm "
      "three;"
      "git push -q origin trunk +trunk:main; git -C ../upstream.git symbolic-ref HEAD "
      "refs/heads/trunk");
  MustPrepare();
  EXPECT_EQ(Read(workspace_->working_directory() + "/file"), "three\n");
  EXPECT_EQ(log_.checkouts().back().ref(), "refs/heads/trunk");
  // A branch gives way to a folder of branches.
  Host(
      "cd author; git push -q origin trunk:refs/heads/a; git push -q origin :a "
      "trunk:refs/heads/a/b");
  request_.routine.mutable_repositories(0)->set_ref("a/b");
  MustPrepare();
}

TEST_F(CheckoutTest, FailsWhereTheUpstreamIsGone) {
  MustPrepare();
  workspace_.reset();
  Host("mv upstream.git away.git");
  const Outcome outcome = Prepare();
  EXPECT_EQ(workspace_, nullptr);
  EXPECT_EQ(outcome.reason, "clone_failed");
  EXPECT_EQ(outcome.step, v1::SESSION_STEP_CLONE);
  EXPECT_FALSE(outcome.retryable) << outcome.message;
}

TEST_F(CheckoutTest, MayBeTriedAgainWhereTheNetworkFails) {
  request_.routine.mutable_repositories(0)->set_url(
      "http://127.0.0.1:1/x.git");  // nobody listens there
  const Outcome outcome = Prepare();
  EXPECT_EQ(outcome.reason, "clone_failed");
  EXPECT_TRUE(outcome.retryable) << outcome.message;
}

TEST_F(CheckoutTest, SaysThatAnEmptyRepositoryHasNothingToClone) {
  Host("git init -q --bare empty.git");
  request_.routine.mutable_repositories(0)->set_url("file://" + base_ + "/empty.git");
  const Outcome outcome = Prepare();
  EXPECT_EQ(outcome.reason, "ref_not_found");
  EXPECT_THAT(outcome.message, HasSubstr("no commits"));
}

TEST_F(CheckoutTest, RefusesUrlsThatRunPrograms) {
  for (const std::string& url :
       {"ext::sh -c touch% " + base_ + "/pwned", std::string("--upload-pack=touch x"),
        std::string("ssh://-oProxyCommand=x/y"), std::string("fd::3"), std::string("git://h/x"),
        std::string("file:///x\n/y"), std::string("")}) {
    request_.routine.mutable_repositories(0)->set_url(url);
    request_.routine.mutable_repositories(0)->set_name("x");
    const Outcome outcome = Prepare();
    EXPECT_EQ(workspace_, nullptr) << url;
    EXPECT_EQ(outcome.reason, "clone_failed") << url;
    EXPECT_FALSE(outcome.retryable);
  }
  EXPECT_FALSE(std::filesystem::exists(base_ + "/pwned"));
}

TEST_F(CheckoutTest, PutsSeveralRepositoriesSideBySide) {
  AddRepository("file://" + upstream_)->set_name("second");
  MustPrepare();
  EXPECT_EQ(workspace_->working_directory(), workspace_->directory());
  EXPECT_EQ(
      Agent("cat upstream/file second/file; git -C second push -q origin HEAD:claude/x").output,
      "one\none\n");
  ASSERT_EQ(log_.pushes().size(), 1u) << log_.everything();
  EXPECT_EQ(log_.pushes()[0].repository(), "second");
  EXPECT_EQ(log_.checkouts().size(), 2u);
  request_.routine.mutable_repositories(1)->set_name("upstream");
  EXPECT_THAT(Prepare().message, HasSubstr("twice"));
}

TEST_F(CheckoutTest, WorksWithoutARepository) {
  request_.routine.clear_repositories();
  MustPrepare();
  EXPECT_EQ(workspace_->working_directory(), workspace_->directory());
  EXPECT_EQ(Agent("pwd").output, workspace_->directory() + "\n");
  EXPECT_TRUE(workspace_->Finish().empty());
}

TEST_F(CheckoutTest, ManySessionsOfOneUrlDoNotDisturbEachOther) {
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      WorkspaceRequest request = request_;
      request.session.set_id("session_many_" + std::to_string(i));
      for (int round = 0; round < 3; ++round) {
        const PreparedWorkspace prepared = provider_->Prepare(request);
        ASSERT_NE(prepared.workspace, nullptr) << prepared.outcome.message;
        if (Read(prepared.workspace->working_directory() + "/file") == "one\n") ++good;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 24);
  EXPECT_EQ(
      Host("ls root/mirrors | wc -l; for m in root/mirrors/*; do git -C $m fsck --strict; done"),
      "1");
}

TEST_F(CheckoutTest, SurvivesLocksThatADeadGitLeft) {
  MustPrepare();
  workspace_.reset();
  provider_.reset();
  Host(
      "cd root/mirrors/*.git; touch packed-refs.lock HEAD.lock refs/heads/main.lock "
      "objects/pack/tmp_pack_x;"
      "cd ../../../author; echo two > file; git commit -qam two; git push -q origin main");
  auto provider = NewGitWorkspaceProvider({.root = base_ + "/root"});
  ASSERT_TRUE(provider.ok()) << provider.status();
  provider_ = *std::move(provider);
  MustPrepare();
  EXPECT_EQ(Read(workspace_->working_directory() + "/file"), "two\n");
}

TEST_F(CheckoutTest, RemovesTheFolderAtTheEnd) {
  MustPrepare();
  const std::string folder = base_ + "/root/sessions/session_1";
  ASSERT_TRUE(std::filesystem::exists(folder));
  Agent("mkdir -p a/b; touch a/b/c; chmod 0 a/b; chmod 0500 a; ln -s /etc e; ln -s / ../../home/r");
  EXPECT_TRUE(workspace_->Finish().empty());
  EXPECT_FALSE(std::filesystem::exists(folder));
  EXPECT_TRUE(std::filesystem::exists("/etc/passwd"));
}

TEST_F(CheckoutTest, RunsNothingThatTheRepositoryBrings) {
  Host("cd author; mkdir hooks .git/x; printf '#!/bin/sh\\ntouch " + base_ +
       "/pwned' > hooks/post-checkout;"
       "chmod +x hooks/post-checkout; printf '* filter=evil diff=evil merge=evil\\n' > "
       ".gitattributes;"
       "printf '[submodule \"x\"]\\npath = x\\nurl = -u./hooks/post-checkout\\n' > .gitmodules;"
       "ln -s /etc/passwd link; ln -s .git loop; git add -A; git commit -qm evil; git push -q "
       "origin main");
  MustPrepare();
  EXPECT_TRUE(workspace_->Finish().empty());
  EXPECT_FALSE(std::filesystem::exists(base_ + "/pwned"));
}

// ssh, played by a program that runs what it is asked to run on this machine.
class SshTest : public WorkspaceTest {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/ssh-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    programs_ = pattern;
    std::ofstream(programs_ + "/ssh")
        << "#!/bin/sh\nfor last; do :; done\n"
           "echo \"$*\" >> \"$(dirname \"$0\")/calls\"\nexec sh -c \"$last\"\n";
    std::filesystem::permissions(programs_ + "/ssh", std::filesystem::perms::owner_all);
    path_ = getenv("PATH");
    setenv("PATH", (programs_ + ":" + path_).c_str(), 1);
    WorkspaceTest::SetUp();
  }
  void TearDown() override {
    WorkspaceTest::TearDown();
    setenv("PATH", path_.c_str(), 1);
    EXPECT_TRUE(RemoveTree(programs_).ok());
  }
  std::string programs_, path_;
};

TEST_F(SshTest, ClonesFromAndPushesToSshUpstreams) {
  for (const std::string& url : {"ssh://git@host" + upstream_, "git@host:" + upstream_}) {
    request_.routine.mutable_repositories(0)->set_url(url);
    MustPrepare();
    const ShellResult result =
        Agent("git commit -q --allow-empty -m ssh; git push origin HEAD:claude/ssh-$RANDOM");
    EXPECT_EQ(result.code, 0) << result.output;
    EXPECT_TRUE(log_.pushes().back().accepted());
  }
  EXPECT_THAT(Read(programs_ + "/calls"), HasSubstr("-oBatchMode=yes"));
  EXPECT_THAT(UpstreamRefs(), HasSubstr("claude/ssh-"));
}

// ---- the setup script ----

TEST_F(CheckoutTest, RunsTheSetupScriptInTheClone) {
  request_.environment = {{"WORD", "hello"},  {"LD_PRELOAD", "/x.so"},
                          {"GIT_DIR", "/x"},  {"PATH", "/nowhere"},
                          {"BASH_ENV", "/x"}, {"ANTHROPIC_BASE_URL", "http://evil"},
                          {"HOME", "/"}};
  request_.routine.mutable_environment()->set_setup_script(
      "pwd\necho $WORD >&2\ncat file > made; env");
  MustPrepare();
  EXPECT_THAT(log_.output(), HasSubstr(workspace_->working_directory() + "\n"));
  EXPECT_THAT(log_.output(), HasSubstr("hello\n"));
  EXPECT_EQ(Read(workspace_->working_directory() + "/made"), "one\n");
  for (const char* name :
       {"LD_PRELOAD", "GIT_DIR", "BASH_ENV", "ANTHROPIC_BASE_URL", "/nowhere", "HOME=/\n"}) {
    EXPECT_THAT(log_.output(), Not(HasSubstr(name)));
  }
  for (const auto& event : log_.events()) {
    EXPECT_TRUE(!event.has_output() || event.output().step() == v1::SESSION_STEP_SETUP);
  }
  EXPECT_EQ(workspace_->environment().at("WORD"), "hello");
  EXPECT_EQ(workspace_->environment().at("HOME"), base_ + "/root/sessions/session_1/home");
}

TEST_F(CheckoutTest, FailsWithTheSetupScript) {
  request_.routine.mutable_environment()->set_setup_script(
      "echo working\nsh -c 'echo no such package >&2; exit 7'\necho never");
  const Outcome outcome = Prepare();
  EXPECT_EQ(workspace_, nullptr);
  EXPECT_EQ(outcome.state, v1::SESSION_STATE_FAILED);
  EXPECT_EQ(outcome.step, v1::SESSION_STEP_SETUP);
  EXPECT_EQ(outcome.reason, "setup_failed");
  EXPECT_EQ(outcome.message, "exit code 7; last line: no such package");
  EXPECT_FALSE(outcome.retryable);
  EXPECT_THAT(log_.output(), Not(HasSubstr("never")));
  EXPECT_FALSE(std::filesystem::exists(base_ + "/root/sessions/session_1"));
}

TEST_F(CheckoutTest, EndsASetupScriptThatTakesTooLong) {
  request_.routine.mutable_environment()->set_setup_script("sleep 1000");
  request_.routine.mutable_environment()->mutable_setup_timeout()->set_nanos(200000000);
  const Outcome outcome = Prepare();
  EXPECT_EQ(outcome.reason, "setup_timeout");
  EXPECT_EQ(outcome.step, v1::SESSION_STEP_SETUP);
}

TEST_F(CheckoutTest, EndsASetupScriptThatIsCancelled) {
  request_.routine.mutable_environment()->set_setup_script("echo started; sleep 1000");
  std::thread canceller([this] {
    while (log_.output().empty()) std::this_thread::yield();
    cancellation_.Cancel();
  });
  const Outcome outcome = Prepare();
  canceller.join();
  EXPECT_EQ(outcome.state, v1::SESSION_STATE_CANCELLED);
  EXPECT_EQ(workspace_, nullptr);
}

TEST_F(CheckoutTest, DoesNothingOnceCancelled) {
  cancellation_.Cancel();
  EXPECT_EQ(Prepare().state, v1::SESSION_STATE_CANCELLED);
  EXPECT_TRUE(log_.events().empty());
}

// ---- the provider ----

TEST(NewGitWorkspaceProvider, RefusesARootThatCannotBe) {
  EXPECT_EQ(NewGitWorkspaceProvider({}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(NewGitWorkspaceProvider({.root = "/dev/null/x"}).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(CheckoutTest, TakesARootThatIsALink) {
  provider_.reset();
  Host("ln -s root link");
  auto provider = NewGitWorkspaceProvider({.root = base_ + "/link/"});
  ASSERT_TRUE(provider.ok()) << provider.status();
  provider_ = *std::move(provider);
  MustPrepare();
  EXPECT_EQ(workspace_->directory(), base_ + "/root/sessions/session_1/work");
}

TEST_F(CheckoutTest, RefusesASessionIdThatIsNoFolderName) {
  for (const char* id : {"", "..", "a/b", "a b"}) {
    request_.session.set_id(id);
    EXPECT_EQ(Prepare().reason, "workspace_failed") << id;
  }
}

}  // namespace
}  // namespace routines
