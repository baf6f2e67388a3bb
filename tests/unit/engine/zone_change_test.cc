// The rules of a time zone change while the engine runs.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "routines/testing/test_engine.h"
#include "src/base/time_conversion.h"
#include "src/engine/admission.h"
#include "tests/unit/schedule/zone_folder.h"

namespace routines {
namespace {

using ::testing::ElementsAre;
using testing::TestEngine;

constexpr char kZone[] = "Test/Moved";

// At 06:00 UTC on 5 January 2026, with a schedule in a zone one hour ahead.
class ZoneChange : public ::testing::Test {
 protected:
  ZoneChange() {
    engine_.clock().SetTime(absl::FromCivil(absl::CivilHour(2026, 1, 5, 6), absl::UTCTimeZone()));
    folder_.Put(kZone, "Etc/GMT-1");
  }

  void Schedule(const std::string& cron) {
    engine_.PutYaml(
        absl::StrCat("name: daily\nprompt: Look.\ntriggers: [{id: a, schedule: {cron: '", cron,
                     "', time_zone: ", kZone, "}}]\n"));
  }
  void MoveTo(const std::string& like) { folder_.Put(kZone, like); }
  void GoTo(int day, int hour, int minute) {
    engine_.AdvanceTime(
        absl::FromCivil(absl::CivilMinute(2026, 1, day, hour, minute), absl::UTCTimeZone()) -
        engine_.clock().TimeNow());
  }
  // "5T07:00 at 07:00 fired": the instant, when it came up, and what became of it; oldest first.
  std::vector<std::string> Decisions() {
    std::vector<std::string> texts;
    const auto decisions = engine_->ListDecisions({.routine = "daily"});
    for (const v1::Decision& decision : *decisions) {
      const v1::Event event = *engine_->GetEvent(decision.event_id());
      texts.insert(texts.begin(), absl::StrCat(event.external_id().substr(9, 7), " at ",
                                               absl::FormatTime("%H:%M", FromProto(event.time()),
                                                                absl::UTCTimeZone()),
                                               " ", std::string(DecisionName(decision.reason()))));
    }
    return texts;
  }

  ZoneFolder folder_;
  TestEngine engine_;
};

TEST_F(ZoneChange, NextInstantsFollowTheNewRules) {
  Schedule("0 12 * * *");
  GoTo(5, 9, 0);
  MoveTo("Etc/GMT-2");
  GoTo(7, 0, 0);
  EXPECT_THAT(Decisions(), ElementsAre("5T10:00 at 10:00 fired", "6T10:00 at 10:00 fired"));
}

TEST_F(ZoneChange, WhatTheNewRulesPutBeforeNowIsMadeUpFor) {
  Schedule("0 12 * * *");
  GoTo(5, 10, 30);  // noon was at 11:00
  MoveTo("Etc/GMT-2");
  GoTo(7, 0, 0);
  EXPECT_THAT(Decisions(), ElementsAre("5T10:00 at 10:31 fired", "6T10:00 at 10:00 fired"));
}

TEST_F(ZoneChange, ATimeOfDayThatWasTakenIsNotTakenAgain) {
  MoveTo("Etc/GMT-2");
  Schedule("0 12,15 * * *");
  GoTo(5, 10, 20);  // noon was at 10:00
  MoveTo("Etc/GMT-1");
  GoTo(6, 12, 0);
  EXPECT_THAT(Decisions(), ElementsAre("5T10:00 at 10:00 fired", "5T14:00 at 14:00 fired",
                                       "6T11:00 at 11:00 fired"));
}

TEST_F(ZoneChange, AnIntervalGoesOnByElapsedTime) {
  Schedule("0 * * * *");
  GoTo(5, 8, 10);
  MoveTo("Etc/GMT-2");
  GoTo(5, 10, 10);
  EXPECT_THAT(Decisions(), ElementsAre("5T07:00 at 07:00 fired", "5T08:00 at 08:00 fired",
                                       "5T09:00 at 09:00 fired", "5T10:00 at 10:00 fired"));
}

TEST_F(ZoneChange, ARestartAfterItGoesByTheNewRules) {
  Schedule("0 12 * * *");
  GoTo(5, 9, 0);
  MoveTo("Etc/GMT-2");
  engine_.CrashAndRestart();
  GoTo(6, 0, 0);
  EXPECT_THAT(Decisions(), ElementsAre("5T10:00 at 10:00 fired"));
}

}  // namespace
}  // namespace routines
