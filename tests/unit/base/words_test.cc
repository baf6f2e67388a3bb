#include "src/base/words.h"

#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "routines/routine.h"

namespace routines {
namespace {

const std::vector<std::string> kKnown = {"schedule", "api",         "github",
                                         "custom",   "base_branch", "head_branch"};

TEST(NearestWord, FindsWhatWasMeant) {
  EXPECT_EQ(NearestWord("shedule", kKnown), "schedule");
  EXPECT_EQ(NearestWord("schedlue", kKnown), "schedule");  // neighbours swapped
  EXPECT_EQ(NearestWord("Schedule", kKnown), "schedule");
  EXPECT_EQ(NearestWord("base-branch", kKnown), "base_branch");
  EXPECT_EQ(NearestWord("baseBranch", kKnown), "base_branch");
  EXPECT_EQ(NearestWord("base", kKnown), "base_branch");
  EXPECT_EQ(NearestWord("gihtub", kKnown), "github");
  EXPECT_EQ(NearestWord("ap", kKnown), "api");
}

TEST(NearestWord, GuessesNothingFarFetched) {
  EXPECT_EQ(NearestWord("cron", kKnown), "");
  EXPECT_EQ(NearestWord("x", kKnown), "");
  EXPECT_EQ(NearestWord("", kKnown), "");
  EXPECT_EQ(NearestWord("webhook", kKnown), "");
  EXPECT_EQ(NearestWord(std::string(1'000'000, 'a'), kKnown), "");
  EXPECT_EQ(NearestWord("schedule", {}), "");
}

TEST(NearestWord, TakesTheNearestOfSeveral) {
  EXPECT_EQ(NearestWord("is_one_off", {"is_not_one_of", "is_one_of"}), "is_one_of");
}

TEST(Quoted, ShortensAndEscapes) {
  EXPECT_EQ(Quoted("a\x1b[0m\n"), "\"a\\033[0m\\n\"");
  EXPECT_EQ(Quoted(std::string(100, 'a')), "\"" + std::string(60, 'a') + "…\"");
  EXPECT_EQ(Quoted(std::string(59, 'a') + "é"), "\"" + std::string(59, 'a') + "…\"");
  EXPECT_EQ(Quoted("\xff"), "\"\uFFFD\"");
}

TEST(KeyPath, QuotesWhatIsNoWord) {
  EXPECT_EQ(KeyPath("", "a"), "a");
  EXPECT_EQ(KeyPath("a", "b-c"), "a.b-c");
  EXPECT_EQ(KeyPath("a", "b.c"), "a[\"b.c\"]");
  EXPECT_EQ(KeyPath("a", ""), "a[\"\"]");
}

TEST(UnknownWord, ListsTheKnownOnesWhereNoneIsNear) {
  EXPECT_EQ(UnknownWord("kind", "tomorrow", {"a", "b", "c"}),
            "unknown kind \"tomorrow\"; write a, b or c");
}

TEST(IsSlipOf, TellsASlipFromAnotherWord) {
  for (const auto& [word, known] :
       std::vector<std::pair<std::string, std::string>>{{"open", "opened"},
                                                        {"close", "closed"},
                                                        {"Opened", "opened"},
                                                        {"opend", "opened"},
                                                        {"oepned", "opened"},
                                                        {"openedd", "opened"},
                                                        {"ready-for-review", "ready_for_review"},
                                                        {"synchronised", "synchronize"}}) {
    EXPECT_TRUE(IsSlipOf(word, known)) << word;
  }
  for (const auto& [word, known] :
       std::vector<std::pair<std::string, std::string>>{{"reopened", "opened"},
                                                        {"pinned", "opened"},
                                                        {"typed", "untyped"},
                                                        {"add", "added"},
                                                        {"locked", "unlocked"},
                                                        {"assigned", "unassigned"},
                                                        {"", "opened"},
                                                        {"op", "opened"}}) {
    EXPECT_FALSE(IsSlipOf(word, known)) << word;
  }
}

}  // namespace
}  // namespace routines
