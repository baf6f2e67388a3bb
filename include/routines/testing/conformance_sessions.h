// Part of routines/testing/conformance.h: queries about sessions and their logs.
#ifndef ROUTINES_TESTING_CONFORMANCE_SESSIONS_H_
#define ROUTINES_TESTING_CONFORMANCE_SESSIONS_H_

#include <string>
#include <vector>

#include "routines/testing/conformance.h"

namespace routines::testing {

TEST_P(StoreConformanceTest, SessionsAreListedNewestFirstInPages) {
  AdmitRange(1, 5);
  EXPECT_EQ(Ids(Read(SessionQuery{.limit = 2}).sessions),
            (std::vector{Id("session", 5), Id("session", 4)}));
  EXPECT_EQ(Ids(Read(SessionQuery{.before_id = Id("session", 4), .limit = 2}).sessions),
            (std::vector{Id("session", 3), Id("session", 2)}));
  EXPECT_EQ(Ids(Read(SessionQuery{.before_id = Id("session", 2)}).sessions),
            (std::vector{Id("session", 1)}));
  EXPECT_TRUE(Read(SessionQuery{.before_id = Id("session", 1)}).sessions.empty());
  EXPECT_TRUE(Read(SessionQuery{.limit = 0}).sessions.empty());
}

TEST_P(StoreConformanceTest, SessionsAreFilteredByAccountRoutineAndState) {
  for (int number = 1; number <= 6; ++number) {
    Admission admission = MakeAdmission(number, "", number % 2 == 0 ? "even" : "odd");
    if (number > 4) admission.sessions[0].set_account("globex");
    ASSERT_TRUE(Admit(admission).ok());
    if (number == 2) ASSERT_EQ(Lease(2).size(), 2u);  // they are PREPARING
  }
  ASSERT_TRUE(store_->Save(RequestCancel{Id("session", 3), Now()}).ok());

  auto list = [&](const SessionQuery& query) { return Ids(Read(query).sessions); };
  auto ids = [](std::vector<int> numbers) {
    std::vector<std::string> result;
    for (int number : numbers) result.push_back(Id("session", number));
    return result;
  };
  EXPECT_EQ(list({.account = "acme"}), ids({4, 3, 2, 1}));
  EXPECT_EQ(list({.account = "globex"}), ids({6, 5}));
  EXPECT_EQ(list({.account = "acme", .routine = "even"}), ids({4, 2}));
  EXPECT_EQ(list({.routine = "odd"}), ids({5, 3, 1}));
  EXPECT_EQ(list({.states = {v1::SESSION_STATE_QUEUED}}), ids({6, 5, 4}));
  EXPECT_EQ(list({.states = {v1::SESSION_STATE_QUEUED, v1::SESSION_STATE_PREPARING}}),
            ids({6, 5, 4, 2, 1}));
  EXPECT_EQ(list({.account = "acme",
                  .states = {v1::SESSION_STATE_CANCELLED, v1::SESSION_STATE_PREPARING}}),
            ids({3, 2, 1}));
  EXPECT_EQ(list({.account = "acme", .routine = "odd", .before_id = Id("session", 3)}), ids({1}));
  EXPECT_EQ(list({.states = {v1::SESSION_STATE_QUEUED}, .before_id = Id("session", 6), .limit = 1}),
            ids({5}));
  EXPECT_TRUE(list({.account = "nobody"}).empty());
  EXPECT_TRUE(list({.states = {v1::SESSION_STATE_LOST}}).empty());
}

TEST_P(StoreConformanceTest, LogIsReadInPages) {
  AdmitRange(1, 1);
  const v1::Session leased = Lease(1).at(0);
  ASSERT_TRUE(Update(MakeUpdate(leased, std::nullopt, 5)).ok());
  auto sequences = [&](const SessionEventQuery& query) {
    std::vector<int64_t> result;
    for (const auto& event : Read(query).session_events) result.push_back(event.sequence());
    return result;
  };
  const std::string& id = leased.id();
  EXPECT_EQ(sequences({.session_id = id}), (std::vector<int64_t>{1, 2, 3, 4, 5}));
  EXPECT_EQ(sequences({.session_id = id, .limit = 2}), (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(sequences({.session_id = id, .after = 2, .limit = 2}), (std::vector<int64_t>{3, 4}));
  EXPECT_EQ(sequences({.session_id = id, .after = 4}), (std::vector<int64_t>{5}));
  EXPECT_TRUE(sequences({.session_id = id, .after = 5}).empty());
}

TEST_P(StoreConformanceTest, LogAnswerIsBoundedInBytesButNeverEmpty) {
  AdmitRange(1, 1);
  const v1::Session leased = Lease(1).at(0);
  SessionUpdate update = MakeUpdate(leased, std::nullopt);
  for (int i = 0; i < 5; ++i) {
    update.events.emplace_back().mutable_output()->set_text(std::string(1000, 'x'));
  }
  ASSERT_TRUE(Update(update).ok());
  auto count = [&](int64_t max_bytes) {
    const SessionEventQuery query{.session_id = leased.id(), .max_bytes = max_bytes};
    return Read(query).session_events.size();
  };
  EXPECT_EQ(count(1), 1u);
  EXPECT_EQ(count(0), 1u);
  EXPECT_GE(count(3500), 2u);
  EXPECT_LE(count(3500), 4u);
  EXPECT_EQ(count(1 << 20), 5u);
}

TEST_P(StoreConformanceTest, TextsOfAnyBytesComeBackAsTheyWere) {
  Admission admission = MakeAdmission(1, std::string("key\0with\xff zero", 14));
  admission.event.set_payload(std::string("\0\x01\xfe\xff", 4));
  admission.event.set_text("'; DROP TABLE sessions; -- \xe2\x82\xac");
  ASSERT_TRUE(Admit(admission).ok());
  const Rows rows = Read(EventQuery{.id = admission.event.id()});
  ASSERT_EQ(rows.events.size(), 1u);
  EXPECT_EQ(rows.events[0].payload(), admission.event.payload());
  EXPECT_EQ(rows.events[0].text(), admission.event.text());
  // Keys that differ only behind a zero byte are different keys.
  EXPECT_FALSE(Admit(MakeAdmission(2, std::string("key\0other", 9)))->duplicate);
  EXPECT_TRUE(Admit(MakeAdmission(3, std::string("key\0other", 9)))->duplicate);
}

}  // namespace routines::testing

#endif  // ROUTINES_TESTING_CONFORMANCE_SESSIONS_H_
