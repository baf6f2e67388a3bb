#include "src/schedule/zones.h"

#include <cstdlib>
#include <filesystem>
#include <string>

#include "gtest/gtest.h"
#include "routines/schedule.h"
#include "tests/unit/schedule/zone_folder.h"

namespace routines {
namespace {

absl::Duration OffsetOf(const std::string& name) {
  absl::TimeZone zone;
  EXPECT_TRUE(LoadZone(name, &zone)) << name;
  return absl::Seconds(zone.At(absl::UnixEpoch()).offset);
}

TEST(Zones, AreReadAgainWhereTheirFilesChange) {
  ZoneFolder folder;
  folder.Put("Test/ReadAgain", "Etc/GMT-1");
  EXPECT_EQ(OffsetOf("Test/ReadAgain"), absl::Hours(1));
  absl::TimeZone before;
  ASSERT_TRUE(LoadZone("Test/ReadAgain", &before));
  for (const int hours : {2, 3, 4}) {
    folder.Put("Test/ReadAgain", "Etc/GMT-" + std::to_string(hours));
    EXPECT_EQ(OffsetOf("Test/ReadAgain"), absl::Hours(hours));
  }
  EXPECT_EQ(before.At(absl::UnixEpoch()).offset, 3600);  // whoever has it keeps it
  absl::TimeZone same, again;
  ASSERT_TRUE(LoadZone("Test/ReadAgain", &same) && LoadZone("Test/ReadAgain", &again));
  EXPECT_EQ(same, again);
  EXPECT_EQ(NameOfZone(same), "Test/ReadAgain");
}

TEST(Zones, StayAsTheyWereWithoutTheirFile) {
  ZoneFolder folder;
  folder.Put("Test/Gone", "Etc/GMT-1");
  EXPECT_EQ(OffsetOf("Test/Gone"), absl::Hours(1));
  folder.Write("Test/Gone", "no zone");
  EXPECT_EQ(OffsetOf("Test/Gone"), absl::Hours(1));
  folder.Remove("Test/Gone");
  EXPECT_EQ(OffsetOf("Test/Gone"), absl::Hours(1));
  folder.Put("Test/Gone", "Etc/GMT-2");
  EXPECT_EQ(OffsetOf("Test/Gone"), absl::Hours(2));
  absl::TimeZone zone;
  EXPECT_FALSE(LoadZone("Test/NeverThere", &zone));
}

TEST(Zones, AreDescribedByTheirNames) {
  ZoneFolder folder;
  folder.Put("Test/Named", "Etc/GMT-1");
  v1::ScheduleTrigger trigger;
  trigger.set_cron("7 2 * * *");
  trigger.set_time_zone("Test/Named");
  EXPECT_EQ(Schedule::FromTrigger(trigger)->Describe(), "daily at 02:07 in Test/Named");
  folder.Put("Test/Named", "Etc/GMT-2");
  EXPECT_EQ(Schedule::FromTrigger(trigger)->Describe(), "daily at 02:07 in Test/Named");
}

}  // namespace
}  // namespace routines
