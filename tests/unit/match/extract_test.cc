#include "src/match/extract.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace routines {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// "s:text", "n:1", "null", "true", "[3" for an array of three, "{" for an object.
std::string ToText(const ExtractedValue& value) {
  switch (value.kind) {
    case ValueKind::kNull:
      return "null";
    case ValueKind::kFalse:
      return "false";
    case ValueKind::kTrue:
      return "true";
    case ValueKind::kNumber:
      return absl::StrCat("n:", std::string(value.text()));
    case ValueKind::kString:
      return absl::StrCat("s:", std::string(value.text()));
    case ValueKind::kArray:
      return absl::StrCat("[", value.size);
    case ValueKind::kObject:
      return "{";
  }
  return "?";
}

class ExtractTest : public testing::TestWithParam<Extraction::Method> {
 protected:
  std::vector<std::string> Values(int target) {
    std::vector<std::string> out;
    for (const ExtractedValue& value : extraction_.values(target)) out.push_back(ToText(value));
    return out;
  }

  // Reads all targets of the paths.
  void Read(std::string_view payload, std::vector<std::string_view> paths,
            TargetMask patterns = ~TargetMask{0}) {
    const auto plan = ExtractionPlan::Compile(paths, patterns);
    ASSERT_TRUE(plan.ok()) << plan.status();
    payload_ = payload;
    extraction_.Open(payload_);
    const absl::Status status = extraction_.Read(*plan, plan->all());
    ASSERT_TRUE(status.ok()) << status;
  }

  std::string payload_;
  Extraction extraction_{GetParam()};
};

TEST_P(ExtractTest, ReadsScalarsOfEveryKind) {
  Read(R"({"a":"x","b":-1.5e3 ,"c":true,"d":false,"e":null,"f":"","g":0})",
       {"/a", "/b", "/c", "/d", "/e", "/f", "/g", "/h"});
  EXPECT_THAT(Values(0), ElementsAre("s:x"));
  EXPECT_THAT(Values(1), ElementsAre("n:-1.5e3"));
  EXPECT_THAT(Values(2), ElementsAre("true"));
  EXPECT_THAT(Values(3), ElementsAre("false"));
  EXPECT_THAT(Values(4), ElementsAre("null"));
  EXPECT_THAT(Values(5), ElementsAre("s:"));
  EXPECT_THAT(Values(6), ElementsAre("n:0"));
  EXPECT_THAT(Values(7), IsEmpty());
}

TEST_P(ExtractTest, FindsItsWayThroughObjects) {
  Read(R"({"x":{"a":1,"b":{"a":2}},"a":{"a":{"a":3},"b":4}})",
       {"/a/a/a", "/x/b/a", "/a/b", "/x", "/a/c", "/x/a/a"});
  EXPECT_THAT(Values(0), ElementsAre("n:3"));
  EXPECT_THAT(Values(1), ElementsAre("n:2"));
  EXPECT_THAT(Values(2), ElementsAre("n:4"));
  EXPECT_THAT(Values(3), ElementsAre("{"));
  EXPECT_THAT(Values(4), IsEmpty());
  EXPECT_THAT(Values(5), IsEmpty());
}

TEST_P(ExtractTest, ReadsArraysAndTheirElements) {
  Read(R"({"a":[1,"x",null,{"b":2},[3],true],"e":[]})",
       {"/a", "/a/0", "/a/3/b", "/a/4/0", "/a/5", "/a/6", "/a/-", "/e", "/a/00"});
  EXPECT_THAT(Values(0), ElementsAre("[6", "n:1", "s:x", "null", "true"));
  EXPECT_THAT(Values(1), ElementsAre("n:1"));
  EXPECT_THAT(Values(2), ElementsAre("n:2"));
  EXPECT_THAT(Values(3), ElementsAre("n:3"));
  EXPECT_THAT(Values(4), ElementsAre("true"));
  EXPECT_THAT(Values(5), IsEmpty());
  EXPECT_THAT(Values(6), IsEmpty());
  EXPECT_THAT(Values(7), ElementsAre("[0"));
  EXPECT_THAT(Values(8), IsEmpty());
}

TEST_P(ExtractTest, StarsReachEveryElement) {
  Read(
      R"({"commits":[{"added":["a","b"],"id":"1"},{"id":"2","added":[]},{"added":["c",{"x":[]}]},7],
           "labels":[{"name":"bug"},{},{"name":null},{"name":["x"]}]})",
      {"/commits/*/added/*", "/commits/*/id", "/labels/*/name", "/commits/1/id", "/commits/2",
       "/commits/0/added/1", "/commits/*"});
  EXPECT_THAT(Values(0), ElementsAre("s:a", "s:b", "s:c"));
  EXPECT_THAT(Values(1), ElementsAre("s:1", "s:2"));
  EXPECT_THAT(Values(2), ElementsAre("s:bug", "null"));
  EXPECT_THAT(Values(3), ElementsAre("s:2"));
  EXPECT_THAT(Values(4), ElementsAre("{"));
  EXPECT_THAT(Values(5), ElementsAre("s:b"));
  EXPECT_THAT(Values(6), ElementsAre("n:7"));
}

TEST_P(ExtractTest, AStarIsNoKeyAndAnIndexMayBeOne) {
  Read(R"({"a":{"*":1,"0":2},"b":[{"*":3}]})", {"/a/*", "/a/0", "/b/0/*", "/b/*/*"});
  EXPECT_THAT(Values(0), IsEmpty());
  EXPECT_THAT(Values(1), ElementsAre("n:2"));
  EXPECT_THAT(Values(2), IsEmpty());
  Read(R"({"a":{"*":1,"0":2},"b":[{"*":3}]})", {"/a/*", "/a/0", "/b/0/*", "/b/*/*"}, 0b0010);
  EXPECT_THAT(Values(0), ElementsAre("n:1"));
  EXPECT_THAT(Values(2), ElementsAre("n:3"));
  EXPECT_THAT(Values(3), IsEmpty());
}

TEST_P(ExtractTest, UnescapesTextsAndKeys) {
  Read(R"({"\u0061\/b":"\"\\\/\b\f\n\r\t\u00e9\u20ac\ud83d\ude00","c\n":"plain","d":"tail\\"})",
       {"/a~1b", "/c\n", "/d"});
  EXPECT_THAT(Values(0), ElementsAre("s:\"\\/\b\f\n\r\t\u00e9\u20ac\U0001F600"));
  EXPECT_THAT(Values(1), ElementsAre("s:plain"));
  EXPECT_THAT(Values(2), ElementsAre("s:tail\\"));
}

TEST_P(ExtractTest, IsNotMisledByWhatStandsInStrings) {
  Read(R"({"x":"{\"a\":1,[}","y\"{":{"z":"]}\\\\\""},"a":2})", {"/a", "/x", "/y\"{/z"});
  EXPECT_THAT(Values(0), ElementsAre("n:2"));
  EXPECT_THAT(Values(1), ElementsAre("s:{\"a\":1,[}"));
  EXPECT_THAT(Values(2), ElementsAre("s:]}\\\\\""));
}

TEST_P(ExtractTest, BearsWhiteSpace) {
  Read(" \r\n{ \"a\" :\t[ 1 , \"x\" ] ,\n \"b\" : { \"c\" : 2\n}\n } \n", {"/a", "/b/c", "/a/1"});
  EXPECT_THAT(Values(0), ElementsAre("[2", "n:1", "s:x"));
  EXPECT_THAT(Values(1), ElementsAre("n:2"));
  EXPECT_THAT(Values(2), ElementsAre("s:x"));
}

TEST_P(ExtractTest, ReadsOnlyWhatIsWanted) {
  const auto plan = *ExtractionPlan::Compile({"/a", "/b/c", "/a"});
  const std::string payload = R"({"a":"x","b":{"c":"y"}})";
  extraction_.Open(payload);
  ASSERT_TRUE(extraction_.Read(plan, TargetBit(0)).ok());
  EXPECT_THAT(Values(0), ElementsAre("s:x"));
  EXPECT_THAT(Values(1), IsEmpty());
  EXPECT_THAT(Values(2), IsEmpty());
  ASSERT_TRUE(extraction_.Read(plan, TargetBit(1) | TargetBit(2)).ok());
  EXPECT_THAT(Values(0), IsEmpty());
  EXPECT_THAT(Values(1), ElementsAre("s:y"));
  EXPECT_THAT(Values(2), ElementsAre("s:x"));
  ASSERT_TRUE(extraction_.Read(plan, 0).ok());
  EXPECT_THAT(Values(1), IsEmpty());
}

TEST_P(ExtractTest, KeepsTextsFromReadToRead) {
  const auto first = *ExtractionPlan::Compile({"/a"});
  const auto second = *ExtractionPlan::Compile({"/b", "/c"});
  const std::string payload = R"({"a":"one\n","b":"two\n","c":"three"})";
  extraction_.Open(payload);
  ASSERT_TRUE(extraction_.Read(first, first.all()).ok());
  const std::string_view a = extraction_.values(0)[0].text();
  ASSERT_TRUE(extraction_.Read(second, second.all()).ok());
  EXPECT_EQ(a, "one\n");
  EXPECT_THAT(Values(0), ElementsAre("s:two\n"));
  EXPECT_THAT(Values(1), ElementsAre("s:three"));
}

INSTANTIATE_TEST_SUITE_P(Methods, ExtractTest, testing::ValuesIn(Extraction::Methods()));

TEST(ExtractionPlan, RefusesWhatIsNoPointerAndTooManyPaths) {
  EXPECT_FALSE(ExtractionPlan::Compile({"a"}).ok());
  EXPECT_FALSE(ExtractionPlan::Compile({""}).ok());
  EXPECT_FALSE(ExtractionPlan::Compile({"/~2"}).ok());
  const std::vector<std::string_view> many(65, "/a");
  EXPECT_FALSE(ExtractionPlan::Compile(many).ok());
  const std::vector<std::string_view> most(64, "/a");
  const auto plan = ExtractionPlan::Compile(most);
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->all(), ~TargetMask{0});
  EXPECT_EQ(plan->targets(), 64);
}

}  // namespace
}  // namespace routines
