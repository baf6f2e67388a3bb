// Part of routines/testing/conformance.h: what is there after a restart.
#ifndef ROUTINES_TESTING_CONFORMANCE_DURABLE_H_
#define ROUTINES_TESTING_CONFORMANCE_DURABLE_H_

#include <string>
#include <vector>

#include "routines/testing/conformance.h"

namespace routines::testing {

TEST_P(DurableStoreConformanceTest, EverythingIsThereAfterReopening) {
  ASSERT_TRUE(store_->Save(SaveRoutine{MakeRoutine("alert", 1, {"trig_1"})}).ok());
  ASSERT_TRUE(store_->Save(SetPaused{"acme", "alert", true}).ok());
  ASSERT_TRUE(store_->Save(SaveToken{MakeToken("token_1", "trig_1")}).ok());
  ASSERT_TRUE(store_->Save(SaveSetting{"admin", "hash"}).ok());
  AdmitRange(1, 3);
  const v1::Session leased = Lease(1).at(0);
  SessionUpdate ended = MakeUpdate(leased, v1::SESSION_STATE_SUCCEEDED, 2);
  ended.session->set_result("done");
  ASSERT_TRUE(Update(ended).ok());

  const std::vector<Query> queries = {RoutineQuery{},
                                      TokenQuery{},
                                      SessionQuery{},
                                      EventQuery{},
                                      DecisionQuery{},
                                      SettingQuery{"admin"},
                                      SessionEventQuery{.session_id = leased.id()}};
  auto everything = [&] {
    std::string all;
    for (const Query& query : queries) {
      const Rows rows = Read(query);
      for (const auto& row : rows.routines) all += row.ShortDebugString() + "\n";
      for (const auto& row : rows.tokens) all += row.ShortDebugString() + "\n";
      for (const auto& row : rows.sessions) all += row.ShortDebugString() + "\n";
      for (const auto& row : rows.session_events) all += row.ShortDebugString() + "\n";
      for (const auto& row : rows.events) all += row.ShortDebugString() + "\n";
      for (const auto& row : rows.decisions) all += row.ShortDebugString() + "\n";
      for (const auto& row : rows.settings) all += row + "\n";
    }
    return all;
  };
  const std::string before = everything();
  EXPECT_NE(before.find("result: \"done\""), std::string::npos);
  Reopen();
  EXPECT_EQ(everything(), before);
}

TEST_P(DurableStoreConformanceTest, LeasesEndAtReopening) {
  AdmitRange(1, 2);
  const std::vector<v1::Session> held = Lease(2);
  ASSERT_EQ(held.size(), 2u);
  ASSERT_TRUE(Update(MakeUpdate(held[1], v1::SESSION_STATE_RUNNING, 1)).ok());
  Reopen();
  // The old token is worth nothing, even before anybody else takes the session over.
  EXPECT_EQ(Update(MakeUpdate(held[0], std::nullopt, 1)).status().code(),
            absl::StatusCode::kAborted);
  const std::vector<v1::Session> again = Lease(2, absl::ZeroDuration(), "host-b");
  ASSERT_EQ(again.size(), 2u);
  EXPECT_EQ(again[0].state(), v1::SESSION_STATE_PREPARING);
  EXPECT_EQ(again[0].attempt(), 2);
  EXPECT_EQ(again[1].state(), v1::SESSION_STATE_RUNNING);
  for (int i = 0; i < 2; ++i) EXPECT_GT(again[i].fencing_token(), held[i].fencing_token());
  EXPECT_EQ(Update(MakeUpdate(again[1], std::nullopt, 1))->last_sequence, 2);
}

TEST_P(DurableStoreConformanceTest, QueueAndKeysOutliveReopening) {
  ASSERT_TRUE(Admit(MakeAdmission(1, "key")).ok());
  Admission later = MakeAdmission(2);
  *later.sessions[0].mutable_not_before() = Timestamp(Now() + absl::Seconds(30));
  ASSERT_TRUE(Admit(later).ok());
  ASSERT_TRUE(store_->Save(SaveRoutine{MakeRoutine("alert", 1, {"trig_1"})}).ok());
  Reopen();
  EXPECT_TRUE(Admit(MakeAdmission(3, "key"))->duplicate);
  EXPECT_EQ(Ids(Lease(9)), (std::vector{Id("session", 1)}));
  EXPECT_EQ(Ids(Lease(9, absl::Seconds(30))), (std::vector{Id("session", 2)}));
  EXPECT_EQ(store_->Save(SaveRoutine{MakeRoutine("b", 1, {"trig_1"})}).code(),
            absl::StatusCode::kAborted);
  AdmitRange(4, 4);
  EXPECT_EQ(Ids(Read(SessionQuery{.limit = 1}).sessions), (std::vector{Id("session", 4)}));
}

}  // namespace routines::testing

#endif  // ROUTINES_TESTING_CONFORMANCE_DURABLE_H_
