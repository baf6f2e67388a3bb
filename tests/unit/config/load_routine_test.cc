#include <cstdio>
#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "routines/routine.h"
#include "tests/unit/config/loading.h"

namespace routines {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

v1::Routine Load(std::string_view text) {
  const LoadResult loaded = LoadRoutine(text, "f.yaml");
  for (const Problem& problem : loaded.problems) ADD_FAILURE() << problem.ToString();
  return loaded.routine;
}

TEST(LoadRoutine, ReadsEveryKindOfValue) {
  const v1::Routine routine = Load(With(R"(
retries: 0
overlap: cancel_running
environment:
  variables: {A: text, B: 12, C: 0x1F, D: yes, E: true, F: "", G: 1.50}
  secrets: [S, T]
  setup_script: |
    npm ci
    npm run build
  setup_timeout: 1h30m
  network: {mode: MODE_ALLOW_LIST, hosts: ["*.example.org"]}
limits: {max_cost_usd: 5, max_turns: 10}
triggers:
  - {id: once, disabled: true, schedule: {at: 2027-01-31T09:00:00.5+01:00}}
)"));
  EXPECT_TRUE(routine.has_retries());
  EXPECT_EQ(routine.retries(), 0);
  EXPECT_EQ(routine.overlap(), v1::OVERLAP_CANCEL_RUNNING);
  const auto& variables = routine.environment().variables();
  EXPECT_EQ(variables.at("B"), "12");
  EXPECT_EQ(variables.at("C"), "0x1F");
  EXPECT_EQ(variables.at("D"), "yes");
  EXPECT_EQ(variables.at("E"), "true");
  EXPECT_EQ(variables.at("F"), "");
  EXPECT_EQ(variables.at("G"), "1.50");
  EXPECT_THAT(routine.environment().secrets(), ElementsAre("S", "T"));
  EXPECT_EQ(routine.environment().setup_script(), "npm ci\nnpm run build\n");
  EXPECT_EQ(routine.environment().setup_timeout().seconds(), 5400);
  EXPECT_EQ(routine.environment().network().mode(), v1::Network::MODE_ALLOW_LIST);
  EXPECT_EQ(routine.limits().max_cost_usd(), 5);
  EXPECT_EQ(routine.limits().max_turns(), 10);
  EXPECT_TRUE(routine.triggers(0).disabled());
  EXPECT_EQ(routine.triggers(0).schedule().at().seconds(), 1801382400);
  EXPECT_EQ(routine.triggers(0).schedule().at().nanos(), 500'000'000);
}

TEST(LoadRoutine, FillsInTheAccountAndNothingElse) {
  const v1::Routine routine = Load("name: a\nprompt: b\n");
  EXPECT_EQ(routine.account(), "default");
  EXPECT_FALSE(routine.has_retries());
  EXPECT_FALSE(routine.has_limits());
  EXPECT_EQ(routine.overlap(), v1::OVERLAP_UNSPECIFIED);
}

TEST(LoadRoutine, ReadsValuesOfConditionsByTheCoreSchema) {
  const v1::Routine routine = Load(With(R"(
triggers:
  - id: x
    custom:
      source: mine
      filters:
        - {field: /a, operator: is_one_of,
           values: [true, False, null, ~, 1, -2.5e1, 0x10, 0o17, yes, "1", 'true', 12:30, 1.2.3, on]}
)"));
  std::vector<std::string> kinds;
  for (const auto& value : routine.triggers(0).custom().filters(0).values()) {
    kinds.push_back(value.has_string_value()   ? value.string_value()
                    : value.has_bool_value()   ? (value.bool_value() ? "<true>" : "<false>")
                    : value.has_number_value() ? absl::StrCat("<", value.number_value(), ">")
                                               : "<null>");
  }
  EXPECT_THAT(kinds, ElementsAre("<true>", "<false>", "<null>", "<null>", "<1>", "<-25>", "<16>",
                                 "<15>", "yes", "1", "true", "12:30", "1.2.3", "on"));
}

TEST(LoadRoutine, RefusesNumbersThatCannotBeHeld) {
  const std::string head =
      With("triggers:\n- id: x\n  custom:\n    source: s\n    filters:\n    - ");
  for (const char* number : {"9007199254740993", ".inf", "-.INF", ".nan", "1e999"}) {
    EXPECT_THAT(Problems(head + "{field: a, operator: equals, value: " + number + "}"),
                ElementsAre(HasSubstr("cannot be held as a number; write it in quotes")))
        << number;
  }
  EXPECT_THAT(Problems(With("retries: 3.0")),
              ElementsAre("3:10: retries: expected a whole number, found a number"));
  EXPECT_THAT(Problems(With("retries: 99999999999")),
              ElementsAre(HasSubstr("expected a whole number")));
  EXPECT_THAT(Problems(With("limits: {max_cost_usd: .inf}")),
              ElementsAre(HasSubstr("expected a number")));
}

TEST(LoadRoutine, ReadsJson) {
  const v1::Routine routine = Load(
      "{\"name\":\"a\",\t\"prompt\":\"caf\\u00e9 \\ud83d\\ude00 \\/ \\\\ud83d\\n\","
      "\"limits\":{\"max_turns\":3}}");
  EXPECT_EQ(routine.prompt(), "café 😀 / \\ud83d\n");
  EXPECT_EQ(routine.limits().max_turns(), 3);
}

TEST(LoadRoutine, PointsAtTheRightColumnBehindJsonEscapes) {
  EXPECT_THAT(Problems("{\"prompt\":\"\\ud83d\\ude00\\ud83d\\ude00\",\"nam\":\"a\"}"),
              ElementsAre("1:38: nam: unknown key \"nam\"; did you mean \"name\"?"));
}

TEST(LoadRoutine, LeavesEscapesOutsideJsonAlone) {
  EXPECT_EQ(Load("name: a\nprompt: |\n  \\ud83d\\ude00\n").prompt(), "\\ud83d\\ude00\n");
}

TEST(LoadRoutine, PassesOverAByteOrderMark) {
  EXPECT_EQ(Load("\xEF\xBB\xBFname: a\nprompt: b\n").name(), "a");
  EXPECT_THAT(Problems("\xEF\xBB\xBFname: A\nprompt: b\n"), ElementsAre(HasSubstr("1:7: name")));
}

TEST(LoadRoutine, ReadsWindowsLineEnds) {
  const v1::Routine routine = Load("name: a\r\nprompt: |\r\n  b\r\n  c\r\nmodel: d\r\n");
  EXPECT_EQ(routine.prompt(), "b\nc\n");
  EXPECT_EQ(routine.model(), "d");
}

TEST(LoadRoutine, ReportsAllProblemsInTheFilesOrder) {
  EXPECT_THAT(Problems("name: Bad Name\nretries: 11\ntriggers:\n- shedule: {}\n- id: b\nx: y\n"),
              ElementsAre(HasSubstr("1:1: prompt: is required"),
                          HasSubstr("1:7: name: \"Bad Name\""), HasSubstr("2:10: retries: is 11"),
                          HasSubstr("4:3: triggers[0].shedule: unknown key"),
                          HasSubstr("4:3: triggers[0].id: is required"),
                          HasSubstr("5:3: triggers[1]: needs schedule, api, github or custom"),
                          HasSubstr("6:1: x: unknown key \"x\"; write name, account")));
}

TEST(LoadRoutine, DoesNotAskForWhatItCouldNotRead) {
  // The misspelled key was meant to be the required one; the broken value stands in its place.
  EXPECT_THAT(Problems("nmae: a\nprompt: [b]\n"),
              ElementsAre("1:1: nmae: unknown key \"nmae\"; did you mean \"name\"?",
                          "2:9: prompt: expected text, found a list"));
}

TEST(LoadRoutine, SaysWhereAMisplacedKeyBelongs) {
  EXPECT_THAT(
      Problems(With("network: {mode: none}")),
      ElementsAre("3:1: network: unknown key \"network\"; it belongs into \"environment\""));
}

TEST(LoadRoutine, RefusesTheSameKeyTwice) {
  EXPECT_THAT(Problems("name: a\nprompt: b\nname: c\n"),
              ElementsAre("3:1: name: is written twice, first in line 1; keep one"));
  EXPECT_THAT(Problems(With("environment: {variables: {A: 1, \"A\": 2}}")),
              ElementsAre(HasSubstr("3:33: environment.variables.A: is written twice")));
}

TEST(LoadRoutine, TellsLongVariablesApart) {
  const std::string beginning(100, 'A');
  EXPECT_THAT(
      Problems(With("environment: {variables: {" + beginning + "1: x, " + beginning + "2: y}}")),
      IsEmpty());
}

TEST(LoadRoutine, RefusesTwoKindsOfTrigger) {
  EXPECT_THAT(Problems(With("triggers:\n- {id: x, api: {}, github: {}}")),
              ElementsAre(HasSubstr("4:20: triggers[0].github: cannot stand beside \"api\"")));
}

TEST(LoadRoutine, RefusesNothingAsAValue) {
  EXPECT_THAT(Problems(With("model:")),
              ElementsAre("3:1: model: has no value; write one, or remove the key"));
  EXPECT_THAT(Problems(With("model: null")), ElementsAre(HasSubstr("model: has no value")));
  EXPECT_THAT(Problems(With("limits: ~")),
              ElementsAre(HasSubstr("limits: has no value; write {}")));
  EXPECT_THAT(Problems(With("environment:\n  secrets:\n  -\n  - B")),
              ElementsAre(HasSubstr("environment.secrets[0]: is an empty item")));
  EXPECT_THAT(Problems(With("environment: {variables: {A: }}")),
              ElementsAre(HasSubstr("environment.variables.A: has no value; write \"\"")));
  const std::string head =
      With("triggers:\n- id: x\n  custom:\n    source: s\n    filters:\n    - ");
  EXPECT_THAT(Problems(head + "operator: equals\n      value:\n      field: n"),
              ElementsAre(HasSubstr("9:7: triggers[0].custom.filters[0].value: has no value")));
  EXPECT_THAT(Problems(head + "{field: n, operator: equals, value: null}"), IsEmpty());
}

TEST(LoadRoutine, SaysWhatItExpectedAndWhatItFound) {
  EXPECT_THAT(Problems(With("model: 4")),
              ElementsAre("3:8: model: expected text, found a number; write it in quotes: \"4\""));
  EXPECT_THAT(Problems(With("model: true")),
              ElementsAre(HasSubstr("found true; write it in quotes")));
  EXPECT_THAT(Problems(With("model: {a: b}")),
              ElementsAre(HasSubstr("expected text, found keys with values")));
  EXPECT_THAT(Problems(With("triggers: {}")),
              ElementsAre(HasSubstr("expected a list, found keys with values")));
  EXPECT_THAT(Problems(With("triggers: [x]")),
              ElementsAre(HasSubstr("expected keys with values (id, disabled")));
  EXPECT_THAT(Problems(With("limits: [x]")), ElementsAre(HasSubstr("found a list")));
  EXPECT_THAT(Problems(With("retries: \"2\"")),
              ElementsAre(HasSubstr("expected a whole number, found text; remove the quotes")));
  EXPECT_THAT(Problems(With("triggers: [{id: x, disabled: yes, api: {}}]")),
              ElementsAre(HasSubstr("disabled: expected true or false, found text")));
  EXPECT_THAT(Problems(With("environment: {variables: [A]}")),
              ElementsAre(HasSubstr("expected names with values, found a list")));
  EXPECT_THAT(Problems(With("environment: {variables: {A: [b]}}")),
              ElementsAre(HasSubstr("environment.variables.A: expected text, found a list")));
  EXPECT_THAT(Problems("- name: a"), ElementsAre(HasSubstr("1:1: expected keys with values")));
  EXPECT_THAT(Problems("just text"), ElementsAre(HasSubstr("1:1: expected keys with values")));
}

TEST(LoadRoutine, NeverShowsTextsThatMayBeSecret) {
  for (const std::string& text :
       {With("environment: {variables: hunter2}"), With("environment: {variables: {A: [hunter2]}}"),
        With("environment: {secrets: hunter2}"), With("limits: hunter2"),
        With("repositories: [{url: 'https://u:hunter2@h/p'}]"),
        With("repositories: [{url: 'https://hunter2@h/p'}]"),
        With("repositories: [{url: 'x://u:hunter2@h/p'}]"),
        With("connectors: [{name: a, url: 'https://u:hunter2@h/p'}]"),
        With("connectors: [{name: a, url: 'https://h/p', headers: {A: \"hunter2\\n\"}}]")}) {
    const auto problems = Problems(text);
    EXPECT_FALSE(problems.empty()) << text;
    for (const std::string& problem : problems)
      EXPECT_EQ(problem.find("hunter2"), problem.npos) << problem;
  }
}

TEST(LoadRoutine, RefusesAnchorsAliasesAndTags) {
  EXPECT_THAT(Problems("name: &n a\nprompt: *n\n"),
              ElementsAre(HasSubstr("1:7: anchors (&n) are not supported"),
                          HasSubstr("2:9: aliases (*name) are not supported")));
  EXPECT_THAT(Problems(With("model: !!str 4")),
              ElementsAre(HasSubstr("3:8: tags (!name) are not supported")));
  EXPECT_THAT(Problems(With("<<: {model: x}")), ElementsAre(HasSubstr("unknown key \"<<\"")));
}

TEST(LoadRoutine, RefusesASecondDocument) {
  EXPECT_THAT(Problems("name: a\nprompt: b\n---\nname: c\nprompt: d\n"),
              ElementsAre(HasSubstr("a second document begins here; write one routine per file")));
  EXPECT_THAT(Problems("---\nname: a\nprompt: b\n...\n"), IsEmpty());
}

TEST(LoadRoutine, SaysThatAFileIsEmpty) {
  for (const char* text : {"", "\n\n", "# only a comment\n"}) {
    EXPECT_THAT(Problems(text), ElementsAre(HasSubstr("1:1: the file is empty"))) << text;
  }
}

TEST(LoadRoutine, RefusesKeysThatAreNoWords) {
  EXPECT_THAT(Problems("[a]: b"), ElementsAre(HasSubstr("expected a key")));
  EXPECT_THAT(Problems("? {a: b}\n: c"), ElementsAre(HasSubstr("expected a key")));
  EXPECT_THAT(Problems("~: c"), ElementsAre(HasSubstr("expected a key")));
}

TEST(LoadRoutineFile, NamesTheFile) {
  const std::string path = testing::TempDir() + "/load_routine_test.yaml";
  std::ofstream(path) << "name: A\nprompt: b\n";
  const LoadResult loaded = LoadRoutineFile(path);
  ASSERT_EQ(loaded.problems.size(), 1u);
  EXPECT_THAT(loaded.problems[0].ToString(), HasSubstr(path + ":1:7: name: "));
  std::remove(path.c_str());
}

TEST(LoadRoutineFile, ReportsWhatCannotBeRead) {
  EXPECT_THAT(LoadRoutineFile("/nowhere/x.yaml").problems[0].ToString(),
              "/nowhere/x.yaml: cannot be read: No such file or directory");
  EXPECT_THAT(LoadRoutineFile("/").problems[0].ToString(), "/: is not a file");
  EXPECT_THAT(LoadRoutineFile("/dev/zero").problems[0].ToString(), "/dev/zero: is not a file");
}

}  // namespace
}  // namespace routines
