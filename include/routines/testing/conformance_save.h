// Part of routines/testing/conformance.h: routines, tokens and settings.
#ifndef ROUTINES_TESTING_CONFORMANCE_SAVE_H_
#define ROUTINES_TESTING_CONFORMANCE_SAVE_H_

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "routines/testing/conformance.h"

namespace routines::testing {

TEST_P(StoreConformanceTest, RevisionsFollowOneAnotherAndStayReadable) {
  ASSERT_TRUE(store_->Save(SaveRoutine{MakeRoutine("alert", 1)}).ok());
  ASSERT_TRUE(store_->Save(SaveRoutine{MakeRoutine("alert", 2)}).ok());
  for (int64_t wrong : {-1, 0, 1, 2, 4}) {
    EXPECT_EQ(store_->Save(SaveRoutine{MakeRoutine("alert", wrong)}).code(),
              absl::StatusCode::kAborted)
        << wrong;
  }
  EXPECT_EQ(store_->Save(SaveRoutine{MakeRoutine("fresh", 2)}).code(), absl::StatusCode::kAborted);

  auto prompt = [&](int64_t revision) {
    const Rows rows = Read(RoutineQuery{.account = "acme", .name = "alert", .revision = revision});
    return rows.routines.empty() ? "none" : rows.routines[0].routine().prompt();
  };
  EXPECT_EQ(prompt(0), "revision 2");
  EXPECT_EQ(prompt(1), "revision 1");
  EXPECT_EQ(prompt(2), "revision 2");
  EXPECT_EQ(prompt(3), "none");
}

TEST_P(StoreConformanceTest, OfManyThreadsThatSaveARevisionExactlyOneWins) {
  std::atomic<int> winners{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&] {
      for (int revision = 1; revision <= 10; ++revision) {
        if (store_->Save(SaveRoutine{MakeRoutine("alert", revision)}).ok()) ++winners;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const int64_t newest =
      Read(RoutineQuery{.account = "acme", .name = "alert"}).routines.at(0).revision();
  EXPECT_EQ(newest, 10);
  EXPECT_EQ(winners, newest);
}

TEST_P(StoreConformanceTest, RoutinesAreListedByAccountAndNameAtTheirNewest) {
  v1::SavedRoutine globex = MakeRoutine("alert", 1);
  globex.mutable_routine()->set_account("globex");
  ASSERT_TRUE(store_->Save(SaveRoutine{globex}).ok());
  ASSERT_TRUE(store_->Save(SaveRoutine{MakeRoutine("triage", 1)}).ok());
  ASSERT_TRUE(store_->Save(SaveRoutine{MakeRoutine("alert", 1)}).ok());
  ASSERT_TRUE(store_->Save(SaveRoutine{MakeRoutine("alert", 2)}).ok());
  auto list = [&](const std::string& account) {
    std::vector<std::string> result;
    for (const auto& saved : Read(RoutineQuery{.account = account}).routines) {
      result.push_back(absl::StrCat(saved.routine().account(), "/", saved.routine().name(), "@",
                                    saved.revision()));
    }
    return result;
  };
  EXPECT_EQ(list(""),
            (std::vector<std::string>{"acme/alert@2", "acme/triage@1", "globex/alert@1"}));
  EXPECT_EQ(list("acme"), (std::vector<std::string>{"acme/alert@2", "acme/triage@1"}));
  EXPECT_TRUE(list("nobody").empty());
}

TEST_P(StoreConformanceTest, TriggerBelongsToOneRoutine) {
  ASSERT_TRUE(store_->Save(SaveRoutine{MakeRoutine("a", 1, {"trig_1", "trig_2"})}).ok());
  EXPECT_EQ(store_->Save(SaveRoutine{MakeRoutine("b", 1, {"trig_3", "trig_1"})}).code(),
            absl::StatusCode::kAborted);
  EXPECT_TRUE(Read(RoutineQuery{.account = "acme", .name = "b"}).routines.empty());
  // The refused save took nothing: trig_3 is free for another, trig_1 stays with its routine.
  ASSERT_TRUE(store_->Save(SaveRoutine{MakeRoutine("c", 1, {"trig_3"})}).ok());
  ASSERT_TRUE(store_->Save(SaveRoutine{MakeRoutine("a", 2, {"trig_1"})}).ok());
  // Revision 2 gave trig_2 up.
  EXPECT_TRUE(store_->Save(SaveRoutine{MakeRoutine("b", 1, {"trig_2"})}).ok());
}

TEST_P(StoreConformanceTest, DeletedRoutineLeavesListsAndFreesItsTriggers) {
  ASSERT_TRUE(store_->Save(SaveRoutine{MakeRoutine("alert", 1, {"trig_1"})}).ok());
  ASSERT_TRUE(store_->Save(SaveToken{MakeToken("token_1", "trig_1")}).ok());
  v1::SavedRoutine deleted = MakeRoutine("alert", 2, {"trig_1"});
  deleted.set_deleted(true);
  ASSERT_TRUE(store_->Save(SaveRoutine{deleted}).ok());

  EXPECT_TRUE(Read(RoutineQuery{}).routines.empty());
  const Rows newest = Read(RoutineQuery{.account = "acme", .name = "alert"});
  ASSERT_EQ(newest.routines.size(), 1u);
  EXPECT_TRUE(newest.routines[0].deleted());
  EXPECT_EQ(Read(RoutineQuery{.account = "acme", .name = "alert", .revision = 1}).routines.size(),
            1u);
  EXPECT_TRUE(Read(TokenQuery{}).tokens.empty());
  EXPECT_TRUE(store_->Save(SaveRoutine{MakeRoutine("other", 1, {"trig_1"})}).ok());

  EXPECT_EQ(store_->Save(SaveRoutine{MakeRoutine("alert", 1)}).code(), absl::StatusCode::kAborted);
  ASSERT_TRUE(store_->Save(SaveRoutine{MakeRoutine("alert", 3)}).ok());
  EXPECT_EQ(Read(RoutineQuery{}).routines.size(), 2u);
}

TEST_P(StoreConformanceTest, TokensOfATriggerThatIsGoneAreGone) {
  ASSERT_TRUE(store_->Save(SaveRoutine{MakeRoutine("alert", 1, {"trig_1", "trig_2"})}).ok());
  ASSERT_TRUE(store_->Save(SaveToken{MakeToken("token_1", "trig_1")}).ok());
  ASSERT_TRUE(store_->Save(SaveToken{MakeToken("token_2", "trig_2")}).ok());
  ASSERT_TRUE(store_->Save(SaveRoutine{MakeRoutine("alert", 2, {"trig_2"})}).ok());
  EXPECT_EQ(Ids(Read(TokenQuery{}).tokens), (std::vector<std::string>{"token_2"}));
}

TEST_P(StoreConformanceTest, PausedChangesInPlace) {
  ASSERT_TRUE(store_->Save(SaveRoutine{MakeRoutine("alert", 1)}).ok());
  ASSERT_TRUE(store_->Save(SaveRoutine{MakeRoutine("alert", 2)}).ok());
  auto paused = [&](int64_t revision) {
    return Read(RoutineQuery{.account = "acme", .name = "alert", .revision = revision})
        .routines.at(0)
        .paused();
  };
  ASSERT_TRUE(store_->Save(SetPaused{"acme", "alert", true}).ok());
  EXPECT_TRUE(paused(2));
  EXPECT_FALSE(paused(1));
  EXPECT_EQ(Read(RoutineQuery{}).routines.at(0).revision(), 2);
  ASSERT_TRUE(store_->Save(SetPaused{"acme", "alert", false}).ok());
  EXPECT_FALSE(paused(2));
  EXPECT_EQ(store_->Save(SetPaused{"acme", "none", true}).code(), absl::StatusCode::kNotFound);
}

TEST_P(StoreConformanceTest, TokensAreSavedReplacedListedAndDeleted) {
  ASSERT_TRUE(store_->Save(SaveToken{MakeToken("token_1", "trig_1")}).ok());
  ASSERT_TRUE(store_->Save(SaveToken{MakeToken("token_2", "trig_1")}).ok());
  ASSERT_TRUE(store_->Save(SaveToken{MakeToken("token_3", "trig_2")}).ok());
  v1::Token replaced = MakeToken("token_1", "trig_1");
  *replaced.mutable_expire_time() = Timestamp(Now());
  ASSERT_TRUE(store_->Save(SaveToken{replaced}).ok());

  const Rows rows = Read(TokenQuery{.trigger_id = "trig_1"});
  EXPECT_EQ(Ids(rows.tokens), (std::vector<std::string>{"token_1", "token_2"}));
  EXPECT_EQ(rows.tokens.at(0).SerializeAsString(), replaced.SerializeAsString());
  EXPECT_EQ(Read(TokenQuery{}).tokens.size(), 3u);

  ASSERT_TRUE(store_->Save(DeleteToken{"token_1"}).ok());
  EXPECT_EQ(store_->Save(DeleteToken{"token_1"}).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Read(TokenQuery{.trigger_id = "trig_1"}).tokens.size(), 1u);
}

TEST_P(StoreConformanceTest, ChangesAreToldInTheirOrder) {
  int64_t known = Read(ChangeQuery{.limit = 0}).change;
  const auto changes = [&](int limit) {
    const Rows rows = Read(ChangeQuery{.after = known, .limit = limit});
    if (rows.routines.empty()) {
      EXPECT_EQ(rows.change, known);
    } else {
      EXPECT_GT(rows.change, known);
    }
    known = rows.change;
    std::vector<std::string> told;
    for (const v1::SavedRoutine& saved : rows.routines) {
      told.push_back(absl::StrCat(saved.routine().name(), "@", saved.revision(),
                                  saved.paused() ? " paused" : "",
                                  saved.deleted() ? " deleted" : ""));
    }
    for (const v1::Token& token : rows.tokens) told.push_back(token.id());
    return told;
  };
  using Told = std::vector<std::string>;
  EXPECT_EQ(changes(10), Told());
  ASSERT_TRUE(store_->Save(SaveRoutine{MakeRoutine("b", 1, {"trig_1"})}).ok());
  ASSERT_TRUE(store_->Save(SaveRoutine{MakeRoutine("a", 1)}).ok());
  ASSERT_TRUE(store_->Save(SaveRoutine{MakeRoutine("b", 2, {"trig_1"})}).ok());
  EXPECT_EQ(changes(2), (Told{"b@1", "a@1"}));
  EXPECT_EQ(changes(2), (Told{"b@2"}));
  EXPECT_EQ(changes(2), Told());
  ASSERT_TRUE(store_->Save(SaveToken{MakeToken("token_1", "trig_1")}).ok());
  EXPECT_EQ(changes(10), (Told{"b@2", "token_1"}));
  ASSERT_TRUE(store_->Save(SetPaused{"acme", "a", true}).ok());
  ASSERT_TRUE(store_->Save(SaveToken{MakeToken("token_2", "trig_1")}).ok());
  ASSERT_TRUE(store_->Save(SetPaused{"acme", "a", false}).ok());
  EXPECT_EQ(changes(10), (Told{"b@2", "a@1", "token_1", "token_2"}));
  ASSERT_TRUE(store_->Save(DeleteToken{"token_1"}).ok());
  EXPECT_EQ(changes(10), (Told{"b@2", "token_2"}));
  v1::SavedRoutine deleted = MakeRoutine("b", 3, {"trig_1"});
  deleted.set_deleted(true);
  ASSERT_TRUE(store_->Save(SaveRoutine{deleted}).ok());
  EXPECT_EQ(changes(10), (Told{"b@3 deleted"}));
  // Sessions and settings are no changes, nor is what was refused.
  ASSERT_TRUE(store_->Save(SaveSetting{"admin", "one"}).ok());
  ASSERT_FALSE(store_->Save(SaveRoutine{MakeRoutine("a", 1)}).ok());
  EXPECT_EQ(changes(10), Told());
}

TEST_P(StoreConformanceTest, SettingsAreReplaced) {
  ASSERT_TRUE(store_->Save(SaveSetting{"admin", "one"}).ok());
  ASSERT_TRUE(store_->Save(SaveSetting{"admin", std::string("\0two\xff", 5)}).ok());
  ASSERT_TRUE(store_->Save(SaveSetting{"empty", ""}).ok());
  EXPECT_EQ(Read(SettingQuery{"admin"}).settings,
            (std::vector<std::string>{std::string("\0two\xff", 5)}));
  EXPECT_EQ(Read(SettingQuery{"empty"}).settings, (std::vector<std::string>{""}));
}

}  // namespace routines::testing

#endif  // ROUTINES_TESTING_CONFORMANCE_SAVE_H_
