// What IsPlainRegex takes, RE2 takes, within the limits of conditions.
#include "src/match/regex_plain.h"

#include <random>
#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "src/match/filter.h"

namespace routines {
namespace {

TEST(RegexPlain, KnowsWhatPeopleWrite) {
  for (const std::string_view pattern :
       {"fix", ".*urgent.*", "(feat|fix|chore)(\\(.+\\))?: .*\\bword\\b.*", "^v[0-9]+\\.[0-9]+$",
        "release/.+", "[a-z]+: word [a-z ]+[0-9]{1,3}", ".*one( |-)two.*", "(?:a|b)*?"}) {
    EXPECT_TRUE(IsPlainRegex(pattern)) << pattern;
  }
}

TEST(RegexPlain, LeavesTheRestToRe2) {
  for (const std::string_view pattern :
       {"(",          ")",     "a**",   "[",     "[]",     "[z-a]",   "[[:alpha:]]",       "\\",
        "\\p{Greek}", "(?i)a", "(?=a)", "*a",    "a{2,1}", "a{1000}", "((a{50}){50}){50}", "ä",
        "\\1",        "^*",    "a|*",   "x{,3}", "\\Qa\\E"}) {
    EXPECT_FALSE(IsPlainRegex(pattern)) << pattern;
  }
}

TEST(RegexPlain, TakesNothingThatRe2DoesNot) {
  constexpr std::string_view kPieces[] = {"a",   "k",     ".",    "*",     "+",     "?",   "|",
                                          "(",   ")",     "(?:",  "[a-k]", "[^.s]", "^",   "$",
                                          "{2}", "{1,3}", "{9,}", "{50}",  "\\b",   "\\d", "\\W",
                                          "\\.", "\\/",   "[",    "]",     "-",     " ",   "[ -",
                                          "{",   "}",     "\\",   "()",    "(|a)",  "\\_", "\\-",
                                          "<",   "[*+?]", "[a-]"};
  std::mt19937 random(1);
  int plain = 0;
  for (int i = 0; i < 100'000; ++i) {
    std::string pattern;
    for (uint32_t pieces = 1 + random() % 9; pieces > 0; --pieces) {
      pattern += kPieces[random() % std::size(kPieces)];
    }
    if (!IsPlainRegex(pattern)) continue;
    ++plain;
    if (plain % 4 != 0 && pattern.size() > 12) continue;  // compiling takes its time
    const auto regex = CompileRegex(pattern, i % 2 == 0);
    ASSERT_TRUE(regex->ok()) << pattern << ": " << regex->error();
    ASSERT_LE(regex->ProgramSize(), kMaxRegexProgram) << pattern;
  }
  EXPECT_GT(plain, 2'000);
}

}  // namespace
}  // namespace routines
