#include "src/config/text_forms.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "routines/v1/routine.pb.h"

namespace routines {
namespace {

TEST(DurationText, ReadsAndWritesGoStyleDurations) {
  EXPECT_EQ(ParseDurationText("90s"), absl::Seconds(90));
  EXPECT_EQ(ParseDurationText("5m"), absl::Minutes(5));
  EXPECT_EQ(ParseDurationText("1h30m"), absl::Minutes(90));
  EXPECT_EQ(ParseDurationText("1.5h"), absl::Minutes(90));
  EXPECT_EQ(ParseDurationText("250ms"), absl::Milliseconds(250));
  EXPECT_EQ(ParseDurationText("-5m"), absl::Minutes(-5));
  for (const char* text : {"", "5", "0", "5 m", " 5m", "5m ", "+5m", "m", "5d", "inf", "1e3s",
                           ".5s", "99999999999999h", "5M"}) {
    EXPECT_EQ(ParseDurationText(text), std::nullopt) << text;
  }
  EXPECT_EQ(DurationText(absl::Hours(1) + absl::Minutes(30) + absl::Seconds(5)), "1h30m5s");
  EXPECT_EQ(DurationText(absl::ZeroDuration()), "0s");
  for (const absl::Duration duration :
       {absl::Nanoseconds(1), absl::Seconds(1) + absl::Nanoseconds(1), absl::Hours(24 * 365 * 100),
        absl::Milliseconds(-1500), absl::Hours(1000) + absl::Nanoseconds(999'999'999)}) {
    EXPECT_EQ(ParseDurationText(DurationText(duration)), duration) << DurationText(duration);
  }
}

TEST(TimestampText, NeedsAnOffset) {
  const absl::Time nine = absl::FromUnixSeconds(1801382400);
  EXPECT_EQ(ParseTimestampText("2027-01-31T09:00:00+01:00"), nine);
  EXPECT_EQ(ParseTimestampText("2027-01-31t08:00:00z"), nine);
  EXPECT_EQ(ParseTimestampText("2027-01-31T08:00:00.000000001Z"), nine + absl::Nanoseconds(1));
  for (const char* text :
       {"", "2027-01-31", "2027-01-31T09:00:00", "2027-01-31 09:00:00Z", "2027-02-30T09:00:00Z",
        "2027-01-31T24:00:00Z", "2027-01-31T09:00Z", "infinite-future", " 2027-01-31T09:00:00Z",
        "20270-01-31T09:00:00Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59-01:00"}) {
    EXPECT_EQ(ParseTimestampText(text), std::nullopt) << text;
  }
  EXPECT_EQ(TimestampText(nine), "2027-01-31T08:00:00Z");
  EXPECT_EQ(TimestampText(nine + absl::Milliseconds(5)), "2027-01-31T08:00:00.005Z");
  EXPECT_EQ(TimestampText(absl::FromUnixSeconds(-62135596800)), "0001-01-01T00:00:00Z");
}

TEST(EnumWords, AreLowerCaseWithoutPrefix) {
  EXPECT_THAT(EnumWords(*v1::Overlap_descriptor()),
              testing::ElementsAre("allow", "skip", "queue", "cancel_running"));
  EXPECT_THAT(EnumWords(*v1::Network::Mode_descriptor()),
              testing::ElementsAre("none", "allow_list", "full"));
  EXPECT_THAT(EnumWords(*v1::CatchUp_descriptor()), testing::ElementsAre("latest", "all", "skip"));
}

TEST(EnumWords, AreFoundByWordAndFullNameOnly) {
  const auto& type = *v1::Overlap_descriptor();
  EXPECT_EQ(FindEnumWord(type, "skip")->number(), v1::OVERLAP_SKIP);
  EXPECT_EQ(FindEnumWord(type, "OVERLAP_SKIP")->number(), v1::OVERLAP_SKIP);
  for (const char* word : {"Skip", "SKIP", "unspecified", "OVERLAP_UNSPECIFIED", "", "2"}) {
    EXPECT_EQ(FindEnumWord(type, word), nullptr) << word;
  }
}

TEST(NumberText, IsShortAndExact) {
  EXPECT_EQ(NumberText(5), "5");
  EXPECT_EQ(NumberText(0.1), "0.1");
  EXPECT_EQ(NumberText(-1e300), "-1e+300");
  EXPECT_EQ(NumberText(123456789012), "123456789012");
  EXPECT_EQ(NumberText(116886367669059584), "1.1688636766905958e+17");
}

}  // namespace
}  // namespace routines
