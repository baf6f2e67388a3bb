#include "src/cli/shell_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace routines::cli {
namespace {

using ::testing::ElementsAre;

TEST(SplitShellWords, SplitsAtBlanks) {
  EXPECT_THAT(*SplitShellWords("  python3\tagent.py   --fast\n"),
              ElementsAre("python3", "agent.py", "--fast"));
  EXPECT_THAT(*SplitShellWords(""), ElementsAre());
}

TEST(SplitShellWords, QuotesKeepBlanksTogether) {
  EXPECT_THAT(*SplitShellWords(R"(sh -c 'echo "a  b"' "it's" a' 'b)"),
              ElementsAre("sh", "-c", R"(echo "a  b")", "it's", "a b"));
}

TEST(SplitShellWords, EmptyQuotesAreAWord) {
  EXPECT_THAT(*SplitShellWords(R"(a '' "")"), ElementsAre("a", "", ""));
}

TEST(SplitShellWords, BackslashEscapes) {
  EXPECT_THAT(*SplitShellWords(R"(a\ b "\"\n\\" '\')"), ElementsAre("a b", R"("\n\)", R"(\)"));
}

TEST(SplitShellWords, ExpandsNothing) {
  EXPECT_THAT(*SplitShellWords("$HOME `id` * ; |"), ElementsAre("$HOME", "`id`", "*", ";", "|"));
}

TEST(SplitShellWords, RefusesWhatIsNotEnded) {
  EXPECT_FALSE(SplitShellWords("a 'b").ok());
  EXPECT_FALSE(SplitShellWords("a \"b").ok());
  EXPECT_FALSE(SplitShellWords("a \\").ok());
}

}  // namespace
}  // namespace routines::cli
