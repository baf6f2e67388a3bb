// Part of routines/testing/conformance.h: limits, overlap, and turns between accounts.
#ifndef ROUTINES_TESTING_CONFORMANCE_LIMITS_H_
#define ROUTINES_TESTING_CONFORMANCE_LIMITS_H_

#include <algorithm>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "routines/testing/conformance.h"

namespace routines::testing {

// ---- windows ----

TEST_P(StoreConformanceTest, SequencesOfDecisionsGrowAndPage) {
  AdmitRange(1, 5);
  const Rows all = Read(DecisionQuery{});
  ASSERT_EQ(all.decisions.size(), 5u);
  EXPECT_EQ(all.decisions[0].event_id(), Id("event", 5));
  EXPECT_GT(all.decisions[0].sequence(), all.decisions[1].sequence());
  for (const bool one_routine : {false, true}) {
    DecisionQuery query{.limit = 2, .before = all.decisions[1].sequence()};
    if (one_routine) query.account = "acme", query.routine = "alert";
    const Rows page = Read(query);
    ASSERT_EQ(page.decisions.size(), 2u);
    EXPECT_EQ(page.decisions[0].event_id(), Id("event", 3));
    EXPECT_EQ(page.decisions[1].event_id(), Id("event", 2));
  }
}

TEST_P(StoreConformanceTest, OverTheLimitIsRefusedWithTheTimeWhenTheWindowOpens) {
  SessionGates gates{.limits = {Hourly(2)}, .over_limit = SessionGates::OverLimit::kRefuse};
  EXPECT_EQ(Decide(Gated(1, absl::ZeroDuration(), gates)).reason(), v1::DECISION_REASON_FIRED);
  EXPECT_EQ(Decide(Gated(2, absl::Minutes(10), gates)).reason(), v1::DECISION_REASON_FIRED);
  const v1::Decision refused = Decide(Gated(3, absl::Minutes(20), gates));
  EXPECT_EQ(refused.reason(), v1::DECISION_REASON_LIMIT);
  EXPECT_EQ(refused.session_id(), "");
  EXPECT_EQ(Until(refused), absl::Hours(1));
  EXPECT_TRUE(absl::StrContains(refused.detail(), "2 of 2 sessions an hour")) << refused.detail();
  EXPECT_FALSE(GetSession(Id("session", 3)).has_value());
  EXPECT_EQ(DecisionOf(3).SerializeAsString(), refused.SerializeAsString());
  // The window rolls: a session counts for an hour, not to its end.
  EXPECT_EQ(Decide(Gated(4, absl::Minutes(60) - absl::Seconds(1), gates)).reason(),
            v1::DECISION_REASON_LIMIT);
  EXPECT_EQ(Decide(Gated(5, absl::Minutes(60), gates)).reason(), v1::DECISION_REASON_FIRED);
  EXPECT_EQ(Until(Decide(Gated(6, absl::Minutes(61), gates))), absl::Minutes(70));
}

TEST_P(StoreConformanceTest, RefusedTakesNoKeyThatNeedsASession) {
  SessionGates gates{.limits = {Hourly(1)}, .over_limit = SessionGates::OverLimit::kRefuse};
  ASSERT_EQ(Decide(Gated(1, absl::ZeroDuration(), gates)).reason(), v1::DECISION_REASON_FIRED);
  Admission refused = Gated(2, absl::ZeroDuration(), gates);
  refused.dedupe_keys = {{"key"}};
  refused.keys_need_session = true;
  ASSERT_EQ(Decide(refused).reason(), v1::DECISION_REASON_LIMIT);
  Admission again = Gated(3, absl::Hours(2), gates);
  again.dedupe_keys = {{"key"}};
  again.keys_need_session = true;
  EXPECT_EQ(Decide(again).reason(), v1::DECISION_REASON_FIRED);
}

TEST_P(StoreConformanceTest, WhatWaitsStartsInOrderWhenItsWindowOpens) {
  SessionGates gates{.limits = {Hourly(2)}};
  for (int number = 1; number <= 7; ++number) Decide(Gated(number, absl::Seconds(number), gates));
  EXPECT_EQ(DecisionOf(2).reason(), v1::DECISION_REASON_FIRED);
  EXPECT_EQ(DecisionOf(3).reason(), v1::DECISION_REASON_LIMIT);
  EXPECT_EQ(DecisionOf(3).session_id(), Id("session", 3));
  EXPECT_EQ(Until(DecisionOf(3)), absl::Hours(1) + absl::Seconds(1));
  EXPECT_EQ(Until(DecisionOf(4)), absl::Hours(1) + absl::Seconds(2));
  EXPECT_EQ(Until(DecisionOf(7)), absl::Hours(3) + absl::Seconds(1));
  EXPECT_EQ(LeaseAndEnd(absl::Minutes(1)), 2);
  EXPECT_EQ(LeaseAndEnd(absl::Hours(1)), 0);
  EXPECT_EQ(LeaseAndEnd(absl::Hours(1) + absl::Seconds(1)), 1);
  EXPECT_EQ(DecisionOf(3).reason(), v1::DECISION_REASON_FIRED);
  EXPECT_EQ(DecisionOf(3).session_id(), Id("session", 3));
  EXPECT_EQ(DecisionOf(4).reason(), v1::DECISION_REASON_LIMIT);
  EXPECT_EQ(LeaseAndEnd(absl::Hours(4)), 4);
}

TEST_P(StoreConformanceTest, WhoWouldWaitTooLongExpires) {
  SessionGates gates{.limits = {Hourly(1)}, .longest_wait = absl::Hours(2)};
  for (int number = 1; number <= 4; ++number) Decide(Gated(number, absl::ZeroDuration(), gates));
  EXPECT_EQ(DecisionOf(3).reason(), v1::DECISION_REASON_LIMIT);
  EXPECT_EQ(DecisionOf(4).reason(), v1::DECISION_REASON_EXPIRED);
  EXPECT_EQ(DecisionOf(4).session_id(), "");
  // Nobody leases anything for a day: what waited is given up then, though its window opened.
  EXPECT_EQ(LeaseAndEnd(absl::Hours(24)), 1);
  EXPECT_EQ(DecisionOf(2).reason(), v1::DECISION_REASON_EXPIRED);
  EXPECT_EQ(DecisionOf(3).reason(), v1::DECISION_REASON_EXPIRED);
  EXPECT_FALSE(GetSession(Id("session", 2)).has_value());
}

TEST_P(StoreConformanceTest, ALeaseTellsWhichDecisionsItMadeFinal) {
  SessionGates gates{.limits = {Hourly(1)}, .longest_wait = absl::Hours(2)};
  for (int number = 1; number <= 3; ++number) Decide(Gated(number, absl::ZeroDuration(), gates));
  std::vector<v1::Decision> decided = {v1::Decision()};
  const auto lease = [&](absl::Duration at) {
    const absl::Time now = Now() + at;
    const auto leased = store_->Lease(
        {.owner = "one", .now = now, .until = now + absl::Hours(24), .decided = &decided});
    EXPECT_TRUE(leased.ok()) << leased.status();
    return leased.ok() ? leased->size() : 0;
  };
  EXPECT_EQ(lease(absl::ZeroDuration()), 1u);
  EXPECT_TRUE(decided.empty());  // it had waited for nothing
  EXPECT_EQ(lease(absl::Hours(1)), 1u);
  ASSERT_EQ(decided.size(), 1u);
  EXPECT_EQ(decided[0].event_id(), Id("event", 2));
  EXPECT_EQ(decided[0].reason(), v1::DECISION_REASON_FIRED);
  EXPECT_EQ(lease(absl::Hours(2)), 0u);  // its window opens as it expires
  ASSERT_EQ(decided.size(), 1u);
  EXPECT_EQ(decided[0].event_id(), Id("event", 3));
  EXPECT_EQ(decided[0].reason(), v1::DECISION_REASON_EXPIRED);
}

TEST_P(StoreConformanceTest, CoalescedGiveTheirPlaceToTheNewest) {
  SessionGates gates{.limits = {Hourly(1)}, .over_limit = SessionGates::OverLimit::kCoalesce};
  for (int number = 1; number <= 3; ++number) Decide(Gated(number, absl::Seconds(number), gates));
  const absl::StatusOr<Admitted> last = Admit(Gated(4, absl::Seconds(4), gates));
  ASSERT_TRUE(last.ok());
  ASSERT_EQ(last->coalesced.size(), 1u);
  EXPECT_EQ(last->coalesced[0].event_id(), Id("event", 3));
  EXPECT_EQ(Until(last->decisions[0]), absl::Hours(1) + absl::Seconds(1));
  EXPECT_EQ(DecisionOf(2).reason(), v1::DECISION_REASON_COALESCED);
  EXPECT_EQ(DecisionOf(3).reason(), v1::DECISION_REASON_COALESCED);
  EXPECT_FALSE(GetSession(Id("session", 3)).has_value());
  EXPECT_EQ(LeaseAndEnd(absl::Hours(2)), 2);
}

TEST_P(StoreConformanceTest, EachRoutineKindAndAccountHasItsOwnWindow) {
  SessionLimit account = Hourly(3);
  account.scope = SessionLimit::Scope::kAccount;
  SessionGates gates{.limits = {Hourly(2), account},
                     .over_limit = SessionGates::OverLimit::kRefuse};
  const auto reason = [&](int number, const std::string& routine) {
    return Decide(Gated(number, absl::ZeroDuration(), gates, routine)).reason();
  };
  EXPECT_EQ(reason(1, "one"), v1::DECISION_REASON_FIRED);
  EXPECT_EQ(reason(2, "one"), v1::DECISION_REASON_FIRED);
  EXPECT_EQ(reason(3, "one"), v1::DECISION_REASON_LIMIT);
  EXPECT_EQ(reason(4, "two"), v1::DECISION_REASON_FIRED);
  EXPECT_EQ(reason(5, "two"), v1::DECISION_REASON_LIMIT);
  Admission other_kind = Gated(6, absl::ZeroDuration(), gates, "two");
  other_kind.gates[0].kind = "api";
  other_kind.gates[0].limits = {SessionLimit{SessionLimit::Scope::kAccount, "api", 1}};
  EXPECT_EQ(Decide(other_kind).reason(), v1::DECISION_REASON_FIRED);
}

TEST_P(StoreConformanceTest, MeteredStopsNothingAndSaysSo) {
  SessionLimit day = Hourly(1);
  day.metered = true;
  for (int number = 1; number <= 2; ++number) {
    EXPECT_EQ(Decide(Gated(number, absl::ZeroDuration(), {.limits = {day}})).reason(),
              v1::DECISION_REASON_FIRED);
  }
  EXPECT_FALSE(GetSession(Id("session", 1))->metered());
  EXPECT_TRUE(GetSession(Id("session", 2))->metered());
  EXPECT_TRUE(absl::StrContains(DecisionOf(2).detail(), "metered"));
}

TEST_P(StoreConformanceTest, CancelOfOneThatWaitsFreesItsPlace) {
  SessionGates gates{.limits = {Hourly(1)}};
  Decide(Gated(1, absl::ZeroDuration(), gates));
  Decide(Gated(2, absl::ZeroDuration(), gates));
  ASSERT_TRUE(store_->Save(RequestCancel{Id("session", 2), Now()}).ok());
  EXPECT_EQ(Until(Decide(Gated(3, absl::Seconds(1), gates))), absl::Hours(1));
}

TEST_P(StoreConformanceTest, PauseEndsWhatWaits) {
  ASSERT_TRUE(store_->Save(SaveRoutine{MakeRoutine("alert", 1)}).ok());
  SessionGates gates{.limits = {Hourly(1)}};
  for (int number = 1; number <= 3; ++number) Decide(Gated(number, absl::ZeroDuration(), gates));
  std::vector<v1::Decision> decided;
  ASSERT_TRUE(store_->Save(SetPaused{"acme", "alert", true, "enough", &decided}).ok());
  ASSERT_EQ(decided.size(), 2u);
  EXPECT_EQ(decided[0].reason(), v1::DECISION_REASON_PAUSED);
  EXPECT_EQ(Read(RoutineQuery{"acme", "alert"}).routines.at(0).pause_reason(), "enough");
  EXPECT_EQ(DecisionOf(1).reason(), v1::DECISION_REASON_FIRED);
  EXPECT_EQ(DecisionOf(2).reason(), v1::DECISION_REASON_PAUSED);
  EXPECT_TRUE(absl::StrContains(DecisionOf(3).detail(), "enough"));
  EXPECT_EQ(LeaseAndEnd(absl::Hours(9)), 1);
  ASSERT_TRUE(store_->Save(SetPaused{"acme", "alert", false}).ok());
  EXPECT_EQ(Read(RoutineQuery{"acme", "alert"}).routines.at(0).pause_reason(), "");
}

TEST_P(StoreConformanceTest, DryRunChangesNothing) {
  SessionGates gates{.limits = {Hourly(1)}, .over_limit = SessionGates::OverLimit::kRefuse};
  for (int number = 1; number <= 2; ++number) {
    Admission dry = Gated(number, absl::ZeroDuration(), gates);
    dry.dry_run = true;
    EXPECT_EQ(Decide(dry).reason(), v1::DECISION_REASON_FIRED);
  }
  EXPECT_TRUE(Read(EventQuery{}).events.empty());
  Decide(Gated(3, absl::ZeroDuration(), gates));
  Admission dry = Gated(4, absl::ZeroDuration(), gates);
  dry.dry_run = true;
  EXPECT_EQ(Decide(dry).reason(), v1::DECISION_REASON_LIMIT);
}

// Whatever comes from however many threads: no rolling hour has more than the limit.
TEST_P(StoreConformanceTest, ManyThreadsNeverTakeMoreThanTheLimit) {
  constexpr int kThreads = 4, kEach = 50, kMost = 7;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([this, thread] {
      for (int i = 0; i < kEach; ++i) {
        absl::Notification done;
        store_->Admit(
            Gated(thread * kEach + i + 1, absl::Seconds(i * 13), {.limits = {Hourly(kMost)}}),
            [&](absl::StatusOr<Admitted> admitted) {
              EXPECT_TRUE(admitted.ok()) << admitted.status();
              done.Notify();
            });
        done.WaitForNotification();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<int64_t> slots;
  for (const v1::Session& session : Read(SessionQuery{.limit = 1000}).sessions) {
    slots.push_back(session.has_not_before() ? session.not_before().seconds()
                                             : session.create_time().seconds());
  }
  ASSERT_EQ(slots.size(), static_cast<size_t>(kThreads * kEach));
  std::sort(slots.begin(), slots.end());
  for (size_t i = kMost; i < slots.size(); ++i) EXPECT_GE(slots[i] - slots[i - kMost], 3600);
}

TEST_P(DurableStoreConformanceTest, WindowsAndWaitingSurviveARestart) {
  const auto gated = [](int number) {
    Admission admission = MakeAdmission(number);
    admission.gates.push_back(
        {"api", {SessionLimit{SessionLimit::Scope::kRoutine, "api", 2, absl::Hours(1), "fires"}}});
    return admission;
  };
  for (int number = 1; number <= 3; ++number) ASSERT_TRUE(Admit(gated(number)).ok());
  Reopen();
  const absl::StatusOr<Admitted> fourth = Admit(gated(4));
  ASSERT_TRUE(fourth.ok());
  EXPECT_EQ(fourth->decisions.at(0).reason(), v1::DECISION_REASON_LIMIT);
  EXPECT_EQ(fourth->decisions[0].until().seconds(), absl::ToUnixSeconds(Now()) + 3602);
  EXPECT_EQ(LeaseAndEnd(absl::ZeroDuration()), 2);
  EXPECT_EQ(Ids(Lease(9, absl::Seconds(3601))), (std::vector{Id("session", 3)}));
}

// ---- overlap and concurrency ----

TEST_P(StoreConformanceTest, SkipLetsOneAtATimeIn) {
  SessionGates gates{.skip_overlap = true};
  EXPECT_EQ(Decide(Gated(1, absl::ZeroDuration(), gates)).reason(), v1::DECISION_REASON_FIRED);
  const v1::Decision skipped = Decide(Gated(2, absl::Seconds(1), gates));
  EXPECT_EQ(skipped.reason(), v1::DECISION_REASON_OVERLAP);
  EXPECT_TRUE(absl::StrContains(skipped.detail(), Id("session", 1)));
  EXPECT_EQ(Decide(Gated(3, absl::Seconds(1), gates, "other")).reason(), v1::DECISION_REASON_FIRED);
  EXPECT_EQ(LeaseAndEnd(absl::ZeroDuration()), 2);
  EXPECT_EQ(Decide(Gated(4, absl::Seconds(2), gates)).reason(), v1::DECISION_REASON_FIRED);
}

TEST_P(StoreConformanceTest, CancelEarlierEndsWhatIsQueuedAndTellsWhatRuns) {
  AdmitRange(1, 2);
  const v1::Session running = Lease(1).at(0);
  const absl::StatusOr<Admitted> admitted =
      Admit(Gated(3, absl::Seconds(1), {.cancel_earlier = true}));
  ASSERT_TRUE(admitted.ok());
  EXPECT_EQ(admitted->cancelled.size(), 2u);
  EXPECT_EQ(GetSession(Id("session", 2))->state(), v1::SESSION_STATE_CANCELLED);
  const absl::StatusOr<Updated> told = Update(MakeUpdate(running, std::nullopt));
  ASSERT_TRUE(told.ok());
  EXPECT_TRUE(told->cancel_requested);
  EXPECT_EQ(Ids(Lease(9)), (std::vector{Id("session", 3)}));
}

TEST_P(StoreConformanceTest, ConcurrencyLimitLetsTheOldestGoOnWhenOneEnds) {
  for (int number = 1; number <= 4; ++number) {
    Admission admission = MakeAdmission(number);
    admission.sessions[0].set_concurrency_limit(2);
    ASSERT_TRUE(Admit(admission).ok());
  }
  const std::vector<v1::Session> first = Lease(9);
  EXPECT_EQ(Ids(first), (std::vector{Id("session", 1), Id("session", 2)}));
  EXPECT_TRUE(Lease(9).empty());
  ASSERT_TRUE(Update(MakeUpdate(first[1], v1::SESSION_STATE_FAILED)).ok());
  EXPECT_EQ(Ids(Lease(9)), (std::vector{Id("session", 3)}));
  ASSERT_TRUE(store_->Save(RequestCancel{Id("session", 4), Now()}).ok());
  ASSERT_TRUE(Update(MakeUpdate(first[0], v1::SESSION_STATE_SUCCEEDED)).ok());
  EXPECT_TRUE(Lease(9).empty());
}

TEST_P(StoreConformanceTest, WaitingForALimitTakesNoPlaceOfTheOthers) {
  SessionGates gates{.limits = {Hourly(1)}};
  Decide(Gated(1, absl::ZeroDuration(), gates));
  EXPECT_EQ(LeaseAndEnd(absl::ZeroDuration()), 1);
  Admission waits = Gated(2, absl::Seconds(1), gates);
  waits.sessions[0].set_concurrency_limit(1);
  ASSERT_EQ(Decide(waits).reason(), v1::DECISION_REASON_LIMIT);
  Admission fire = MakeAdmission(3);
  fire.sessions[0].set_concurrency_limit(1);
  ASSERT_TRUE(Admit(fire).ok());
  const std::vector<v1::Session> fired = Lease(9);
  ASSERT_EQ(Ids(fired), (std::vector{Id("session", 3)}));
  // Its window opens while the other works: it waits on, and goes on after it.
  EXPECT_TRUE(Lease(9, absl::Hours(1)).empty() ||
              GetSession(Id("session", 2))->state() == v1::SESSION_STATE_QUEUED);
  EXPECT_EQ(GetSession(Id("session", 2))->state(), v1::SESSION_STATE_QUEUED);
  SessionUpdate end = MakeUpdate(*GetSession(Id("session", 3)), v1::SESSION_STATE_SUCCEEDED);
  ASSERT_TRUE(Update(end).ok());
  EXPECT_EQ(Ids(Lease(9, absl::Hours(1))), (std::vector{Id("session", 2)}));
}

// ---- turns ----

TEST_P(StoreConformanceTest, AFloodOfOneAccountKeepsNoOtherWaiting) {
  AdmitRange(1, 50);
  for (int number = 51; number <= 52; ++number) {
    Admission admission = MakeAdmission(number);
    admission.sessions[0].set_account("beta");
    ASSERT_TRUE(Admit(admission).ok());
  }
  std::map<std::string, int> accounts;
  for (const v1::Session& session : Lease(4)) ++accounts[session.account()];
  EXPECT_EQ(accounts["acme"], 2);
  EXPECT_EQ(accounts["beta"], 2);
  EXPECT_EQ(Lease(100).size(), 48u);
}

TEST_P(StoreConformanceTest, AnAccountWorksOnNoMoreThanItMay) {
  AdmitRange(1, 5);
  Admission admission = MakeAdmission(6);
  admission.sessions[0].set_account("beta");
  ASSERT_TRUE(Admit(admission).ok());
  const auto lease = [&](absl::Duration after) {
    return *store_->Lease({"host-a", Now() + after, Now() + after + kLease, 10, 2});
  };
  const std::vector<v1::Session> first = lease(absl::ZeroDuration());
  EXPECT_EQ(first.size(), 3u);
  EXPECT_TRUE(lease(absl::Seconds(1)).empty());
  ASSERT_TRUE(Update(MakeUpdate(first[0], v1::SESSION_STATE_SUCCEEDED)).ok());
  EXPECT_EQ(lease(absl::Seconds(1)).size(), 1u);
  // Leases that ran out are taken over though the account is full.
  EXPECT_EQ(lease(absl::Minutes(5)).size(), 3u);
}

}  // namespace routines::testing

#endif  // ROUTINES_TESTING_CONFORMANCE_LIMITS_H_
