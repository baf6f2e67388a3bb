// Limits, overlap, loop guard, chains and spending, through the whole engine.
#include "routines/limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "routines/engine.h"
#include "routines/testing/test_engine.h"

namespace routines {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kTrigger[] = "trig_01LIMITS";
constexpr char kAlert[] = R"(
name: alert
prompt: Look.
triggers: [{id: trig_01LIMITS, api: {}}]
)";

std::string Builds(const std::string& name, const std::string& more = "",
                   const std::string& trigger = "") {
  return absl::StrCat("name: ", name, "\nprompt: Look.\n", more,
                      "triggers: [{id: build, custom: {source: ci", trigger, "}}]\n");
}

DeliverRequest Build(int number, const std::string& account = "") {
  DeliverRequest request;
  request.event.set_source("ci");
  request.event.set_type("build");
  request.event.set_account(account);
  request.event.set_external_id(absl::StrCat("build-", number));
  return request;
}

std::map<v1::DecisionReason, int> Count(Engine& engine, const std::string& routine) {
  std::map<v1::DecisionReason, int> counts;
  DecisionQuery query{.account = "default", .routine = routine, .limit = 1000};
  for (;;) {
    const auto page = engine.ListDecisions(query);
    EXPECT_TRUE(page.ok()) << page.status();
    if (!page.ok() || page->empty()) return counts;
    for (const v1::Decision& decision : *page) ++counts[decision.reason()];
    query.before = page->back().sequence();
  }
}

int Total(const std::map<v1::DecisionReason, int>& counts) {
  int total = 0;
  for (const auto& [reason, count] : counts) total += count;
  return total;
}

// ---- API fires ----

TEST(Limits, FiresOverTheLimitAreRefusedWithTheTimeOfTheNext) {
  testing::TestEngine engine;
  engine.PutYaml(kAlert);
  for (int i = 0; i < 30; ++i) {
    ASSERT_TRUE(engine->Fire({.trigger_id = kTrigger}).ok());
    engine.AdvanceTime(absl::Seconds(1));
  }
  const absl::Status refused =
      engine->Fire({.trigger_id = kTrigger, .idempotency_key = "key"}).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("30 of 30 API fires an hour"));
  const std::optional<absl::Time> retry = RetryTime(refused);
  ASSERT_TRUE(retry.has_value());
  EXPECT_EQ(*retry - engine.clock().TimeNow(), absl::Minutes(60) - absl::Seconds(30));
  engine.AdvanceTime(*retry - engine.clock().TimeNow() - absl::Seconds(1));
  EXPECT_FALSE(engine->Fire({.trigger_id = kTrigger}).ok());
  engine.AdvanceTime(absl::Seconds(1));
  EXPECT_TRUE(engine->Fire({.trigger_id = kTrigger, .idempotency_key = "key"}).ok());
  EXPECT_FALSE(engine->Fire({.trigger_id = kTrigger}).ok());
  EXPECT_EQ(RetryTime(absl::ResourceExhaustedError("no")), std::nullopt);
}

TEST(Limits, HoldAfterACrash) {
  EngineOptions options;
  options.limits.fires_per_hour_routine = 2;
  testing::TestEngine engine(options);
  engine.PutYaml(kAlert);
  EXPECT_TRUE(engine->Fire({.trigger_id = kTrigger}).ok());
  engine.CrashAndRestart();
  EXPECT_TRUE(engine->Fire({.trigger_id = kTrigger}).ok());
  engine.CrashAndRestart();
  EXPECT_FALSE(engine->Fire({.trigger_id = kTrigger}).ok());
}

TEST(Limits, ByHandIsNeverStoppedButCountsInTheDay) {
  EngineOptions options;
  options.limits.sessions_per_day_account = 2;
  testing::TestEngine engine(options);
  engine.PutYaml(kAlert);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(engine->Run("default", "alert").ok());
  EXPECT_EQ(engine->Fire({.trigger_id = kTrigger}).status().code(),
            absl::StatusCode::kResourceExhausted);
  engine.AdvanceTime(absl::Hours(24));
  EXPECT_TRUE(engine->Fire({.trigger_id = kTrigger}).ok());
}

TEST(Limits, MeteredOverageLetsTheDayGoOn) {
  EngineOptions options;
  options.limits.sessions_per_day_account = 1;
  options.limits.metered_overage = true;
  testing::TestEngine engine(options);
  engine.PutYaml(kAlert);
  EXPECT_FALSE(engine->GetSession(engine->Fire({.trigger_id = kTrigger})->session_id)->metered());
  EXPECT_TRUE(engine->GetSession(engine->Fire({.trigger_id = kTrigger})->session_id)->metered());
}

// ---- schedules and events ----

TEST(Limits, ScheduledRunsOverTheLimitWait) {
  EngineOptions options;
  options.limits.scheduled_per_hour_account = 2;
  testing::TestEngine engine(options);
  for (int i = 0; i < 5; ++i) {
    engine.PutYaml(absl::StrCat("name: nightly-", i, "\nprompt: Go.\ntriggers: [{id: t, schedule: ",
                                "{cron: '0 2 * * *'}}]\n"));
  }
  engine.AdvanceTime(absl::Hours(24));
  const auto sessions = engine->ListSessions({});
  ASSERT_THAT(*sessions, SizeIs(5));
  std::map<int64_t, int> starts;
  for (const v1::Session& session : *sessions) {
    EXPECT_EQ(session.state(), v1::SESSION_STATE_SUCCEEDED);
    ++starts[(session.prepare_time().seconds() / 3600) % 24];
  }
  EXPECT_THAT(starts, ElementsAre(std::pair(2, 2), std::pair(3, 2), std::pair(4, 1)));
}

// Each decision is counted once, by what it is in the end.
void CountsWhatWaitedWhenItIsFinal(std::shared_ptr<Store> store) {
  EngineOptions options;
  options.store = std::move(store);
  options.limits.custom_per_hour_routine = 1;
  options.limits.expire_after = absl::Hours(3);
  testing::TestEngine engine(options);
  const auto deliver = [&](int first, int last) {
    for (int number = first; number <= last; ++number) {
      ASSERT_TRUE(engine->Deliver(Build(number)).ok());
    }
  };
  const auto counts = [&] {
    std::map<std::string, int64_t> all = engine->Stats().decisions;
    all["deferred"] = engine->Stats().decisions_deferred;
    return all;
  };
  using Counts = std::map<std::string, int64_t>;
  engine.PutYaml(Builds("defers"));
  deliver(1, 5);
  engine.RunUntilIdle();
  EXPECT_EQ(counts(), (Counts{{"fired", 1}, {"expired", 1}, {"deferred", 3}}));
  engine.AdvanceTime(absl::Hours(1));
  EXPECT_EQ(counts(), (Counts{{"fired", 2}, {"expired", 1}, {"deferred", 3}}));
  ASSERT_TRUE(engine->SetRoutinePaused("default", "defers", true).ok());
  EXPECT_EQ(counts(), (Counts{{"fired", 2}, {"expired", 1}, {"paused", 2}, {"deferred", 3}}));
  EXPECT_EQ(Total(Count(*engine, "defers")), 5);
  deliver(6, 6);
  EXPECT_EQ(counts()["paused"], 3);

  engine.PutYaml(Builds("coalesces", "", ", over_limit: coalesce"));
  deliver(7, 9);  // and three are paused
  engine.RunUntilIdle();
  EXPECT_EQ(
      counts(),
      (Counts{{"fired", 3}, {"expired", 1}, {"paused", 6}, {"coalesced", 1}, {"deferred", 5}}));
  engine.CrashAndRestart();  // the new one counts what it decides
  engine.clock().AdvanceTime(absl::Hours(4));
  engine.RunUntilIdle();
  EXPECT_EQ(counts(), (Counts{{"expired", 1}, {"deferred", 0}}));
}

TEST(Limits, CountsWhatWaitedWhenItIsFinalInMemory) {
  CountsWhatWaitedWhenItIsFinal(NewMemoryStore());
}

// Waits for each update, so that simulated time does not run away from a store with a thread.
class WaitingStore : public Store {
 public:
  explicit WaitingStore(std::unique_ptr<Store> store) : store_(std::move(store)) {}

  void Admit(Admission admission, AdmitDone done) override {
    store_->Admit(std::move(admission), std::move(done));
  }
  absl::StatusOr<std::vector<v1::Session>> Lease(const LeaseRequest& request) override {
    return store_->Lease(request);
  }
  void Update(SessionUpdate update, UpdateDone done) override {
    absl::Notification notified;
    store_->Update(std::move(update), [&](absl::StatusOr<Updated> updated) {
      done(std::move(updated));
      notified.Notify();
    });
    notified.WaitForNotification();
  }
  absl::Status Save(const Change& change) override { return store_->Save(change); }
  absl::StatusOr<Rows> Read(const Query& query) override { return store_->Read(query); }

 private:
  const std::unique_ptr<Store> store_;
};

// Deliveries `first` to `last`, in flight together; each is stored when this returns.
void DeliverAll(Engine& engine, int first, int last) {
  absl::BlockingCounter left(last - first + 1);
  for (int number = first; number <= last; ++number) {
    engine.DeliverAsync(Build(number), [&](absl::StatusOr<DeliverResult> delivered) {
      EXPECT_TRUE(delivered.ok()) << delivered.status();
      left.DecrementCount();
    });
  }
  left.Wait();
}

TEST(Limits, CountsWhatWaitedWhenItIsFinalInSqlite) {
  std::string folder = ::testing::TempDir() + "routines_counts_XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  auto store = OpenSqliteStore({.path = folder + "/state.db"});
  ASSERT_TRUE(store.ok()) << store.status();
  CountsWhatWaitedWhenItIsFinal(std::make_shared<WaitingStore>(*std::move(store)));
  std::filesystem::remove_all(folder);
}

// The flood: whatever is sent has one decision, and is a session or not, after a crash too.
void Flood(std::unique_ptr<Store> store, int hours) {
  constexpr int kSent = 10'000, kBatch = 250;
  EngineOptions options;
  options.store = std::make_shared<WaitingStore>(std::move(store));
  options.limits.custom_per_hour_account = 0;
  options.limits.expire_after = absl::Hours(hours);
  testing::TestEngine engine(std::move(options));
  engine.PutYaml(Builds("defers"));
  engine.PutYaml(Builds("coalesces", "", ", over_limit: coalesce"));
  engine.PutYaml(Builds("drops", "", ", over_limit: drop"));
  for (int number = kBatch; number <= kSent; number += kBatch) {
    DeliverAll(*engine, number - kBatch + 1, number);
    if (number == 2'500 || number == 7'500) {
      engine.CrashAndRestart();
      EXPECT_TRUE(engine->Deliver(Build(number))->duplicate);
    }
    if (number == 5'000) engine.AdvanceTime(absl::Minutes(90));
  }
  for (const char* const routine : {"defers", "coalesces", "drops"}) {
    EXPECT_EQ(Total(Count(*engine, routine)), kSent) << routine;
  }
  engine.AdvanceTime(absl::Hours(hours + 2));

  auto defers = Count(*engine, "defers");
  EXPECT_EQ(Total(defers), kSent);
  EXPECT_EQ(defers[v1::DECISION_REASON_LIMIT], 0) << "something waits for ever";
  EXPECT_EQ(defers[v1::DECISION_REASON_FIRED] + defers[v1::DECISION_REASON_EXPIRED], kSent);
  EXPECT_GE(defers[v1::DECISION_REASON_FIRED], (hours + 1) * 60);
  auto drops = Count(*engine, "drops");
  EXPECT_EQ(drops[v1::DECISION_REASON_FIRED], 120);
  EXPECT_EQ(drops[v1::DECISION_REASON_LIMIT], kSent - 120);
  auto coalesces = Count(*engine, "coalesces");
  EXPECT_EQ(coalesces[v1::DECISION_REASON_FIRED] + coalesces[v1::DECISION_REASON_COALESCED], kSent);

  std::map<std::string, std::vector<int64_t>> starts;
  SessionQuery query{.limit = 1000};
  for (;;) {
    const auto page = engine->ListSessions(query);
    if (page->empty()) break;
    for (const v1::Session& session : *page) {
      EXPECT_EQ(session.state(), v1::SESSION_STATE_SUCCEEDED);
      starts[session.routine()].push_back(session.prepare_time().seconds());
    }
    query.before_id = page->back().id();
  }
  EXPECT_EQ(starts["defers"].size(), static_cast<size_t>(defers[v1::DECISION_REASON_FIRED]));
  EXPECT_EQ(starts["drops"].size(), 120u);
  for (auto& [routine, times] : starts) {
    std::sort(times.begin(), times.end());
    for (size_t i = 60; i < times.size(); ++i) EXPECT_GE(times[i] - times[i - 60], 3600) << routine;
  }
}

TEST(Limits, AFloodIsAccountedForInMemory) {
  Flood(NewMemoryStore(), 24);
}

TEST(Limits, AFloodIsAccountedForInSqlite) {
  std::string folder = ::testing::TempDir() + "routines_flood_XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  auto store = OpenSqliteStore({.path = folder + "/state.db"});
  ASSERT_TRUE(store.ok()) << store.status();
  Flood(*std::move(store), 4);
  std::filesystem::remove_all(folder);
}

// ---- overlap ----

TEST(Overlap, SkipHoldsWithTwoEnginesOnOneStore) {
  EngineOptions options;
  options.store = NewMemoryStore();
  options.executors["fake"] = testing::FakeExecutor::Holding();
  testing::TestEngine one(options);
  one.PutYaml(absl::StrCat(kAlert, "overlap: skip\n"));
  testing::TestEngine other(options);
  const auto fired = one->Fire({.trigger_id = kTrigger});
  ASSERT_TRUE(fired.ok());
  const absl::Status skipped = other->Fire({.trigger_id = kTrigger}).status();
  EXPECT_EQ(skipped.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(skipped.message()), HasSubstr(fired->session_id));
  one.RunUntilIdle();
  EXPECT_FALSE(other->Fire({.trigger_id = kTrigger}).ok());
  ASSERT_TRUE(one.executor().Finish(fired->session_id, Outcome::Success()));
  one.RunUntilIdle();
  EXPECT_TRUE(other->Fire({.trigger_id = kTrigger}).ok());
}

TEST(Overlap, QueueRunsOneAfterTheOther) {
  EngineOptions options;
  options.executors["fake"] = testing::FakeExecutor::Holding();
  testing::TestEngine engine(options);
  engine.PutYaml(absl::StrCat(kAlert, "overlap: queue\n"));
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) ids.push_back(engine->Fire({.trigger_id = kTrigger})->session_id);
  for (const std::string& id : ids) {
    engine.RunUntilIdle();
    EXPECT_EQ(engine->Stats().sessions_running, 1);
    ASSERT_TRUE(engine.executor().Finish(id, Outcome::Success())) << "not in order";
  }
}

TEST(Overlap, CancelRunningEndsTheEarlierOne) {
  EngineOptions options;
  options.executors["fake"] = testing::FakeExecutor::Holding();
  testing::TestEngine engine(options);
  engine.PutYaml(absl::StrCat(kAlert, "overlap: cancel_running\n"));
  const std::string first = engine->Fire({.trigger_id = kTrigger})->session_id;
  engine.RunUntilIdle();
  const std::string second = engine->Fire({.trigger_id = kTrigger})->session_id;
  engine.AdvanceTime(absl::Minutes(1));
  EXPECT_EQ(engine->GetSession(first)->state(), v1::SESSION_STATE_CANCELLED);
  EXPECT_EQ(engine->GetSession(second)->state(), v1::SESSION_STATE_RUNNING);
}

// ---- lineage ----

TEST(LoopGuard, AFireThatSaysItsSessionIsStoppedAtTheDepth) {
  testing::TestEngine engine;
  engine.PutYaml(kAlert);
  std::string session;
  for (int depth = 0; depth <= 3; ++depth) {
    const auto fired = engine->Fire({.trigger_id = kTrigger, .session_id = session});
    ASSERT_TRUE(fired.ok()) << depth << ": " << fired.status();
    session = fired->session_id;
  }
  const absl::Status stopped =
      engine->Fire({.trigger_id = kTrigger, .session_id = session}).status();
  EXPECT_THAT(std::string(stopped.message()), HasSubstr("at most 3 may follow one another"));
  EXPECT_EQ(Count(*engine, "alert")[v1::DECISION_REASON_LOOP_GUARD], 1);
}

TEST(Chain, TheEndOfASessionStartsAnotherRoutine) {
  testing::TestEngine engine;
  engine.PutYaml(kAlert);
  engine.PutYaml(R"(
name: after
prompt: Report.
triggers:
  - id: done
    custom:
      source: session
      type: succeeded
      filters: [{field: routine, operator: equals, value: alert}]
)");
  const auto fired = engine->Fire({.trigger_id = kTrigger});
  engine.RunUntilIdle();
  const auto after = engine->ListSessions({.account = "default", .routine = "after"});
  ASSERT_THAT(*after, SizeIs(1));
  EXPECT_EQ(after->front().lineage().session_id(), fired->session_id);
  EXPECT_EQ(after->front().state(), v1::SESSION_STATE_SUCCEEDED);
  EXPECT_EQ(Count(*engine, "after")[v1::DECISION_REASON_FIRED], 1) << "its own end does not match";
}

TEST(Chain, ALoopOfRoutinesEndsInAVisibleDecision) {
  testing::TestEngine engine;
  engine.PutYaml(kAlert);
  engine.PutYaml("name: again\nprompt: Go.\ntriggers: [{id: t, custom: {source: session}}]\n");
  ASSERT_TRUE(engine->Fire({.trigger_id = kTrigger}).ok());
  engine.RunUntilIdle();
  auto counts = Count(*engine, "again");
  EXPECT_EQ(counts[v1::DECISION_REASON_FIRED], 3);
  EXPECT_EQ(counts[v1::DECISION_REASON_LOOP_GUARD], 1);
}

TEST(Chain, TheSourceIsTheEnginesOwn) {
  testing::TestEngine engine;
  DeliverRequest request = Build(1);
  request.event.set_source("session");
  EXPECT_EQ(engine->Deliver(request).status().code(), absl::StatusCode::kInvalidArgument);
}

// ---- spending ----

TEST(Spending, ARoutineThatHasCostItsDayIsPausedAndSaysSo) {
  EngineOptions options;
  options.executors["fake"] =
      std::make_shared<testing::FakeExecutor>([](std::shared_ptr<Execution> execution) {
        v1::SessionEvent event;
        event.mutable_usage()->set_cost_usd(2);
        execution->log().Append(std::move(event));
        execution->Finish(Outcome::Success());
      });
  testing::TestEngine engine(options);
  engine.PutYaml(absl::StrCat(kAlert, "limits: {max_cost_usd_per_day: 3}\n"));
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(engine->Fire({.trigger_id = kTrigger}).ok());
    engine.RunUntilIdle();
  }
  const absl::Status paused = engine->Fire({.trigger_id = kTrigger}).status();
  EXPECT_THAT(std::string(paused.message()), HasSubstr("cost 4.00 USD; at most 3.00"));
  EXPECT_THAT(engine->GetRoutine("default", "alert")->pause_reason(), HasSubstr("4.00 USD"));
  ASSERT_TRUE(engine->SetRoutinePaused("default", "alert", false).ok());
  EXPECT_TRUE(engine->Fire({.trigger_id = kTrigger}).ok());
}

// ---- explaining ----

TEST(Explain, TellsTheLimitAndTheOverlapOfNow) {
  EngineOptions options;
  options.limits.custom_per_hour_routine = 1;
  options.executors["fake"] = testing::FakeExecutor::Holding();
  testing::TestEngine engine(options);
  engine.PutYaml(Builds("defers"));
  engine.PutYaml(Builds("skips", "overlap: skip\n", ", over_limit: coalesce"));
  const auto delivered = engine->Deliver(Build(1));
  ASSERT_TRUE(delivered.ok());
  const auto limited = engine->ExplainEvent(delivered->event_id, "default", "defers");
  ASSERT_TRUE(limited.ok()) << limited.status();
  ASSERT_THAT(limited->gates, SizeIs(1));
  EXPECT_EQ(limited->gates[0].reason(), v1::DECISION_REASON_LIMIT);
  EXPECT_THAT(limited->gates[0].detail(), HasSubstr("1 of 1 sessions of custom events"));
  EXPECT_EQ(limited->decisions.at(0).reason(), v1::DECISION_REASON_FIRED);
  EXPECT_EQ(engine->ExplainEvent(delivered->event_id, "default", "skips")->gates.at(0).reason(),
            v1::DECISION_REASON_OVERLAP);
  EXPECT_THAT(*engine->ListSessions({}), SizeIs(2)) << "explaining must change nothing";
}

// ---- the names ----

TEST(LimitOptions, AreReadFromText) {
  LimitOptions limits;
  ASSERT_TRUE(ReadLimits("# of a test\nfires_per_hour_routine: 5\n\nexpire_after: 90m  # short\n"
                         "metered_overage: true\nmax_cost_usd_per_day_routine: 2.5\n",
                         limits)
                  .ok());
  EXPECT_EQ(limits.fires_per_hour_routine, 5);
  EXPECT_EQ(limits.expire_after, absl::Minutes(90));
  EXPECT_TRUE(limits.metered_overage);
  EXPECT_EQ(limits.max_cost_usd_per_day_routine, 2.5);
  EXPECT_EQ(limits.fires_per_hour_account, 100);
}

TEST(LimitOptions, WhatIsWrongIsToldByLineAndNothingIsSet) {
  LimitOptions limits;
  const absl::Status status = ReadLimits(
      "fires_per_hour_routine: 5\nfires: 3\nmetered_overage: yes\nexpire_after: -1h\n", limits);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  for (const char* const told :
       {"line 2: \"fires\" is no limit", "line 3: metered_overage: \"yes\"",
        "line 4: expire_after: \"-1h\""}) {
    EXPECT_THAT(std::string(status.message()), HasSubstr(told));
  }
  EXPECT_EQ(limits.fires_per_hour_routine, 30);
  for (const std::string& name : LimitNames()) {
    EXPECT_FALSE(SetLimit(name, "-1", limits).ok()) << name;
  }
}

}  // namespace
}  // namespace routines
