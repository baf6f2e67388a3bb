// Part of routines/testing/conformance.h: lineage, what follows from a session's end, spending, and
// deletion of what is old.
#ifndef ROUTINES_TESTING_CONFORMANCE_ENDS_H_
#define ROUTINES_TESTING_CONFORMANCE_ENDS_H_

#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "routines/testing/conformance.h"

namespace routines::testing {

// ---- lineage ----

TEST_P(StoreConformanceTest, EachSessionIsOneDeeperUntilTheGuardStops) {
  AdmitRange(1, 1);
  for (int number = 2; number <= 4; ++number) {
    const absl::StatusOr<Admitted> admitted = Follow(number - 1, number);
    ASSERT_TRUE(admitted.ok());
    EXPECT_EQ(admitted->decisions[0].reason(), v1::DECISION_REASON_FIRED) << number;
    EXPECT_EQ(GetSession(Id("session", number))->lineage().depth(), number - 1);
  }
  const absl::StatusOr<Admitted> stopped = Follow(4, 5);
  ASSERT_TRUE(stopped.ok());
  EXPECT_EQ(stopped->decisions[0].reason(), v1::DECISION_REASON_LOOP_GUARD);
  EXPECT_TRUE(stopped->sessions.empty());
  const v1::Event event = Read(EventQuery{.id = Id("event", 5)}).events.at(0);
  EXPECT_EQ(event.lineage().depth(), 4);
  EXPECT_EQ(event.lineage().session_id(), Id("session", 4));
  EXPECT_EQ(event.lineage().root_event_id(), Id("event", 1));
}

TEST_P(StoreConformanceTest, NoMoreSessionsFollowThanMay) {
  AdmitRange(1, 1);
  for (int number = 2; number <= 4; ++number) {
    EXPECT_EQ(Follow(1, number, 0, 3)->decisions[0].reason(), v1::DECISION_REASON_FIRED);
  }
  EXPECT_EQ(Follow(1, 5, 0, 3)->decisions[0].reason(), v1::DECISION_REASON_LOOP_GUARD);
}

TEST_P(StoreConformanceTest, ACommitIsKnownByWhoPushedIt) {
  AdmitRange(1, 1);
  SessionUpdate update = MakeUpdate(Lease(1).at(0), std::nullopt);
  for (const bool accepted : {true, false}) {
    v1::Push& push = *update.events.emplace_back().mutable_push();
    push.set_accepted(accepted);
    push.set_new_commit(accepted ? "aaaa" : "bbbb");
  }
  ASSERT_TRUE(Update(update).ok());
  Admission pushed = MakeAdmission(2);
  pushed.cause.commits = {"cccc", "aaaa"};
  ASSERT_TRUE(Admit(pushed).ok());
  EXPECT_EQ(GetSession(Id("session", 2))->lineage().session_id(), Id("session", 1));
  Admission refused = MakeAdmission(3);
  refused.cause.commits = {"bbbb"};
  ASSERT_TRUE(Admit(refused).ok());
  EXPECT_FALSE(GetSession(Id("session", 3))->has_lineage());
}

TEST_P(StoreConformanceTest, ASessionOfAnotherAccountIsNotBelieved) {
  AdmitRange(1, 1);
  Admission admission = MakeAdmission(2);
  admission.event.set_account("beta");
  admission.cause.session_id = Id("session", 1);
  ASSERT_TRUE(Admit(admission).ok());
  EXPECT_FALSE(GetSession(Id("session", 2))->has_lineage());
}

// ---- ends ----

TEST_P(StoreConformanceTest, WhatFollowsFromAnEndIsAdmittedWithItOnce) {
  AdmitRange(1, 1);
  SessionUpdate end = MakeUpdate(Lease(1).at(0), v1::SESSION_STATE_SUCCEEDED);
  end.then = MakeAdmission(2);
  const absl::StatusOr<Updated> updated = Update(end);
  ASSERT_TRUE(updated.ok()) << updated.status();
  ASSERT_TRUE(updated->admitted.has_value());
  EXPECT_FALSE(updated->admitted->duplicate);
  EXPECT_TRUE(absl::IsAborted(Update(end).status()));
  EXPECT_EQ(Read(EventQuery{}).events.size(), 2u);
  SessionUpdate early = MakeUpdate(Lease(1).at(0), v1::SESSION_STATE_RUNNING);
  early.then = MakeAdmission(3);
  EXPECT_TRUE(absl::IsInvalidArgument(Update(early).status()));
}

TEST_P(StoreConformanceTest, ARoutineThatHasCostItsDayIsPaused) {
  ASSERT_TRUE(store_->Save(SaveRoutine{MakeRoutine("alert", 1)}).ok());
  AdmitRange(1, 4);
  const std::vector<v1::Session> leased = Lease(4);
  // One that waits for a limit of its own.
  SessionGates gates{.limits = {Hourly(1)}};
  Decide(Gated(5, absl::ZeroDuration(), gates));
  Decide(Gated(6, absl::ZeroDuration(), gates));
  std::vector<v1::Decision> paused;
  const auto end = [&](int index, absl::Duration after, double usd) {
    SessionUpdate update = MakeUpdate(leased[index], v1::SESSION_STATE_SUCCEEDED);
    *update.session->mutable_end_time() = Timestamp(Now() + after);
    update.session->mutable_usage()->set_cost_usd(usd);
    update.pause_at_cost = 5;
    const absl::StatusOr<Updated> updated = Update(update);
    EXPECT_TRUE(updated.ok()) << updated.status();
    if (!updated.ok()) return std::string();
    paused = updated->paused;
    return updated->pause_reason;
  };
  EXPECT_EQ(end(0, absl::Hours(1), 3), "");
  // The first one's day is over.
  EXPECT_EQ(end(1, absl::Hours(25), 3), "");
  EXPECT_TRUE(paused.empty());
  const std::string reason = end(2, absl::Hours(26), 2);
  EXPECT_TRUE(absl::StrContains(reason, "5.00")) << reason;
  ASSERT_EQ(paused.size(), 1u);
  EXPECT_EQ(paused[0].event_id(), Id("event", 6));
  EXPECT_EQ(paused[0].reason(), v1::DECISION_REASON_PAUSED);
  const v1::SavedRoutine saved = Read(RoutineQuery{"acme", "alert"}).routines.at(0);
  EXPECT_TRUE(saved.paused());
  EXPECT_EQ(saved.pause_reason(), reason);
  EXPECT_EQ(end(3, absl::Hours(27), 9), "") << "it is paused already";
}

// ---- retention ----

TEST_P(StoreConformanceTest, OldIsDeletedAndWhatIsUnfinishedOrHeldIsNot) {
  ASSERT_TRUE(Admit(MakeAdmission(1)).ok());              // ends
  ASSERT_TRUE(Admit(MakeAdmission(2)).ok());              // goes on
  ASSERT_TRUE(Admit(MakeAdmission(3, "for-ever")).ok());  // ends; its key stays
  Admission held = MakeAdmission(4);                      // its key holds for 8 days
  held.dedupe_keys = {{"held", Now() + absl::Hours(192)}};
  held.sessions.clear();
  ASSERT_TRUE(Admit(held).ok());
  for (const v1::Session& session : Lease(9)) {
    if (session.id() == Id("session", 2)) continue;
    SessionUpdate update = MakeUpdate(session, v1::SESSION_STATE_SUCCEEDED, 3);
    *update.session->mutable_end_time() = Timestamp(Now());
    ASSERT_TRUE(Update(update).ok());
  }
  const auto sweep = [&](absl::Duration after) {
    for (int step = 0; step < 8; ++step) {
      ASSERT_TRUE(store_
                      ->Save(DeleteOld{.now = Now() + after,
                                       .events = absl::Hours(48),
                                       .sessions = absl::Hours(24),
                                       .limit = 1})
                      .ok());
    }
  };
  sweep(absl::Hours(23));
  EXPECT_EQ(Read(SessionQuery{}).sessions.size(), 3u);
  sweep(absl::Hours(49));
  EXPECT_EQ(Ids(Read(SessionQuery{}).sessions), (std::vector{Id("session", 2)}));
  EXPECT_TRUE(Read(SessionEventQuery{Id("session", 1)}).session_events.empty());
  EXPECT_EQ(Ids(Read(EventQuery{}).events), (std::vector{Id("event", 4), Id("event", 2)}));
  EXPECT_EQ(Read(DecisionQuery{}).decisions.size(), 2u);
  const absl::StatusOr<Admitted> again = Admit(MakeAdmission(5, "for-ever"));
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(again->duplicate);
  sweep(absl::Hours(193));
  EXPECT_EQ(Ids(Read(EventQuery{}).events), (std::vector{Id("event", 2)}));
}

TEST_P(StoreConformanceTest, OverItsSizeTheOldestGoEarlier) {
  std::mt19937 random(1);  // bytes that no store can make smaller
  for (int number = 1; number <= 20; ++number) {
    Admission admission = MakeAdmission(number);
    std::string payload;
    for (int i = 0; i < 20'000; ++i) payload += static_cast<char>(random());
    admission.event.set_payload(payload);
    admission.sessions.clear();
    ASSERT_TRUE(Admit(admission).ok());
  }
  for (int step = 0; step < 40; ++step) {
    ASSERT_TRUE(store_->Save(DeleteOld{.now = Now(), .max_bytes = 300'000, .limit = 1}).ok());
  }
  const Rows rows = Read(EventQuery{});
  EXPECT_LT(rows.events.size(), 18u);
  ASSERT_FALSE(rows.events.empty());
  EXPECT_EQ(rows.events.front().id(), Id("event", 20));
}

}  // namespace routines::testing

#endif  // ROUTINES_TESTING_CONFORMANCE_ENDS_H_
