// Part of routines/testing/conformance.h: admission, and the queries about what was admitted.
#ifndef ROUTINES_TESTING_CONFORMANCE_ADMIT_H_
#define ROUTINES_TESTING_CONFORMANCE_ADMIT_H_

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "routines/testing/conformance.h"

namespace routines::testing {

TEST_P(StoreConformanceTest, AdmissionStoresEventDecisionsAndSessions) {
  const Admission given = MakeAdmission(1);
  absl::StatusOr<Admitted> admitted = Admit(given);
  ASSERT_TRUE(admitted.ok()) << admitted.status();
  EXPECT_FALSE(admitted->duplicate);
  EXPECT_EQ(admitted->event_id, given.event.id());
  ASSERT_EQ(admitted->sessions.size(), 1u);
  EXPECT_EQ(admitted->sessions[0].read_key(), "key-1");
  ASSERT_EQ(admitted->decisions.size(), 1u);

  const Rows events = Read(EventQuery{.id = given.event.id()});
  ASSERT_EQ(events.events.size(), 1u);
  EXPECT_EQ(events.events[0].SerializeAsString(), given.event.SerializeAsString());
  const Rows decisions = Read(DecisionQuery{.event_id = given.event.id()});
  ASSERT_EQ(decisions.decisions.size(), 1u);
  EXPECT_EQ(decisions.decisions[0].session_id(), Id("session", 1));
  const auto session = GetSession(Id("session", 1));
  ASSERT_TRUE(session.has_value());
  EXPECT_EQ(session->state(), v1::SESSION_STATE_QUEUED);
  EXPECT_EQ(session->SerializeAsString(), given.sessions[0].SerializeAsString());
}

TEST_P(StoreConformanceTest, AdmissionWithoutSessionsIsStored) {
  Admission admission = MakeAdmission(1);
  admission.sessions.clear();
  ASSERT_TRUE(Admit(admission).ok());
  EXPECT_EQ(Read(EventQuery{}).events.size(), 1u);
  EXPECT_TRUE(Read(SessionQuery{}).sessions.empty());
}

TEST_P(StoreConformanceTest, RefusedAdmissionStoresNothing) {
  ASSERT_TRUE(Admit(MakeAdmission(1)).ok());
  Admission clash = MakeAdmission(2, "key");
  clash.sessions.push_back(MakeAdmission(1).sessions[0]);  // taken
  EXPECT_EQ(Admit(clash).status().code(), absl::StatusCode::kAlreadyExists);
  Admission running = MakeAdmission(3);
  running.sessions[0].set_state(v1::SESSION_STATE_RUNNING);
  EXPECT_EQ(Admit(running).status().code(), absl::StatusCode::kInvalidArgument);
  Admission twins = MakeAdmission(3);
  twins.sessions.push_back(twins.sessions[0]);
  EXPECT_EQ(Admit(twins).status().code(), absl::StatusCode::kInvalidArgument);
  Admission nameless = MakeAdmission(4);
  nameless.event.clear_id();
  EXPECT_EQ(Admit(nameless).status().code(), absl::StatusCode::kInvalidArgument);

  EXPECT_EQ(Ids(Read(EventQuery{}).events), std::vector<std::string>{Id("event", 1)});
  EXPECT_EQ(Read(SessionQuery{}).sessions.size(), 1u);
  EXPECT_EQ(Read(DecisionQuery{}).decisions.size(), 1u);
  // The key was not taken by the refused one either.
  absl::StatusOr<Admitted> admitted = Admit(MakeAdmission(2, "key"));
  ASSERT_TRUE(admitted.ok()) << admitted.status();
  EXPECT_FALSE(admitted->duplicate);
}

TEST_P(StoreConformanceTest, AdmissionIgnoresLeaseFieldsThatComeIn) {
  Admission admission = MakeAdmission(1);
  admission.sessions[0].set_lease_owner("forged");
  admission.sessions[0].set_fencing_token(7);
  admission.sessions[0].set_last_sequence(9);
  admission.sessions[0].set_cancel_requested(true);
  *admission.sessions[0].mutable_lease_until() = Timestamp(Now() + absl::Hours(1));
  ASSERT_TRUE(Admit(admission).ok());
  const auto session = GetSession(Id("session", 1));
  ASSERT_TRUE(session.has_value());
  EXPECT_EQ(session->lease_owner(), "");
  EXPECT_FALSE(session->has_lease_until());
  EXPECT_EQ(session->fencing_token(), 0);
  EXPECT_EQ(session->last_sequence(), 0);
  EXPECT_FALSE(session->cancel_requested());
}

TEST_P(StoreConformanceTest, SecondEventWithTheKeyGetsTheFirstAnswer) {
  ASSERT_TRUE(Admit(MakeAdmission(1, "key")).ok());
  ASSERT_EQ(Lease(1).size(), 1u);  // the first session has moved on meanwhile
  absl::StatusOr<Admitted> again = Admit(MakeAdmission(2, "key"));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->duplicate);
  EXPECT_EQ(again->event_id, Id("event", 1));
  ASSERT_EQ(again->decisions.size(), 1u);
  EXPECT_EQ(again->decisions[0].event_id(), Id("event", 1));
  ASSERT_EQ(again->sessions.size(), 1u);
  EXPECT_EQ(again->sessions[0].id(), Id("session", 1));
  EXPECT_EQ(again->sessions[0].read_key(), "key-1");
  EXPECT_EQ(again->sessions[0].state(), v1::SESSION_STATE_PREPARING);

  EXPECT_EQ(Read(EventQuery{}).events.size(), 1u);
  EXPECT_EQ(Read(SessionQuery{}).sessions.size(), 1u);
  EXPECT_TRUE(Read(EventQuery{.id = Id("event", 2)}).events.empty());
}

TEST_P(StoreConformanceTest, OtherKeysAndNoKeyAreNotDuplicates) {
  EXPECT_FALSE(Admit(MakeAdmission(1, "a"))->duplicate);
  EXPECT_FALSE(Admit(MakeAdmission(2, "b"))->duplicate);
  EXPECT_FALSE(Admit(MakeAdmission(3, ""))->duplicate);
  EXPECT_FALSE(Admit(MakeAdmission(4, ""))->duplicate);
  EXPECT_EQ(Read(SessionQuery{}).sessions.size(), 4u);
}

TEST_P(StoreConformanceTest, KeyIsFreeAgainAtItsEndByTheEventsOwnTime) {
  auto with_end = [](int number, absl::Duration at) {
    Admission admission = MakeAdmission(number, "key");
    *admission.event.mutable_time() = Timestamp(Now() + at);
    admission.dedupe_keys[0].until = Now() + at + absl::Hours(24);
    return admission;
  };
  EXPECT_FALSE(Admit(with_end(1, absl::ZeroDuration()))->duplicate);
  EXPECT_TRUE(Admit(with_end(2, absl::Hours(24) - absl::Seconds(1)))->duplicate);
  EXPECT_FALSE(Admit(with_end(3, absl::Hours(24)))->duplicate);
  // The third one holds it now, for its own time.
  absl::StatusOr<Admitted> fourth = Admit(with_end(4, absl::Hours(47)));
  ASSERT_TRUE(fourth.ok());
  EXPECT_TRUE(fourth->duplicate);
  EXPECT_EQ(fourth->event_id, Id("event", 3));
}

TEST_P(StoreConformanceTest, AnyOfSeveralKeysMakesADuplicate) {
  auto with_keys = [](int number, std::vector<DedupeKey> keys) {
    Admission admission = MakeAdmission(number);
    admission.dedupe_keys = std::move(keys);
    return admission;
  };
  EXPECT_FALSE(Admit(with_keys(1, {{"delivery-1"}, {"body-1"}}))->duplicate);
  EXPECT_FALSE(Admit(with_keys(2, {{"delivery-2"}, {"body-2"}}))->duplicate);
  absl::StatusOr<Admitted> replayed = Admit(with_keys(3, {{"delivery-3"}, {"body-1"}}));
  ASSERT_TRUE(replayed.ok()) << replayed.status();
  EXPECT_TRUE(replayed->duplicate);
  EXPECT_EQ(replayed->event_id, Id("event", 1));
  // The first key that is taken says whose duplicate it is.
  absl::StatusOr<Admitted> both = Admit(with_keys(4, {{"delivery-2"}, {"body-1"}}));
  ASSERT_TRUE(both.ok()) << both.status();
  EXPECT_EQ(both->event_id, Id("event", 2));
  // A duplicate takes no key: this one was never seen.
  EXPECT_FALSE(Admit(with_keys(5, {{"delivery-3"}, {"body-5"}}))->duplicate);
  EXPECT_EQ(Read(EventQuery{}).events.size(), 3u);
}

TEST_P(StoreConformanceTest, EachKeyEndsAtItsOwnTime) {
  auto at = [](int number, absl::Duration time, const std::string& delivery) {
    Admission admission = MakeAdmission(number);
    *admission.event.mutable_time() = Timestamp(Now() + time);
    admission.dedupe_keys = {{delivery, Now() + time + absl::Hours(48)},
                             {"body", Now() + time + absl::Hours(1)}};
    return admission;
  };
  EXPECT_FALSE(Admit(at(1, absl::ZeroDuration(), "a"))->duplicate);
  EXPECT_TRUE(Admit(at(2, absl::Minutes(59), "b"))->duplicate);
  EXPECT_FALSE(Admit(at(3, absl::Hours(1), "c"))->duplicate);  // the body's end
  absl::StatusOr<Admitted> delivery = Admit(at(4, absl::Hours(47), "a"));
  ASSERT_TRUE(delivery.ok()) << delivery.status();
  EXPECT_TRUE(delivery->duplicate);
  EXPECT_EQ(delivery->event_id, Id("event", 1));
}

TEST_P(StoreConformanceTest, AnEmptyKeyIsRefused) {
  Admission admission = MakeAdmission(1);
  admission.dedupe_keys = {{"key"}, {""}};
  EXPECT_TRUE(absl::IsInvalidArgument(Admit(admission).status()));
  EXPECT_TRUE(Read(EventQuery{}).events.empty());
}

TEST_P(StoreConformanceTest, AdmittingTheSameEventAgainIsADuplicate) {
  ASSERT_TRUE(Admit(MakeAdmission(1)).ok());
  absl::StatusOr<Admitted> again = Admit(MakeAdmission(1));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->duplicate);
  EXPECT_EQ(again->event_id, Id("event", 1));
  ASSERT_EQ(again->sessions.size(), 1u);
  EXPECT_EQ(Read(SessionQuery{}).sessions.size(), 1u);
}

TEST_P(StoreConformanceTest, OfManyThreadsWithOneKeyExactlyOneWins) {
  constexpr int kThreads = 8, kKeys = 20;
  std::atomic<int> winners{0}, errors{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int key = 0; key < kKeys; ++key) {
        absl::StatusOr<Admitted> admitted =
            Admit(MakeAdmission(thread * kKeys + key, absl::StrCat("key-", key)));
        if (!admitted.ok() || admitted->sessions.size() != 1) {
          ++errors;
        } else if (!admitted->duplicate) {
          ++winners;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(errors, 0);
  EXPECT_EQ(winners, kKeys);
  EXPECT_EQ(Read(SessionQuery{.limit = 1000}).sessions.size(), size_t{kKeys});
  EXPECT_EQ(Read(EventQuery{.limit = 1000}).events.size(), size_t{kKeys});
}

TEST_P(StoreConformanceTest, DestructionWaitsForEveryDone) {
  std::atomic<int> done{0};
  for (int number = 1; number <= 50; ++number) {
    store_->Admit(MakeAdmission(number), [&](absl::StatusOr<Admitted> admitted) {
      EXPECT_TRUE(admitted.ok()) << admitted.status();
      ++done;
    });
  }
  store_.reset();
  EXPECT_EQ(done, 50);
}

// ---- queries
// -------------------------------------------------------------------------------------

TEST_P(StoreConformanceTest, EventsAreListedNewestFirstInPages) {
  AdmitRange(1, 5);
  const Rows first = Read(EventQuery{.limit = 2});
  EXPECT_EQ(Ids(first.events), (std::vector{Id("event", 5), Id("event", 4)}));
  const Rows second = Read(EventQuery{.before_id = Id("event", 4), .limit = 10});
  EXPECT_EQ(Ids(second.events), (std::vector{Id("event", 3), Id("event", 2), Id("event", 1)}));
  EXPECT_TRUE(Read(EventQuery{.before_id = Id("event", 1)}).events.empty());
  EXPECT_TRUE(Read(EventQuery{.before_id = "event_unknown"}).events.empty());
  EXPECT_TRUE(Read(EventQuery{.limit = 0}).events.empty());
}

TEST_P(StoreConformanceTest, DecisionsAreListedByRoutineNewestFirstSinceATime) {
  for (int number = 1; number <= 4; ++number) {
    ASSERT_TRUE(Admit(MakeAdmission(number, "", number == 2 ? "other" : "alert")).ok());
  }
  auto events = [&](const DecisionQuery& query) {
    std::vector<std::string> ids;
    for (const v1::Decision& decision : Read(query).decisions) ids.push_back(decision.event_id());
    return ids;
  };
  EXPECT_EQ(events({.account = "acme", .routine = "alert"}),
            (std::vector{Id("event", 4), Id("event", 3), Id("event", 1)}));
  EXPECT_EQ(events({.account = "acme", .routine = "alert", .limit = 1}),
            (std::vector{Id("event", 4)}));
  EXPECT_EQ(events({.account = "acme", .routine = "alert", .since = Now() + absl::Seconds(3)}),
            (std::vector{Id("event", 4), Id("event", 3)}));
  EXPECT_TRUE(events({.account = "else", .routine = "alert"}).empty());
  EXPECT_TRUE(events({.event_id = "event_unknown"}).empty());
}

TEST_P(StoreConformanceTest, WhatIsNotThereIsAnEmptyAnswer) {
  EXPECT_TRUE(Read(RoutineQuery{.account = "acme", .name = "none"}).routines.empty());
  EXPECT_TRUE(Read(TokenQuery{.trigger_id = "trig_none0000"}).tokens.empty());
  EXPECT_TRUE(Read(SessionQuery{.id = "session_none"}).sessions.empty());
  EXPECT_TRUE(Read(SessionQuery{.before_id = "session_none"}).sessions.empty());
  EXPECT_TRUE(Read(SessionEventQuery{.session_id = "session_none"}).session_events.empty());
  EXPECT_TRUE(Read(EventQuery{.id = "event_none"}).events.empty());
  EXPECT_TRUE(Read(SettingQuery{.name = "none"}).settings.empty());
  EXPECT_TRUE(Lease(10).empty());
}

}  // namespace routines::testing

#endif  // ROUTINES_TESTING_CONFORMANCE_ADMIT_H_
