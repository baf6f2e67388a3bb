#include "src/server/text_body.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace routines::server {
namespace {

using ::testing::HasSubstr;

std::string Nested(int levels) {  // the object itself is one
  return absl::StrCat("{\"text\":\"x\",\"a\":", std::string(levels - 1, '['),
                      std::string(levels - 1, ']'), "}");
}

TEST(ParseStringField, ReadsTheText) {
  EXPECT_EQ(**ParseStringField(R"({"text":"hi"})", "text"), "hi");
  EXPECT_EQ(**ParseStringField(R"( {"other":[1,{}],"text":"h\u00e9\n"} )", "text"), "h\u00e9\n");
  EXPECT_EQ(**ParseStringField(R"({"\u0074ext":"escaped name"})", "text"), "escaped name");
  EXPECT_EQ(**ParseStringField(R"({"text":"\ud83d\ude00"})", "text"), "\U0001F600");
  EXPECT_EQ(**ParseStringField(R"({"text":""})", "text"), "");
}

TEST(ParseStringField, TakesAnEmptyBodyAndAnAbsentField) {
  EXPECT_EQ(*ParseStringField("", "text"), std::nullopt);
  EXPECT_EQ(*ParseStringField("{}", "text"), std::nullopt);
  EXPECT_EQ(*ParseStringField(R"({"Text":1})", "text"), std::nullopt);
}

TEST(ParseStringField, SaysWhatIsWrong) {
  const std::pair<std::string, std::string> cases[] = {
      {R"({"text":null})", "text: must be a string"},
      {R"({"text":1})", "text: must be a string"},
      {R"({"text":["a"]})", "text: must be a string"},
      {R"({"text":"a","text":"a"})", "text: must not be given twice"},
      {R"({"text":"a","\u0074ext":"a"})", "text: must not be given twice"},
      {R"({"text":"a\u0000b"})", "U+0000"},
      {R"({"text":"\ud800"})", "surrogate"},
      {R"({"text":"\udc00"})", "surrogate"},
      {R"({"text":"\ud800\u0041"})", "surrogate"},
      {"{\"text\":\"\xff\"}", "UTF-8"},
      {"{\"text\":\"\xed\xa0\x80\"}", "UTF-8"},
      {"\xEF\xBB\xBF{}", "byte order mark"},
      {"[]", "JSON object"},
      {"\"text\"", "JSON object"},
      {"null", "JSON object"},
      {"{", "JSON object"},
      {"{} {}", "JSON object"},
      {"{\"text\":\"a\nb\"}", "JSON object"},
      {" ", "JSON object"},
      {"text=hi", "JSON object"},
      {Nested(129), "128 levels"},
      {Nested(5000), "128 levels"},
  };
  for (const auto& [body, problem] : cases) {
    const auto text = ParseStringField(body, "text");
    ASSERT_FALSE(text.ok()) << body;
    EXPECT_EQ(text.status().code(), absl::StatusCode::kInvalidArgument) << body;
    EXPECT_THAT(std::string(text.status().message()), HasSubstr(problem)) << body;
  }
  EXPECT_TRUE(ParseStringField(Nested(128), "text").ok());
}

TEST(ParseStringField, CountsCharactersNotBytes) {
  std::string text;
  for (size_t i = 0; i < kMaxTextCharacters; ++i) text += "\U0001F600";
  EXPECT_TRUE(ParseStringField(absl::StrCat("{\"text\":\"", text, "\"}"), "text").ok());
  const auto longer = ParseStringField(absl::StrCat("{\"text\":\"", text, "x\"}"), "text");
  ASSERT_FALSE(longer.ok());
  EXPECT_THAT(std::string(longer.status().message()), HasSubstr("has 65537"));
}

}  // namespace
}  // namespace routines::server
