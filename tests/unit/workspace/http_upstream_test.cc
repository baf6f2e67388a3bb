// An upstream behind HTTP and a password: git's own backend, served by a small Python program.
#include <gmock/gmock.h>

#include <future>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/unit/workspace/workspace_fixture.h"

namespace routines {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kPassword[] = "correct-horse-battery";

// Knows one credential, of one account and URL; what it knows can be changed.
class OneCredential : public SecretProvider {
 public:
  absl::StatusOr<std::string> Get(std::string_view account, std::string_view name) override {
    if (!error.ok()) return error;
    if (account != "acme" || name != "git:" + url) return absl::NotFoundError("none");
    return value;
  }
  std::string url, value;
  absl::Status error;
};

class HttpUpstreamTest : public WorkspaceTest {
 protected:
  void SetUp() override {
    credentials_ = credential_ = std::make_shared<OneCredential>();
    WorkspaceTest::SetUp();
    if (Host("command -v python3 || true").empty() ||
        Host("git http-backend 2>&1 || true").empty()) {
      GTEST_SKIP() << "python3 or git http-backend is not here";
    }
    std::promise<std::string> port;
    server_ = std::thread([this, &port] {
      std::string line;
      SubprocessOptions options;
      options.command = {"python3", ROUTINES_SOURCE_DIR "/tests/unit/workspace/git_http_server.py",
                         base_, std::string("robot:") + kPassword};
      options.environment = {{"PATH", getenv("PATH")}};
      options.directory = base_;
      options.cancellation = &stop_;
      options.output = [&](SubprocessOptions::Stream, std::string_view bytes) {
        const bool before = line.find('\n') == std::string::npos;
        line += bytes;
        if (before && line.find('\n') != std::string::npos)
          port.set_value(line.substr(0, line.find('\n')));
      };
      EXPECT_TRUE(RunSubprocess(options).ok());
    });
    address_ = "http://127.0.0.1:" + port.get_future().get();
    Host("git -C upstream.git config http.receivepack true");
    credential_->url = address_ + "/upstream.git";
    credential_->value = std::string("robot:") + kPassword;
    request_.routine.set_account("acme");
    request_.routine.mutable_repositories(0)->set_url(credential_->url);
  }
  void TearDown() override {
    stop_.Cancel();
    if (server_.joinable()) server_.join();
    WorkspaceTest::TearDown();
  }

  std::shared_ptr<OneCredential> credential_;
  Cancellation stop_;
  std::thread server_;
  std::string address_;
};

TEST_F(HttpUpstreamTest, ClonesAndPushesWithACredentialThatTheSessionNeverSees) {
  MustPrepare();
  EXPECT_EQ(Read(workspace_->working_directory() + "/file"), "one\n");
  const ShellResult result = Agent(
      "head -c 3000000 /dev/urandom > new; git add new; git commit -qm new; git push origin "
      "HEAD:claude/x;"
      "git push origin HEAD:main || true; git fetch -q");
  EXPECT_EQ(result.code, 0) << result.output;
  EXPECT_THAT(UpstreamRefs(), HasSubstr("refs/heads/claude/x"));
  ASSERT_EQ(log_.pushes().size(), 2u) << log_.everything();
  EXPECT_TRUE(log_.pushes()[0].accepted());
  EXPECT_FALSE(log_.pushes()[1].accepted());
  const std::string encoded = Host(std::string("printf robot:") + kPassword + " | base64 -w0");
  const ShellResult seen =
      Agent("env; cat .git/config $HOME/.gitconfig; git remote -v; cd ../..; grep -rlF -e " +
            std::string(kPassword) + " -e " + encoded + " . || echo nowhere");
  EXPECT_THAT(seen.output, HasSubstr("nowhere"));
  for (const std::string& text : {seen.output, result.output, log_.everything()}) {
    EXPECT_THAT(text, Not(HasSubstr(kPassword)));
    EXPECT_THAT(text, Not(HasSubstr(encoded)));
  }
  EXPECT_EQ(Host("grep -rlF " + std::string(kPassword) + " root || true"), "");
}

TEST_F(HttpUpstreamTest, FailsForGoodWithoutTheRightCredential) {
  for (const char* value : {"robot:wrong", "token-alone"}) {
    credential_->value = value;
    const Outcome outcome = Prepare();
    EXPECT_EQ(outcome.reason, "clone_failed");
    EXPECT_FALSE(outcome.retryable) << outcome.message;
    EXPECT_THAT(outcome.message, Not(HasSubstr("wrong")));
  }
  credential_->url = "another";
  EXPECT_EQ(Prepare().reason, "clone_failed");
  credential_->error = absl::UnavailableError("the vault sleeps");
  const Outcome outcome = Prepare();
  EXPECT_EQ(outcome.reason, "credential_unavailable");
  EXPECT_TRUE(outcome.retryable);
}

TEST_F(HttpUpstreamTest, AMirrorOfAnotherAccountOpensNoDoor) {
  MustPrepare();
  request_.routine.set_account("other");  // the same URL, without a credential
  EXPECT_EQ(Prepare().reason, "clone_failed");
  EXPECT_EQ(workspace_, nullptr);
}

TEST_F(HttpUpstreamTest, FollowsNoRedirect) {
  const std::string moved = address_ + "/moved/upstream.git";
  credential_->url = moved;
  request_.routine.mutable_repositories(0)->set_url(moved);
  const Outcome outcome = Prepare();
  EXPECT_EQ(outcome.reason, "clone_failed");
  EXPECT_FALSE(outcome.retryable) << outcome.message;
}

}  // namespace
}  // namespace routines
