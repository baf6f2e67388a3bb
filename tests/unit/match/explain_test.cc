#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "routines/filter.h"
#include "tests/unit/match/filter_testing.h"

namespace routines {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kPayload[] =
    R"({"action":"opened","repository":{"full_name":"acme/api"},"sender":{"login":"octocat"},)"
    R"("issue":{"title":"It \"broke\"","body":null,"user":{"login":"octocat"},)"
    R"("labels":[{"name":"bug"},{"name":"wip"}],"state":"open"}})";

EventView IssueOpened() {
  return {.source = "github", .type = "issues", .payload = kPayload};
}

TriggerExplanation ExplainOne(const v1::Trigger& trigger, const EventView& event = IssueOpened()) {
  const auto explanation = Explain(event, RoutineOf({trigger}));
  EXPECT_TRUE(explanation.ok()) << explanation.status();
  EXPECT_EQ(explanation->matched, explanation->triggers[0].matched);
  return explanation->triggers[0];
}

TEST(Explain, ShowsTheScopeAndThenEveryConditionAlsoAfterOneThatFailed) {
  v1::Trigger trigger = GithubTrigger(
      "issues", {OneOf("labels", v1::OPERATOR_IS_NOT_ONE_OF, {"wip", "skip"}),
                 Compare("title", v1::OPERATOR_CONTAINS, "broke"),
                 AnyOf({Compare("author", v1::OPERATOR_EQUALS, "alice"), Exists("body")})});
  trigger.mutable_github()->add_actions("opened");
  const TriggerExplanation explained = ExplainOne(trigger);
  EXPECT_FALSE(explained.matched);
  EXPECT_EQ(explained.ToString(),
            "review: does not match\n"
            "  holds  source equals \"github\"\n"
            "  holds  event equals \"issues\"\n"
            "  holds  repository is_one_of [\"acme/api\"]; it is \"acme/api\"\n"
            "  holds  action is_one_of [\"opened\"]; it is \"opened\"\n"
            "  fails  labels is_not_one_of [\"wip\",\"skip\"]; it is [\"bug\",\"wip\"]\n"
            "  holds  title contains \"broke\"; it is \"It \\\"broke\\\"\"\n"
            "  fails  any of:\n"
            "    fails  author equals \"alice\"; it is \"octocat\"\n"
            "    fails  body exists; it is null\n");
}

TEST(Explain, NamesEachConditionByItsPlaceInTheFile) {
  const TriggerExplanation explained =
      ExplainOne(GithubTrigger("issues", {AnyOf({Exists("title"), Exists("/action")})}));
  EXPECT_TRUE(explained.matched);
  ASSERT_THAT(explained.conditions, SizeIs(4));
  EXPECT_EQ(explained.conditions[1].path, "triggers[0].github.event");
  EXPECT_EQ(explained.conditions[2].path, "triggers[0].github.repositories");
  EXPECT_EQ(explained.conditions[3].path, "triggers[0].github.filters[0]");
  EXPECT_EQ(explained.conditions[3].any_of[1].path, "triggers[0].github.filters[0].any_of[1]");
}

TEST(Explain, TellsWhatAnEventOfAnotherKindHasNot) {
  const TriggerExplanation explained =
      ExplainOne(GithubTrigger("push", {Exists("changed_paths"), Exists("sender")}));
  EXPECT_FALSE(explained.matched);
  EXPECT_EQ(explained.conditions[1].actual, "\"issues\"");
  EXPECT_EQ(explained.conditions[3].actual, "");
  EXPECT_FALSE(explained.conditions[3].held);
  EXPECT_THAT(explained.ToString(), HasSubstr("changed_paths exists; the event has none\n"));
  EXPECT_TRUE(explained.conditions[4].held);
}

TEST(Explain, SaysThatATriggerIsDisabled) {
  v1::Trigger trigger = GithubTrigger("issues", {});
  trigger.set_disabled(true);
  const TriggerExplanation explained = ExplainOne(trigger);
  EXPECT_FALSE(explained.matched);
  EXPECT_THAT(explained.ToString(), HasSubstr("fails  disabled equals false; it is true\n"));
}

TEST(Explain, SaysThatNoEventMatchesASchedule) {
  v1::Trigger trigger;
  trigger.set_id("nightly");
  trigger.mutable_schedule()->set_cron("@daily");
  const TriggerExplanation explained = ExplainOne(trigger);
  EXPECT_FALSE(explained.matched);
  EXPECT_THAT(explained.conditions, IsEmpty());
  EXPECT_THAT(explained.ToString(), HasSubstr("no event matches a trigger of this kind"));
}

TEST(Explain, CutsLongValuesBetweenCharacters) {
  std::string body;
  for (int i = 0; i < 2000; ++i) body += "é";
  const std::string payload =
      absl::StrCat(R"({"repository":{"full_name":"acme/api"},"issue":{"body":")", body, "\"}}");
  const TriggerExplanation explained =
      ExplainOne(GithubTrigger("issues", {Exists("body")}),
                 {.source = "github", .type = "issues", .payload = payload});
  const std::string& actual = explained.conditions.back().actual;
  EXPECT_EQ(actual.size(), 1 + 1022 + std::string("…").size());
  EXPECT_EQ(actual.substr(actual.size() - 5), "é…");
}

TEST(Explain, ShowsValuesAsJson) {
  const auto actual = [](const std::string& value) {
    const std::string payload = absl::StrCat("{\"v\":", value, "}");
    return ExplainOne(CustomTrigger({Exists("/v")}),
                      {.source = "deployer", .type = "t", .payload = payload})
        .conditions.back()
        .actual;
  };
  EXPECT_EQ(actual("null"), "null");
  EXPECT_EQ(actual("true"), "true");
  EXPECT_EQ(actual("1e2"), "100");
  EXPECT_EQ(actual("0.1"), "0.1");
  EXPECT_EQ(actual(R"("\u0001<\n\"")"), R"("\u0001<\n\"")");
  EXPECT_EQ(actual(R"([1, "a", null, {"x":1}, true])"), R"([1,"a",null,true])");
}

TEST(Explain, RefusesAGithubPayloadThatIsNoJson) {
  const v1::Routine routine = RoutineOf({GithubTrigger("issues", {})});
  const auto explanation =
      Explain({.source = "github", .type = "issues", .payload = "{\"a\":"}, routine);
  EXPECT_EQ(explanation.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(Explain({.source = "deployer", .payload = "no json"}, routine).ok());
}

// A routine that was never checked must not lead anybody astray, nor end the process.
TEST(Explain, HoldsNothingOfATriggerWithProblems) {
  const TriggerExplanation explained = ExplainOne(GithubTrigger(
      "issues", {Compare("title", v1::OPERATOR_MATCHES_REGEX, "("), v1::Condition(),
                 AnyOf({AnyOf({Exists("title")}), Exists("title")}), Exists("title")}));
  EXPECT_FALSE(explained.matched);
  for (size_t i = 3; i < explained.conditions.size(); ++i) {
    EXPECT_FALSE(explained.conditions[i].held) << i;
  }
  EXPECT_FALSE(ExplainOne(GithubTrigger("gollum", {}),
                          {.source = "github", .type = "gollum", .payload = kPayload})
                   .matched);
}

}  // namespace
}  // namespace routines
