#include "routines/testing/cases.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"

namespace routines::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kCases[] = ROUTINES_SOURCE_DIR "/tests/data/cases";

constexpr char kReview[] = R"(name: review
prompt: look
triggers:
  - id: opened
    github:
      repositories: [acme/api]
      event: pull_request
      filters:
        - {field: base_branch, operator: equals, value: main}
        - {field: is_draft, operator: equals, value: false}
  - {id: alert, api: {}}
  - {id: nightly, schedule: {cron: "0 2 * * *"}}
)";

class CasesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(::testing::TempDir()) /
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    Write("review.yaml", kReview);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }

  CaseFile Load(const std::string& cases) { return LoadCaseFile(Write("review.test.yaml", cases)); }

  std::vector<std::string> Problems(const std::string& cases) {
    std::vector<std::string> lines;
    for (const Problem& problem : Load(cases).problems) {
      const std::string line = problem.ToString();
      lines.push_back(line.substr(line.find("review.test.yaml")));
    }
    return lines;
  }

  // The failures of the one case of a file.
  std::vector<std::string> Failures(const std::string& one) {
    const CaseFile file = Load("cases:\n  - " + one + "\n");
    for (const Problem& problem : file.problems) ADD_FAILURE() << problem.ToString();
    if (!file.ok()) return {};
    const v1::TestResult result = RunCase(file, 0);
    EXPECT_EQ(result.passed(), result.failures().empty());
    return {result.failures().begin(), result.failures().end()};
  }

  std::filesystem::path folder_;
};

// ---- one event ----

TEST(ParseEvent, MakesWhatStandsUnderEvent) {
  const auto event = ParseEvent("{github: pull_request, id: a1, fields: {base_branch: next}}");
  ASSERT_TRUE(event.ok()) << event.status();
  EXPECT_EQ(event->source(), "github");
  EXPECT_EQ(event->type(), "pull_request");
  EXPECT_EQ(event->external_id(), "a1");
  EXPECT_THAT(event->payload(), HasSubstr("\"ref\":\"next\""));
  const auto custom = ParseEvent(R"({"custom": "queue", "attributes": {"severity": "high"}})");
  ASSERT_TRUE(custom.ok()) << custom.status();
  EXPECT_EQ(custom->attributes().at("severity"), "high");
}

TEST(ParseEvent, SaysEverythingThatIsWrong) {
  EXPECT_THAT(std::string(ParseEvent("{github: push, fields: {brunch: x}}").status().message()),
              HasSubstr("event.fields.brunch: "));
  EXPECT_THAT(std::string(ParseEvent("{githup: push, id: [1]}").status().message()),
              AllOf(HasSubstr("did you mean \"github\"?"), HasSubstr("id")));
  for (const char* const text : {"", "[", "{api: a}", "{id: a}", "{github: pusch}"}) {
    EXPECT_EQ(ParseEvent(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

// ---- the kept cases ----

TEST(KeptCases, Pass) {
  int cases = 0;
  const auto files = FindCaseFiles(kCases);
  ASSERT_TRUE(files.ok());
  for (const std::string& path : *files) {
    const CaseFile file = LoadCaseFile(path);
    for (const Problem& problem : file.problems) ADD_FAILURE() << problem.ToString();
    for (size_t i = 0; file.ok() && i < file.cases.size(); ++i, ++cases) {
      const v1::TestResult result = RunCase(file, i);
      EXPECT_TRUE(result.passed()) << path << ":" << result.line() << ": " << result.name() << "\n"
                                   << CaseText(result);
    }
  }
  EXPECT_GT(cases, 80);
}

TEST(KeptCases, HaveEveryOperatorBothWays) {
  std::set<std::pair<std::string, bool>> seen;
  const auto files = FindCaseFiles(kCases);
  ASSERT_TRUE(files.ok());
  for (const std::string& path : *files) {
    const CaseFile file = LoadCaseFile(path);
    for (size_t i = 0; i < file.cases.size(); ++i) {
      const v1::TestResult result = RunCase(file, i);
      for (const v1::TestTrigger& trigger : result.triggers()) {
        for (const v1::TestCondition& condition : trigger.conditions()) {
          seen.emplace(condition.operator_(), condition.held());
        }
      }
    }
  }
  for (int i = v1::Operator_MIN + 1; i <= v1::Operator_MAX; ++i) {
    std::string word = v1::Operator_Name(static_cast<v1::Operator>(i)).substr(9);
    for (char& c : word) c = static_cast<char>(std::tolower(c));
    for (const bool held : {true, false}) EXPECT_THAT(seen, Contains(std::pair(word, held)));
  }
}

// ---- what a case shows ----

TEST_F(CasesTest, SaysWhatFiredInstead) {
  EXPECT_THAT(Failures("{name: a, event: {github: pull_request}, expect: does_not_fire}"),
              ElementsAre("expected that it does not fire; default/review/opened does"));
}

TEST_F(CasesTest, SaysWhyItDidNotFire) {
  EXPECT_THAT(Failures("{name: a, event: {github: pull_request, fields: {base_branch: next}}, "
                       "expect: fires}"),
              ElementsAre(HasSubstr("it does not: no_match: no trigger matches pull_request")));
  EXPECT_THAT(
      Failures(
          "{name: a, event: {github: pull_request, fields: {from_fork: true}}, expect: fires}"),
      ElementsAre(HasSubstr("it does not: untrusted_author: author mona")));
  EXPECT_THAT(Failures("{name: a, event: {schedule: nightly}, at: \"2026-01-05T03:00:00Z\", "
                       "expect: fires}"),
              ElementsAre("expected that it fires; it does not: not_due"));
}

TEST_F(CasesTest, HoldsTheReasonToItsWord) {
  const std::string draft =
      "{name: a, event: {github: pull_request, fields: {is_draft: true}}, expect: does_not_fire, ";
  EXPECT_THAT(Failures(draft + "because: is_draft}"), IsEmpty());
  EXPECT_THAT(Failures(draft + "because: no_match}"), IsEmpty());
  EXPECT_THAT(Failures(draft + "because: \"filters[1]\"}"), IsEmpty());
  EXPECT_THAT(Failures(draft + "because: base_branch}"),
              ElementsAre("expected that it does not fire because of base_branch; the reason is "
                          "default/review/opened: is_draft"));
  EXPECT_THAT(Failures(draft + "because: paused}"), ElementsAre(HasSubstr("because of paused")));
  // Another condition that fails as well would hide the one that the case is about.
  const std::string both =
      "{name: a, event: {github: pull_request, fields: {is_draft: true, base_branch: next}}, "
      "expect: does_not_fire, ";
  EXPECT_THAT(Failures(both + "because: is_draft}"),
              ElementsAre(HasSubstr("base_branch and is_draft")));
  EXPECT_THAT(Failures(both + "because: is_draft and base_branch}"), IsEmpty());
}

TEST_F(CasesTest, HoldsTriggersAndSessionsToTheirNumber) {
  EXPECT_THAT(Failures("{name: a, event: {github: pull_request}, expect: fires, sessions: 2}"),
              ElementsAre("expected 2 sessions; there are 1"));
  EXPECT_THAT(
      Failures("{name: a, event: {github: pull_request}, expect: fires, triggers: [alert]}"),
      ElementsAre(HasSubstr("expected that alert fires"),
                  HasSubstr("default/review/opened does, too")));
}

TEST_F(CasesTest, ShowsEachConditionWithWhatWasSeen) {
  const CaseFile file = Load(
      "cases:\n  - {name: a, event: {github: pull_request, fields: {base_branch: next}}, "
      "expect: fires}\n");
  EXPECT_THAT(CaseText(RunCase(file, 0)),
              AllOf(HasSubstr("default/review/opened: does not match"),
                    HasSubstr("fails  base_branch equals \"main\"; it is \"next\""),
                    HasSubstr("holds  is_draft equals false")));
}

TEST_F(CasesTest, AreTheSameInEachRun) {
  const CaseFile file = LoadCaseFile(std::string(kCases) + "/alert.test.yaml");
  for (size_t i = 0; i < file.cases.size(); ++i) {
    EXPECT_EQ(RunCase(file, i).SerializeAsString(), RunCase(file, i).SerializeAsString());
  }
}

TEST_F(CasesTest, ARoutineThatTheEngineRefusesFailsTheCase) {
  Write("review.yaml",
        "name: review\nprompt: look\ntriggers: [{id: often, schedule: {cron: \"* * * * *\"}}]\n");
  EXPECT_THAT(Failures("{name: a, event: {schedule: often}, at: \"2026-01-05T03:00:00Z\", "
                       "expect: fires}"),
              ElementsAre(AllOf(HasSubstr("default/review cannot be saved"),
                                HasSubstr("more often than every 1h"))));
}

TEST_F(CasesTest, LimitsAreThoseOfTheHost) {
  const CaseFile file = Load(
      "cases:\n  - {name: a, event: {api: alert}, given: {earlier: 2}, expect: does_not_fire, "
      "because: limit}\n");
  CaseOptions options;
  EXPECT_FALSE(RunCase(file, 0, options).passed());
  options.limits.fires_per_hour_routine = 2;
  EXPECT_TRUE(RunCase(file, 0, options).passed());
}

// ---- files ----

TEST_F(CasesTest, RefusesWhatItDoesNotKnowWithItsPlace) {
  EXPECT_THAT(Problems("cases:\n  - nam: a\n    event: {github: push}\n    expect: fires\n"),
              ElementsAre("review.test.yaml:2:5: cases[0].nam: unknown key \"nam\"; did you mean "
                          "\"name\"?"));
  EXPECT_THAT(
      Problems("cases:\n  - name: a\n    event:\n      github: pull_requst\n    expect: fires\n"),
      ElementsAre(AllOf(HasSubstr("review.test.yaml:4:15: cases[0].event.github"),
                        HasSubstr("did you mean \"pull_request\"?"))));
  EXPECT_THAT(
      Problems("cases:\n  - name: a\n    event:\n      github: pull_request\n      fields:\n"
               "        base_brunch: main\n    expect: fires\n"),
      ElementsAre(AllOf(HasSubstr("review.test.yaml:6:9: cases[0].event.fields.base_brunch"),
                        HasSubstr("did you mean \"base_branch\"?"))));
}

TEST_F(CasesTest, SaysWhatIsMissing) {
  EXPECT_THAT(Problems("cases:\n  - {name: a}\n"),
              ElementsAre(HasSubstr("cases[0].expect: is missing"),
                          HasSubstr("cases[0].event: does not say what happens")));
  EXPECT_THAT(Problems("cases:\n  - {event: {github: push}, expect: fires}\n"),
              ElementsAre(HasSubstr("cases[0].name: is missing")));
  EXPECT_THAT(Problems("cases:\n  - {name: a, event: {schedule: nightly}, expect: fires}\n"),
              ElementsAre(HasSubstr("cases[0].at: is missing")));
  EXPECT_THAT(Problems("cases: []\n"), ElementsAre(HasSubstr("cases: there is no case")));
}

TEST_F(CasesTest, RefusesWhatDoesNotGoTogether) {
  const auto problems = [&](const std::string& rest) {
    return Problems("cases:\n  - {name: a, expect: does_not_fire, " + rest + "}\n");
  };
  EXPECT_THAT(problems("event: {github: push, text: x}"), ElementsAre(HasSubstr("goes with api")));
  EXPECT_THAT(problems("event: {github: push, custom: x}"),
              ElementsAre(HasSubstr("cannot stand beside")));
  EXPECT_THAT(problems("event: {api: alert, fields: {}}"),
              ElementsAre(HasSubstr("goes with github only")));
  EXPECT_THAT(problems("event: {api: opened}"),
              ElementsAre(HasSubstr("unknown API trigger \"opened\"")));
  EXPECT_THAT(problems("event: {github: push}, triggers: [opend]"),
              ElementsAre(HasSubstr("did you mean \"opened\"?")));
  EXPECT_THAT(problems("event: {github: push}, given: {paused: [reviw]}"),
              ElementsAre(HasSubstr("did you mean \"review\"?")));
  EXPECT_THAT(problems("event: {github: push}, because: untrusted_autor"),
              ElementsAre(HasSubstr("did you mean \"untrusted_author\"?")));
  EXPECT_THAT(problems("event: {github: push}, because: labels"),
              ElementsAre(HasSubstr("unknown reason or field \"labels\"")));
  EXPECT_THAT(problems("event: {schedule: nightly}, at: \"2026-01-05T02:00:00Z\", "
                       "given: {earlier: 2}"),
              ElementsAre(HasSubstr("goes not with schedule")));
  EXPECT_THAT(problems("event: {github: push, payload_file: none.json}"),
              ElementsAre(HasSubstr("cannot be read")));
  EXPECT_THAT(
      Problems("cases:\n  - {name: a, event: {github: push}, expect: fires, because: paused}\n"),
      ElementsAre(HasSubstr("goes with expect: does_not_fire only")));
  EXPECT_THAT(Problems("cases:\n  - {name: a, event: {github: push}, expect: fires}\n"
                       "  - {name: a, event: {github: push}, expect: fires}\n"),
              ElementsAre(HasSubstr("is the name of a case above, too")));
}

TEST_F(CasesTest, APayloadMustFitItsEvent) {
  Write("issue.json", R"({"action":"opened","issue":{},"repository":{}})");
  EXPECT_THAT(Problems("cases:\n  - {name: a, event: {github: push, payload_file: issue.json}, "
                       "expect: fires}\n"),
              ElementsAre(AllOf(HasSubstr("cases[0].event.payload_file"),
                                HasSubstr("not one of a push event"))));
}

TEST_F(CasesTest, TheRoutineFilesProblemsAreItsOwn) {
  Write("review.yaml", "name: review\n");
  EXPECT_THAT(Load("cases:\n  - {name: a, event: {github: push}, expect: fires}\n")
                  .problems.front()
                  .ToString(),
              AllOf(HasSubstr("review.yaml:1:1"), HasSubstr("prompt")));
}

TEST_F(CasesTest, TakeTheRoutinesThatTheyName) {
  Write("other.yaml", "name: other\nprompt: look\ntriggers: [{id: x, api: {}}]\n");
  const std::string cases = "cases:\n  - {name: a, event: {api: x}, expect: fires}\n";
  EXPECT_FALSE(Load(cases).ok());  // review.yaml alone
  EXPECT_TRUE(Load("routines: [other.yaml]\n" + cases).ok());
  // Without one of its name: all of the folder, but for tests.
  const CaseFile all = LoadCaseFile(Write("all.test.yaml", cases));
  EXPECT_TRUE(all.ok());
  EXPECT_EQ(all.routines.size(), 2u);
}

TEST_F(CasesTest, AreFoundInFoldersBelow) {
  Write("deep/er/x.test.yml", "");
  Write(".hidden/x.test.yaml", "");
  Write("x.test.json", "");
  const auto files = FindCaseFiles(folder_.string());
  ASSERT_TRUE(files.ok());
  EXPECT_THAT(*files, ElementsAre(HasSubstr("deep/er/x.test.yml"), HasSubstr("x.test.json")));
  EXPECT_EQ(FindCaseFiles(folder_.string() + "/nowhere").status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace routines::testing
