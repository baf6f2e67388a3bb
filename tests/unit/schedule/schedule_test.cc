// What the vectors and the oracle do not ask: presets, words, messages, bounds.
#include "routines/schedule.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace routines {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

absl::TimeZone Zone(const std::string& name) {
  absl::TimeZone zone;
  EXPECT_TRUE(absl::LoadTimeZone(name, &zone)) << name;
  return zone;
}

absl::Time Instant(const std::string& text) {
  absl::Time time;
  std::string error;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, text, &time, &error)) << text << ": " << error;
  return time;
}

std::string Text(absl::Time time) {
  return absl::FormatTime(absl::RFC3339_full, time, absl::UTCTimeZone());
}

Schedule Cron(const std::string& cron, const std::string& zone = "UTC") {
  auto schedule = Schedule::Parse(cron, Zone(zone));
  EXPECT_TRUE(schedule.ok()) << cron << ": " << schedule.status();
  return *std::move(schedule);
}

std::vector<std::string> Texts(const std::vector<absl::Time>& times) {
  std::vector<std::string> texts;
  for (const absl::Time time : times) texts.push_back(Text(time));
  return texts;
}

std::string ErrorOf(const std::string& cron) {
  const auto schedule = Schedule::Parse(cron);
  EXPECT_EQ(schedule.status().code(), absl::StatusCode::kInvalidArgument) << cron;
  return std::string(schedule.status().message());
}

TEST(Schedule, FiresATimeInTheGapAtItsEndAndOneInTheOverlapOnce) {
  const Schedule schedule = Cron("30 2 * * *", "Europe/Berlin");
  EXPECT_THAT(
      Texts(schedule.Between(Instant("2026-03-28T00:00:00Z"), Instant("2026-03-31T00:00:00Z"))),
      ElementsAre("2026-03-28T01:30:00+00:00", "2026-03-29T01:00:00+00:00",
                  "2026-03-30T00:30:00+00:00"));
  EXPECT_THAT(
      Texts(schedule.Between(Instant("2026-10-25T00:00:00Z"), Instant("2026-10-26T12:00:00Z"))),
      ElementsAre("2026-10-25T00:30:00+00:00", "2026-10-26T01:30:00+00:00"));
}

TEST(Schedule, FindsTheEndOfAGapFromAFractionOfASecondAfterIt) {
  const absl::Time end = Instant("2026-03-29T01:00:00Z");
  for (const absl::Duration later : {absl::Nanoseconds(1), absl::Milliseconds(999)}) {
    EXPECT_EQ(Cron("7 * * * *", "Europe/Berlin").Previous(end + later), end);
    EXPECT_EQ(Cron("7 2 * * *", "Europe/Berlin").Previous(end + later), end);
  }
}

TEST(Schedule, FollowsElapsedTimeThroughBothPassesWhereItIsAnInterval) {
  EXPECT_THAT(Texts(Cron("30 * * * *", "Europe/Berlin")
                        .Between(Instant("2026-10-24T23:00:00Z"), Instant("2026-10-25T03:00:00Z"))),
              ElementsAre("2026-10-24T23:30:00+00:00", "2026-10-25T00:30:00+00:00",
                          "2026-10-25T01:30:00+00:00", "2026-10-25T02:30:00+00:00"));
}

TEST(Schedule, FiresOnceForSeveralTimesInOneGap) {
  EXPECT_THAT(Texts(Cron("0,30 2,3 * * *", "America/New_York")
                        .Between(Instant("2026-03-08T00:00:00Z"), Instant("2026-03-09T00:00:00Z"))),
              ElementsAre("2026-03-08T07:00:00+00:00", "2026-03-08T07:30:00+00:00"));
}

TEST(Schedule, FiresAtTheEndOfADayThatAZoneLeftOut) {
  EXPECT_EQ(Text(Cron("0 12 30 12 *", "Pacific/Apia").Next(Instant("2011-12-01T00:00:00Z"))),
            "2011-12-30T10:00:00+00:00");
}

// Some changes of offset away, near a change: 2026-03-29 and 2026-10-25.
TEST(Schedule, FindsTimesNearAChangeFromAfar) {
  for (const char* after : {"2026-01-15T00:00:00Z", "2025-08-01T00:00:00Z", "2025-03-30T00:59:59Z",
                            "2025-10-26T00:30:00Z"}) {
    const auto next = [&](const char* cron) {
      return Text(Cron(cron, "Europe/Berlin").Next(Instant(after)));
    };
    EXPECT_EQ(next("30 2 29 3 *"), "2026-03-29T01:00:00+00:00");
    EXPECT_EQ(next("30 1 29 3 *"), "2026-03-29T00:30:00+00:00");
    EXPECT_EQ(next("30 3 29 3 *"), "2026-03-29T01:30:00+00:00");
    EXPECT_EQ(next("*/30 2 29 3 *"), "2026-03-29T01:00:00+00:00");
  }
  for (const char* after : {"2026-01-15T00:00:00Z", "2026-08-01T00:00:00Z", "2025-11-01T00:00:00Z",
                            "2026-10-25T00:29:59Z"}) {
    const auto next = [&](const char* cron) {
      return Text(Cron(cron, "Europe/Berlin").Next(Instant(after)));
    };
    EXPECT_EQ(next("30 2 25 10 *"), "2026-10-25T00:30:00+00:00");
    EXPECT_EQ(next("30-59 2 25 10 *"), "2026-10-25T00:30:00+00:00");
    EXPECT_EQ(next("0 3 25 10 *"), "2026-10-25T02:00:00+00:00");
  }
}

TEST(Schedule, GoesBackTheWayItCame) {
  for (const char* cron : {"30 2 * * *", "*/20 1-3 * * *", "0 0 29 2 *", "15 10 * * 1"}) {
    const Schedule schedule = Cron(cron, "Europe/Berlin");
    absl::Time time = Instant("2024-01-01T00:00:00Z");
    for (int i = 0; i < 500; ++i) {
      const absl::Time next = schedule.Next(time);
      if (next > Instant("2300-01-01T00:00:00Z")) break;
      EXPECT_EQ(schedule.Next(schedule.Previous(next)), next) << cron << " " << Text(next);
      EXPECT_EQ(schedule.Previous(next + absl::Nanoseconds(1)), next) << cron;
      time = next;
    }
  }
}

TEST(Schedule, FindsRareDaysAndSaysWhenTheyNeverCome) {
  EXPECT_EQ(Text(Cron("0 0 29 2 *").Next(Instant("2096-03-01T00:00:00Z"))),
            "2104-02-29T00:00:00+00:00");
  for (const char* cron : {"0 0 30 2 *", "* * 31 2,4,6,9,11 *"}) {
    const Schedule never = Cron(cron);
    EXPECT_TRUE(never.never());
    EXPECT_EQ(never.Next(Instant("2026-01-01T00:00:00Z")), absl::InfiniteFuture());
    EXPECT_EQ(never.Previous(Instant("2026-01-01T00:00:00Z")), absl::InfinitePast());
    EXPECT_THAT(never.Between(absl::InfinitePast(), absl::InfiniteFuture()), IsEmpty());
    EXPECT_THAT(never.Describe(), HasSubstr("never ("));
  }
  // A weekday that the day of month of either day finds.
  EXPECT_FALSE(Cron("0 0 30 2 1").never());
}

TEST(Schedule, TakesEveryInstantThereIs) {
  for (const char* cron : {"* * * * *", "0 0 1 1 *"}) {
    const Schedule schedule = Cron(cron, "Europe/Berlin");
    EXPECT_EQ(schedule.Next(absl::InfiniteFuture()), absl::InfiniteFuture());
    EXPECT_EQ(schedule.Previous(absl::InfinitePast()), absl::InfinitePast());
    EXPECT_GE(schedule.Next(absl::InfinitePast()), Instant("0001-01-01T00:00:00Z"));
    EXPECT_LT(schedule.Previous(absl::InfiniteFuture()), Instant("9999-12-31T23:59:59Z"));
    EXPECT_EQ(schedule.Next(Instant("9999-12-31T23:59:59Z") + absl::Hours(1)),
              absl::InfiniteFuture());
    EXPECT_EQ(schedule.Next(Instant("9999-12-31T23:59:00Z")), absl::InfiniteFuture());
    EXPECT_EQ(schedule.Previous(Instant("0001-01-01T00:00:00Z")), absl::InfinitePast());
  }
  EXPECT_EQ(Cron("0 0 29 2 *").Next(Instant("9996-02-29T00:00:00Z")), absl::InfiniteFuture());
  EXPECT_EQ(Cron("0 0 29 2 *").Previous(Instant("0004-02-29T00:00:00Z")), absl::InfinitePast());
}

TEST(Schedule, GivesAtMostAsManyInstantsAsAskedFor) {
  EXPECT_EQ(Cron("* * * * *").Between(absl::UnixEpoch(), absl::InfiniteFuture(), 7).size(), 7u);
  EXPECT_THAT(
      Texts(Cron("0 0 * * *").Between(absl::UnixEpoch(), absl::UnixEpoch() + absl::Hours(24))),
      ElementsAre("1970-01-01T00:00:00+00:00"));
}

TEST(Schedule, FiresOnceAtASingleInstant) {
  const absl::Time at = Instant("2027-01-31T08:00:00.5Z");
  const Schedule once = Schedule::Once(at);
  EXPECT_EQ(once.Next(at - absl::Nanoseconds(1)), at);
  EXPECT_EQ(once.Next(at), absl::InfiniteFuture());
  EXPECT_EQ(once.Previous(at), absl::InfinitePast());
  EXPECT_EQ(once.Previous(absl::InfiniteFuture()), at);
  EXPECT_EQ(once.Describe(), "once at 2027-01-31T08:00:00+00:00");
}

TEST(Schedule, NamesTwoInstantsThatAreTooClose) {
  const absl::Time from = Instant("2026-06-01T00:00:00Z");
  const auto pair = Cron("0,45 9 * * 1", "Europe/Berlin").CloserThan(absl::Hours(1), from);
  ASSERT_TRUE(pair.has_value());
  EXPECT_EQ(Text(pair->first), "2026-06-01T07:00:00+00:00");
  EXPECT_EQ(Text(pair->second), "2026-06-01T07:45:00+00:00");
  EXPECT_TRUE(Cron("*/59 * * * *").CloserThan(absl::Hours(1), from).has_value());
  EXPECT_FALSE(Cron("0 * * * *").CloserThan(absl::Hours(1), from).has_value());
  EXPECT_TRUE(Cron("0 * * * *").CloserThan(absl::Minutes(61), from).has_value());
  EXPECT_FALSE(Cron("0 0 30 2 *").CloserThan(absl::Hours(1), from).has_value());
  EXPECT_FALSE(Schedule::Once(from).CloserThan(absl::Hours(1), from).has_value());
  // Half an hour apart on the one day on which 02:30 is moved: not the schedule's doing.
  EXPECT_FALSE(Cron("30 2,3 * * *", "Europe/Berlin").CloserThan(absl::Hours(1), from).has_value());
}

TEST(Schedule, SpellsItselfOut) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"7 2 * * 1-5", "weekdays at 02:07"},
      {"0 9 * * 6,7", "weekends at 09:00"},
      {"0 9 * * mon", "Mondays at 09:00"},
      {"0 9,17 * * mon,wed", "Mondays and Wednesdays at 09:00 and 17:00"},
      {"0 0 * * *", "daily at 00:00"},
      {"@hourly", "at minute 0 of every hour"},
      {"* * * * *", "every minute"},
      {"*/15 * * * *", "every 15 minutes"},
      {"*/15 9-17 * * 2-4", "Tuesdays to Thursdays every 15 minutes from 09:00 to 17:59"},
      {"5 */2 * * *", "at minute 5 of every 2 hours"},
      {"0 0 1 * *", "day 1 of the month at 00:00"},
      {"0 0 1,15 1-3 *", "days 1 and 15 of the month at 00:00 in January to March"},
      {"0 0 13 * 5", "day 13 of the month or Fridays at 00:00"},
      {"0 0 */10 * 5", "days 1, 11, 21 and 31 of the month or Fridays at 00:00"},
      {"7,23 1,2,9 * 2 *", "at minutes 7 and 23 of the hours 1, 2 and 9 in February"},
  };
  for (const auto& [cron, words] : rows) {
    EXPECT_EQ(Cron(cron, "Europe/Berlin").Describe(), words + " in Europe/Berlin") << cron;
  }
}

TEST(Schedule, TakesTheTriggersOfRoutineFiles) {
  v1::ScheduleTrigger trigger;
  trigger.set_every(v1::EVERY_WEEKDAYS);
  trigger.set_time("09:30");
  trigger.set_time_zone("Europe/Berlin");
  EXPECT_EQ(Schedule::FromTrigger(trigger)->Describe(), "weekdays at 09:30 in Europe/Berlin");
  trigger.set_every(v1::EVERY_WEEKLY);
  EXPECT_EQ(Schedule::FromTrigger(trigger)->Describe(), "Sundays at 09:30 in Europe/Berlin");
  trigger.set_every(v1::EVERY_DAILY);
  trigger.clear_time();
  EXPECT_EQ(Schedule::FromTrigger(trigger)->Describe(), "daily at 00:00 in Europe/Berlin");
  trigger.set_every(v1::EVERY_HOURLY);
  trigger.set_time("00:20");
  EXPECT_EQ(Schedule::FromTrigger(trigger)->Describe(),
            "at minute 20 of every hour in Europe/Berlin");
  trigger.set_time("09:20");
  EXPECT_THAT(std::string(Schedule::FromTrigger(trigger).status().message()),
              HasSubstr("write the minute as \"00:MM\""));
  trigger.set_time("9:20");
  EXPECT_FALSE(Schedule::FromTrigger(trigger).ok());
  trigger.set_time_zone("Europe/Berlyn");
  EXPECT_THAT(std::string(Schedule::FromTrigger(trigger).status().message()),
              HasSubstr("unknown time zone \"Europe/Berlyn\""));
  // Only names: nothing else is opened.
  for (const char* path : {"/dev/zero", "file:/usr/share/zoneinfo/UTC", "../zoneinfo/UTC",
                           "localtime", "libc:localtime", "Fixed/UTC+01:00:00"}) {
    trigger.set_time_zone(path);
    EXPECT_THAT(std::string(Schedule::FromTrigger(trigger).status().message()),
                HasSubstr("unknown time zone"))
        << path;
    EXPECT_EQ(Schedule::LoadTimeZone(path).status(), Schedule::FromTrigger(trigger).status());
  }
  EXPECT_EQ(Schedule::LoadTimeZone("")->name(), "UTC");
  EXPECT_EQ(Schedule::LoadTimeZone("Europe/Berlin")->At(absl::UnixEpoch()).offset, 3600);
  v1::ScheduleTrigger once;
  once.mutable_at()->set_seconds(1'000'000'000);
  EXPECT_EQ(Schedule::FromTrigger(once)->Next(absl::UnixEpoch()),
            absl::FromUnixSeconds(1'000'000'000));
}

TEST(Schedule, SaysHowToMendAnExpression) {
  EXPECT_THAT(ErrorOf("60 * * * *"), HasSubstr("minute \"60\" is not 0 to 59"));
  EXPECT_THAT(ErrorOf("0 0 * * MONDAY"), HasSubstr("day of week \"MONDAY\" is not 0 to 7 or SUN to "
                                                   "SAT"));
  EXPECT_THAT(ErrorOf("5/15 * * * *"), HasSubstr("write one such as 5-59/15"));
  EXPECT_THAT(ErrorOf("0 22-2 * * *"), HasSubstr("write it as two ranges"));
  EXPECT_THAT(ErrorOf("0 0 L * *"), HasSubstr("is Quartz's"));
  EXPECT_THAT(ErrorOf("0 0 * * 5#2"), HasSubstr("is Quartz's"));
  EXPECT_THAT(ErrorOf("*/0 * * * *"), HasSubstr("a step that is not 1 to 59"));
  EXPECT_THAT(ErrorOf("1,,2 * * * *"), HasSubstr("is empty"));
  EXPECT_THAT(ErrorOf("@reboot"), HasSubstr("@hourly, @daily"));
  EXPECT_THAT(ErrorOf("0 0 * * * *"), HasSubstr("has 6 fields; write five"));
  EXPECT_THAT(ErrorOf("0 0 *\n* *"), HasSubstr("line break"));
  EXPECT_THAT(ErrorOf(std::string("\x01\xff * * * *")), HasSubstr("\"\\x01\\xff\""));
}

TEST(Schedule, TakesSaturdayToSundayAsTheWeekend) {
  EXPECT_EQ(Cron("0 0 * * SAT-SUN").Describe(), "weekends at 00:00 in UTC");
  EXPECT_EQ(Cron("0 0 * * sun-sat").Describe(), "daily at 00:00 in UTC");
}

TEST(Schedule, IsSmall) {
  EXPECT_LE(sizeof(Schedule), 64u);
}

}  // namespace
}  // namespace routines
