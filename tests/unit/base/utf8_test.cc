#include "src/base/utf8.h"

#include <random>

#include "gtest/gtest.h"

namespace routines {
namespace {

constexpr char kBroken[] = "\uFFFD";

std::string Times(int count) {
  std::string text;
  while (count-- > 0) text += kBroken;
  return text;
}

TEST(CountCodePoints, CountsScalarValues) {
  EXPECT_EQ(CountCodePoints(""), 0);
  EXPECT_EQ(CountCodePoints("plain ASCII, longer than a word"), 31);
  EXPECT_EQ(CountCodePoints(std::string_view("\0\x7F", 2)), 2);
  EXPECT_EQ(CountCodePoints("ä€😀"), 3);
  EXPECT_EQ(CountCodePoints("\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF"), 3);  // the borders
}

TEST(CountCodePoints, RefusesWhatIsNotUtf8) {
  for (const char* bad :
       {"\x80", "\xC0\xAF", "\xC1\xBF", "\xE0\x9F\xBF", "\xF0\x8F\xBF\xBF", "\xED\xA0\x80",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "text and then \xE2\x82", "\xE2\x28\xA1"}) {
    EXPECT_EQ(CountCodePoints(bad), std::nullopt) << bad;
  }
}

// The examples of the Unicode standard, tables 3-8 to 3-11.
TEST(RepairUtf8, ReplacesEachMaximalBrokenPart) {
  EXPECT_EQ(RepairUtf8("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"), Times(8) + "A");
  EXPECT_EQ(RepairUtf8("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41"), Times(8) + "A");
  EXPECT_EQ(RepairUtf8("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42"), Times(5) + "A" + Times(2) + "B");
  EXPECT_EQ(RepairUtf8("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"), Times(4) + "A");
}

TEST(RepairUtf8, KeepsWhatIsValid) {
  const std::string text("ASCII \0 ä€😀, and again some ASCII", 37);
  EXPECT_EQ(RepairUtf8(text), text);
}

TEST(RepairUtf8, MakesAnyBytesValid) {
  std::minstd_rand random(1);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(random() % 40, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random() % 3 ? random() | 0x80 : random());
    const std::string repaired = RepairUtf8(bytes);
    EXPECT_TRUE(CountCodePoints(repaired).has_value());
    EXPECT_EQ(CountCodePoints(bytes).has_value(), repaired == bytes);
  }
}

TEST(IncompleteTail, CountsTheBytesOfACharacterToBeCompleted) {
  EXPECT_EQ(IncompleteTail(""), 0);
  EXPECT_EQ(IncompleteTail("a"), 0);
  const std::string smile = "😀";
  for (size_t cut = 1; cut < 4; ++cut) EXPECT_EQ(IncompleteTail("a" + smile.substr(0, cut)), cut);
  EXPECT_EQ(IncompleteTail(smile), 0);
  EXPECT_EQ(IncompleteTail("a\xE2\x82"), 2);
}

TEST(IncompleteTail, IsNothingWhereNoByteCouldCompleteIt) {
  for (const char* end :
       {"\x80", "\x80\x80\x80\x80", "\xFF", "\xED\xA0", "\xF4\x90", "\xC3\xA4\x80"}) {
    EXPECT_EQ(IncompleteTail(end), 0) << end;
  }
}

}  // namespace
}  // namespace routines
