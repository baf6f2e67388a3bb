// What lint finds, and what it leaves alone.
#include "routines/lint.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace routines {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

const absl::Time kNow = absl::FromUnixSeconds(1'780'000'000);  // 2026-05-28

std::string Yaml(const std::string& name, const std::string& triggers) {
  return absl::StrCat("name: ", name, "\nprompt: Look.\ntriggers:\n", triggers);
}

std::vector<std::string> Lint(const std::vector<LintSource>& sources) {
  std::vector<std::string> texts;
  for (const Problem& problem : LintRoutines(sources, kNow)) texts.push_back(problem.ToString());
  return texts;
}

std::vector<std::string> LintFilters(const std::string& filters,
                                     const std::string& event = "pull_request") {
  return Lint({{"a.yaml", Yaml("a", absl::StrCat("  - id: x\n    github:\n"
                                                 "      repositories: [acme/api]\n      event: ",
                                                 event, "\n      filters:\n", filters))}});
}

TEST(Lint, FindsConditionsThatContradictEachOther) {
  EXPECT_THAT(
      LintFilters("        - {field: base_branch, operator: equals, value: main}\n"
                  "        - {field: base_branch, operator: starts_with, value: rel/}\n"),
      ElementsAre(AllOf(StartsWith("a.yaml:10:11: triggers[0].github.filters[1]: can never "
                                   "hold together with filters[0]: both look at base_branch"))));
  EXPECT_THAT(LintFilters("        - {field: title, operator: starts_with, value: 'fix:'}\n"
                          "        - {field: title, operator: starts_with, value: 'feat:'}\n"),
              ElementsAre(HasSubstr("can never hold together")));
  EXPECT_THAT(LintFilters("        - {field: author, operator: equals, value: Octocat}\n"
                          "        - {field: author, operator: not_equals, value: octocat}\n"),
              ElementsAre(HasSubstr("both look at author")));
  EXPECT_THAT(LintFilters("        - {field: is_draft, operator: equals, value: true}\n"
                          "        - {field: is_draft, operator: equals, value: false}\n"),
              ElementsAre(HasSubstr("both look at is_draft")));
  EXPECT_THAT(
      LintFilters("        - {field: labels, operator: is_one_of, values: [bug]}\n"
                  "        - {field: labels, operator: is_not_one_of, values: [bug, wip]}\n"),
      ElementsAre(HasSubstr("both look at labels")));
}

TEST(Lint, LeavesConditionsAloneThatMayHoldTogether) {
  EXPECT_THAT(
      LintFilters("        - {field: labels, operator: equals, value: bug}\n"
                  "        - {field: labels, operator: equals, value: urgent}\n"
                  "        - {field: base_branch, operator: is_one_of, values: [main, next]}\n"
                  "        - {field: base_branch, operator: not_equals, value: next}\n"
                  "        - {field: title, operator: starts_with, value: 'fix'}\n"
                  "        - {field: title, operator: starts_with, value: 'fix:'}\n"
                  "        - {field: /action, operator: equals, value: opened}\n"
                  "        - {field: /action, operator: equals, value: closed}\n"),
      IsEmpty());
}

TEST(Lint, FindsARegexThatWasMeantAsASubstring) {
  EXPECT_THAT(
      LintFilters("        - {field: head_branch, operator: matches_regex, value: hotfix}\n"),
      ElementsAre(HasSubstr("write contains, or equals")));
  EXPECT_THAT(
      LintFilters("        - {field: title, operator: matches_regex, value: '[A-Z]+-\\d+'}\n"),
      ElementsAre(HasSubstr("write \"(?s).*[A-Z]+-\\d+.*\"")));
  EXPECT_THAT(
      LintFilters("        - {field: title, operator: matches_regex, value: 'SEN-\\d+: .*'}\n"),
      IsEmpty());
}

TEST(Lint, FindsSchedulesThatAlwaysCollide) {
  EXPECT_THAT(Lint({{"a.yaml", Yaml("a",
                                    "  - {id: x, schedule: {cron: '0 * * * *'}}\n"
                                    "  - {id: y, schedule: {every: daily}}\n")}}),
              ElementsAre(AllOf(StartsWith("a.yaml:5:"), HasSubstr("triggers[1].schedule: daily at "
                                                                   "00:00 in UTC never fires but "
                                                                   "when triggers[0].schedule"))));
  const std::string berlin =
      "  - {id: x, schedule: {cron: '0 3 * * *', time_zone: Europe/Berlin}}\n";
  EXPECT_THAT(Lint({{"a.yaml", Yaml("a", berlin)}, {"b.yaml", Yaml("b", berlin)}}),
              ElementsAre(AllOf(StartsWith("b.yaml:4:"), HasSubstr("default/a triggers[0]"),
                                HasSubstr("a spread"))));
  EXPECT_THAT(Lint({{"a.yaml", Yaml("a", berlin)},
                    {"b.yaml", Yaml("b", "  - {id: x, schedule: {cron: '0 * * * *'}}\n")}}),
              IsEmpty());
}

TEST(Lint, FindsAScheduleThatIsOver) {
  EXPECT_THAT(
      Lint({{"a.yaml", Yaml("a", "  - {id: x, schedule: {at: '2026-05-01T09:00:00Z'}}\n")}}),
      ElementsAre(HasSubstr("is over: once at 2026-05-01T09:00:00+00:00")));
}

TEST(Lint, FindsRoutinesThatStartEachOther) {
  const auto after = [](const std::string& name, const std::string& other) {
    return LintSource{name + ".yaml",
                      Yaml(name, absl::StrCat("  - id: x\n    custom:\n      source: session\n"
                                              "      filters: [{field: routine, operator: equals, "
                                              "value: ",
                                              other, "}]\n"))};
  };
  EXPECT_THAT(Lint({after("a", "b"), after("b", "a")}),
              ElementsAre(AllOf(StartsWith("a.yaml:5:"), HasSubstr("in a circle: a -> b -> a"))));
  EXPECT_THAT(Lint({after("a", "b"), after("b", "c")}), IsEmpty());
  EXPECT_THAT(Lint({{"a.yaml", Yaml("a", "  - {id: x, custom: {source: session}}\n")}}),
              ElementsAre(HasSubstr("in a circle: a -> a")));
}

TEST(Lint, TellsTheProblemsOfAFileThatDoesNotLoad) {
  EXPECT_THAT(Lint({{"a.yaml", "name: a\n"}}), ElementsAre(HasSubstr("prompt")));
}

}  // namespace
}  // namespace routines
