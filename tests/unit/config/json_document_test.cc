// The JSON reader alone, as a build without YAML has it.
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/config/document.h"
#include "src/config/document_readers.h"

namespace routines {
namespace {

using ::testing::HasSubstr;

Document Read(std::string_view text) {
  Document document;
  EXPECT_EQ(ReadJson(text, &document), document.complete);
  return document;
}

std::string ProblemOf(std::string_view text) {
  const Document document = Read(text);
  EXPECT_FALSE(document.complete);
  if (document.problems.size() != 1) return "";
  const DocumentProblem& problem = document.problems.front();
  return std::to_string(problem.position.line) + ":" + std::to_string(problem.position.column) +
         ": " + problem.message;
}

// Kinds, texts and positions of the whole tree.
std::string Drawn(const Node& node) {
  std::string out = std::to_string(node.position.line) + ":" + std::to_string(node.position.column);
  switch (node.kind) {
    case Node::Kind::kNull:
      return out + " null";
    case Node::Kind::kScalar:
      return out + (node.plain ? " plain " : " text ") + node.text;
    case Node::Kind::kBroken:
      return out + " broken";
    case Node::Kind::kList:
    case Node::Kind::kMap:
      break;
  }
  out += node.kind == Node::Kind::kMap ? " {" : " [";
  for (size_t i = 0; i < node.children.size(); ++i) {
    if (node.kind == Node::Kind::kMap) {
      out += std::to_string(node.keys[i].position.line) + ":" +
             std::to_string(node.keys[i].position.column) + " " + node.keys[i].text + "=";
    }
    out += Drawn(node.children[i]) + ";";
  }
  return out + (node.kind == Node::Kind::kMap ? "}" : "]");
}

TEST(ReadJson, ReadsEveryKindWithItsPosition) {
  EXPECT_EQ(Drawn(Read("{\"a\": [1, -2.5e3, true],\n \"b\":{}, \"c\":null,\"d\":\"x\"}").root),
            "1:1 {1:2 a=1:7 [1:8 plain 1;1:11 plain -2.5e3;1:19 plain true;];"
            "2:2 b=2:6 {};2:10 c=2:14 null;2:19 d=2:23 text x;}");
}

TEST(ReadJson, ReadsEscapesIntoUtf8) {
  const Document document = Read(R"({"a": "\"\\\/\b\f\n\r\t\u0041\u00e9\u20ac\ud83d\ude00"})");
  ASSERT_TRUE(document.complete);
  EXPECT_EQ(document.root.children[0].text, "\"\\/\b\f\n\r\tA\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
}

#ifdef ROUTINES_HAS_YAML
// A file must not change its meaning with the reader: JSON is YAML.
TEST(ReadJson, AgreesWithTheYamlReader) {
  for (const std::string_view text : {
           std::string_view("{\"a\": [1, {\"b\": \"c\"}, [], \"\"], \"d\": {\"e\": null}}"),
           std::string_view("{\n\t\"a\": \"\\ud83d\\ude00\", \"b\": 2\n}\n"),
           std::string_view("{\"a\": \"x: y # z\", \"a\": \"twice\", \"b\": [true, false, 1.5]}"),
       }) {
    Document yaml;
    ReadYaml(text, &yaml);
    ASSERT_TRUE(yaml.complete) << text;
    EXPECT_EQ(Drawn(Read(text).root), Drawn(yaml.root)) << text;
  }
}
#endif

TEST(ReadJson, SaysWhereAndWhyItRefuses) {
  EXPECT_THAT(ProblemOf(""), HasSubstr("1:1: must be a JSON object"));
  EXPECT_THAT(ProblemOf("name: a"), HasSubstr("1:1: must be a JSON object"));
  EXPECT_THAT(ProblemOf("[]"), HasSubstr("1:1: must be a JSON object"));
  EXPECT_THAT(ProblemOf("{\"a\": 1}\nb"), HasSubstr("2:1: nothing may follow"));
  EXPECT_THAT(ProblemOf("{\"a\" 1}"), HasSubstr("1:6: expected a colon"));
  EXPECT_THAT(ProblemOf("{a: 1}"), HasSubstr("1:2: expected a key in double quotes"));
  EXPECT_THAT(ProblemOf("{\"a\": x}"), HasSubstr("1:7: expected a value"));
  EXPECT_THAT(ProblemOf("{\"a\": 1 \"b\"}"), HasSubstr("1:9: expected a comma or the closing }"));
  EXPECT_THAT(ProblemOf("{\"a\": [1"), HasSubstr("1:9: expected a comma or the closing ]"));
  EXPECT_THAT(ProblemOf("{\"a\": 1,}"), HasSubstr("1:9: expected a key"));
  for (const char* number : {"01", "1.", ".5", "+1", "1e", "--1", "0x1", "NaN", "1_0"}) {
    EXPECT_THAT(ProblemOf(std::string("{\"a\": ") + number + "}"), HasSubstr("1:7: ")) << number;
  }
  EXPECT_THAT(ProblemOf("{\"a\": \"b"), HasSubstr("1:9: a quote is not closed"));
  EXPECT_THAT(ProblemOf("{\"a\": \"\n\"}"), HasSubstr("escape it"));
  EXPECT_THAT(ProblemOf("{\"a\": \"\\x\"}"), HasSubstr("JSON does not know"));
  for (const char* half : {"\\ud83d", "\\ude00", "\\ud83dx", "\\ud83d\\u0041"}) {
    EXPECT_THAT(ProblemOf(std::string("{\"a\": \"") + half + "\"}"), HasSubstr("half a character"));
  }
  EXPECT_THAT(ProblemOf("{\"a\": \"\\u00g0\"}"), HasSubstr("four hexadecimal digits"));
  EXPECT_THAT(ProblemOf("{\"a\": \"\\u0000\"}"), HasSubstr("NUL"));
}

TEST(ReadJson, KeepsToTheBoundsOfDocuments) {
  const auto nested = [](size_t levels) {
    return "{\"a\":" + std::string(levels - 1, '[') + std::string(levels - 1, ']') + "}";
  };
  EXPECT_TRUE(Read(nested(kMaxDocumentDepth)).complete);
  EXPECT_THAT(ProblemOf(nested(kMaxDocumentDepth + 1)), HasSubstr("more than 64 levels"));
  std::string many = "{\"a\":[0";
  for (size_t i = 0; i < kMaxDocumentNodes; ++i) many += ",0";
  EXPECT_THAT(ProblemOf(many + "]}"), HasSubstr("values"));
}

}  // namespace
}  // namespace routines
