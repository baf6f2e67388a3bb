// Sets of texts beside the plain way, on alphabets so small that everything overlaps: both ways to
// find what is contained are gone.
#include "src/match/pattern_set.h"

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "src/match/find_text.h"
#include "src/match/index_pattern.h"

namespace routines {
namespace {

using Use = PatternSet::Use;

std::string Draw(std::mt19937& random, size_t size, int letters) {
  std::string text;
  while (text.size() < size) text += static_cast<char>('a' + random() % letters);
  return text;
}

bool Holds(Use use, const std::string& text, const std::string& wanted) {
  if (use == Use::kContained) return text.find(wanted) != text.npos;
  if (wanted.size() > text.size()) return false;
  return use == Use::kPrefixes ? text.compare(0, wanted.size(), wanted) == 0
                               : text.compare(text.size() - wanted.size(), text.npos, wanted) == 0;
}

void Compare(Use use, int letters, size_t least, size_t most, size_t text_size) {
  std::mt19937 random(static_cast<unsigned>(letters * 1000 + least * 10 + most));
  for (int round = 0; round < 60; ++round) {
    std::set<std::string> wanted;
    for (int i = 1 + static_cast<int>(random() % 200); i > 0; --i) {
      wanted.insert(Draw(random, least + random() % (most - least + 1), letters));
    }
    const std::vector<std::string> texts(wanted.begin(), wanted.end());
    std::vector<PatternSet::Text> parts;
    for (uint32_t i = 0; i < texts.size(); ++i) parts.push_back({texts[i], i});
    std::shuffle(parts.begin(), parts.end(), random);
    const PatternSet set(use, parts);
    PatternSet::Scratch scratch;
    for (int t = 0; t < 10; ++t) {
      const std::string text = Draw(random, random() % text_size, letters);
      std::vector<uint32_t> found, expected;
      set.Find(text, scratch, found);
      std::sort(found.begin(), found.end());
      for (uint32_t i = 0; i < texts.size(); ++i) {
        if (Holds(use, text, texts[i])) expected.push_back(i);
      }
      ASSERT_EQ(found, expected) << text;
    }
  }
}

TEST(PatternSet, FindsWhatATextBeginsAndEndsWith) {
  for (const Use use : {Use::kPrefixes, Use::kSuffixes}) {
    Compare(use, 2, 1, 9, 40);
    Compare(use, 26, 1, 3, 40);
  }
}

TEST(PatternSet, FindsWhatATextContains) {
  Compare(Use::kContained, 1, 1, 40, 300);   // aaaa…: the automaton
  Compare(Use::kContained, 2, 1, 12, 400);   // short and long ones, both ways
  Compare(Use::kContained, 2, 8, 20, 2000);  // eight bytes at a time, given up at times
  Compare(Use::kContained, 3, 4, 7, 200);    // four bytes at a time
  Compare(Use::kContained, 26, 2, 9, 3000);  // the ordinary way
}

TEST(FindText, AgreesWithThePlainWay) {
  std::mt19937 random(5);
  for (int i = 0; i < 20000; ++i) {
    const int letters = 1 + static_cast<int>(random() % 4);
    const std::string text = Draw(random, random() % 200, letters);
    const std::string wanted = Draw(random, random() % 12, letters);
    ASSERT_EQ(FindText(text, wanted), text.find(wanted) != text.npos) << text << " " << wanted;
  }
}

TEST(RequiredLiteral, IsWhatEveryMatchContains) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {".*deploy.*", "deploy"}, {"a|deploy", ""},         {"(deploy)?x", "x"},
      {"depl?oy", "dep"},       {"deploy+ed", "deploy"},  {"v[0-9]+\\.rc", ".rc"},
      {"(?i)deploy", ""},       {"ab{2,3}cd", "cd"},      {"\\Qa.b\\E", ""},
      {"x\\x41yz", ""},         {"(a|b)tail", "tail"},    {"[]a]word", "word"},
      {"\\bword\\b", "word"},   {"h\xc3\xa9?llo", "llo"}, {"a{x", ""},
  };
  for (const auto& [regex, expected] : cases) {
    EXPECT_EQ(RequiredLiteral(regex, false), expected) << regex;
  }
  EXPECT_EQ(RequiredLiteral("DEPLOY", true), "deploy");  // without k and s, which fold oddly
  EXPECT_EQ(RequiredLiteral("taskFORCE", true), "force");
}

}  // namespace
}  // namespace routines
