// Two engines on one SQLite store: what one is told, the other knows soon.
#include <filesystem>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "routines/engine.h"
#include "routines/routine.h"
#include "routines/store.h"
#include "routines/testing/fake_executor.h"
#include "routines/testing/simulated_clock.h"
#include "src/engine/admission.h"

namespace routines {
namespace {

v1::Routine Load(const std::string& schedule, const std::string& more = "") {
  const LoadResult loaded = LoadRoutine(
      absl::StrCat(
          "name: nightly\nprompt: Look.\ntriggers:\n- {id: trig_nightly0, schedule: {cron: '",
          schedule, "'}}\n- {id: trig_alert000, api: {}}\n", more),
      "routine.yaml");
  EXPECT_TRUE(loaded.ok());
  return loaded.routine;
}

class SharedStore : public ::testing::Test {
 protected:
  SharedStore() {
    std::string name = (std::filesystem::temp_directory_path() / "shared-XXXXXX").string();
    folder_ = mkdtemp(name.data());
    store_ = *OpenSqliteStore({.path = (folder_ / "state.db").string()});
    clock_.SetTime(absl::FromCivil(absl::CivilHour(2026, 1, 5, 6), absl::UTCTimeZone()));
    one_ = Make();
    two_ = Make();
  }
  ~SharedStore() override {
    one_.reset();
    two_.reset();
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::unique_ptr<Engine> Make() {
    EngineOptions options;
    options.clock = &clock_;
    options.store = store_;
    options.executors["fake"] = std::make_shared<testing::FakeExecutor>();
    options.poll_interval = absl::Seconds(5);
    return *Engine::Create(std::move(options));
  }

  // Only `engine` makes steps.
  void Advance(Engine& engine, absl::Duration duration) {
    const absl::Time end = clock_.TimeNow() + duration;
    while (true) {
      const absl::Time next = std::min(end, engine.Step());
      if (next > clock_.TimeNow()) {
        clock_.SetTime(next);
      } else if (next >= end) {
        break;
      }
    }
    engine.Step();
  }
  // Until it knows what the other was told.
  void Poll(Engine& engine) { Advance(engine, absl::Seconds(5)); }

  int Count(v1::DecisionReason reason) {
    int count = 0;
    const auto decisions = one_->ListDecisions({.limit = 1000});
    for (const v1::Decision& decision : *decisions) {
      count += decision.reason() == reason;
    }
    return count;
  }
  int Fired() { return Count(v1::DECISION_REASON_FIRED); }

  std::filesystem::path folder_;
  testing::SimulatedClock clock_;
  std::shared_ptr<Store> store_;
  std::unique_ptr<Engine> one_, two_;
};

TEST_F(SharedStore, ARoutinePutThroughOneIsRunByTheOther) {
  ASSERT_TRUE(one_->Put(Load("0 7 * * *")).ok());
  Advance(*two_, absl::Hours(1));
  EXPECT_EQ(Fired(), 1);
  EXPECT_EQ(two_->Fire({.trigger_id = "trig_alert000"}).status(), absl::OkStatus());
}

TEST_F(SharedStore, AnInstantIsTakenByOneOfThem) {
  ASSERT_TRUE(one_->Put(Load("0 * * * *")).ok());
  for (int hour = 0; hour < 3; ++hour) {
    Poll(*one_);
    Poll(*two_);
    clock_.AdvanceTime(absl::Hours(1) - absl::Seconds(10));
    one_->Step();
    two_->Step();
  }
  EXPECT_EQ(Fired(), 3);
}

TEST_F(SharedStore, AnEditReachesTheOtherWithInstantsThatCameSince) {
  ASSERT_TRUE(one_->Put(Load("0 12 * * *")).ok());
  Poll(*two_);
  ASSERT_TRUE(one_->Put(Load("0 7 * * *")).ok());
  one_.reset();  // and knows of it alone
  one_ = nullptr;
  clock_.AdvanceTime(absl::Hours(1));  // the other was suspended
  Advance(*two_, absl::Minutes(1));
  one_ = Make();
  EXPECT_EQ(Fired(), 1);
  Advance(*two_, absl::Hours(12));
  EXPECT_EQ(Fired(), 1);  // not at noon
}

TEST_F(SharedStore, APauseReachesTheOther) {
  ASSERT_TRUE(one_->Put(Load("0 * * * *")).ok());
  Poll(*two_);
  ASSERT_TRUE(one_->SetRoutinePaused("default", "nightly", true).ok());
  Advance(*two_, absl::Hours(1));
  EXPECT_EQ(Fired(), 0);
  EXPECT_EQ(Count(v1::DECISION_REASON_PAUSED), 1);
  EXPECT_TRUE(absl::IsFailedPrecondition(two_->Fire({.trigger_id = "trig_alert000"}).status()));
  // Through the other again.
  ASSERT_TRUE(two_->SetRoutinePaused("default", "nightly", false).ok());
  Poll(*one_);
  EXPECT_TRUE(one_->Fire({.trigger_id = "trig_alert000"}).ok());
}

TEST_F(SharedStore, ADeletionReachesTheOther) {
  ASSERT_TRUE(one_->Put(Load("0 * * * *")).ok());
  Poll(*two_);
  ASSERT_TRUE(one_->DeleteRoutine("default", "nightly").ok());
  Advance(*two_, absl::Hours(2));
  EXPECT_EQ(Fired(), 0);
  EXPECT_TRUE(absl::IsNotFound(two_->Fire({.trigger_id = "trig_alert000"}).status()));
  EXPECT_TRUE(absl::IsNotFound(two_->DeleteRoutine("default", "nightly")));
}

TEST_F(SharedStore, TokensReachTheOther) {
  ASSERT_TRUE(one_->Put(Load("0 * * * *")).ok());
  const auto token = one_->CreateToken("trig_alert000");
  ASSERT_TRUE(token.ok()) << token.status();
  EXPECT_TRUE(absl::IsUnauthenticated(two_->CheckToken("trig_alert000", token->secret)));
  Poll(*two_);
  EXPECT_TRUE(two_->CheckToken("trig_alert000", token->secret).ok());
  // It counts there, too.
  ASSERT_TRUE(two_->CreateToken("trig_alert000").ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(one_->CreateToken("trig_alert000").status()));
  ASSERT_TRUE(one_->RevokeToken(token->token.id()).ok());
  Poll(*two_);
  EXPECT_TRUE(absl::IsUnauthenticated(two_->CheckToken("trig_alert000", token->secret)));
}

TEST_F(SharedStore, NothingIsStartedOnOldKnowledge) {
  ASSERT_TRUE(one_->Put(Load("0 7 * * *")).ok());
  Poll(*two_);
  clock_.AdvanceTime(absl::Minutes(30));  // suspended over the change
  ASSERT_TRUE(one_->DeleteRoutine("default", "nightly").ok());
  clock_.AdvanceTime(absl::Hours(1));
  two_->Step();
  EXPECT_EQ(Fired(), 0);
}

}  // namespace
}  // namespace routines
