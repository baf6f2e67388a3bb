#include "src/engine/trust.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace routines {
namespace {

using ::testing::HasSubstr;

TrustVerdict Judge(std::string_view event, const GithubIdentity& who,
                   std::string_view payload = "{}") {
  return JudgeTrust({.source = "github", .type = event, .payload = payload}, who);
}

TEST(JudgeTrust, AsksForTheAssociationWhereTheObjectHasOne) {
  for (const char* event :
       {"pull_request", "pull_request_review", "pull_request_review_comment", "issues",
        "issue_comment", "sub_issues", "commit_comment", "discussion", "discussion_comment"}) {
    EXPECT_TRUE(Judge(event, {.author = "ada", .author_association = "MEMBER"}).trusted) << event;
    EXPECT_FALSE(Judge(event, {.author = "eve", .author_association = "NONE"}).trusted) << event;
    EXPECT_FALSE(Judge(event, {.author = "eve"}).trusted) << event;
    const TrustVerdict fork =
        Judge(event, {.author = "ada", .author_association = "OWNER", .from_fork = true});
    EXPECT_FALSE(fork.trusted) << event;
    EXPECT_THAT(fork.detail, HasSubstr("author ada (association OWNER), from a fork"));
  }
}

TEST(JudgeTrust, TrustsWhatOnlyWritersCanCause) {
  for (const char* event :
       {"push", "release", "merge_group", "workflow_dispatch", "repository_dispatch"}) {
    EXPECT_TRUE(Judge(event, {}).trusted) << event;
  }
}

TEST(JudgeTrust, LooksAtWhatAWorkflowRanFor) {
  const auto run = [](const std::string& cause, bool fork = false) {
    return Judge("workflow_run", {.author = "ada", .from_fork = fork},
                 absl::StrCat(R"({"workflow_run":{"event":")", cause, "\"}}"))
        .trusted;
  };
  EXPECT_TRUE(run("push"));
  EXPECT_TRUE(run("pull_request"));
  EXPECT_TRUE(run("schedule"));
  EXPECT_FALSE(run("push", true));
  EXPECT_FALSE(run("pull_request", true));
  EXPECT_FALSE(run("issue_comment"));  // anybody may comment
  EXPECT_FALSE(run("issues"));
  EXPECT_FALSE(run("pull_request_target"));
  EXPECT_FALSE(run("something_new"));
  EXPECT_FALSE(Judge("workflow_run", {}).trusted);
}

TEST(JudgeTrust, WantsChecksToBeOfABranchOfTheRepository) {
  for (const char* event : {"check_run", "check_suite"}) {
    EXPECT_TRUE(Judge(event, {.head_branch = "main"}).trusted) << event;
    EXPECT_FALSE(Judge(event, {}).trusted) << event;
    EXPECT_FALSE(Judge(event, {.head_branch = "main", .from_fork = true}).trusted) << event;
  }
}

TEST(JudgeTrust, TrustsNothingThatDoesNotTell) {
  EXPECT_FALSE(Judge("workflow_job", {.head_branch = "main"}).trusted);
  EXPECT_FALSE(Judge("star", {.author = "ada", .author_association = "OWNER"}).trusted);
}

// An event that is added to the table of events is to be thought about here, too.
TEST(JudgeTrust, KnowsEveryEvent) {
  for (const GithubEventInfo& info : GithubEvents()) {
    const GithubIdentity best{
        .head_branch = "main", .author = "ada", .author_association = "OWNER"};
    const bool trusted = Judge(info.event, best, R"({"workflow_run":{"event":"push"}})").trusted;
    EXPECT_EQ(trusted, info.event != "workflow_job") << info.event;
  }
}

}  // namespace
}  // namespace routines
