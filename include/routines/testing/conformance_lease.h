// Part of routines/testing/conformance.h: leases and updates.
#ifndef ROUTINES_TESTING_CONFORMANCE_LEASE_H_
#define ROUTINES_TESTING_CONFORMANCE_LEASE_H_

#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "routines/testing/conformance.h"

namespace routines::testing {

TEST_P(StoreConformanceTest, LeaseTakesTheOldestFirst) {
  AdmitRange(1, 5);
  EXPECT_EQ(Ids(Lease(2)), (std::vector{Id("session", 1), Id("session", 2)}));
  EXPECT_EQ(Ids(Lease(2)), (std::vector{Id("session", 3), Id("session", 4)}));
  EXPECT_EQ(Ids(Lease(2)), (std::vector{Id("session", 5)}));
  EXPECT_TRUE(Lease(2).empty());
  EXPECT_TRUE(Lease(0).empty());
}

TEST_P(StoreConformanceTest, LeasedSessionIsPreparingWithOwnerTokenAndAttempt) {
  AdmitRange(1, 1);
  const std::vector<v1::Session> leased = Lease(1);
  ASSERT_EQ(leased.size(), 1u);
  EXPECT_EQ(leased[0].state(), v1::SESSION_STATE_PREPARING);
  EXPECT_EQ(leased[0].attempt(), 1);
  EXPECT_EQ(leased[0].lease_owner(), "host-a");
  EXPECT_EQ(leased[0].lease_until().seconds(), absl::ToUnixSeconds(Now() + kLease));
  EXPECT_GT(leased[0].fencing_token(), 0);
  EXPECT_EQ(leased[0].read_key(), "key-1");
  EXPECT_EQ(GetSession(Id("session", 1))->SerializeAsString(), leased[0].SerializeAsString());
}

TEST_P(StoreConformanceTest, NotBeforeIsWaitedFor) {
  Admission later = MakeAdmission(1);
  *later.sessions[0].mutable_not_before() = Timestamp(Now() + absl::Seconds(30));
  ASSERT_TRUE(Admit(later).ok());
  AdmitRange(2, 2);
  EXPECT_EQ(Ids(Lease(9)), (std::vector{Id("session", 2)}));
  EXPECT_TRUE(Lease(9, absl::Seconds(29)).empty());
  EXPECT_EQ(Ids(Lease(9, absl::Seconds(30))), (std::vector{Id("session", 1)}));
}

TEST_P(StoreConformanceTest, PreparingWhoseLeaseRanOutIsLeasedAgainWithALargerToken) {
  AdmitRange(1, 1);
  const v1::Session first = Lease(1).at(0);
  EXPECT_TRUE(Lease(1, kLease - absl::Seconds(1)).empty());
  const std::vector<v1::Session> second = Lease(1, kLease, "host-b");
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].state(), v1::SESSION_STATE_PREPARING);
  EXPECT_EQ(second[0].attempt(), 2);
  EXPECT_EQ(second[0].lease_owner(), "host-b");
  EXPECT_GT(second[0].fencing_token(), first.fencing_token());
}

TEST_P(StoreConformanceTest, RunningWhoseLeaseRanOutIsLeasedAsRunning) {
  AdmitRange(1, 1);
  const v1::Session first = Lease(1).at(0);
  ASSERT_TRUE(Update(MakeUpdate(first, v1::SESSION_STATE_RUNNING)).ok());
  EXPECT_TRUE(Lease(1, kLease - absl::Seconds(1)).empty());
  const std::vector<v1::Session> second = Lease(1, kLease, "host-b");
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].state(), v1::SESSION_STATE_RUNNING);
  EXPECT_EQ(second[0].attempt(), 1);
  EXPECT_GT(second[0].fencing_token(), first.fencing_token());
}

TEST_P(StoreConformanceTest, HeartbeatMovesTheEndOfTheLease) {
  AdmitRange(1, 1);
  SessionUpdate heartbeat = MakeUpdate(Lease(1).at(0), std::nullopt);
  heartbeat.lease_until = Now() + absl::Hours(1);
  ASSERT_TRUE(Update(heartbeat).ok());
  EXPECT_TRUE(Lease(1, absl::Minutes(59)).empty());
  EXPECT_EQ(Lease(1, absl::Hours(1)).size(), 1u);
}

TEST_P(StoreConformanceTest, UpdateReplacesTheRecordButNotWhatIsTheStoresOwn) {
  AdmitRange(1, 1);
  const v1::Session leased = Lease(1).at(0);
  SessionUpdate update = MakeUpdate(leased, v1::SESSION_STATE_RUNNING, 2);
  update.session->set_message("under way");
  update.session->set_lease_owner("forged");
  update.session->set_fencing_token(99);
  update.session->set_last_sequence(99);
  update.session->set_cancel_requested(true);
  update.lease_until = Now() + absl::Minutes(5);
  absl::StatusOr<Updated> updated = Update(update);
  ASSERT_TRUE(updated.ok()) << updated.status();
  EXPECT_EQ(updated->last_sequence, 2);
  EXPECT_FALSE(updated->cancel_requested);

  const auto session = GetSession(leased.id());
  ASSERT_TRUE(session.has_value());
  EXPECT_EQ(session->state(), v1::SESSION_STATE_RUNNING);
  EXPECT_EQ(session->message(), "under way");
  EXPECT_EQ(session->lease_owner(), "host-a");
  EXPECT_EQ(session->fencing_token(), leased.fencing_token());
  EXPECT_EQ(session->last_sequence(), 2);
  EXPECT_FALSE(session->cancel_requested());
  EXPECT_EQ(session->lease_until().seconds(), absl::ToUnixSeconds(Now() + absl::Minutes(5)));
}

TEST_P(StoreConformanceTest, StaleTokenIsRefusedAndWritesNothing) {
  AdmitRange(1, 1);
  const v1::Session first = Lease(1).at(0);
  const v1::Session second = Lease(1, kLease, "host-b").at(0);
  EXPECT_EQ(Update(MakeUpdate(first, v1::SESSION_STATE_SUCCEEDED, 3)).status().code(),
            absl::StatusCode::kAborted);
  SessionUpdate guess = MakeUpdate(second, std::nullopt, 1);
  guess.fencing_token += 1;
  EXPECT_EQ(Update(guess).status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(GetSession(first.id())->state(), v1::SESSION_STATE_PREPARING);
  EXPECT_TRUE(Read(SessionEventQuery{.session_id = first.id()}).session_events.empty());
  EXPECT_TRUE(Update(MakeUpdate(second, v1::SESSION_STATE_RUNNING)).ok());
}

TEST_P(StoreConformanceTest, UpdateWithoutALeaseIsRefused) {
  AdmitRange(1, 1);
  const v1::Session queued = *GetSession(Id("session", 1));
  EXPECT_EQ(Update(MakeUpdate(queued, v1::SESSION_STATE_RUNNING)).status().code(),
            absl::StatusCode::kAborted);
  SessionUpdate unknown = MakeUpdate(queued, std::nullopt);
  unknown.session_id = "session_none";
  EXPECT_EQ(Update(unknown).status().code(), absl::StatusCode::kNotFound);
}

TEST_P(StoreConformanceTest, TerminalSessionsAreNeitherLeasedNorUpdated) {
  int number = 0;
  for (v1::SessionState state :
       {v1::SESSION_STATE_SUCCEEDED, v1::SESSION_STATE_FAILED, v1::SESSION_STATE_CANCELLED,
        v1::SESSION_STATE_TIMED_OUT, v1::SESSION_STATE_LOST}) {
    ++number;
    AdmitRange(number, number);
    const v1::Session leased = Lease(1).at(0);
    ASSERT_TRUE(Update(MakeUpdate(leased, state, 1)).ok());
    EXPECT_EQ(Update(MakeUpdate(leased, std::nullopt, 1)).status().code(),
              absl::StatusCode::kAborted);
    EXPECT_EQ(Update(MakeUpdate(leased, v1::SESSION_STATE_RUNNING)).status().code(),
              absl::StatusCode::kAborted);
    EXPECT_TRUE(Lease(9, absl::Hours(100)).empty());
    const auto session = GetSession(leased.id());
    EXPECT_EQ(session->state(), state);
    EXPECT_EQ(session->last_sequence(), 1);
    EXPECT_EQ(session->lease_owner(), "");
    EXPECT_FALSE(session->has_lease_until());
  }
}

TEST_P(StoreConformanceTest, QueuedUpdateGivesTheSessionBack) {
  AdmitRange(1, 1);
  const v1::Session first = Lease(1).at(0);
  SessionUpdate retry = MakeUpdate(first, v1::SESSION_STATE_QUEUED, 1);
  *retry.session->mutable_not_before() = Timestamp(Now() + absl::Seconds(10));
  ASSERT_TRUE(Update(retry).ok());
  EXPECT_EQ(GetSession(first.id())->lease_owner(), "");
  EXPECT_EQ(Update(MakeUpdate(first, std::nullopt, 1)).status().code(), absl::StatusCode::kAborted);
  EXPECT_TRUE(Lease(1, absl::Seconds(9)).empty());
  const std::vector<v1::Session> second = Lease(1, absl::Seconds(10));
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].attempt(), 2);
  EXPECT_GT(second[0].fencing_token(), first.fencing_token());
  EXPECT_EQ(Update(MakeUpdate(first, std::nullopt, 1)).status().code(), absl::StatusCode::kAborted);
}

TEST_P(StoreConformanceTest, LogSequencesHaveNoGapsAcrossUpdatesAndLeases) {
  AdmitRange(1, 2);
  const std::vector<v1::Session> leased = Lease(2);
  ASSERT_EQ(leased.size(), 2u);
  EXPECT_EQ(Update(MakeUpdate(leased[0], std::nullopt, 3))->last_sequence, 3);
  EXPECT_EQ(Update(MakeUpdate(leased[1], std::nullopt, 1))->last_sequence, 1);
  EXPECT_EQ(Update(MakeUpdate(leased[0], std::nullopt, 0))->last_sequence, 3);
  EXPECT_EQ(Update(MakeUpdate(leased[0], v1::SESSION_STATE_QUEUED, 1))->last_sequence, 4);
  const v1::Session again = Lease(1).at(0);
  EXPECT_EQ(again.last_sequence(), 4);
  EXPECT_EQ(Update(MakeUpdate(again, v1::SESSION_STATE_SUCCEEDED, 2))->last_sequence, 6);

  const Rows log = Read(SessionEventQuery{.session_id = leased[0].id()});
  ASSERT_EQ(log.session_events.size(), 6u);
  for (int i = 0; i < 6; ++i) EXPECT_EQ(log.session_events[i].sequence(), i + 1);
  EXPECT_EQ(log.session_events[2].output().text(), "line 2");
}

TEST_P(StoreConformanceTest, RepeatedUpdateStoresItsEventsOnce) {
  AdmitRange(1, 1);
  const v1::Session leased = Lease(1).at(0);
  SessionUpdate update = MakeUpdate(leased, std::nullopt, 3);
  update.after_sequence = 0;
  EXPECT_EQ(Update(update)->last_sequence, 3);
  EXPECT_EQ(Update(update)->last_sequence, 3);
  update.events.push_back(update.events.front());
  EXPECT_EQ(Update(update)->last_sequence, 4);
  EXPECT_EQ(Read(SessionEventQuery{.session_id = leased.id()}).session_events.size(), 4u);
}

TEST_P(StoreConformanceTest, OfManyThreadsThatLeaseEachSessionGoesToOne) {
  constexpr int kSessions = 100;
  AdmitRange(1, kSessions);
  absl::Mutex mu;
  std::map<std::string, int> taken;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&, thread] {
      for (;;) {
        const std::vector<v1::Session> leased =
            Lease(3, absl::ZeroDuration(), absl::StrCat("host-", thread));
        if (leased.empty()) return;
        absl::MutexLock lock(&mu);
        for (const v1::Session& session : leased) ++taken[session.id()];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken.size(), size_t{kSessions});
  for (const auto& [id, times] : taken) EXPECT_EQ(times, 1) << id;
}

// ---- cancel
// --------------------------------------------------------------------------------------

TEST_P(StoreConformanceTest, CancelEndsAQueuedSessionAtOnce) {
  AdmitRange(1, 1);
  ASSERT_TRUE(store_->Save(RequestCancel{Id("session", 1), Now()}).ok());
  const auto session = GetSession(Id("session", 1));
  EXPECT_EQ(session->state(), v1::SESSION_STATE_CANCELLED);
  EXPECT_EQ(session->reason(), "cancelled");
  EXPECT_EQ(session->end_time().seconds(), absl::ToUnixSeconds(Now()));
  EXPECT_TRUE(Lease(1).empty());
  EXPECT_TRUE(store_->Save(RequestCancel{Id("session", 1), Now()}).ok());
}

TEST_P(StoreConformanceTest, CancelOfAHeldSessionReachesItsHolder) {
  AdmitRange(1, 1);
  const v1::Session leased = Lease(1).at(0);
  ASSERT_TRUE(store_->Save(RequestCancel{leased.id(), Now()}).ok());
  EXPECT_EQ(GetSession(leased.id())->state(), v1::SESSION_STATE_PREPARING);
  EXPECT_TRUE(Update(MakeUpdate(leased, std::nullopt))->cancel_requested);
  EXPECT_TRUE(Update(MakeUpdate(leased, v1::SESSION_STATE_RUNNING))->cancel_requested);
  EXPECT_TRUE(GetSession(leased.id())->cancel_requested());
  ASSERT_TRUE(Update(MakeUpdate(leased, v1::SESSION_STATE_CANCELLED)).ok());
  EXPECT_EQ(GetSession(leased.id())->state(), v1::SESSION_STATE_CANCELLED);
}

TEST_P(StoreConformanceTest, CancelledSessionThatIsGivenBackDoesNotWait) {
  AdmitRange(1, 1);
  const v1::Session leased = Lease(1).at(0);
  ASSERT_TRUE(store_->Save(RequestCancel{leased.id(), Now()}).ok());
  SessionUpdate retry = MakeUpdate(leased, v1::SESSION_STATE_QUEUED);
  *retry.session->mutable_not_before() = Timestamp(Now() + absl::Hours(1));
  ASSERT_TRUE(Update(retry).ok());
  const std::vector<v1::Session> again = Lease(1);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_TRUE(again[0].cancel_requested());
}

TEST_P(StoreConformanceTest, CancelLeavesTerminalSessionsAndRefusesUnknownOnes) {
  AdmitRange(1, 1);
  const v1::Session leased = Lease(1).at(0);
  ASSERT_TRUE(Update(MakeUpdate(leased, v1::SESSION_STATE_SUCCEEDED)).ok());
  EXPECT_TRUE(store_->Save(RequestCancel{leased.id(), Now()}).ok());
  EXPECT_EQ(GetSession(leased.id())->state(), v1::SESSION_STATE_SUCCEEDED);
  EXPECT_FALSE(GetSession(leased.id())->cancel_requested());
  EXPECT_EQ(store_->Save(RequestCancel{"session_none", Now()}).code(), absl::StatusCode::kNotFound);
}

}  // namespace routines::testing

#endif  // ROUTINES_TESTING_CONFORMANCE_LEASE_H_
