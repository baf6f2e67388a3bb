#include "src/server/event_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "routines/testing/test_engine.h"

namespace routines::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kRoutine[] = "name: alert\nprompt: look\n";

class EventStreamTest : public ::testing::Test {
 protected:
  EventStreamTest() {
    EngineOptions options;
    options.executors["fake"] = executor_;
    engine_ = std::make_unique<routines::testing::TestEngine>(std::move(options));
    engine_->PutYaml(kRoutine);
    session_ = (*engine_)->Run("default", "alert", "")->session_id;
    engine_->RunUntilIdle();
  }

  std::shared_ptr<Execution> execution_;
  std::shared_ptr<routines::testing::FakeExecutor> executor_ =
      std::make_shared<routines::testing::FakeExecutor>(
          [this](std::shared_ptr<Execution> execution) { execution_ = std::move(execution); });
  std::unique_ptr<routines::testing::TestEngine> engine_;
  std::string session_;

  EventStream Stream(int64_t after) {
    return EventStream(**engine_, session_, after,
                       [](const v1::Session& session) { return session.id(); });
  }
};

TEST_F(EventStreamTest, GivesEachEventWithItsNumber) {
  EventStream stream = Stream(0);
  const auto piece = stream.Next();
  ASSERT_TRUE(piece.ok()) << piece.status();
  EXPECT_THAT(piece->bytes, HasSubstr("id: 1\nevent: session_event\ndata: {\"sequence\":1,"));
  EXPECT_FALSE(piece->end);
}

TEST_F(EventStreamTest, GoesOnAfterTheLastEventThatWasSeen) {
  const int64_t last = (*engine_)->GetSession(session_)->last_sequence();
  ASSERT_GT(last, 1);
  EventStream stream = Stream(last - 1);
  const auto piece = stream.Next();
  ASSERT_TRUE(piece.ok());
  EXPECT_THAT(piece->bytes, HasSubstr(absl::StrCat("id: ", last, "\n")));
  EXPECT_THAT(piece->bytes, Not(HasSubstr(absl::StrCat("id: ", last - 1, "\n"))));
}

TEST_F(EventStreamTest, SaysNothingUntilSomethingIsNew) {
  EventStream stream = Stream(0);
  int told = 0;
  stream.Watch([&] { ++told; });
  ASSERT_TRUE(stream.Next().ok());
  EXPECT_EQ(stream.Next()->bytes, "");
  execution_->log().Append(NoteEvent(v1::Note::SEVERITY_INFO, "something new"));
  engine_->AdvanceTime(absl::Seconds(2));
  EXPECT_GT(told, 0);
  EXPECT_THAT(stream.Next()->bytes, HasSubstr("something new"));
}

TEST_F(EventStreamTest, EndsOnceAllOfATerminalSessionWasGiven) {
  execution_->Finish(Outcome::Success());
  engine_->RunUntilIdle();
  EventStream stream = Stream(0);
  const auto log = stream.Next();
  ASSERT_TRUE(log.ok());
  EXPECT_FALSE(log->end);
  EXPECT_THAT(log->bytes, HasSubstr("succeeded"));
  const auto end = stream.Next();
  ASSERT_TRUE(end.ok());
  EXPECT_TRUE(end->end);
  EXPECT_EQ(end->bytes, "event: end\ndata: " + session_ + "\n\n");
}

TEST_F(EventStreamTest, CannotFollowASessionThatIsNotThere) {
  session_ = "session_nobody";
  EXPECT_FALSE(Stream(0).Next().ok());
}

}  // namespace
}  // namespace routines::server
