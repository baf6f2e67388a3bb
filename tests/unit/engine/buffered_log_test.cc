#include "src/engine/buffered_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "routines/testing/simulated_clock.h"

namespace routines {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class BufferedLogTest : public ::testing::Test {
 protected:
  BufferedLog::Options Options() {
    return {&clock_, /*max_bytes=*/1 << 20, /*max_backlog_bytes=*/1 << 20, /*may_block=*/false,
            [this] { ++wakes_; }};
  }

  static v1::SessionEvent Stdout(std::string_view text) {
    return OutputEvent(v1::SESSION_STEP_AGENT, v1::Output::STREAM_STDOUT, text);
  }

  static std::string Text(BufferedLog& log) {
    std::string text;
    for (const v1::SessionEvent& event : log.Take()) text += event.output().text();
    return text;
  }

  testing::SimulatedClock clock_;
  std::atomic<int> wakes_ = 0;
};

TEST_F(BufferedLogTest, RedactsASecretThatTwoEventsShare) {
  BufferedLog log(Options());
  log.SetRedactor(Redactor({"hunter2-secret"}));
  log.Append(Stdout("password: hunter2"));
  log.Append(Stdout("-secret, again hunter"));
  log.FlushStreams();
  const std::string text = Text(log);
  EXPECT_THAT(text, HasSubstr("password: [redacted], again hunter"));
  EXPECT_THAT(text, Not(HasSubstr("hunter2-secret")));
}

TEST_F(BufferedLogTest, RedactsASecretThatAProgramColoured) {
  BufferedLog log(Options());
  log.SetRedactor(Redactor({"sup3rs3cretvalue99"}));
  log.Append(Stdout("key=\x1b[01;31m\x1b[Ksup3r\x1b["));
  log.Append(Stdout("m\x1b[Ks3cretvalue99\n"));
  v1::SessionEvent result;
  result.mutable_tool_result()->set_text("\x1b[1msup3r\x1b[ms3cretvalue99");
  log.Append(result);
  log.FlushStreams();
  std::string output, tool;
  for (const v1::SessionEvent& event : log.Take()) {
    output += event.output().text();
    tool += event.tool_result().text();
  }
  EXPECT_EQ(output, "key=[redacted]\n");
  EXPECT_EQ(tool, "[redacted]");
}

TEST_F(BufferedLogTest, KeepsStreamsApart) {
  BufferedLog log(Options());
  log.SetRedactor(Redactor({"hunter2-secret"}));
  log.Append(Stdout("hunter2"));
  log.Append(OutputEvent(v1::SESSION_STEP_AGENT, v1::Output::STREAM_STDERR, "warning\n"));
  log.Append(Stdout("-secret"));
  log.FlushStreams();
  EXPECT_EQ(Text(log), "warning\n[redacted]");
}

TEST_F(BufferedLogTest, RedactsEveryStringOfEveryEvent) {
  BufferedLog log(Options());
  log.SetRedactor(Redactor({"hunter2-secret"}));
  v1::SessionEvent call;
  call.mutable_tool_call()->set_name("hunter2-secret");
  call.mutable_tool_call()->set_input_json("{\"a\":\"hunter2-secret\"}");
  log.Append(call);
  log.AppendOwn(NoteEvent(v1::Note::SEVERITY_INFO, "hunter2-secret"));
  for (const v1::SessionEvent& event : log.Take()) {
    EXPECT_THAT(event.DebugString(), Not(HasSubstr("hunter2")));
  }
}

TEST_F(BufferedLogTest, RepairsBrokenUtf8) {
  BufferedLog log(Options());
  log.Append(Stdout("caf\xC3"));
  log.Append(Stdout("\xA9 \xFF"));
  log.FlushStreams();
  EXPECT_EQ(Text(log), "caf\xC3\xA9 \xEF\xBF\xBD");
}

TEST_F(BufferedLogTest, SaysOnceThatItIsFullAndStillLearnsWhatMatters) {
  BufferedLog::Options options = Options();
  options.max_bytes = 1000;
  BufferedLog log(options);
  for (int i = 0; i < 10; ++i) log.Append(Stdout(std::string(200, 'x')));
  v1::SessionEvent result;
  result.mutable_result()->set_text("done");
  // However often it is said: a log that is full grows no more.
  for (int i = 0; i < 100; ++i) log.Append(result);
  log.AppendOwn(NoteEvent(v1::Note::SEVERITY_INFO, "the engine's own"));
  const std::vector<v1::SessionEvent> events = log.Take();
  int notes = 0, outputs = 0, results = 0;
  for (const v1::SessionEvent& event : events) {
    notes += event.has_note();
    outputs += event.has_output();
    results += event.has_result();
  }
  EXPECT_EQ(notes, 2);
  EXPECT_GT(outputs, 2);
  EXPECT_LT(outputs, 5);
  EXPECT_EQ(results, 0);
  v1::Session session;
  log.Summarize(session);
  EXPECT_EQ(session.result(), "done");
}

TEST_F(BufferedLogTest, TakesNoStateFromAnExecutor) {
  BufferedLog log(Options());
  v1::SessionEvent event;
  event.mutable_state_change()->set_state(v1::SESSION_STATE_SUCCEEDED);
  log.Append(event);
  EXPECT_FALSE(log.HasPending());
}

TEST_F(BufferedLogTest, HoldsTheWriterBackUntilTheStoreHasCaughtUp) {
  BufferedLog::Options options = Options();
  options.max_backlog_bytes = 1000;
  options.max_bytes = 1 << 30;
  options.may_block = true;
  BufferedLog log(options);
  constexpr int kEvents = 200;
  std::thread writer([&] {
    for (int i = 0; i < kEvents; ++i) log.Append(Stdout(std::string(500, 'x')));
  });
  int seen = 0;
  while (seen < kEvents) {
    const size_t taken = log.Take().size();
    EXPECT_LE(taken, 3u);  // 1,000 bytes and the event that crossed the line
    seen += static_cast<int>(taken);
    log.Committed();
  }
  writer.join();
}

TEST_F(BufferedLogTest, LetsGoOfAWaitingWriterWhenItCloses) {
  BufferedLog::Options options = Options();
  options.max_backlog_bytes = 10;
  options.may_block = true;
  BufferedLog log(options);
  log.Append(Stdout("more than ten bytes"));
  std::thread writer([&] { log.Append(Stdout("waits")); });
  log.Close();
  writer.join();
  EXPECT_EQ(log.Take().size(), 1u);
}

TEST_F(BufferedLogTest, LetsAWaitingWriterFinishWhenTheSessionIsToEnd) {
  BufferedLog::Options options = Options();
  options.max_backlog_bytes = 10;
  options.may_block = true;
  BufferedLog log(options);
  log.Append(Stdout("more than ten bytes"));
  std::thread writer([&] { log.Append(Stdout("waits")); });
  log.StopWaiting();
  writer.join();
  EXPECT_EQ(log.Take().size(), 2u);
}

TEST_F(BufferedLogTest, SummarizesForTheSessionsRecord) {
  BufferedLog log(Options());
  v1::SessionEvent event;
  event.mutable_checkout()->set_commit("abc");
  log.Append(event);
  event.mutable_push()->set_ref("refs/heads/claude/a");
  event.mutable_push()->set_accepted(true);
  log.Append(event);
  event.mutable_push()->set_ref("refs/heads/main");
  event.mutable_push()->set_accepted(false);
  log.Append(event);
  event.mutable_usage()->set_cost_usd(0.5);
  log.Append(event);
  event.mutable_result()->set_text(std::string(100'000, 'r'));
  log.Append(event);
  v1::Session session;
  log.Summarize(session);
  ASSERT_EQ(session.checkouts_size(), 1);
  ASSERT_EQ(session.pushes_size(), 1);
  EXPECT_EQ(session.pushes(0).ref(), "refs/heads/claude/a");
  EXPECT_EQ(session.usage().cost_usd(), 0.5);
  EXPECT_LT(session.result().size(), 70'000u);
  v1::Limits limits;
  EXPECT_FALSE(log.LimitReached(limits));
  limits.set_max_cost_usd(0.5);
  EXPECT_FALSE(log.LimitReached(limits));
  limits.set_max_cost_usd(0.4);
  EXPECT_EQ(log.LimitReached(limits)->reason, "cost_limit");
}

TEST_F(BufferedLogTest, WakesForEveryEventAndStampsIt) {
  BufferedLog log(Options());
  log.Append(Stdout("x"));
  EXPECT_EQ(wakes_, 1);
  EXPECT_EQ(log.Take().front().time().seconds(), absl::ToUnixSeconds(clock_.TimeNow()));
}

}  // namespace
}  // namespace routines
