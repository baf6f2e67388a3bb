#include "src/match/payload.h"

#include <ctime>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "routines/event.h"
#include "tests/unit/match/github_payloads.h"

namespace routines {
namespace {

using ::testing::HasSubstr;

bool Accepts(std::string_view payload) {
  return CheckPayload(payload).ok();
}
std::string Refusal(std::string_view payload) {
  return std::string(CheckPayload(payload).message());
}
// As the value of a key.
bool AcceptsValue(std::string_view value) {
  return Accepts(absl::StrCat("{\"k\":", std::string(value), "}"));
}

TEST(CheckPayload, AcceptsEveryPayloadAtHand) {
  for (const auto& payload : testing::AllPayloads()) {
    EXPECT_EQ(CheckPayload(payload.body), absl::OkStatus()) << payload.name;
  }
}

TEST(CheckPayload, AcceptsWhatJsonAllows) {
  for (const char* payload :
       {"{}", " \t\r\n{ } \n", R"({"a":{},"b":[],"c":[[],{}],"":""})",
        R"({"a" : [ 1 , 2 ] , "b" : { "c" : null } })",
        R"({"a":{"x":1},"b":{"x":1},"c":[{"x":1},{"x":1}]})", "{\"\x7f\":\"\xEF\xBB\xBF\"}"}) {
    EXPECT_EQ(CheckPayload(payload), absl::OkStatus()) << payload;
  }
  for (const char* value : {"0",
                            "-0",
                            "-0.0",
                            "10",
                            "1.5",
                            "1e5",
                            "1E+5",
                            "1.25e-3",
                            "0e0",
                            "1e308",
                            "-1.7976931348623157e308",
                            "1e-999",
                            "123456789012345678901234567890",
                            "true",
                            "false",
                            "null",
                            R"("\u0001\"\\\/\b\f\n\r\t\uFFFF")",
                            R"("\ud83d\ude00")",
                            R"("\uDBFF\uDFFF")",
                            "\"\u00e9\u20ac\U0001F600\"",
                            "\"\xed\x9f\xbf\""}) {
    EXPECT_TRUE(AcceptsValue(value)) << value;
  }
}

TEST(CheckPayload, RefusesBrokenGrammar) {
  for (const char* payload : {"",
                              " ",
                              "x",
                              "[]",
                              "1",
                              "null",
                              "\"x\"",
                              "{",
                              "}",
                              "{]",
                              "{\"a\"",
                              "{\"a\":",
                              "{\"a\":1",
                              "{\"a\":1,",
                              "{\"a\":1,}",
                              "{,}",
                              "{\"a\"}",
                              "{\"a\" 1}",
                              "{\"a\"::1}",
                              "{a:1}",
                              "{'a':1}",
                              "{1:1}",
                              "{null:1}",
                              "{\"a\":1 \"b\":2}",
                              "{\"a\":1}}",
                              "{\"a\":1}{}",
                              "{\"a\":1} x",
                              "{\"a\":1},",
                              "{\"a\":[1,]}",
                              "{\"a\":[,1]}",
                              "{\"a\":[1 2]}",
                              "{\"a\":[1}",
                              "{\"a\":{]}",
                              "{\"a\":[1]]}",
                              "{\"a\":/*x*/1}",
                              "{\"a\":1}//x",
                              "{\"a\":\"x}",
                              "{\"a\":\"x\\\"}",
                              "{\"a\":\"x\\",
                              "{\"a\" \n",
                              "\x0b{}",
                              "{\"a\":1\x0c}",
                              "{\"a\":\xa0 1}"}) {
    EXPECT_FALSE(Accepts(payload)) << payload;
  }
  EXPECT_FALSE(Accepts(std::string("{}\0", 3)));
  EXPECT_FALSE(Accepts(std::string("\0{}", 3)));
  EXPECT_FALSE(Accepts(std::string("{\"a\0\":1}", 8)));
  for (const char* value : {"",        "tru",         "truer",       "True",        "nul",
                            "nulll",   "NaN",         "Infinity",    "-Infinity",   "undefined",
                            "00",      "01",          "-01",         "+1",          "-",
                            "1.",      ".5",          "-.5",         "1.e5",        "1e",
                            "1e+",     "1.5.5",       "0x10",        "1_000",       "--1",
                            "1a",      "\"a\tb\"",    "\"a\nb\"",    "\"\x1f\"",    R"("\x41")",
                            R"("\'")", R"("\u12")",   R"("\u12G4")", R"("\U1234")", R"("\)",
                            "'x'",     "\"a\" \"b\"", "1,"}) {
    EXPECT_FALSE(AcceptsValue(value)) << value;
  }
}

TEST(CheckPayload, RefusesWhatReadersDisagreeOn) {
  EXPECT_THAT(Refusal("\xEF\xBB\xBF{}"), HasSubstr("byte order mark"));
  EXPECT_THAT(Refusal(R"({"a":"\u0000"})"), HasSubstr("U+0000"));
  EXPECT_THAT(Refusal(R"({"\u0000":1})"), HasSubstr("U+0000"));
  for (const char* half : {R"(\ud800)", R"(\udc00)", R"(\udfff\ud800)", R"(\ud83dx)", R"(\ud83d\n)",
                           R"(\ud83d\u0041)", R"(\ud83d\ud83d\ude00)", R"(\ud83d\\ude00)"}) {
    EXPECT_THAT(Refusal(absl::StrCat("{\"a\":\"", half, "\"}")), HasSubstr("surrogate")) << half;
  }
  for (const char* number :
       {"1e309", "-1e309", "1e999999999999", "1.8e308", "179769313486231580000e290"}) {
    EXPECT_THAT(Refusal(absl::StrCat("{\"a\":", number, "}")), HasSubstr("double")) << number;
  }
  EXPECT_THAT(Refusal(absl::StrCat("{\"a\":", std::string(400, '9'), "}")), HasSubstr("double"));
  for (const char* bytes : {"\x80", "\xc0\x80", "\xc3", "\xe2\x82", "\xed\xa0\x80",
                            "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xff", "\xe9"}) {
    EXPECT_THAT(Refusal(absl::StrCat("{\"a\":\"", bytes, "\"}")), HasSubstr("UTF-8"));
  }
}

TEST(CheckPayload, RefusesAKeyTwice) {
  EXPECT_THAT(Refusal(R"({"action":"a","x":1,"action":"b"})"), HasSubstr("\"action\""));
  EXPECT_FALSE(Accepts(R"({"a":{"b":[{"c":1,"c":1}]}})"));
  EXPECT_FALSE(Accepts(R"({"action":"a","\u0061ction":"b"})"));
  EXPECT_FALSE(Accepts(R"({"a\/":1,"a/":2})"));
  EXPECT_FALSE(Accepts(R"({"":1,"":2})"));
  EXPECT_FALSE(Accepts(R"({"a":{"x":1},"b":2,"a":3})"));
  EXPECT_TRUE(Accepts(R"({"a":1,"A":2,"a ":3})"));
}

TEST(CheckPayload, SaysWhere) {
  EXPECT_THAT(Refusal("{\"a\": tru}"), HasSubstr("byte 6"));
  EXPECT_THAT(Refusal("{\"a\":1 \"b\":2}"), HasSubstr("byte 7: expected a comma or }"));
}

TEST(CheckPayload, KnowsItsLimits) {
  const auto nested = [](int levels) {  // the object at the top is one of them
    return absl::StrCat("{\"a\":", std::string(levels - 1, '['), std::string(levels - 1, ']'), "}");
  };
  EXPECT_TRUE(Accepts(nested(128)));
  EXPECT_THAT(Refusal(nested(129)), HasSubstr("128 levels"));
  std::string most = "{\"a\":\"";
  most.resize(kMostPayloadBytes - 2, 'x');
  most += "\"}";
  EXPECT_TRUE(Accepts(most));
  EXPECT_THAT(Refusal(most + " "), HasSubstr("26214400"));
}

// The processor time of one check, in milliseconds.
double MillisecondsOf(const std::string& payload, bool accepted) {
  const std::clock_t begin = std::clock();
  EXPECT_EQ(Accepts(payload), accepted);
  return 1000.0 * static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

TEST(CheckPayload, TakesBoundedTimeForBombs) {
  // Generous by a factor of twenty or more, for instrumented builds; quadratic time would not pass.
  EXPECT_LT(MillisecondsOf(std::string(100'000, '['), false), 100);
  EXPECT_LT(MillisecondsOf("{\"a\":" + std::string(100'000, '['), false), 100);
  std::string objects = "{\"a\":";
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  EXPECT_LT(MillisecondsOf(objects, false), 200);
  std::string keys = "{";
  for (int i = 0; i < 1'000'000; ++i) absl::StrAppend(&keys, "\"", i, "\":0,");
  EXPECT_LT(MillisecondsOf(keys + "\"x\":0}", true), 5000);
  EXPECT_LT(MillisecondsOf(keys + "\"5\":0}", false), 5000);
  EXPECT_LT(MillisecondsOf("{\"a\":" + std::string(20 << 20, '9') + "}", false), 5000);
  EXPECT_LT(MillisecondsOf("{\"a\":0." + std::string(20 << 20, '9') + "e-5}", true), 5000);
  std::string escapes = "{\"a\":\"";
  for (int i = 0; i < 2'000'000; ++i) escapes += "\\ud83d\\ude00";
  EXPECT_LT(MillisecondsOf(escapes + "\"}", true), 5000);
}

TEST(CheckPayload, TellsTheKeysAtTheTop) {
  std::vector<TopLevelKey> keys;
  ASSERT_TRUE(CheckPayload(R"({"a" : {"b":1}, "\u0063":"x","d":-1,"e":null})", &keys).ok());
  ASSERT_EQ(keys.size(), 4u);
  EXPECT_EQ(keys[0].key, "a");
  EXPECT_EQ(keys[0].first, '{');
  EXPECT_EQ(keys[1].key, "c");
  EXPECT_EQ(keys[1].first, '"');
  EXPECT_EQ(keys[2].first, '-');
  EXPECT_EQ(keys[3].first, 'n');
}

// ---- the shape of events ----

TEST(CheckGithubPayload, AcceptsEachPayloadUnderItsOwnNameOnly) {
  for (const auto& payload : testing::AllPayloads()) {
    for (const GithubEventInfo& event : GithubEvents()) {
      const absl::Status status = CheckGithubPayload(event.event, payload.body);
      EXPECT_EQ(status.ok(), event.event == payload.event)
          << payload.name << " as " << event.event << ": " << status;
    }
  }
}

TEST(CheckGithubPayload, IsTriedOnEveryDocumentedAction) {
  std::set<std::string> names;
  for (const auto& payload : testing::OwnPayloads()) names.insert(payload.name);
  for (const GithubEventInfo& event : GithubEvents()) {
    for (const std::string_view action : event.actions) {
      EXPECT_TRUE(names.count(absl::StrCat(std::string(event.event), ".", std::string(action))))
          << event.event << " " << action;
    }
    if (event.actions.empty()) {
      EXPECT_NE(names.lower_bound(std::string(event.event) + "."),
                names.lower_bound(std::string(event.event) + "/"))
          << event.event;
    }
  }
}

TEST(CheckGithubPayload, HasExamplesOfSeventeenEvents) {
  if (testing::ExamplePayloads().empty()) GTEST_SKIP() << testing::kNoExamples;
  EXPECT_EQ(testing::AllPayloads().size() - testing::OwnPayloads().size(), 157u);
}

TEST(CheckGithubPayload, AcceptsNoOtherEventUnderOurNames) {
  if (testing::ExamplePayloads().empty()) GTEST_SKIP() << testing::kNoExamples;
  int others = 0;
  for (const auto& payload : testing::ExamplePayloads()) {
    if (FindGithubEvent(payload.event) != nullptr) continue;
    ++others;
    for (const GithubEventInfo& event : GithubEvents()) {
      EXPECT_FALSE(CheckGithubPayload(event.event, payload.body).ok())
          << payload.name << " as " << event.event;
    }
    EXPECT_TRUE(CheckGithubPayload(payload.event, payload.body).ok()) << payload.name;
  }
  EXPECT_GT(others, 100);
}

TEST(CheckGithubPayload, SaysWhatDoesNotFit) {
  const std::string issue = R"({"action":"opened","issue":{},"repository":{}})";
  EXPECT_TRUE(CheckGithubPayload("issues", issue).ok());
  EXPECT_THAT(std::string(CheckGithubPayload("push", issue).message()),
              HasSubstr("it has no \"ref\""));
  EXPECT_THAT(
      std::string(CheckGithubPayload("issues", R"({"action":"opened","issue":[],"repository":{}})")
                      .message()),
      HasSubstr("another kind of \"issue\""));
  EXPECT_THAT(std::string(CheckGithubPayload(
                              "issues", R"({"action":"x","issue":{},"comment":{},"repository":{}})")
                              .message()),
              HasSubstr("it has \"comment\""));
  EXPECT_THAT(std::string(CheckGithubPayload("issues", R"({"action":"x","issue":{}})").message()),
              HasSubstr("no \"repository\""));
  EXPECT_TRUE(CheckGithubPayload("a_new_event", "{}").ok());
  EXPECT_FALSE(CheckGithubPayload("a_new_event", "{").ok());
}

}  // namespace
}  // namespace routines
