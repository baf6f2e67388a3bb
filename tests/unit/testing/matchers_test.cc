#include "routines/testing/matchers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "routines/routine.h"
#include "routines/testing/github_events.h"
#include "routines/testing/test_engine.h"

namespace routines::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kReview[] = R"(name: review
prompt: look
executor: an-executor-that-no-test-has
triggers:
  - id: opened
    github:
      repositories: [acme/api]
      event: pull_request
      filters:
        - {field: base_branch, operator: equals, value: main}
        - {field: is_draft, operator: equals, value: false}
  - {id: queue, custom: {source: queue, filters: [{field: size, operator: equals, value: "3"}]}}
)";

v1::Routine Review() {
  LoadResult loaded = LoadRoutine(kReview, "review.yaml");
  EXPECT_TRUE(loaded.ok());
  return loaded.routine;
}

template <class Matcher, class Value>
std::string Explained(const Matcher& matcher, const Value& value) {
  ::testing::StringMatchResultListener listener;
  ::testing::ExplainMatchResult(matcher, value, &listener);
  return listener.str();
}

TEST(FiresOn, TriesConditionsAndGates) {
  EXPECT_THAT(Review(), FiresOn(PullRequestEvent().Build()));
  EXPECT_THAT(Review(), Not(FiresOn(PullRequestEvent().Draft().Build())));
  EXPECT_THAT(Review(), Not(FiresOn(PullRequestEvent().FromFork().Build())));
  EXPECT_THAT(Review(), Not(FiresOn(PushEvent().Build())));
}

TEST(FiresOn, TakesCustomEventsAndSavedRoutines) {
  v1::Event event;
  event.set_source("queue");
  (*event.mutable_attributes())["size"] = "3";
  EXPECT_THAT(Review(), FiresOn(event));
  TestEngine engine;
  v1::Routine plain = Review();
  plain.clear_executor();
  EXPECT_THAT(*engine->Put(plain), FiresOn(event));
  (*event.mutable_attributes())["size"] = "4";
  EXPECT_THAT(Review(), DoesNotFireOn(event, "size"));
}

TEST(FiresOn, SaysWhyNot) {
  EXPECT_THAT(Explained(FiresOn(PullRequestEvent().BaseBranch("next").Build()), Review()),
              AllOf(HasSubstr("expected that it fires; it does not: no_match"),
                    HasSubstr("fails  base_branch equals \"main\"; it is \"next\""),
                    HasSubstr("holds  is_draft equals false")));
  EXPECT_THAT(Explained(FiresOn(PullRequestEvent().AuthorAssociation("NONE").Build()), Review()),
              HasSubstr("untrusted_author: author mona has association NONE"));
}

TEST(FiresOn, SaysWhatItIs) {
  std::ostringstream positive, negative;
  FiresOn(PushEvent().Build()).DescribeTo(&positive);
  DoesNotFireOn(PushEvent().Build(), "paused").DescribeTo(&negative);
  EXPECT_EQ(positive.str(), "fires on this github push event");
  EXPECT_EQ(negative.str(), "does not fire on this github push event, because of paused");
}

TEST(FiresOn, ARoutineThatCannotBeSavedDoesNot) {
  v1::Routine broken = Review();
  broken.clear_prompt();
  EXPECT_THAT(broken, Not(FiresOn(PullRequestEvent().Build())));
  EXPECT_THAT(broken, Not(DoesNotFireOn(PullRequestEvent().Build())));
  EXPECT_THAT(Explained(FiresOn(PullRequestEvent().Build()), broken), HasSubstr("prompt"));
}

TEST(DoesNotFireOn, HoldsTheReasonToItsWord) {
  const v1::Event draft = PullRequestEvent().Draft().Build();
  EXPECT_THAT(Review(), DoesNotFireOn(draft));
  EXPECT_THAT(Review(), DoesNotFireOn(draft, "no_match"));
  EXPECT_THAT(Review(), Not(DoesNotFireOn(draft, "base_branch")));
  EXPECT_THAT(Review(), Not(DoesNotFireOn(PullRequestEvent().Build())));
  EXPECT_THAT(Review(), DoesNotFireOn(PullRequestEvent().FromFork().Build(), "untrusted_author"));
}

TEST(TryEvent, TellsWhatBecameOfIt) {
  const v1::TestResult fired = TryEvent(Review(), PullRequestEvent().Build());
  EXPECT_TRUE(fired.passed());
  EXPECT_THAT(fired.fired(), ::testing::ElementsAre("default/review/opened"));
  EXPECT_TRUE(TryEvent(Review(), PushEvent().Build()).passed());
  v1::Event broken = PushEvent().Build();
  broken.set_payload("{");
  const v1::TestResult refused = TryEvent(Review(), broken);
  EXPECT_FALSE(refused.passed());
  EXPECT_THAT(refused.failures(), ::testing::SizeIs(1));
}

TEST(StatusMatchers, MeanWhatTheirNamesSay) {
  const absl::Status status = absl::NotFoundError("no such thing");
  const absl::StatusOr<int> four = 4;
  const absl::StatusOr<int> none = status;
  EXPECT_THAT(absl::OkStatus(), IsOk());
  EXPECT_THAT(four, IsOk());
  EXPECT_THAT(status, Not(IsOk()));
  EXPECT_THAT(none, StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound, HasSubstr("no such")));
  EXPECT_THAT(status, Not(StatusIs(absl::StatusCode::kNotFound, "nothing")));
  EXPECT_THAT(four, Not(StatusIs(absl::StatusCode::kNotFound)));
  EXPECT_THAT(four, IsOkAndHolds(4));
  EXPECT_THAT(none, Not(IsOkAndHolds(4)));
  EXPECT_THAT(Explained(IsOk(), none), HasSubstr("no such thing"));
}

TEST(SessionSucceeded, SaysWhatBecameOfIt) {
  v1::Session session;
  session.set_state(v1::SESSION_STATE_SUCCEEDED);
  EXPECT_THAT(session, SessionSucceeded());
  session.set_state(v1::SESSION_STATE_FAILED);
  session.set_reason("clone_failed");
  EXPECT_THAT(session, Not(SessionSucceeded()));
  EXPECT_THAT(Explained(SessionSucceeded(), session),
              HasSubstr("SESSION_STATE_FAILED clone_failed"));
}

}  // namespace
}  // namespace routines::testing
