#include "src/server/session_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "routines/session.h"
#include "src/server/assets.h"

namespace routines::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

v1::Session Running() {
  v1::Session session;
  session.set_id("session_01");
  session.set_account("default");
  session.set_routine("alert");
  session.set_revision(3);
  session.set_state(v1::SESSION_STATE_RUNNING);
  session.set_read_key("KEY");
  return session;
}

v1::SessionEvent Numbered(int64_t sequence, v1::SessionEvent event) {
  event.set_sequence(sequence);
  return event;
}

TEST(RenderSessionPage, EscapesWhatAgentsSay) {
  v1::Session session = Running();
  session.set_message("<img src=x onerror=alert(1)>");
  session.set_result("</pre><script>alert(2)</script>");
  v1::SessionEvent tool;
  tool.mutable_tool_call()->set_name("<b>");
  tool.mutable_tool_call()->set_input_json("\"><script>alert(3)</script>");
  const std::string page = RenderSessionPage(
      session,
      {Numbered(1, OutputEvent(v1::SESSION_STEP_AGENT, v1::Output::STREAM_STDOUT, "<u>\x1b[31m")),
       Numbered(2, tool)},
      0);
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  EXPECT_THAT(page, Not(HasSubstr("<script>")));
  EXPECT_THAT(page, Not(HasSubstr("<b>")));
  EXPECT_THAT(page, HasSubstr("<pre>&lt;u&gt;</pre>"));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(2)"));
}

TEST(RenderSessionPage, JoinsPiecesOfOneStream) {
  const auto out = [](v1::Output::Stream stream, const char* text) {
    return OutputEvent(v1::SESSION_STEP_AGENT, stream, text);
  };
  const std::string page = RenderSessionPage(Running(),
                                             {Numbered(1, out(v1::Output::STREAM_STDOUT, "one ")),
                                              Numbered(2, out(v1::Output::STREAM_STDOUT, "line")),
                                              Numbered(3, out(v1::Output::STREAM_STDERR, "other"))},
                                             0);
  EXPECT_THAT(page, HasSubstr("<pre>one line</pre>"));
  EXPECT_THAT(page, HasSubstr("agent stderr</span><pre>other</pre>"));
}

TEST(RenderSessionPage, ShowsWhatTheSessionDid) {
  v1::Session session = Running();
  v1::Push& push = *session.add_pushes();
  push.set_repository("api");
  push.set_ref("refs/heads/claude/fix");
  push.set_new_commit(std::string(40, 'a'));
  v1::Patch& patch = *session.add_patches();
  patch.set_repository("api");
  patch.set_ref("refs/heads/claude/rest");
  patch.set_text("From 123");
  session.mutable_usage()->set_cost_usd(0.25);
  const std::string page = RenderSessionPage(session, {}, 0);
  EXPECT_THAT(page, HasSubstr("refs/heads/claude/fix</strong> at <code>aaaaaaaaaaaa</code>"));
  EXPECT_THAT(page, HasSubstr("From 123"));
  EXPECT_THAT(page, HasSubstr("$0.2500"));
  EXPECT_THAT(page, HasSubstr("class=\"badge running\" role=\"status\">running</span>"));
}

TEST(RenderSessionPage, OffersCancelOnlyWhileItHelps) {
  v1::Session session = Running();
  EXPECT_THAT(RenderSessionPage(session, {}, 0), HasSubstr("/cancel\""));
  session.set_state(v1::SESSION_STATE_FAILED);
  EXPECT_THAT(RenderSessionPage(session, {}, 0), Not(HasSubstr("/cancel\"")));
}

TEST(RenderSessionPage, LinksToTheRestOfALongLog) {
  v1::Session session = Running();
  session.set_last_sequence(9);
  const std::vector<v1::SessionEvent> events = {
      Numbered(4, NoteEvent(v1::Note::SEVERITY_INFO, "x"))};
  EXPECT_THAT(RenderSessionPage(session, events, 3), HasSubstr("?key=KEY&amp;after=4"));
  session.set_last_sequence(4);
  EXPECT_THAT(RenderSessionPage(session, events, 3), Not(HasSubstr("id=\"more\"")));
}

TEST(FindAsset, HasTheFilesAsTheyAre) {
  for (const char* name : {"session.css", "session.js"}) {
    std::ifstream file(std::string(ROUTINES_SOURCE_DIR "/web/") + name);
    std::stringstream text;
    text << file.rdbuf();
    EXPECT_EQ(FindAsset(name), text.str()) << name;
  }
  EXPECT_EQ(FindAsset("../CMakeLists.txt"), "");
}

}  // namespace
}  // namespace routines::server
