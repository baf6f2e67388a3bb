#include "src/match/glob.h"

#include <chrono>
#include <random>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace routines {
namespace {

using ::testing::HasSubstr;

bool Matches(std::string_view pattern, std::string_view text, bool ignore_case = false) {
  const absl::StatusOr<Glob> glob = Glob::Compile(pattern, ignore_case);
  EXPECT_TRUE(glob.ok()) << pattern << ": " << glob.status();
  return glob.ok() && glob->Matches(text);
}

TEST(Glob, MatchesTheWholeText) {
  EXPECT_TRUE(Matches("main", "main"));
  EXPECT_FALSE(Matches("main", "maintenance"));
  EXPECT_FALSE(Matches("main", "domain"));
  EXPECT_TRUE(Matches("", ""));
  EXPECT_FALSE(Matches("", "a"));
}

TEST(Glob, StopsAStarAtASlash) {
  EXPECT_TRUE(Matches("release/*", "release/1.0"));
  EXPECT_TRUE(Matches("release/*", "release/"));
  EXPECT_FALSE(Matches("release/*", "release/1.0/rc"));
  EXPECT_TRUE(Matches("*/api/*.cc", "src/api/a.cc"));
  EXPECT_FALSE(Matches("*/api/*.cc", "src/api/v1/a.cc"));
  EXPECT_FALSE(Matches("*", "a/b"));
}

TEST(Glob, LetsTwoStarsCrossSlashes) {
  EXPECT_TRUE(Matches("docs/**", "docs/a/b/c.md"));
  EXPECT_TRUE(Matches("docs/**", "docs/"));
  EXPECT_FALSE(Matches("docs/**", "docs"));
  EXPECT_TRUE(Matches("**/test/*.py", "a/b/test/c.py"));
  EXPECT_FALSE(Matches("**/test/*.py", "a/b/test/c/d.py"));
  EXPECT_FALSE(Matches("**/test/*.py", "test/c.py"));  // there is no slash before it
  EXPECT_TRUE(Matches("a**b**c", "a/x/b/y/c"));
  EXPECT_TRUE(Matches("a***b", "a/x/b"));  // three say what two say
}

TEST(Glob, TakesOneCharacterForAQuestionMark) {
  EXPECT_TRUE(Matches("v?.?", "v1.2"));
  EXPECT_FALSE(Matches("v?", "v"));
  EXPECT_FALSE(Matches("v?", "v12"));
  EXPECT_FALSE(Matches("a?b", "a/b"));
  EXPECT_TRUE(Matches("caf?", "café"));
  EXPECT_TRUE(Matches("?", "😀"));
  EXPECT_FALSE(Matches("??", "é"));
}

TEST(Glob, TakesEverythingElseAsItIs) {
  EXPECT_TRUE(Matches("a[bc]{d,e}!(f)+", "a[bc]{d,e}!(f)+"));
  EXPECT_FALSE(Matches("[ab]", "a"));
  EXPECT_TRUE(Matches(R"(\*\?\\\a)", R"(*?\a)"));
  EXPECT_FALSE(Matches(R"(\*)", "a"));
  EXPECT_FALSE(Matches(".*", "main"));
}

TEST(Glob, IgnoresTheCaseOfAsciiLettersWhereToldTo) {
  EXPECT_TRUE(Matches("Needs-*", "nEEDS-Review", true));
  EXPECT_TRUE(Matches("*[BOT]", "renovate[bot]", true));
  EXPECT_TRUE(Matches("a?B*C", "A1bxC", true));
  EXPECT_FALSE(Matches("É*", "éa", true));
  EXPECT_FALSE(Matches("Needs-*", "needs-review"));
}

TEST(Glob, TellsTheLiteralEnds) {
  const Glob glob = *Glob::Compile(R"(Src/\*a*b?/End)", true);
  EXPECT_EQ(glob.prefix(), "src/*a");
  EXPECT_EQ(glob.suffix(), "/end");
  EXPECT_FALSE(glob.is_literal());
  EXPECT_TRUE(Glob::Compile("a\\*b", false)->is_literal());
  EXPECT_EQ(Glob::Compile("a\\*b", false)->prefix(), "a*b");
}

TEST(Glob, RefusesWhatIsNoPattern) {
  EXPECT_THAT(Glob::Compile("a\\", false).status().message(), HasSubstr("write \\\\"));
  EXPECT_THAT(Glob::Compile(std::string(1001, 'a'), false).status().message(),
              HasSubstr("longer than 1000 characters"));
  EXPECT_FALSE(Glob::Compile("\xff", false).ok());
  EXPECT_TRUE(Glob::Compile(std::string(1000, '?'), false).ok());
}

// The definition, letter by letter; exponential.
bool Slow(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') {
    const bool cross = pattern.size() > 1 && pattern[1] == '*';
    const std::string_view rest = pattern.substr(cross ? 2 : 1);
    for (size_t i = 0; i <= text.size(); ++i) {
      if (Slow(rest, text.substr(i))) return true;
      if (i < text.size() && !cross && text[i] == '/') return false;
    }
    return false;
  }
  if (text.empty()) return false;
  if (pattern[0] == '?') return text[0] != '/' && Slow(pattern.substr(1), text.substr(1));
  if (pattern[0] == '\\') pattern.remove_prefix(1);
  return pattern[0] == text[0] && Slow(pattern.substr(1), text.substr(1));
}

TEST(Glob, AgreesWithItsDefinition) {
  std::mt19937 random(20260724);
  const auto draw = [&](std::string_view letters, size_t most) {
    std::string text;
    for (size_t i = random() % (most + 1); i > 0; --i) text += letters[random() % letters.size()];
    return text;
  };
  int matched = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string pattern = draw("ab/**?\\", 9);
    if (const size_t end = pattern.find_last_not_of('\\');
        (pattern.size() - (end == pattern.npos ? 0 : end + 1)) % 2 == 1) {
      pattern += "a";
    }
    const std::string text = draw("ab/*", 9);
    const bool expected = Slow(pattern, text);
    ASSERT_EQ(Matches(pattern, text), expected) << pattern << "  " << text;
    matched += expected;
  }
  EXPECT_GT(matched, 5'000);
}

// Patterns of more than 64 states, so that states pass from word to word.
TEST(Glob, AgreesWithItsDefinitionOnLongPatterns) {
  std::mt19937 random(7);
  int matched = 0;
  for (int i = 0; i < 2'000; ++i) {
    std::string pattern, text;
    for (int part = 0; part < 8; ++part) {
      const std::string letters(random() % 40, 'a' + static_cast<char>(random() % 2));
      pattern += letters + (part % 3 == 0 ? "**" : part % 3 == 1 ? "?" : "*");
      text += letters + (random() % 8 == 0 ? "/" : "b");
    }
    const bool expected = Slow(pattern, text);
    ASSERT_EQ(Matches(pattern, text), expected) << pattern << "  " << text;
    matched += expected;
  }
  EXPECT_GT(matched, 100);
}

// With backtracking, each of these takes longer than anybody waits.
TEST(Glob, TakesTimeInProportionToTheText) {
  const std::string text(256 << 10, 'a');
  std::string stars;
  for (int i = 0; i < 300; ++i) stars += "*a*";
  EXPECT_FALSE(Matches(stars + "b", text));
  EXPECT_FALSE(Matches("**" + stars + "b?", text + "c"));
  std::string crossing;
  for (int i = 0; i < 300; ++i) crossing += "**a";
  EXPECT_FALSE(Matches(crossing + "?/?", text));
}

}  // namespace
}  // namespace routines
