#include "src/match/json_pointer.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace routines {
namespace {

using testing::ElementsAre;
using testing::Optional;

TEST(JsonPointer, SplitsAndUnescapes) {
  EXPECT_THAT(ParseJsonPointer("/a/b"), Optional(ElementsAre("a", "b")));
  EXPECT_THAT(ParseJsonPointer("/"), Optional(ElementsAre("")));
  EXPECT_THAT(ParseJsonPointer("/a//"), Optional(ElementsAre("a", "", "")));
  EXPECT_THAT(ParseJsonPointer("/~01~1x~0"), Optional(ElementsAre("~1/x~")));
}

TEST(JsonPointer, RefusesTheWholeAndWhatIsNone) {
  for (const char* text : {"", "a", "a/b", "#/a", "/~", "/~2", "/a~"}) {
    EXPECT_EQ(ParseJsonPointer(text), std::nullopt) << text;
  }
}

TEST(JsonPointer, TakesIndexesWithoutLeadingZeros) {
  EXPECT_EQ(ArrayIndex("0"), 0u);
  EXPECT_EQ(ArrayIndex("10"), 10u);
  EXPECT_EQ(ArrayIndex("999999999999999"), 999999999999999u);
  for (const char* token : {"", "-", "-1", "+1", "00", "01", "1a", "1.0", "9999999999999999"}) {
    EXPECT_EQ(ArrayIndex(token), std::nullopt) << token;
  }
}

}  // namespace
}  // namespace routines
