// The calendar and the spans of constant offset that Schedule::Next goes by, beside Abseil's.
#include "src/schedule/straight_time.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "absl/time/civil_time.h"
#include "src/schedule/local_minute.h"

namespace routines {
namespace {

TEST(LocalMinute, IsTheCalendarsOnEveryDayUntilTheYear10000) {
  for (absl::CivilDay day(1970, 1, 1); day.year() < 10'000; ++day) {
    const absl::CivilMinute civil = absl::CivilMinute(day) + day.day() * 47;
    const int64_t minutes = civil - absl::CivilMinute(1970);
    const LocalMinute local = LocalMinuteOf(minutes);
    ASSERT_EQ(absl::CivilMinute(local.year, local.month, local.day, local.hour, local.minute),
              civil);
    ASSERT_EQ(MinutesSince1970(local), minutes) << civil;
  }
}

absl::TimeZone Zone(const char* name) {
  absl::TimeZone zone;
  EXPECT_TRUE(absl::LoadTimeZone(name, &zone)) << name;
  return zone;
}

void ExpectAsTheZoneSays(const absl::TimeZone& zone) {
  for (int64_t second = 0; second < kLastStraight; second += 86'399 * 5) {
    const StraightTime straight = StraightTimeAt(zone, second);
    ASSERT_LE(straight.begin, second);
    ASSERT_GT(straight.end, second);
    ASSERT_EQ(straight.offset, zone.At(absl::FromUnixSeconds(second)).offset) << second;
    if (straight.end >= kLastStraight) continue;
    ASSERT_EQ(straight.offset, zone.At(absl::FromUnixSeconds(straight.end - 1)).offset);
    ASSERT_EQ(StraightTimeAt(zone, straight.end).begin, straight.end);
    ASSERT_EQ(StraightTimeAt(zone, straight.end - 1).begin, straight.begin);
  }
}

TEST(StraightTime, IsAsTheZoneSays) {
  // In turn, so that what one left is not taken for another's.
  for (int round = 0; round < 2; ++round) {
    for (const char* name : {"UTC", "Europe/Berlin", "America/New_York", "Africa/Casablanca",
                             "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia"}) {
      SCOPED_TRACE(name);
      ExpectAsTheZoneSays(Zone(name));
    }
  }
  ExpectAsTheZoneSays(absl::TimeZone());
  ExpectAsTheZoneSays(absl::FixedTimeZone(-45 * 60));
}

TEST(StraightTime, IsTheSameOnEveryThread) {
  std::vector<std::thread> threads;
  for (const char* name : {"Europe/Berlin", "America/Sao_Paulo"}) {
    for (int i = 0; i < 2; ++i) threads.emplace_back([name] { ExpectAsTheZoneSays(Zone(name)); });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace routines
