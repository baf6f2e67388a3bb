#include "src/engine/schedule_queue.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/base/time_conversion.h"

namespace routines {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

absl::Time At(const std::string& text) {
  absl::Time time;
  EXPECT_TRUE(absl::ParseTime("%Y-%m-%d %H:%M:%E*S", text, &time, nullptr)) << text;
  return time;
}

v1::SavedRoutine Routine(const std::string& cron, const std::string& name = "nightly") {
  v1::SavedRoutine saved;
  saved.mutable_routine()->set_account("default");
  saved.mutable_routine()->set_name(name);
  v1::Trigger& trigger = *saved.mutable_routine()->add_triggers();
  trigger.set_id("a");
  trigger.mutable_schedule()->set_cron(cron);
  saved.add_triggers()->set_trigger_id("trig_" + name);
  return saved;
}

v1::ScheduleTrigger& ScheduleOf(v1::SavedRoutine& saved) {
  return *saved.mutable_routine()->mutable_triggers(0)->mutable_schedule();
}

// "01 02:00 fired", …
std::vector<std::string> Texts(const std::vector<DueInstant>& due) {
  std::vector<std::string> texts;
  for (const DueInstant& each : due) {
    texts.push_back(absl::StrCat(absl::FormatTime("%d %H:%M", each.instant, absl::UTCTimeZone()),
                                 each.reason == v1::DECISION_REASON_FIRED ? " fired" : " skipped"));
  }
  return texts;
}

TEST(ScheduleQueue, GivesAnInstantWhenItIsDueAndOnce) {
  ScheduleQueue queue;
  queue.Put(Routine("0 2 * * *"), At("2026-06-01 00:00:00"));
  EXPECT_EQ(queue.next(), At("2026-06-01 02:00:00"));
  EXPECT_THAT(queue.Take(At("2026-06-01 01:59:59.9"), 10), IsEmpty());
  EXPECT_THAT(Texts(queue.Take(At("2026-06-01 02:00:00"), 10)), ElementsAre("01 02:00 fired"));
  EXPECT_THAT(queue.Take(At("2026-06-01 02:00:00"), 10), IsEmpty());
  EXPECT_EQ(queue.next(), At("2026-06-02 02:00:00"));
}

TEST(ScheduleQueue, RunsTheNewestMissedInstantByDefault) {
  ScheduleQueue queue;
  queue.Put(Routine("0 * * * *"), At("2026-06-01 00:30:00"));
  const std::vector<DueInstant> due = queue.Take(At("2026-06-01 03:20:00"), 10);
  EXPECT_THAT(Texts(due), ElementsAre("01 01:00 skipped", "01 02:00 skipped", "01 03:00 fired"));
  EXPECT_EQ(due[0].detail, "missed; 2026-06-01T03:00:00Z runs for it (catch_up: latest)");
}

TEST(ScheduleQueue, RunsAllMissedInstantsUpToTheLimit) {
  ScheduleQueue queue;
  v1::SavedRoutine saved = Routine("0 * * * *");
  ScheduleOf(saved).set_catch_up(v1::CATCH_UP_ALL);
  ScheduleOf(saved).set_catch_up_limit(2);
  queue.Put(saved, At("2026-06-01 00:30:00"));
  const std::vector<DueInstant> due = queue.Take(At("2026-06-01 03:20:00"), 10);
  EXPECT_THAT(Texts(due), ElementsAre("01 01:00 skipped", "01 02:00 fired", "01 03:00 fired"));
  EXPECT_EQ(due[0].detail, "missed, and 2 newer ones run (catch_up_limit)");
}

TEST(ScheduleQueue, SkipsWhatIsLateWhereToldTo) {
  ScheduleQueue queue;
  v1::SavedRoutine saved = Routine("0 * * * *");
  ScheduleOf(saved).set_catch_up(v1::CATCH_UP_SKIP);
  queue.Put(saved, At("2026-06-01 00:30:00"));
  EXPECT_THAT(Texts(queue.Take(At("2026-06-01 01:01:00"), 10)), ElementsAre("01 01:00 fired"));
  const std::vector<DueInstant> due = queue.Take(At("2026-06-01 03:01:01"), 10);
  EXPECT_THAT(Texts(due), ElementsAre("01 02:00 skipped", "01 03:00 skipped"));
  EXPECT_EQ(due[1].detail, "missed by 1m1s (catch_up: skip)");
}

TEST(ScheduleQueue, TellsEachInstantThatIsOlderThanTheWindow) {
  ScheduleQueue queue;
  v1::SavedRoutine saved = Routine("0 * * * *");
  *ScheduleOf(saved).mutable_catch_up_window() = ToProto(absl::Hours(1));
  queue.Put(saved, At("2026-06-01 00:30:00"));
  const std::vector<DueInstant> due = queue.Take(At("2026-06-01 03:59:00"), 10);
  EXPECT_THAT(Texts(due), ElementsAre("01 01:00 skipped", "01 02:00 skipped", "01 03:00 fired"));
  EXPECT_EQ(due[0].detail, "missed by more than 1h (catch_up_window)");
}

TEST(ScheduleQueue, TellsTogetherWhatALongSleepLeavesBehind) {
  ScheduleQueue queue;
  v1::SavedRoutine saved = Routine("0 * * * *");
  queue.Put(saved, At("2026-06-01 00:30:00"));
  std::vector<DueInstant> due = queue.Take(At("2026-07-31 00:30:00"), 10);
  ASSERT_THAT(due, SizeIs(1 + ScheduleQueue::kMostSkippedOneByOne));
  EXPECT_EQ(due[0].detail,
            "440 instants from 2026-06-01T01:00:00Z to 2026-06-19T08:00:00Z: too many to be told "
            "one by one");
  EXPECT_EQ(due[1].instant, At("2026-06-19 09:00:00"));
  EXPECT_EQ(due.back().reason, v1::DECISION_REASON_FIRED);
  EXPECT_EQ(queue.next(), At("2026-07-31 01:00:00"));

  saved = Routine("* * * * *", "each-minute");
  queue.Put(saved, At("2006-06-01 00:00:00"));
  due = queue.Take(At("2026-07-31 00:30:00"), 10);
  EXPECT_THAT(due[0].detail, HasSubstr("more than 100000 instants from 2006-06-01T00:01:00Z"));
}

TEST(ScheduleQueue, GivesWhatWasDueBeforeAnEditOfItsSchedule) {
  ScheduleQueue queue;
  v1::SavedRoutine saved = Routine("0 * * * *");
  queue.Put(saved, At("2026-06-01 00:30:00"));
  ScheduleOf(saved).set_cron("5 * * * *");
  queue.Put(saved, At("2026-06-01 01:10:00"));  // nobody looked at 01:00
  EXPECT_THAT(Texts(queue.Take(At("2026-06-01 01:10:00"), 10)), ElementsAre("01 01:00 fired"));
  EXPECT_EQ(queue.next(), At("2026-06-01 02:05:00"));
  saved.set_deleted(true);
  queue.Put(saved, At("2026-06-01 03:00:00"));  // nothing is owed to a trigger that is no more
  EXPECT_THAT(queue.Take(At("2026-06-01 03:00:00"), 10), IsEmpty());
}

TEST(ScheduleQueue, SpreadsATriggerAlwaysByTheSameTime) {
  v1::SavedRoutine saved = Routine("0 2 * * *");
  *ScheduleOf(saved).mutable_spread() = ToProto(absl::Minutes(30));
  ScheduleQueue queue, again;
  queue.Put(saved, At("2026-06-01 00:00:00"));
  again.Put(saved, At("2026-06-01 00:00:00"));
  const absl::Duration late = queue.next() - At("2026-06-01 02:00:00");
  EXPECT_EQ(again.next(), queue.next());
  EXPECT_GT(late, absl::ZeroDuration());
  EXPECT_LE(late, absl::Minutes(30));
  EXPECT_THAT(Texts(queue.Take(At("2026-06-01 02:30:00"), 10)), ElementsAre("01 02:00 fired"));
  EXPECT_EQ(queue.next(), At("2026-06-02 02:00:00") + late);
}

TEST(ScheduleQueue, SpreadsManyTriggersOverTheTimeGiven) {
  ScheduleQueue queue;
  for (int i = 0; i < 600; ++i) {
    v1::SavedRoutine saved = Routine("0 2 * * *", absl::StrCat("r", i));
    *ScheduleOf(saved).mutable_spread() = ToProto(absl::Minutes(10));
    queue.Put(saved, At("2026-06-01 00:00:00"));
  }
  size_t most = 0;
  for (int minute = 0; minute <= 10; ++minute) {
    most = std::max(most,
                    queue.Take(At("2026-06-01 02:00:59") + minute * absl::Minutes(1), 1000).size());
  }
  EXPECT_LT(most, 120u);
  EXPECT_GE(queue.next(), At("2026-06-02 02:00:00"));
}

TEST(ScheduleQueue, GoesOnWithAScheduleThatAnEditLeftAsItWas) {
  ScheduleQueue queue;
  v1::SavedRoutine saved = Routine("0 * * * *");
  queue.Put(saved, At("2026-06-01 00:30:00"));
  saved.mutable_routine()->set_prompt("another");
  queue.Put(saved, At("2026-06-01 01:10:00"));  // 01:00 was due and not yet taken
  EXPECT_THAT(Texts(queue.Take(At("2026-06-01 01:10:00"), 10)), ElementsAre("01 01:00 fired"));
  ScheduleOf(saved).set_cron("5 * * * *");
  queue.Put(saved, At("2026-06-01 01:10:00"));
  EXPECT_EQ(queue.next(), At("2026-06-01 02:05:00"));
}

TEST(ScheduleQueue, ForgetsDeletedDisabledAndReplacedSchedules) {
  ScheduleQueue queue;
  v1::SavedRoutine saved = Routine("0 * * * *");
  queue.Put(saved, At("2026-06-01 00:30:00"));
  queue.Put(Routine("30 * * * *", "other"), At("2026-06-01 00:40:00"));
  EXPECT_EQ(queue.size(), 2u);
  v1::SavedRoutine disabled = saved;
  disabled.mutable_routine()->mutable_triggers(0)->set_disabled(true);
  queue.Put(disabled, At("2026-06-01 00:40:00"));
  EXPECT_EQ(queue.next(), At("2026-06-01 01:30:00"));
  queue.Put(saved, At("2026-06-01 00:40:00"));
  EXPECT_EQ(queue.next(), At("2026-06-01 01:00:00"));
  saved.set_deleted(true);
  queue.Put(saved, At("2026-06-01 00:40:00"));
  EXPECT_EQ(queue.next(), At("2026-06-01 01:30:00"));
  EXPECT_EQ(queue.size(), 1u);
}

TEST(ScheduleQueue, FiresAOnceOnlyOnce) {
  ScheduleQueue queue;
  v1::SavedRoutine saved = Routine("");
  *ScheduleOf(saved).mutable_at() = ToProto(At("2026-06-01 09:00:00"));
  queue.Put(saved, At("2026-06-01 00:00:00"));
  EXPECT_THAT(Texts(queue.Take(At("2026-06-01 09:00:00"), 10)), ElementsAre("01 09:00 fired"));
  EXPECT_EQ(queue.next(), absl::InfiniteFuture());
  *ScheduleOf(saved).mutable_at() = ToProto(At("2026-06-02 09:00:00"));
  queue.Put(saved, At("2026-06-01 10:00:00"));
  EXPECT_EQ(queue.next(), At("2026-06-02 09:00:00"));
}

TEST(ScheduleQueue, GivesInstantsAgainAfterTheClockWentBack) {
  ScheduleQueue queue;
  queue.Put(Routine("0 * * * *"), At("2026-06-01 00:30:00"));
  EXPECT_THAT(queue.Take(At("2026-06-03 00:30:00"), 10), SizeIs(48));
  queue.Rewind(At("2026-06-01 00:45:00"));
  EXPECT_EQ(queue.next(), At("2026-06-01 01:00:00"));
}

TEST(ScheduleQueue, GivesNothingFromBeforeItsSaveAfterTheClockWentBack) {
  ScheduleQueue queue;
  v1::SavedRoutine saved = Routine("0 * * * *");
  *ScheduleOf(saved).mutable_spread() = ToProto(absl::Hours(12));
  queue.Put(saved, At("2026-06-01 00:00:01"));
  const absl::Time next = queue.next();
  queue.Rewind(At("2026-06-01 00:00:00") + absl::Seconds(1));
  EXPECT_EQ(queue.next(), next);
}

TEST(ScheduleQueue, TakesNoMoreTriggersThanAsked) {
  ScheduleQueue queue;
  for (int i = 0; i < 10; ++i) {
    queue.Put(Routine("0 2 * * *", absl::StrCat("r", i)), At("2026-06-01 00:00:00"));
  }
  EXPECT_THAT(queue.Take(At("2026-06-01 02:00:00"), 7), SizeIs(7));
  EXPECT_THAT(queue.Take(At("2026-06-01 02:00:00"), 7), SizeIs(3));
}

}  // namespace
}  // namespace routines
