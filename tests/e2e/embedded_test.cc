// The whole way in one process: a fire becomes a session that clones, sets up, runs a program, and
// pushes.
#include "routines/embedded.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "routines/routine.h"
#include "src/embedded/upstream_credentials.h"

namespace routines {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kTrigger[] = "trig_alert0001";

class EmbeddedTest : public ::testing::Test {
 protected:
  EmbeddedTest() {
    char name[] = "/tmp/routines_embedded_XXXXXX";
    root_ = mkdtemp(name);
    std::filesystem::create_directory(root_ + "/state");
    std::filesystem::create_directory(root_ + "/state/secrets");
    std::ofstream(root_ + "/state/secrets/API_KEY") << "sk-very-secret-value\n";
    Shell(absl::StrCat(
        "git init -q -b main ", root_, "/seed && cd ", root_,
        "/seed && echo broken > state.txt && "
        "git add . && git -c user.name=t -c user.email=t@example.org commit -qm first && "
        "git clone -q --bare . ",
        root_, "/upstream.git"));
  }
  ~EmbeddedTest() override { std::filesystem::remove_all(root_); }

  static void Shell(const std::string& command) {
    ASSERT_EQ(system(command.c_str()), 0) << command;
  }

  std::string Upstream(const std::string& arguments) {
    const std::string out = root_ + "/out";
    system(
        absl::StrCat("git -C ", root_, "/upstream.git ", arguments, " > ", out, " 2>&1").c_str());
    std::ifstream file(out);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::unique_ptr<Engine> Open(const std::string& script) {
    EmbeddedOptions options;
    options.state_directory = root_ + "/state";
    options.executors["agent"] = *NewProcessExecutor({.command = {"sh", "-euc", script}});
    auto engine = OpenEmbedded(std::move(options));
    EXPECT_TRUE(engine.ok()) << engine.status();
    return *std::move(engine);
  }

  v1::Session RunOnce(Engine& engine, const std::string& more_yaml = "") {
    const LoadResult loaded =
        LoadRoutine(absl::StrCat("name: alert\nprompt: mend it\nrepositories: [{url: 'file://",
                                 root_, "/upstream.git', name: api}]\n", more_yaml,
                                 "triggers: [{id: trig_alert0001, api: {}}]\n"),
                    "alert.yaml");
    EXPECT_TRUE(loaded.ok()) << loaded.problems.front().ToString();
    EXPECT_TRUE(engine.Put(loaded.routine).ok());
    EXPECT_TRUE(engine.Start().ok());
    const auto fired = engine.Fire({.trigger_id = kTrigger, .text = "SEN-4521 fired"});
    EXPECT_TRUE(fired.ok()) << fired.status();
    return *engine.Wait(fired->session_id, absl::Now() + absl::Minutes(1));
  }

  static std::string LogText(Engine& engine, const std::string& id) {
    std::string text;
    const auto log = *engine.ReadLog({.session_id = id});
    for (const v1::SessionEvent& event : log) text += event.ShortDebugString() + "\n";
    return text;
  }

  std::string root_;
};

TEST_F(EmbeddedTest, AFireBecomesASessionThatPushesABranch) {
  auto engine = Open(
      "cat > \"$HOME/prompt\"; grep -q SEN-4521 \"$HOME/prompt\"; test \"$(cat ready)\" = yes\n"
      "git checkout -q -b claude/fix; echo fixed > state.txt; git commit -qam 'Mend it'\n"
      "git push -q origin claude/fix\n"
      "echo '{\"type\":\"result\",\"text\":\"mended\"}' >&3");
  const v1::Session session = RunOnce(*engine, "environment: {setup_script: echo yes > ready}\n");
  ASSERT_EQ(session.state(), v1::SESSION_STATE_SUCCEEDED)
      << session.DebugString() << LogText(*engine, session.id());
  EXPECT_EQ(session.result(), "mended");
  ASSERT_THAT(session.checkouts(), SizeIs(1));
  EXPECT_EQ(session.checkouts(0).commit() + "\n", Upstream("rev-parse main"));
  ASSERT_THAT(session.pushes(), SizeIs(1));
  EXPECT_EQ(session.pushes(0).ref(), "refs/heads/claude/fix");
  EXPECT_EQ(session.pushes(0).new_commit() + "\n", Upstream("rev-parse claude/fix"));
  EXPECT_EQ(Upstream("show claude/fix:state.txt"), "fixed\n");
  EXPECT_THAT(session.patches(), SizeIs(0));
}

TEST_F(EmbeddedTest, MainIsRefusedAndTheWorkIsKeptAsAPatch) {
  auto engine = Open(
      "cat > /dev/null; echo fixed > state.txt; git commit -qam 'Mend it'\n"
      "git push origin main || echo 'push was refused'");
  const std::string before = Upstream("show-ref");
  const v1::Session session = RunOnce(*engine);
  EXPECT_EQ(session.state(), v1::SESSION_STATE_SUCCEEDED) << LogText(*engine, session.id());
  EXPECT_EQ(Upstream("show-ref"), before);
  EXPECT_THAT(session.pushes(), SizeIs(0));
  EXPECT_THAT(LogText(*engine, session.id()), HasSubstr("remote rejected"));
  ASSERT_THAT(session.patches(), SizeIs(1));
  EXPECT_THAT(session.patches(0).text(), HasSubstr("+fixed"));
}

TEST_F(EmbeddedTest, SaysSoWhereTheAgentsCommitsCannotBeKept) {
  auto engine = Open("cat > /dev/null; rm -rf .git; mkfifo .git; echo done");
  const v1::Session session = RunOnce(*engine);
  EXPECT_EQ(session.state(), v1::SESSION_STATE_SUCCEEDED);
  EXPECT_THAT(LogText(*engine, session.id()), HasSubstr("no .git folder any more"));
}

TEST_F(EmbeddedTest, SecretsReachTheAgentAndNothingElse) {
  auto engine = Open(
      "cat >/dev/null; test \"$API_KEY\" = sk-very-secret-value; env; "
      "printf %s \"$API_KEY\" | base64; echo \"$API_KEY\" | od -An -tx1 | tr -d ' '");
  const v1::Session session = RunOnce(*engine, "environment: {secrets: [API_KEY]}\n");
  EXPECT_EQ(session.state(), v1::SESSION_STATE_SUCCEEDED);
  const std::string log = LogText(*engine, session.id());
  EXPECT_THAT(log, HasSubstr("API_KEY=[redacted]"));
  EXPECT_THAT(log, Not(HasSubstr("very-secret")));
  EXPECT_THAT(log, Not(HasSubstr("c2stdmVyeS1zZWNyZXQ")));
}

TEST_F(EmbeddedTest, AFailingSetupScriptFailsTheSession) {
  auto engine = Open("true");
  const v1::Session session =
      RunOnce(*engine, "environment: {setup_script: 'echo no such package >&2; exit 7'}\n");
  EXPECT_EQ(session.state(), v1::SESSION_STATE_FAILED);
  EXPECT_EQ(session.step(), v1::SESSION_STEP_SETUP);
  EXPECT_EQ(session.reason(), "setup_failed");
  EXPECT_THAT(session.message(), HasSubstr("7"));
}

TEST_F(EmbeddedTest, LeavesNoWorkspaceBehind) {
  auto engine = Open("cat > /dev/null; echo done");
  const v1::Session session = RunOnce(*engine);
  EXPECT_EQ(session.state(), v1::SESSION_STATE_SUCCEEDED);
  engine.reset();
  EXPECT_TRUE(std::filesystem::is_empty(root_ + "/state/workspaces/sessions"));
}

TEST_F(EmbeddedTest, FindsTheCredentialOfAnUpstreamByItsHost) {
  UpstreamCredentials credentials(NewMapSecretProvider(
      {{"GIT_TOKEN_GITHUB_COM", "t0ken"}, {"GIT_TOKEN_GIT_ACME_EXAMPLE_8443", "u:p"}}));
  EXPECT_EQ(*credentials.Get("acme", "git:https://github.com/acme/api.git"), "t0ken");
  EXPECT_EQ(*credentials.Get("acme", "git:https://git.acme.example:8443/api"), "u:p");
  EXPECT_TRUE(absl::IsNotFound(credentials.Get("acme", "git:https://gitlab.com/x").status()));
  EXPECT_TRUE(absl::IsNotFound(credentials.Get("acme", "git:/srv/api.git").status()));
  // And no routine can get at it.
  EXPECT_FALSE(
      LoadRoutine("name: a\nprompt: p\nenvironment: {secrets: [GIT_TOKEN_GITHUB_COM]}\n", "a.yaml")
          .ok());
}

TEST_F(EmbeddedTest, OneFolderBelongsToOneEngine) {
  auto engine = Open("true");
  EmbeddedOptions options;
  options.state_directory = root_ + "/state";
  EXPECT_TRUE(absl::IsFailedPrecondition(OpenEmbedded(std::move(options)).status()));
}

}  // namespace
}  // namespace routines
