#include "src/base/sse_parser.h"

#include <gtest/gtest.h>

#include <string>

namespace routines {
namespace {

TEST(SseParser, ReadsDataTypeAndId) {
  SseParser parser;
  const auto events = parser.Feed("id: 7\nevent: note\ndata: one\ndata: two\n\n");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].type, "note");
  EXPECT_EQ(events[0].data, "one\ntwo");
  EXPECT_EQ(parser.last_event_id(), "7");
}

TEST(SseParser, TakesEveryLineEndWhereverThePiecesBreak) {
  for (const std::string end : {"\n", "\r\n", "\r"}) {
    SCOPED_TRACE(end == "\r\n" ? "CRLF" : end == "\r" ? "CR" : "LF");
    std::string text = "id:1" + end + "data:{}" + end + end + "data: x" + end + end;
    SseParser parser;
    std::string seen;
    for (const char c : text) {
      for (const SseEvent& event : parser.Feed(std::string(1, c))) seen += event.data + ";";
    }
    EXPECT_EQ(seen, "{};x;");
  }
}

TEST(SseParser, IgnoresCommentsUnknownFieldsAndEventsWithoutData) {
  SseParser parser;
  EXPECT_TRUE(parser.Feed(": still here\n\nretry: 100\nevent: x\n\n").empty());
  EXPECT_EQ(parser.Feed("data: y\n\n").at(0).type, "message");
}

TEST(SseParser, AReconnectForgetsACutEventButNotTheLastId) {
  SseParser parser;
  parser.Feed("id: 3\ndata: a\n\nid: 4\ndata: cut");
  parser.Reconnect();
  EXPECT_EQ(parser.last_event_id(), "3");
  const auto events = parser.Feed("id: 4\ndata: whole\n\n");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].data, "whole");
  EXPECT_EQ(parser.last_event_id(), "4");
}

}  // namespace
}  // namespace routines
