#include "src/executor/event_lines.h"

#include <random>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/base/utf8.h"

namespace routines {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class EventLinesTest : public ::testing::Test {
 protected:
  void Feed(std::string_view bytes) { lines_.Feed(bytes); }
  const v1::SessionEvent& Only() {
    EXPECT_EQ(events_.size(), 1);
    return events_.empty() ? v1::SessionEvent::default_instance() : events_[0];
  }
  std::string OnlyWarning() {
    EXPECT_EQ(Only().note().severity(), v1::Note::SEVERITY_WARNING);
    return Only().note().text();
  }

  std::vector<v1::SessionEvent> events_;
  EventLines lines_{[this](v1::SessionEvent event) { events_.push_back(std::move(event)); }};
};

TEST_F(EventLinesTest, ReadsAssistantText) {
  Feed("{\"type\":\"assistant_text\",\"text\":\"a\\u00e4\\n\",\"more\":1}\n");
  EXPECT_EQ(Only().assistant_text().text(), "aä\n");
}

TEST_F(EventLinesTest, ReadsAToolCallWithItsInputAsJson) {
  Feed(R"({"type":"tool_call","id":"t1","name":"Bash","input":{ "command" : "ls", "n": [1, 2.5] }})"
       "\n");
  EXPECT_EQ(Only().tool_call().call_id(), "t1");
  EXPECT_EQ(Only().tool_call().name(), "Bash");
  EXPECT_EQ(Only().tool_call().input_json(), R"({"command":"ls","n":[1,2.5]})");
}

TEST_F(EventLinesTest, ReadsAToolResult) {
  Feed(R"({"type":"tool_result","id":"t1","is_error":true,"text":"no"})"
       "\n");
  EXPECT_EQ(Only().tool_result().call_id(), "t1");
  EXPECT_TRUE(Only().tool_result().is_error());
  EXPECT_EQ(Only().tool_result().text(), "no");
}

TEST_F(EventLinesTest, KeepsTheTotalsThatAUsageLineDoesNotName) {
  Feed(R"({"type":"usage","input_tokens":10,"output_tokens":2,"cost_usd":0.25,"turns":1})"
       "\n");
  Feed(
      R"({"type":"usage","input_tokens":15,"cache_read_tokens":3,"cache_write_tokens":4,"cost_usd":1})"
      "\n");
  ASSERT_EQ(events_.size(), 2);
  const v1::Usage& usage = events_[1].usage();
  EXPECT_EQ(usage.input_tokens(), 15);
  EXPECT_EQ(usage.output_tokens(), 2);
  EXPECT_EQ(usage.cache_read_tokens(), 3);
  EXPECT_EQ(usage.cache_write_tokens(), 4);
  EXPECT_EQ(usage.cost_usd(), 1);
  EXPECT_EQ(usage.turns(), 1);
}

TEST_F(EventLinesTest, ReadsNotesAndResults) {
  Feed(R"({"type":"note","severity":"error","text":"careful"})"
       "\n");
  EXPECT_EQ(Only().note().severity(), v1::Note::SEVERITY_ERROR);
  EXPECT_EQ(Only().note().text(), "careful");
  EXPECT_FALSE(lines_.result().has_value());
  Feed(R"({"type":"result","is_error":true,"text":"first"})"
       "\n");
  Feed(R"({"type":"result","text":"second"})"
       "\n");
  ASSERT_TRUE(lines_.result().has_value());
  EXPECT_FALSE(lines_.result()->is_error());
  EXPECT_EQ(lines_.result()->text(), "second");
}

TEST_F(EventLinesTest, KeepsAnUnknownTypeAsItIs) {
  Feed(R"({"type":"thinking", "depth": 3})"
       "\n");
  EXPECT_EQ(Only().agent_event().type(), "thinking");
  EXPECT_EQ(Only().agent_event().json(), R"({"type":"thinking","depth":3})");
}

TEST_F(EventLinesTest, TakesLinesInAnyPiecesAndTheLastWithoutItsEnd) {
  const std::string text =
      "{\"type\":\"note\",\"text\":\"one\"}\r\n\n  \n{\"type\":\"note\",\"text\":\"twö\"}";
  for (size_t piece = 1; piece <= text.size(); ++piece) {
    events_.clear();
    for (size_t i = 0; i < text.size(); i += piece) Feed(std::string_view(text).substr(i, piece));
    lines_.End();
    ASSERT_EQ(events_.size(), 2);
    EXPECT_EQ(events_[0].note().text(), "one");
    EXPECT_EQ(events_[1].note().text(), "twö");
  }
}

TEST_F(EventLinesTest, WarnsOfWhatIsNotUnderstoodAndGoesOn) {
  const std::pair<std::string, std::string> cases[] = {
      {"hello", "is not JSON: hello"},
      {"{\"type\":\"note\"", "is not JSON"},
      {"[1]", "is not a JSON object: [1]"},
      {"{\"text\":\"x\"}", "has no \"type\""},
      {"{\"type\":7}", "has no \"type\""},
      {"{\"type\":\"note\",\"text\":7}", "\"text\" must be a string"},
      {"{\"type\":\"result\",\"is_error\":\"no\"}", "\"is_error\" must be true or false"},
      {"{\"type\":\"usage\",\"turns\":1.5}", "\"turns\" must be a whole number"},
      {"{\"type\":\"usage\",\"turns\":3000000000}", "\"turns\" must be a whole number"},
      {"{\"type\":\"usage\",\"cost_usd\":-1}", "\"cost_usd\" must be a number from 0 on"},
      {std::string("{\"type\":\"a\0b\"}", 14), "is not JSON"},
      {std::string(100'000, '['), "is not JSON"},
  };
  for (const auto& [line, why] : cases) {
    events_.clear();
    Feed(line + "\n");
    EXPECT_THAT(OnlyWarning(), HasSubstr(why));
    EXPECT_LE(OnlyWarning().size(), 5000);
  }
  EXPECT_FALSE(lines_.result().has_value());
}

TEST_F(EventLinesTest, RepairsBrokenUtf8) {
  Feed("{\"type\":\"note\",\"text\":\"a\xFF\"}\n");
  EXPECT_EQ(Only().note().text(), "a\uFFFD");
}

TEST_F(EventLinesTest, TakesALineOfFiveMegabytes) {
  const std::string text(5 << 20, 'x');
  Feed("{\"type\":\"assistant_text\",\"text\":\"" + text + "\"}\n");
  EXPECT_EQ(Only().assistant_text().text().size(), text.size());
}

TEST_F(EventLinesTest, CutsALineThatIsTooLongAndTakesTheNext) {
  const std::string piece(64 << 10, 'x');
  for (int i = 0; i < 1000; ++i) Feed(piece);
  Feed("end\n{\"type\":\"note\",\"text\":\"next\"}\n");
  ASSERT_EQ(events_.size(), 2);
  EXPECT_THAT(events_[0].note().text(),
              StartsWith("a line on the events descriptor is longer than 8 MiB: xxx"));
  EXPECT_LE(events_[0].note().text().size(), 5000);
  EXPECT_EQ(events_[1].note().text(), "next");
}

TEST_F(EventLinesTest, SurvivesAnyBytes) {
  std::minstd_rand random(3);
  const std::string alphabet = "{}[]\":,\\u0d8 \n\ntype resultnote\xC3\xA4\xFF";
  for (int i = 0; i < 100'000; ++i) Feed(alphabet.substr(random() % alphabet.size(), 3));
  lines_.End();
  EXPECT_GT(events_.size(), 100);
  for (const v1::SessionEvent& event : events_) {
    EXPECT_TRUE(CountCodePoints(event.note().text()).has_value());
  }
}

TEST(Shorten, CutsBetweenCharacters) {
  EXPECT_EQ(Shorten("short", 5), "short");
  EXPECT_EQ(Shorten("aäb", 2), "a… (4 bytes)");
}

}  // namespace
}  // namespace routines
