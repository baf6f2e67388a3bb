// Schedules through a whole engine: instants become sessions once, whatever happens meanwhile.
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "routines/routine.h"
#include "routines/store.h"
#include "routines/testing/test_engine.h"
#include "src/base/time_conversion.h"
#include "src/engine/admission.h"

namespace routines {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing::TestEngine;

// Hands everything on, but for the admissions that are to fail; counts.
class FaultyStore : public Store {
 public:
  void Admit(Admission admission, AdmitDone done) override {
    ++admissions;
    const bool before = fail_before > 0 && fail_before-- > 0;
    const bool after = !before && fail_after > 0 && fail_after-- > 0;
    if (before) return done(absl::UnavailableError("not stored"));
    store_->Admit(std::move(admission), [after, done](absl::StatusOr<Admitted> admitted) {
      if (after) return done(absl::UnavailableError("stored, and nobody knows"));
      done(std::move(admitted));
    });
  }
  absl::StatusOr<std::vector<v1::Session>> Lease(const LeaseRequest& request) override {
    return store_->Lease(request);
  }
  void Update(SessionUpdate update, UpdateDone done) override {
    store_->Update(std::move(update), std::move(done));
  }
  absl::Status Save(const Change& change) override {
    ++saves;
    return store_->Save(change);
  }
  absl::StatusOr<Rows> Read(const Query& query) override { return store_->Read(query); }

  int fail_before = 0, fail_after = 0, admissions = 0, saves = 0;

 private:
  const std::unique_ptr<Store> store_ = NewMemoryStore();
};

EngineOptions On(std::shared_ptr<Store> store) {
  EngineOptions options;
  options.store = std::move(store);
  return options;
}

std::string Yaml(const std::string& schedule, const std::string& name = "nightly",
                 const std::string& prompt = "Look.") {
  return absl::StrCat("name: ", name, "\nprompt: ", prompt, "\ntriggers: [{id: a, schedule: {",
                      schedule, "}}]\n");
}

// "10:00 fired", … in the order of the instants.
std::vector<std::string> Decisions(TestEngine& engine, const std::string& routine = "nightly") {
  std::map<std::string, std::string> by_instant;
  const auto decisions = engine->ListDecisions({.routine = routine, .limit = 100'000});
  EXPECT_TRUE(decisions.ok()) << decisions.status();
  for (const v1::Decision& decision : *decisions) {
    const auto event = engine->GetEvent(decision.event_id());
    EXPECT_TRUE(event.ok()) << event.status();
    EXPECT_EQ(event->source(), "schedule");
    const std::string& instant = event->external_id();
    EXPECT_EQ(by_instant.count(instant), 0u) << "two decisions for " << instant;
    by_instant[instant] = std::string(DecisionName(decision.reason()));
  }
  std::vector<std::string> texts;
  for (const auto& [instant, reason] : by_instant) {
    texts.push_back(absl::StrCat(instant.substr(11, 5), " ", reason));
  }
  return texts;
}

std::vector<v1::Session> Sessions(TestEngine& engine) {
  return *engine->ListSessions({.limit = 100'000});
}

// A round hour to begin at.
void GoToMidnight(TestEngine& engine) {
  const absl::Time now = engine.clock().TimeNow();
  const absl::Time midnight =
      absl::UnixEpoch() + absl::Ceil(now - absl::UnixEpoch(), absl::Hours(24));
  engine.AdvanceTime(midnight - now);
}

TEST(Scheduler, StartsASessionAtEachInstant) {
  TestEngine engine;
  GoToMidnight(engine);
  engine.PutYaml(Yaml("cron: '0 */2 * * *'"));
  engine.AdvanceTime(absl::Hours(5));
  EXPECT_THAT(Decisions(engine), ElementsAre("02:00 fired", "04:00 fired"));
  const std::vector<v1::Session> sessions = Sessions(engine);
  ASSERT_THAT(sessions, SizeIs(2));
  EXPECT_EQ(sessions[0].state(), v1::SESSION_STATE_SUCCEEDED);
  EXPECT_EQ(absl::FromUnixSeconds(sessions[0].create_time().seconds()),
            engine.clock().TimeNow() - absl::Hours(1));
}

TEST(Scheduler, RunsEachInstantOnceAfterRestart) {
  TestEngine engine;
  GoToMidnight(engine);
  engine.PutYaml(Yaml("cron: '0 * * * *'"));
  engine.AdvanceTime(absl::Minutes(60));
  for (int i = 0; i < 3; ++i) {
    engine.CrashAndRestart();
    engine.RunUntilIdle();
  }
  engine.AdvanceTime(absl::Minutes(60));
  engine.CrashAndRestart();
  engine.RunUntilIdle();
  EXPECT_THAT(Decisions(engine), ElementsAre("01:00 fired", "02:00 fired"));
  EXPECT_THAT(Sessions(engine), SizeIs(2));
}

TEST(Scheduler, CatchesUpAfterTheEngineWasDown) {
  TestEngine engine;
  GoToMidnight(engine);
  engine.PutYaml(Yaml("cron: '0 * * * *'"));
  engine.PutYaml(Yaml("cron: '0 * * * *', catch_up: skip", "never-late"));
  engine.AdvanceTime(absl::Minutes(70));
  engine.clock().AdvanceTime(absl::Hours(3));  // nobody looks
  engine.CrashAndRestart();
  engine.RunUntilIdle();
  EXPECT_THAT(Decisions(engine), ElementsAre("01:00 fired", "02:00 caught_up_skipped",
                                             "03:00 caught_up_skipped", "04:00 fired"));
  EXPECT_THAT(Decisions(engine, "never-late"),
              ElementsAre("01:00 fired", "02:00 caught_up_skipped", "03:00 caught_up_skipped",
                          "04:00 caught_up_skipped"));
}

TEST(Scheduler, KeepsAnInstantThatWasDueWhenTheEngineDied) {
  TestEngine engine;
  GoToMidnight(engine);
  engine.PutYaml(Yaml("cron: '0 * * * *'"));
  engine.RunUntilIdle();
  engine.clock().AdvanceTime(absl::Minutes(61));
  engine.PutYaml(Yaml("cron: '0 * * * *'", "nightly", "Look twice."));  // before anybody looked
  engine.CrashAndRestart();
  engine.RunUntilIdle();
  EXPECT_THAT(Decisions(engine), ElementsAre("01:00 fired"));
  EXPECT_EQ(Sessions(engine)[0].revision(), 2);
}

TEST(Scheduler, KeepsAnInstantThatWaitsForItsSpreadOverARestart) {
  TestEngine engine;
  GoToMidnight(engine);
  engine.PutYaml(
      "name: nightly\nprompt: Look.\ntriggers:\n"
      "  - {id: trig_spread0001, schedule: {cron: '0 * * * *', spread: 30m}}\n");
  engine.PutYaml(Yaml("cron: '1 * * * *'", "other"));  // its instants move the watermark
  engine.AdvanceTime(absl::Minutes(60));
  for (int i = 0; i < 3; ++i) {
    engine.AdvanceTime(absl::Minutes(1));
    EXPECT_THAT(Decisions(engine), SizeIs(i));  // the spread is longer than that
    engine.CrashAndRestart();
    engine.AdvanceTime(absl::Minutes(59));
  }
  EXPECT_THAT(Decisions(engine), ElementsAre("01:00 fired", "02:00 fired", "03:00 fired"));
}

TEST(Scheduler, SaysWhenEachScheduleIsDueNextAndWhichHaveEnded) {
  TestEngine engine;
  GoToMidnight(engine);
  const absl::Time midnight = engine.clock().TimeNow();
  const auto yaml = [](const std::string& at) {
    return absl::StrCat(
        "name: nightly\nprompt: Look.\ntriggers:\n"
        "  - {id: hourly, schedule: {cron: '0 * * * *'}}\n"
        "  - {id: trig_spread0001, schedule: {cron: '0 * * * *', spread: 30m}}\n"
        "  - {id: off, disabled: true, schedule: {cron: '0 * * * *'}}\n"
        "  - {id: call, api: {}}\n"
        "  - {id: launch, schedule: {at: '",
        at, "'}}\n");
  };
  const absl::Time launch = midnight + absl::Minutes(90);
  const auto rfc3339 = [](absl::Time time) { return absl::FormatTime(time, absl::UTCTimeZone()); };

  const v1::SavedRoutine saved = engine.PutYaml(yaml(rfc3339(launch)));
  EXPECT_EQ(FromProto(saved.triggers(0).next_time()), midnight + absl::Hours(1));
  const absl::Time spread = FromProto(saved.triggers(1).next_time());
  EXPECT_GT(spread, midnight + absl::Hours(1));
  for (const int never : {2, 3}) {
    EXPECT_FALSE(saved.triggers(never).has_next_time() || saved.triggers(never).ended()) << never;
  }
  EXPECT_EQ(FromProto(saved.triggers(4).next_time()), launch);
  EXPECT_FALSE(saved.triggers(4).ended());

  engine.AdvanceTime(spread - midnight - absl::Seconds(1));  // the spread is not over yet
  EXPECT_EQ(FromProto(engine->ListRoutines()->front().triggers(1).next_time()), spread);
  engine.AdvanceTime(absl::Seconds(1));
  EXPECT_EQ(FromProto(engine->ListRoutines()->front().triggers(1).next_time()),
            spread + absl::Hours(1));
  engine.AdvanceTime(launch - engine.clock().TimeNow());
  EXPECT_TRUE(engine->GetRoutine("default", "nightly")->triggers(4).ended());
  EXPECT_FALSE(engine->GetRoutine("default", "nightly")->triggers(4).has_next_time());
  EXPECT_TRUE(engine.PutYaml(yaml(rfc3339(launch))).triggers(4).ended());  // as it was
  EXPECT_EQ(engine->GetRoutine("default", "nightly")->revision(), 1);

  const v1::SavedRoutine armed = engine.PutYaml(yaml(rfc3339(launch + absl::Hours(24))));
  EXPECT_FALSE(armed.triggers(4).ended());
  EXPECT_EQ(FromProto(armed.triggers(4).next_time()), launch + absl::Hours(24));
  EXPECT_EQ(engine->GetRoutine("default", "nightly", 1)->triggers(4).ended(), false);  // history
  engine.AdvanceTime(absl::Hours(24));
  EXPECT_TRUE(engine->GetRoutine("default", "nightly")->triggers(4).ended());
  const std::string one_off = armed.triggers(4).trigger_id();
  int launches = 0;
  for (const v1::Session& session : Sessions(engine)) launches += session.trigger_id() == one_off;
  EXPECT_EQ(launches, 2);
}

TEST(Scheduler, CountsANewScheduleFromItsSaveOn) {
  TestEngine engine;
  GoToMidnight(engine);
  engine.PutYaml(Yaml("cron: '0 * * * *'"));
  engine.AdvanceTime(absl::Minutes(90));
  engine.PutYaml(Yaml("cron: '15 * * * *'"));
  engine.CrashAndRestart();
  engine.RunUntilIdle();
  EXPECT_THAT(Decisions(engine), ElementsAre("01:00 fired"));
  engine.AdvanceTime(absl::Minutes(60));
  EXPECT_THAT(Decisions(engine), ElementsAre("01:00 fired", "02:15 fired"));
}

TEST(Scheduler, StartsOneSessionWithSeveralEnginesOnOneStore) {
  const auto store = std::make_shared<FaultyStore>();
  TestEngine first(On(store));
  GoToMidnight(first);
  first.PutYaml(Yaml("cron: '0 * * * *'"));
  TestEngine second(On(store));
  second.clock().AdvanceTime(first.clock().TimeNow() - second.clock().TimeNow());
  for (int i = 0; i < 5; ++i) {
    first.AdvanceTime(absl::Hours(1));
    second.AdvanceTime(absl::Hours(1));
  }
  EXPECT_EQ(store->admissions, 10);
  EXPECT_THAT(Decisions(first), SizeIs(5));
  EXPECT_THAT(Sessions(first), SizeIs(5));
}

TEST(Scheduler, TriesAgainUntilTheStoreHasTheInstant) {
  const auto store = std::make_shared<FaultyStore>();
  TestEngine engine(On(store));
  GoToMidnight(engine);
  engine.PutYaml(Yaml("cron: '0 * * * *'"));
  store->fail_before = 5;
  engine.AdvanceTime(absl::Minutes(60));
  EXPECT_THAT(Decisions(engine), IsEmpty());
  engine.AdvanceTime(absl::Minutes(2));
  EXPECT_THAT(Decisions(engine), ElementsAre("01:00 fired"));
  store->fail_after = 3;
  engine.AdvanceTime(absl::Minutes(60));
  EXPECT_THAT(Decisions(engine), ElementsAre("01:00 fired", "02:00 fired"));
  EXPECT_THAT(Sessions(engine), SizeIs(2));
}

TEST(Scheduler, LosesNothingWhenItDiesBeforeTheStoreHadTheInstant) {
  const auto store = std::make_shared<FaultyStore>();
  TestEngine engine(On(store));
  GoToMidnight(engine);
  engine.PutYaml(Yaml("cron: '0 * * * *', catch_up: all"));
  engine.AdvanceTime(absl::Minutes(70));
  store->fail_before = 1000;
  engine.AdvanceTime(absl::Hours(2));
  store->fail_before = 0;
  engine.CrashAndRestart();
  engine.RunUntilIdle();
  EXPECT_THAT(Decisions(engine), ElementsAre("01:00 fired", "02:00 fired", "03:00 fired"));
}

TEST(Scheduler, FiresNothingTwiceWhenTheClockIsStepped) {
  TestEngine engine;
  GoToMidnight(engine);
  engine.PutYaml(Yaml("cron: '0 * * * *', catch_up: all"));
  engine.AdvanceTime(absl::Minutes(55));
  engine.AdvanceTime(absl::Minutes(10));  // 01:05
  engine.clock().AdvanceTime(-absl::Minutes(10));
  engine.RunUntilIdle();                   // 00:55 once more
  engine.AdvanceTime(absl::Minutes(130));  // 03:05
  engine.clock().AdvanceTime(-absl::Hours(3));
  engine.CrashAndRestart();            // 00:05, with a watermark of the future
  engine.AdvanceTime(absl::Hours(4));  // 04:05
  EXPECT_THAT(Decisions(engine),
              ElementsAre("01:00 fired", "02:00 fired", "03:00 fired", "04:00 fired"));
  EXPECT_THAT(Sessions(engine), SizeIs(4));
}

TEST(Scheduler, RecordsTheInstantsOfAPausedRoutine) {
  TestEngine engine;
  GoToMidnight(engine);
  engine.PutYaml(Yaml("cron: '0 * * * *'"));
  ASSERT_TRUE(engine->SetRoutinePaused("default", "nightly", true).ok());
  engine.AdvanceTime(absl::Minutes(61));
  ASSERT_TRUE(engine->SetRoutinePaused("default", "nightly", false).ok());
  engine.AdvanceTime(absl::Minutes(60));
  EXPECT_THAT(Decisions(engine), ElementsAre("01:00 paused", "02:00 fired"));
}

TEST(Scheduler, StopsWithTheRoutine) {
  TestEngine engine;
  GoToMidnight(engine);
  engine.PutYaml(Yaml("cron: '0 * * * *'"));
  engine.AdvanceTime(absl::Minutes(61));
  ASSERT_TRUE(engine->DeleteRoutine("default", "nightly").ok());
  engine.AdvanceTime(absl::Hours(3));
  EXPECT_THAT(Sessions(engine), SizeIs(1));
}

TEST(Scheduler, ArmsAOnceAgainWithANewTime) {
  TestEngine engine;
  GoToMidnight(engine);
  const auto at = [&](int hours) {
    return absl::StrCat(
        "at: '",
        absl::FormatTime(absl::RFC3339_sec, engine.clock().TimeNow() + absl::Hours(hours),
                         absl::UTCTimeZone()),
        "'");
  };
  engine.PutYaml(Yaml(at(1)));
  engine.AdvanceTime(absl::Hours(48));
  EXPECT_THAT(Decisions(engine), ElementsAre("01:00 fired"));
  engine.PutYaml(Yaml(at(2)));
  engine.AdvanceTime(absl::Hours(48));
  EXPECT_THAT(Decisions(engine), ElementsAre("01:00 fired", "02:00 fired"));
}

TEST(Scheduler, TakesTenThousandAtOneInstant) {
  EngineOptions options;
  options.limits.scheduled_per_hour_account = 0;
  TestEngine engine(std::move(options));
  GoToMidnight(engine);
  for (int i = 0; i < 10'000; ++i) {
    engine.PutYaml(Yaml("cron: '0 1 * * *'", absl::StrCat("r", i)));
  }
  engine.clock().AdvanceTime(absl::Hours(1));
  engine.RunUntilIdle();
  EXPECT_EQ(engine->Stats().decisions["fired"], 10'000);
  EXPECT_EQ(engine->Stats().sessions_ended["succeeded"], 10'000);
}

TEST(Scheduler, WritesNothingWhileNothingIsDue) {
  const auto store = std::make_shared<FaultyStore>();
  TestEngine engine(On(store));
  GoToMidnight(engine);
  engine.PutYaml(Yaml("cron: '0 12 * * *'"));
  engine.RunUntilIdle();
  const int saves = store->saves;
  engine.AdvanceTime(absl::Hours(11));
  EXPECT_EQ(store->saves, saves);
  EXPECT_EQ(store->admissions, 0);
}

TEST(Scheduler, RefusesSchedulesThatAreTooFast) {
  TestEngine engine;
  const auto load = [](const std::string& schedule) {
    return LoadRoutine(Yaml(schedule), "routine.yaml").routine;
  };
  const auto refused = engine->Put(load("cron: '*/20 9 * * *', time_zone: Europe/Berlin"));
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  const std::string message(refused.status().message());
  EXPECT_THAT(message, HasSubstr("triggers[0].schedule: fires at "));
  EXPECT_THAT(message, HasSubstr("T09:00:00+0"));
  EXPECT_THAT(message, HasSubstr("T09:20:00+0"));
  EXPECT_THAT(message, HasSubstr("more often than every 1h"));
  EngineOptions options;
  options.min_schedule_interval = absl::Minutes(20);
  TestEngine other(std::move(options));
  EXPECT_TRUE(other->Put(load("cron: '*/20 9 * * *'")).ok());
}

}  // namespace
}  // namespace routines
