// Sets of texts beside the plain way, on alphabets so small that everything overlaps.
#include "src/match/pattern_set.h"

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "src/match/contained_set.h"
#include "src/match/find_text.h"
#include "src/match/index_contained.h"
#include "src/match/index_pattern.h"

namespace routines {
namespace {

using Use = PatternSet::Use;

std::string Draw(std::mt19937& random, size_t size, int letters) {
  std::string text;
  while (text.size() < size) text += static_cast<char>('a' + random() % letters);
  return text;
}

// Up to 200 different ones, sorted.
std::vector<std::string> DrawSome(std::mt19937& random, size_t least, size_t most, int letters) {
  std::set<std::string> texts;
  for (int i = 1 + static_cast<int>(random() % 200); i > 0; --i) {
    texts.insert(Draw(random, least + random() % (most - least + 1), letters));
  }
  return {texts.begin(), texts.end()};
}

bool Holds(Use use, const std::string& text, const std::string& wanted) {
  if (wanted.size() > text.size()) return false;
  return use == Use::kPrefixes ? text.compare(0, wanted.size(), wanted) == 0
                               : text.compare(text.size() - wanted.size(), text.npos, wanted) == 0;
}

void Compare(Use use, int letters, size_t least, size_t most, size_t text_size) {
  std::mt19937 random(static_cast<unsigned>(letters * 1000 + least * 10 + most));
  for (int round = 0; round < 60; ++round) {
    const std::vector<std::string> texts = DrawSome(random, least, most, letters);
    std::vector<PatternSet::Text> parts;
    for (uint32_t i = 0; i < texts.size(); ++i) parts.push_back({texts[i], i});
    std::shuffle(parts.begin(), parts.end(), random);
    const PatternSet set(use, parts);
    for (int t = 0; t < 10; ++t) {
      const std::string text = Draw(random, random() % text_size, letters);
      std::vector<uint32_t> found, expected;
      set.Find(text, found);
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

// What `set`, whose ids are places in `texts`, finds in `text`, beside the plain way.
void ExpectFinds(const ContainedSet& set, const std::vector<std::string>& texts,
                 const std::string& text) {
  ContainedSet::Scratch scratch;
  set.Clear(scratch);
  set.Find(text, scratch);
  std::vector<uint32_t> found, expected;
  for (uint32_t number = 0; number < set.size(); ++number) {
    if ((scratch.found[number / 64] >> number % 64 & 1) != 0) found.push_back(set.id(number));
  }
  std::sort(found.begin(), found.end());
  for (uint32_t i = 0; i < texts.size(); ++i) {
    if (text.find(texts[i]) != text.npos) expected.push_back(i);
  }
  ASSERT_EQ(found, expected) << text;
}

// Random texts of so few letters that everything overlaps.
void CompareRandom(int letters, size_t least, size_t most, size_t text_size) {
  std::mt19937 random(static_cast<unsigned>(letters * 1000 + least * 10 + most));
  for (int round = 0; round < 60; ++round) {
    const std::vector<std::string> texts = DrawSome(random, least, most, letters);
    std::vector<ContainedSet::Text> parts;
    for (uint32_t i = 0; i < texts.size(); ++i) parts.push_back({texts[i], i});
    std::shuffle(parts.begin(), parts.end(), random);
    const ContainedSet set(parts);
    for (int t = 0; t < 10; ++t)
      ExpectFinds(set, texts, Draw(random, random() % text_size, letters));
  }
}

TEST(ContainedSet, FindsWhatATextContains) {
  CompareRandom(1, 1, 40, 300);   // aaaa…: by lengths
  CompareRandom(2, 1, 12, 400);   // short and long ones, both ways
  CompareRandom(2, 8, 20, 2000);  // eight bytes at a time, given up at times
  CompareRandom(3, 4, 7, 200);    // four bytes at a time
  CompareRandom(26, 2, 9, 3000);  // the ordinary way
}

// A set that is hard for some way to search, with texts that hit it.
struct HardTexts {
  std::set<std::string> wanted;
  std::vector<std::string> texts;
};

// Pieces of the very text that is searched, each the beginning of the next, some of which go on
// otherwise than the text does.
HardTexts Pieces(std::mt19937& random, size_t most, const std::string& odd_end) {
  HardTexts hard;
  hard.texts.push_back(Draw(random, 1500, 2));
  for (size_t i = 0; i < 1200; ++i) {
    hard.wanted.insert(hard.texts[0].substr(i % 700, 1 + i / 7 % most) + (i % 3 ? "" : odd_end));
  }
  return hard;
}

// Runs of one letter, with something that the text does not have before, in or behind them.
HardTexts Runs(std::mt19937& random) {
  HardTexts hard;
  for (size_t i = 0; i < 400; ++i) {
    const std::string run(1 + i, 'a');
    hard.wanted.insert(run + "b");
    hard.wanted.insert("b" + run);
    hard.wanted.insert(run + "c" + run);
  }
  hard.texts = {std::string(1200, 'a'), "b" + std::string(900, 'a') + "b", ""};
  std::string text(1500, 'a');
  for (int i = 0; i < 8; ++i) text[random() % text.size()] = static_cast<char>('b' + i % 2);
  hard.texts.push_back(text);
  return hard;
}

// Two long sequences of which one is the other with its letters changed: their polynomial hashes
// modulo 2^64 are the same at every odd place.
HardTexts ThueMorse() {
  HardTexts hard;
  std::string one, other;
  for (unsigned i = 0; i < 4096; ++i) {
    const bool odd = __builtin_popcount(i) % 2 != 0;
    one += odd ? 'b' : 'a';
    other += odd ? 'a' : 'b';
  }
  for (size_t size = 1024; size <= 4096; size += 64) hard.wanted.insert(other.substr(0, size));
  for (size_t size = 8; size < 1024; size += 41) hard.wanted.insert(one.substr(0, size));
  for (size_t size = 8; size < 1024; size += 8) hard.wanted.insert(one.substr(size, size / 2));
  hard.texts = {one, other, one + other, other.substr(1000) + one};
  return hard;
}

void CompareHard(const HardTexts& hard, std::mt19937& random, uint32_t tags) {
  const std::vector<std::string> texts(hard.wanted.begin(), hard.wanted.end());
  std::vector<ContainedSet::Text> parts;
  for (uint32_t i = 0; i < texts.size(); ++i) parts.push_back({texts[i], i});
  std::shuffle(parts.begin(), parts.end(), random);
  const ContainedSet set(parts, {.tags = tags});
  for (const std::string& text : hard.texts) ExpectFinds(set, texts, text);
}

TEST(ContainedSet, FindsInTextsThatAreMadeToBeHard) {
  std::mt19937 random(9);
  // With few bits of a hash kept, nearly every claim of the table is wrong.
  for (const uint32_t tags : {~0u, 14u, 0u}) {
    CompareHard(Pieces(random, 60, "c"), random, tags);
    CompareHard(Pieces(random, 700, "A"), random, tags);
    CompareHard(Runs(random), random, tags);
    CompareHard(ThueMorse(), random, tags);
  }
}

TEST(ContainedSet, SearchesVeryLongTextsOneByOneWhereTheyAreClaimedTooOften) {
  std::mt19937 random(10);
  HardTexts hard;
  for (size_t size = 1000; size < 30'000; size += 500) hard.wanted.insert(std::string(size, 'a'));
  hard.wanted.insert(std::string(29'999, 'a') + "b");
  hard.wanted.insert("b" + std::string(700, 'a'));
  hard.texts = {std::string(20'000, 'a'), std::string(20'000, 'a') + "b" + std::string(9000, 'a')};
  CompareHard(hard, random, ~0u);
}

// Conditions of random slots, few and many to a slot and to a text, where few and most are found.
TEST(ContainedConditions, KeepWhatThePlainWayKeeps) {
  std::mt19937 random(11);
  for (int round = 0; round < 300; ++round) {
    const uint32_t slots = 1 + random() % 1200;
    const size_t words = (slots + 511) / 512 * 8;
    const size_t longest = 1 + random() % 6;
    std::vector<std::string> texts(1 + random() % 300);
    for (std::string& text : texts) text = Draw(random, 1 + random() % longest, 2);
    std::vector<ContainedConditions::Condition> conditions;
    for (uint32_t slot = 0; slot < slots; ++slot) {
      for (uint32_t i = random() % 4; i > 0; --i) {
        const uint32_t text = random() % 3 == 0 ? 0 : random() % texts.size();
        conditions.push_back({texts[text], slot, random() % 3 == 0});
      }
    }
    const ContainedConditions set(0, words, conditions);
    ContainedConditions::Scratch scratch;
    std::vector<std::string> values;
    std::vector<Scalar> scalars(1);  // and an absent one
    for (int i = 0; i < 2; ++i) values.push_back(Draw(random, random() % 120, 2));
    for (const std::string& value : values) scalars.push_back({Tag::kText, value, value});
    std::vector<uint64_t> kept(words);
    for (uint64_t& word : kept) word = uint64_t{random()} << 32 | random();
    std::vector<uint64_t> expected = kept;
    const std::vector<WordRange> ranges = {
        {0, static_cast<uint32_t>(words / 2)},
        {static_cast<uint32_t>(words / 2), static_cast<uint32_t>(words)}};
    set.Keep(scalars, scratch, kept.data(), ranges);
    for (const auto& condition : conditions) {
      const bool found = std::any_of(values.begin(), values.end(), [&](const std::string& value) {
        return value.find(condition.text) != value.npos;
      });
      if (found == condition.negated) {
        expected[condition.slot / 64] &= ~(uint64_t{1} << condition.slot % 64);
      }
    }
    ASSERT_EQ(kept, expected) << round;
  }
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
