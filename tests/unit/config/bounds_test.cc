// What a hostile file may cost.
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/unit/config/loading.h"

namespace routines {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string Repeat(const std::string& text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

TEST(Bounds, RefusesMoreThanOneMebibyte) {
  const std::string head = "name: a\nprompt: b\n#";
  EXPECT_THAT(Problems(head + std::string((1 << 20) - head.size(), 'x')), IsEmpty());
  EXPECT_THAT(Problems(head + std::string((1 << 20) - head.size() + 1, 'x')),
              ElementsAre("the file is larger than 1048576 bytes; make it smaller"));
}

TEST(Bounds, RefusesMoreThan64Levels) {
  // The document and the list of `triggers` are levels too.
  EXPECT_THAT(Problems(With("triggers: " + Repeat("[", 63) + Repeat("]", 63))),
              ElementsAre(HasSubstr("found a list")));
  EXPECT_THAT(Problems(With("triggers: " + Repeat("[", 64) + Repeat("]", 64))),
              ElementsAre("3:74: is nested more than 64 levels deep"));
}

TEST(Bounds, SurvivesNestingInEveryStyle) {
  for (const char* opening : {"[", "{a: ", "- ", "? ", "[[", "{", "{? ", "[a: "}) {
    const std::string text =
        Repeat(opening, 300'000 / static_cast<int>(std::string(opening).size()));
    EXPECT_FALSE(Problems(text).empty()) << opening;
  }
  std::string indented;
  for (int i = 0; i < 1000; ++i) indented += std::string(i, ' ') + "a:\n";
  EXPECT_THAT(Problems(indented), ElementsAre(HasSubstr("is nested more than 64 levels deep")));
}

TEST(Bounds, RefusesMoreThan100000Nodes) {
  EXPECT_THAT(Problems(With("environment: {secrets: [" + Repeat("a, ", 100'000) + "]}")),
              ElementsAre(HasSubstr("the file has more than 100000 values; make it smaller")));
}

TEST(Bounds, RefusesBillionLaughs) {
  std::string text = "a: &a [x, x]\n";
  for (char c = 'b'; c <= 'z'; ++c) {
    const std::string last(1, static_cast<char>(c - 1));
    text +=
        absl::StrCat(std::string(1, c), ": &", std::string(1, c), " [*", last, ", *", last, "]\n");
  }
  const auto problems = Problems(text);
  EXPECT_THAT(problems.size(), testing::Lt(200u));
  EXPECT_THAT(problems, testing::Contains(HasSubstr("aliases (*name) are not supported")));
}

TEST(Bounds, RefusesBytesThatAreNoText) {
  EXPECT_THAT(Problems(std::string("name: a\npro\0mpt: b\n", 19)),
              ElementsAre("2:4: contains a NUL byte; save the file as UTF-8 text"));
  EXPECT_THAT(Problems("name: a\nprompt: caf\xe9\n"),
              ElementsAre("2:12: is not valid UTF-8; save the file as UTF-8"));
  EXPECT_THAT(Problems("\xff\xfen\0a\0"), ElementsAre(HasSubstr("is not valid UTF-8")));
  EXPECT_THAT(Problems("name: a\nprompt: \"\\0\"\n"),
              ElementsAre(HasSubstr("2:9: contains a NUL character; remove it")));
  EXPECT_THAT(Problems("name: a\nprompt: \"\\x00\"\n"), testing::SizeIs(1));
}

TEST(Bounds, EscapesControlCharactersOfTheFile) {
  for (const std::string& text :
       {std::string("\"\\e[31m\": x"), With("environment: {variables: {\"\\e]0;\": x}}"),
        With("overlap: \"\\e[2J\""),
        With("connectors: [{name: a, url: 'https://h/', headers: {\"\\a\": b}}]"),
        With("triggers: [{id: \"\\r\"}]")}) {
    const auto problems = Problems(text);
    EXPECT_FALSE(problems.empty()) << text;
    for (const std::string& problem : problems) {
      for (const char c : problem) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << problem;
    }
  }
}

// Quadratic work on any of these takes minutes: the test's time limit in ctest ends it.
TEST(Bounds, EndsWhereEveryLineIsWrong) {
  std::string unknown;
  for (int i = 0; i < 20'000; ++i) absl::StrAppend(&unknown, "repositorie", i, ": x\n");
  EXPECT_FALSE(Problems(unknown).empty());
  std::string triggers = "triggers:\n";
  for (int i = 0; i < 10'000; ++i) triggers += "- {id: [], api: x, y: z}\n";
  EXPECT_FALSE(Problems(With(triggers)).empty());
  std::string conditions = "triggers:\n- id: a\n  custom:\n    source: s\n    filters:\n";
  for (int i = 0; i < 1000; ++i) {
    conditions += "    - {field: f, operator: matches_regex, value: '.{300}'}\n";
  }
  EXPECT_THAT(Problems(With(conditions)), IsEmpty());
  conditions += "    - {field: f, operator: exists}\n";
  EXPECT_THAT(Problems(With(conditions)),
              ElementsAre(HasSubstr("have 1001 conditions; at most 1000")));
  std::string escapes = "{\"prompt\": [";
  for (int i = 0; i < 20'000; ++i) escapes += "\"\\ud83d\\ude00\",";
  EXPECT_FALSE(Problems(escapes).empty());
}

}  // namespace
}  // namespace routines
