// The push gate, attacked and used with the real git program.
#include <gmock/gmock.h>

#include "src/workspace/ref_name.h"
#include "tests/unit/base/peak_memory.h"
#include "tests/unit/workspace/workspace_fixture.h"

namespace routines {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

class PushTest : public WorkspaceTest {
 protected:
  void SetUp() override {
    WorkspaceTest::SetUp();
    MustPrepare();
    ASSERT_EQ(Agent("echo work > new; git add new; git commit -qm work").code, 0);
  }

  // A push that must fail, and change nothing upstream.
  void MustRefuse(const std::string& script, const std::string& message) {
    const std::string before = UpstreamRefs();
    const ShellResult result = Agent(script);
    EXPECT_NE(result.code, 0) << script;
    EXPECT_THAT(result.output, ContainsRegex(message)) << script;
    EXPECT_EQ(UpstreamRefs(), before) << script;
  }

  ShellResult Agent(const std::string& script) {
    return RunShell(script, workspace_->working_directory(), workspace_->environment(), sandbox_);
  }

  std::string Head() {
    std::string head = Agent("git rev-parse HEAD").output;
    head.pop_back();
    return head;
  }

  Sandbox sandbox_;  // of the agent; none
};

TEST_F(PushTest, CreatesAndForwardsAClaudeBranch) {
  ShellResult result = Agent("git checkout -q -b claude/fix; git push -u origin claude/fix");
  EXPECT_EQ(result.code, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("[new branch]"));
  const std::string first = Head();
  EXPECT_EQ(Host("git -C upstream.git rev-parse claude/fix"), first);
  result = Agent("echo more >> new; git commit -qam more; git push");
  EXPECT_EQ(result.code, 0) << result.output;
  EXPECT_EQ(Host("git -C upstream.git rev-parse claude/fix"), Head());
  ASSERT_EQ(log_.pushes().size(), 2u);
  EXPECT_TRUE(log_.pushes()[0].accepted());
  EXPECT_EQ(log_.pushes()[0].repository(), "upstream");
  EXPECT_EQ(log_.pushes()[0].ref(), "refs/heads/claude/fix");
  EXPECT_EQ(log_.pushes()[0].old_commit(), kZeroObjectId);
  EXPECT_EQ(log_.pushes()[0].new_commit(), first);
  EXPECT_EQ(log_.pushes()[1].old_commit(), first);
  EXPECT_EQ(log_.pushes()[1].new_commit(), Head());
  EXPECT_EQ(Host("ls root/gate"), "");
}

TEST_F(PushTest, RefusesMainWithGitsOwnMessage) {
  MustRefuse("git push origin HEAD:main",
             "\\[remote rejected\\] HEAD -> main \\(only refs/heads/claude/\\* may be pushed\\)");
  ASSERT_EQ(log_.pushes().size(), 1u);
  EXPECT_FALSE(log_.pushes()[0].accepted());
  EXPECT_EQ(log_.pushes()[0].ref(), "refs/heads/main");
  EXPECT_EQ(log_.pushes()[0].new_commit(), Head());
  EXPECT_EQ(log_.pushes()[0].message(), "only refs/heads/claude/* may be pushed");
}

TEST_F(PushTest, RefusesEveryOtherRef) {
  Agent("git tag t; git notes add -m x; git tag -am x a");
  for (const char* refspec :
       {"t", "a", "refs/notes/*", "HEAD:refs/notes/claude/x", "HEAD:refs/meta/config",
        "HEAD:refs/pull/1/head", "HEAD:refs/replace/0123456789012345678901234567890123456789",
        "HEAD:refs/heads/Claude/x", "HEAD:refs/heads/claude", "HEAD:refs/heads/\xd1\x81laude/x",
        "HEAD:refs/heads/claudex/y", "HEAD:refs/tags/claude/x", "HEAD:refs/for/claude/x",
        "HEAD:refs/stash"}) {
    MustRefuse(std::string("git push origin '") + refspec + "'",
               "only refs/heads/claude/. may be pushed");
  }
  MustRefuse("git push --mirror origin", "rejected");
  MustRefuse("git push --all origin", "may be pushed");
  MustRefuse("git push --tags origin", "may be pushed");
}

TEST_F(PushTest, RecordsNamesThatAreNoText) {
  EXPECT_NE(Agent("git push origin $'HEAD:refs/heads/\\xff'").code, 0);
  EXPECT_EQ(Agent("git push origin $'HEAD:refs/heads/claude/\\xff'").code, 0);
  ASSERT_EQ(log_.pushes().size(), 2u);
  EXPECT_EQ(log_.pushes()[0].ref(), "refs/heads/\xef\xbf\xbd");
  EXPECT_EQ(log_.pushes()[1].ref(), "refs/heads/claude/\xef\xbf\xbd");
}

TEST_F(PushTest, PushesAllRefsOrNone) {
  MustRefuse("git push origin HEAD:claude/x HEAD:main",
             "claude/x \\(another ref of this push was refused\\)");
  ASSERT_EQ(log_.pushes().size(), 2u);
  EXPECT_FALSE(log_.pushes()[0].accepted() || log_.pushes()[1].accepted());
  const ShellResult result =
      Agent("git push --atomic origin HEAD:claude/x HEAD~:refs/heads/claude/y");
  EXPECT_EQ(result.code, 0) << result.output;
  EXPECT_THAT(UpstreamRefs(), HasSubstr("refs/heads/claude/y"));
}

TEST_F(PushTest, RefusesToDeleteAndToForce) {
  ASSERT_EQ(Agent("git push -q origin HEAD:claude/x").code, 0);
  MustRefuse("git push origin :claude/x", "claude/x \\(deleting is not allowed\\)");
  MustRefuse("git push --prune origin 'refs/heads/nothing/*:refs/heads/claude/*'",
             "deleting is not allowed");
  MustRefuse("git commit -q --amend -m other; git push -f origin HEAD:claude/x",
             "claude/x \\(non-fast-forward: forced updates are not allowed\\)");
  MustRefuse("git push --force-with-lease origin HEAD:claude/x", "forced updates are not allowed");
}

TEST_F(PushTest, DoesNotOverwriteWhatSomebodyElsePushed) {
  ASSERT_EQ(Agent("git push -q origin HEAD:claude/x").code, 0);
  Host(
      "cd author; git fetch -q; git checkout -q claude/x; git commit -q --allow-empty -m theirs; "
      "git push -q");
  MustRefuse("git commit -q --allow-empty -m mine; git push origin HEAD:claude/x", "rejected");
  MustRefuse("git push -f origin HEAD:claude/x", "forced updates are not allowed");
}

TEST_F(PushTest, DoesNotLetOneSessionOverwriteTheBranchOfAnother) {
  RecordingLog log;
  WorkspaceRequest request = request_;
  request.session.set_id("session_2");
  request.log = &log;
  const PreparedWorkspace other = provider_->Prepare(request);
  ASSERT_NE(other.workspace, nullptr) << other.outcome.message;
  const ShellResult theirs =
      RunShell("git commit -q --allow-empty -m theirs; git push -q origin HEAD:claude/theirs",
               other.workspace->working_directory(), other.workspace->environment());
  ASSERT_EQ(theirs.code, 0) << theirs.output;
  MustRefuse("git push origin HEAD:claude/theirs", "rejected");
  MustRefuse("git push -f origin HEAD:claude/theirs", "forced updates are not allowed");
  MustRefuse("git push origin +HEAD:claude/theirs HEAD:claude/mine", "forced updates");
  MustRefuse("git push origin :claude/theirs", "deleting is not allowed");
  MustRefuse("git push --mirror origin", "rejected");
  // Without a pass of its own it is nobody.
  MustRefuse("HOME=/nowhere git push origin HEAD:claude/x", "not found");
  EXPECT_EQ(log.pushes().size(), 1u);
}

TEST_F(PushTest, RefusesWhatWasNotOffered) {
  MustRefuse("git push -o x origin HEAD:claude/x", "does not support push options");
  MustRefuse("git push --signed origin HEAD:claude/x", "does not support --signed");
}

TEST_F(PushTest, IsNotFooledByTheSessionsOwnSettings) {
  Agent("git config core.hooksPath /dev/null; git config remote.origin.receivepack true");
  MustRefuse("GIT_CONFIG_GLOBAL=/dev/null git push origin HEAD:claude/x", "not found");
  MustRefuse("git push --receive-pack=true --no-verify origin HEAD:main", "may be pushed");
  MustRefuse("git push \"$(git remote get-url origin)/../other\" HEAD:claude/x", "not found");
  Agent("git config remote.origin.pushurl $(git remote get-url origin | sed s/upstream/other/)");
  MustRefuse("git push origin HEAD:claude/x", "not found");
  Agent("git config --unset remote.origin.pushurl");
  MustRefuse(
      "printf '[core]\\n\\thooksPath = /dev/null\\n' > more; "
      "git -c include.path=$PWD/more -c core.hooksPath=/dev/null push origin HEAD:main",
      "may be pushed");
}

// Straight to the upstream's folder, and to the gate's own: in a sandbox they are not there.
TEST_F(PushTest, ReachesTheUpstreamByTheGateOnlyWhereThereIsASandbox) {
  Sandbox sandbox = FindSandbox({});
  if (sandbox.bubblewrap.empty()) GTEST_SKIP() << sandbox.missing;
  auto provider = NewGitWorkspaceProvider({.root = base_ + "/sandboxed", .sandbox = sandbox});
  ASSERT_TRUE(provider.ok()) << provider.status();
  workspace_.reset();
  provider_ = *std::move(provider);
  MustPrepare();
  sandbox_ = workspace_->sandbox();
  ASSERT_EQ(Agent("git commit -q --allow-empty -m work; git push -q origin HEAD:claude/x").code, 0);
  for (const std::string& url :
       {"file://" + upstream_, upstream_, "ssh://localhost" + upstream_,
        "file://" + base_ + "/sandboxed/mirrors", base_ + "/sandboxed/gate"}) {
    MustRefuse("git config remote.origin.pushurl " + url + "; git push origin HEAD:main", "fatal");
    MustRefuse("git -c remote.origin.receivepack=true push " + url + " HEAD:main", "fatal");
  }
}

TEST_F(PushTest, LetsEverythingButDeletingAndForcingThroughWhereTheRepositoryAllowsIt) {
  request_.routine.mutable_repositories(0)->set_allow_unrestricted_pushes(true);
  MustPrepare();
  const ShellResult result = Agent(
      "git commit -q --allow-empty -m more; git tag v1; git push origin HEAD:main HEAD:side v1");
  EXPECT_EQ(result.code, 0) << result.output;
  EXPECT_EQ(Host("git -C upstream.git rev-parse main"), Head());
  EXPECT_THAT(UpstreamRefs(), HasSubstr("refs/tags/v1"));
  MustRefuse("git commit -q --amend --allow-empty -m other; git push -f origin HEAD:main",
             "forced updates");
  MustRefuse("git tag -f v1; git push -f origin v1", "moving a tag");
  MustRefuse("git push origin HEAD:refs/notes/x", "only branches and tags");
  MustRefuse("git push origin :side", "deleting");
}

TEST_F(PushTest, TellsWhatTheUpstreamSays) {
  Host(
      "printf '#!/bin/sh\\necho hello from upstream\\nread a b c; case $c in */no) exit 1;; esac' >"
      " upstream.git/hooks/pre-receive; chmod +x upstream.git/hooks/pre-receive");
  const ShellResult result = Agent("git push origin HEAD:claude/yes");
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.output, HasSubstr("remote: hello from upstream"));
  MustRefuse("git push origin HEAD:claude/no",
             "\\[remote rejected\\] HEAD -> claude/no \\(pre-receive hook declined\\)");
  EXPECT_EQ(log_.pushes().back().message(), "pre-receive hook declined");
}

TEST_F(PushTest, FetchesWhatIsNewUpstream) {
  Host(
      "cd author; echo theirs > theirs; git add theirs; git commit -qm theirs; git push -q origin "
      "main");
  const ShellResult result =
      Agent("git pull -q --rebase origin main; cat theirs; git log --oneline | wc -l");
  EXPECT_EQ(result.code, 0) << result.output;
  EXPECT_EQ(result.output, "theirs\n3\n");
}

TEST_F(PushTest, ServesShallowAndPartialClones) {
  Host(
      "cd author; for i in 1 2 3 4 5; do echo $i > file; git commit -qam $i; done; git push -q "
      "origin main");
  const ShellResult result = Agent(
      "url=$(git remote get-url origin); cd $TMPDIR; git clone -q --depth 2 $url shallow; cd "
      "shallow;"
      "git log --oneline | wc -l; git commit -q --allow-empty -m s; git push -q origin "
      "HEAD:claude/shallow; cd ..;"
      "git clone -q --filter=blob:none $url partial; cd partial; echo p > p; git add p; git commit "
      "-qm p;"
      "git push -q origin HEAD:claude/partial; GIT_PROTOCOL=version=0 git -c protocol.version=0 "
      "fetch -q");
  EXPECT_EQ(result.code, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("2\n"));
  EXPECT_THAT(UpstreamRefs(), HasSubstr("claude/shallow"));
  EXPECT_THAT(UpstreamRefs(), HasSubstr("claude/partial"));
  Host("git -C upstream.git fsck --connectivity-only");
}

TEST_F(PushTest, TakesALargePack) {
  // Larger than git's post buffer, so that it comes in chunks after a probe.
  const ShellResult result = Agent(
      "head -c 5000000 /dev/urandom > big; git add big; git commit -qm big;"
      "git push -q origin HEAD:claude/big; git push -q origin HEAD:claude/again");
  EXPECT_EQ(result.code, 0) << result.output;
  EXPECT_EQ(Host("git -C upstream.git cat-file -s claude/again:big"), "5000000");
  MustRefuse("head -c 5000000 /dev/urandom > big; git commit -qam big2; git push origin HEAD:main",
             "may be pushed");
}

TEST_F(PushTest, TakesTwoHundredMegabytesInBoundedMemory) {
  const int64_t before = PeakMemoryKb();
  const ShellResult result = Agent(
      "git config core.compression 0; git config pack.window 0; for i in $(seq 50); do head -c "
      "4000000 /dev/urandom > $i; done;"
      "git add .; git commit -qm big; git push -q origin HEAD:claude/big");
  EXPECT_EQ(result.code, 0) << result.output;
  EXPECT_EQ(Host("git -C upstream.git cat-file -s claude/big:50"), "4000000");
  if (kPeakMemoryIsTrue) {
    EXPECT_LT(PeakMemoryKb() - before, 32 << 10);
  }
}

TEST_F(PushTest, KeepsTheTokenOutOfSight) {
  const std::string token =
      Agent("git config --get-urlmatch http.extraHeader \"$(git remote get-url origin)\"").output;
  ASSERT_THAT(token, HasSubstr("Bearer "));
  const std::string secret = token.substr(22, 43);
  EXPECT_THAT(Agent("git remote -v; cat .git/config; env").output, Not(HasSubstr(secret)));
  Agent("git push origin HEAD:claude/x HEAD:main");
  EXPECT_THAT(log_.everything(), Not(HasSubstr(secret)));
}

TEST_F(PushTest, ClosesWithTheSession) {
  const std::string url = Agent("git remote get-url origin").output;
  const std::string header =
      Agent("git config --get-urlmatch http.extraHeader \"$(git remote get-url origin)\"").output;
  workspace_->Finish();
  const ShellResult result = RunShell("git -c http.extraHeader=\"$HEADER\" ls-remote $URL", base_,
                                      {{"PATH", getenv("PATH")},
                                       {"GIT_TERMINAL_PROMPT", "0"},
                                       {"URL", url.substr(0, url.size() - 1)},
                                       {"HEADER", header.substr(0, header.size() - 1)}});
  EXPECT_NE(result.code, 0);
  EXPECT_THAT(result.output, HasSubstr("not found"));
}

// ---- what is left at the end ----

TEST_F(PushTest, KeepsWhatWasCommittedButNotPushed) {
  Agent(
      "echo more > more; git add more; git commit -qm 'more work'; git checkout -q -b "
      "claude/pushed HEAD~;"
      "git push -q origin claude/pushed");
  const std::string main_tip = Agent("git rev-parse main").output;
  const std::vector<v1::Patch> patches = workspace_->Finish();
  ASSERT_EQ(patches.size(), 1u);
  EXPECT_EQ(patches[0].repository(), "upstream");
  EXPECT_EQ(patches[0].ref(), "refs/heads/main");
  EXPECT_THAT(patches[0].text(), HasSubstr("Subject: [PATCH] more work"));
  EXPECT_THAT(patches[0].text(), Not(HasSubstr("Subject: [PATCH] work")));
  EXPECT_FALSE(patches[0].truncated());
  EXPECT_FALSE(std::filesystem::exists(base_ + "/root/sessions/session_1"));
}

TEST_F(PushTest, AppliesTheKeptPatch) {
  Agent(
      "printf '\\0\\1\\2' > binary; git add binary; git commit -qm binary; git gc -q; git "
      "pack-refs --all");
  const std::vector<v1::Patch> patches = workspace_->Finish();
  ASSERT_EQ(patches.size(), 1u);
  std::ofstream(base_ + "/patch") << patches[0].text();
  Host("cd author; git am -q ../patch; cat new; cmp binary <(printf '\\0\\1\\2')");
}

TEST_F(PushTest, KeepsNothingWhereAllWasPushed) {
  Agent("git push -q origin HEAD:claude/x");
  EXPECT_TRUE(workspace_->Finish().empty());
}

TEST_F(PushTest, DoesNotTakeOthersWorkForTheSessions) {
  Agent("git reset -q --hard origin/main");
  Host("cd author; git commit -q --allow-empty -m theirs; git push -q origin main");
  ASSERT_EQ(Agent("git pull -q").code, 0);
  EXPECT_TRUE(workspace_->Finish().empty());
}

TEST_F(PushTest, KeepsACommitOfADetachedHead) {
  Agent(
      "git push -q origin HEAD:claude/x; git checkout -q --detach; git commit -q --allow-empty -m "
      "empty;"
      "echo x > x; git add x; git commit -qm detached");
  const std::vector<v1::Patch> patches = workspace_->Finish();
  ASSERT_EQ(patches.size(), 1u);
  EXPECT_EQ(patches[0].ref(), "HEAD");
  EXPECT_THAT(patches[0].text(), HasSubstr("detached"));
}

TEST_F(PushTest, CutsALongPatch) {
  Agent("seq 400000 > long; git add long; git commit -qm long");
  const std::vector<v1::Patch> patches = workspace_->Finish();
  ASSERT_EQ(patches.size(), 1u);
  EXPECT_TRUE(patches[0].truncated());
  EXPECT_EQ(patches[0].text().size(), size_t{1} << 20);
}

TEST_F(PushTest, RunsNothingOfTheCloneAtTheEnd) {
  const std::string canary = base_ + "/pwned";
  const ShellResult result = Agent(
      "printf '#!/bin/sh\\ntouch " + canary +
      "\\ncat\\n' > evil; chmod +x evil; E=$PWD/evil;"
      "for key in core.fsmonitor diff.external core.pager core.editor core.sshCommand "
      "diff.x.command diff.x.textconv"
      " filter.x.clean filter.x.smudge filter.x.process merge.x.driver credential.helper alias.log"
      " core.alternateRefsCommand core.gitProxy pager.log gpg.program uploadpack.packObjectsHook; "
      "do"
      " git config $key $E; done;"
      "mkdir -p hk; cp evil hk/post-checkout; cp evil hk/pre-commit; cp evil "
      "hk/reference-transaction;"
      "mkdir -p .git/info; echo '* diff=x filter=x merge=x' > .git/info/attributes; echo '* "
      "diff=x' > .gitattributes;"
      "git -c core.fsmonitor= -c filter.x.clean=cat -c filter.x.process= -c diff.external= add -A;"
      "git -c core.fsmonitor= -c filter.x.process= -c filter.x.clean=cat commit -qm evil;"
      "git config core.hooksPath $PWD/hk; git config format.attach x; git config log.showSignature "
      "true; rm -f " +
      canary);
  EXPECT_EQ(result.code, 0) << result.output;
  const std::vector<v1::Patch> patches = workspace_->Finish();
  ASSERT_EQ(patches.size(), 1u);
  EXPECT_THAT(patches[0].text(), HasSubstr("evil"));
  EXPECT_FALSE(std::filesystem::exists(canary));
}

TEST_F(PushTest, ReadsNothingThroughLinksOfTheClone) {
  // Another repository of the host's, which the session must not get to see by way of the patch.
  Host(
      "git clone -q upstream.git other; cd other; echo secret-of-others > s; git add s; git commit "
      "-qm s");
  const std::string secret = Host("git -C other rev-parse HEAD");
  const std::string alternates =
      "echo " + base_ + "/other/.git/objects >> .git/objects/info/alternates;";
  Agent(alternates + "git update-ref refs/heads/stolen " + secret);
  for (const v1::Patch& patch : workspace_->Finish())
    EXPECT_THAT(patch.text(), Not(HasSubstr("secret-of-others")));

  for (const std::string& script : std::vector<std::string>{
           "rm -rf .git/objects; ln -s " + base_ + "/other/.git/objects .git/objects; echo " +
               secret + " > .git/refs/heads/x",
           "rm -rf .git; ln -s " + base_ + "/other/.git .git",
           "cd ..; rm -rf upstream; ln -s " + base_ + "/other upstream",
           "rm -rf .git/refs/heads; ln -s " + base_ + "/other/.git/refs/heads .git/refs/heads",
           "mkdir -p .git/objects/pack; for f in " + base_ +
               "/other/.git/objects/??; do ln -sf $f .git/objects/; done; echo " + secret +
               " > .git/refs/heads/x",
           "rm -f .git/packed-refs .git/HEAD; mkfifo .git/packed-refs .git/HEAD "
           ".git/refs/heads/pipe",
           "rm -rf .git", "rm -rf .git; echo gitdir: /x > .git"}) {
    MustPrepare();
    Agent(script);
    for (const v1::Patch& patch : workspace_->Finish()) {
      EXPECT_THAT(patch.text(), Not(HasSubstr("secret-of-others"))) << script;
    }
  }
  EXPECT_TRUE(std::filesystem::exists(base_ + "/other/s"));
}

}  // namespace
}  // namespace routines
