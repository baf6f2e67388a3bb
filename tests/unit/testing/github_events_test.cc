#include "routines/testing/github_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <variant>

#include "routines/event.h"

namespace routines::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// A value that a field of the type can have, and what ReadField makes of it.
struct Sample {
  google::protobuf::Value given;
  FieldValue read;
};

Sample SampleOf(FieldType type) {
  Sample sample;
  switch (type) {
    case FieldType::kBoolean:
      sample.given.set_bool_value(true);
      sample.read = true;
      break;
    case FieldType::kLabels:
    case FieldType::kPaths:
      sample.given.mutable_list_value()->add_values()->set_string_value("one");
      sample.given.mutable_list_value()->add_values()->set_string_value("two");
      sample.read = std::vector<ScalarValue>{std::string("one"), std::string("two")};
      break;
    default:
      sample.given.set_string_value("a-word");
      sample.read = std::string("a-word");
  }
  return sample;
}

TEST(GithubEvent, EveryEventPassesTheDoorAsItIs) {
  std::set<std::string> payloads;
  for (const GithubEventInfo& info : GithubEvents()) {
    const absl::StatusOr<v1::Event> event = GithubEvent(info.event).TryBuild();
    ASSERT_TRUE(event.ok()) << info.event << ": " << event.status();
    EXPECT_EQ(event->source(), "github");
    EXPECT_EQ(event->type(), info.event);
    EXPECT_TRUE(payloads.insert(event->payload()).second);
  }
  EXPECT_EQ(payloads.size(), 18u);
}

TEST(GithubEvent, EveryDocumentedActionPassesTheDoor) {
  for (const GithubEventInfo& info : GithubEvents()) {
    for (const std::string_view action : info.actions) {
      const absl::StatusOr<v1::Event> event = GithubEvent(info.event).Action(action).TryBuild();
      ASSERT_TRUE(event.ok()) << event.status();
      EXPECT_EQ(ReadGithubIdentity(info.event, event->payload())->action, action);
    }
  }
}

TEST(GithubEvent, EveryFieldOfTheTableCanBeSetAndIsReadBack) {
  for (const FieldInfo& info : GithubFields()) {
    const Sample sample = SampleOf(info.type);
    const absl::StatusOr<v1::Event> event =
        GithubEvent(info.event).Set(info.field, sample.given).TryBuild();
    ASSERT_TRUE(event.ok()) << info.event << " " << info.field << ": " << event.status();
    EXPECT_EQ(*ReadField(ViewOf(*event), info.field), sample.read)
        << info.event << " " << info.field;
  }
}

TEST(GithubEvent, EveryFieldThatHasAUsualValueSaysSo) {
  for (const FieldInfo& info : GithubFields()) {
    if (info.field == "tag" && info.event == "push") continue;  // a branch, unless told
    const v1::Event event = GithubEvent(info.event).Build();
    EXPECT_FALSE(std::holds_alternative<std::monostate>(*ReadField(ViewOf(event), info.field)))
        << info.event << " " << info.field;
  }
}

TEST(GithubEvent, BooleansCanBeFalseToo) {
  for (const FieldInfo& info : GithubFields()) {
    if (info.type != FieldType::kBoolean) continue;
    const v1::Event event =
        GithubEvent(info.event).Set(info.field, true).Set(info.field, false).Build();
    EXPECT_EQ(*ReadField(ViewOf(event), info.field), FieldValue(false)) << info.field;
  }
}

TEST(GithubEvent, IsOfAWriterOfTheRepositoryUnlessTold) {
  const v1::Event event = PullRequestEvent().Repository("acme/web").Build();
  const GithubIdentity who = *ReadGithubIdentity("pull_request", event.payload());
  EXPECT_EQ(who.repository, "acme/web");
  EXPECT_EQ(who.author, "mona");
  EXPECT_EQ(who.author_association, "MEMBER");
  EXPECT_FALSE(who.from_fork);
  EXPECT_EQ(who.base_branch, "main");
}

TEST(GithubEvent, AForkStaysOneWhereverTheRepositoryIs) {
  const v1::Event event = PullRequestEvent().FromFork().Repository("acme/web").Build();
  EXPECT_TRUE(ReadGithubIdentity("pull_request", event.payload())->from_fork);
}

TEST(GithubEvent, SaysWhatCannotBe) {
  EXPECT_THAT(GithubEvent("pull_requst").TryBuild().status().message(),
              HasSubstr("did you mean \"pull_request\""));
  EXPECT_THAT(PushEvent().Labels({"bug"}).TryBuild().status().message(),
              AllOf(HasSubstr("push"), HasSubstr("labels")));
  EXPECT_THAT(PullRequestEvent().Set("is_draft", "yes").TryBuild().status().message(),
              HasSubstr("is_draft: expected true or false"));
  EXPECT_THAT(PullRequestEvent().Set("labels", "bug").TryBuild().status().message(),
              HasSubstr("labels: expected a list of texts"));
  EXPECT_THAT(PullRequestEvent().Set("title", 4).TryBuild().status().message(),
              HasSubstr("title: expected text"));
  EXPECT_THAT(PushEvent().Action("opened").TryBuild().status().message(), HasSubstr("has none"));
  EXPECT_THAT(PushEvent().Set("/ref/name", "x").TryBuild().status().message(),
              HasSubstr("leads nowhere"));
}

TEST(GithubEvent, TakesPointersIntoThePayload) {
  const v1::Event event = PullRequestEvent()
                              .Set("/pull_request/changed_files", 300)
                              .Set("/pull_request/requested_reviewers/0/login", "hubot")
                              .Set("/pull_request/milestone/title", "1.5")
                              .Build();
  EXPECT_EQ(*ReadField(ViewOf(event), "/pull_request/changed_files"), FieldValue(300.0));
  EXPECT_EQ(*ReadField(ViewOf(event), "/pull_request/requested_reviewers/0/login"),
            FieldValue(std::string("hubot")));
  EXPECT_EQ(*ReadField(ViewOf(event), "/pull_request/milestone/title"),
            FieldValue(std::string("1.5")));
}

}  // namespace
}  // namespace routines::testing
