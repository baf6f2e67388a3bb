#include "src/engine/tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "routines/testing/test_engine.h"

namespace routines {
namespace {

using ::testing::StartsWith;

constexpr char kTrigger[] = "trig_alert0001";

class TokensTest : public ::testing::Test {
 protected:
  TokensTest() {
    engine_.PutYaml(
        "name: alert\nprompt: look\ntriggers: [{id: trig_alert0001, api: {}}, "
        "{id: nightly, schedule: {cron: '7 2 * * *'}}]\n");
  }

  testing::TestEngine engine_;
};

TEST_F(TokensTest, AreCheckedByTriggerAndSecret) {
  const IssuedToken issued = *engine_->CreateToken(kTrigger);
  EXPECT_THAT(issued.secret, StartsWith("rtk_"));
  EXPECT_EQ(issued.secret.size(), 47u);
  EXPECT_TRUE(engine_->CheckToken(kTrigger, issued.secret).ok());
  const absl::Status wrong = engine_->CheckToken(kTrigger, issued.secret + "x");
  EXPECT_TRUE(absl::IsUnauthenticated(wrong));
  // An unknown trigger, an empty secret: one and the same answer.
  EXPECT_EQ(engine_->CheckToken("trig_unknown01", issued.secret), wrong);
  EXPECT_EQ(engine_->CheckToken(kTrigger, ""), wrong);
}

TEST_F(TokensTest, AreNeverStoredInTheClear) {
  const IssuedToken issued = *engine_->CreateToken(kTrigger);
  const Rows rows = *engine_.store()->Read(TokenQuery{kTrigger});
  ASSERT_EQ(rows.tokens.size(), 1u);
  EXPECT_EQ(rows.tokens[0].SerializeAsString().find(issued.secret), std::string::npos);
  EXPECT_EQ(rows.tokens[0].sha256().size(), 32u);
}

TEST_F(TokensTest, AreAtMostTwo) {
  ASSERT_TRUE(engine_->CreateToken(kTrigger).ok());
  const IssuedToken second = *engine_->CreateToken(kTrigger);
  EXPECT_TRUE(absl::IsFailedPrecondition(engine_->CreateToken(kTrigger).status()));
  ASSERT_TRUE(engine_->RevokeToken(second.token.id()).ok());
  EXPECT_TRUE(absl::IsUnauthenticated(engine_->CheckToken(kTrigger, second.secret)));
  EXPECT_TRUE(engine_->CreateToken(kTrigger).ok());
}

TEST_F(TokensTest, OverlapWhileTheyRotateAndThenEnd) {
  const IssuedToken old = *engine_->CreateToken(kTrigger);
  const IssuedToken fresh = *engine_->RotateToken(kTrigger, absl::Hours(1));
  EXPECT_TRUE(engine_->CheckToken(kTrigger, old.secret).ok());
  EXPECT_TRUE(engine_->CheckToken(kTrigger, fresh.secret).ok());
  engine_.clock().AdvanceTime(absl::Hours(1));
  EXPECT_FALSE(engine_->CheckToken(kTrigger, old.secret).ok());
  EXPECT_TRUE(engine_->CheckToken(kTrigger, fresh.secret).ok());
}

TEST_F(TokensTest, AreStillTwoAfterRotatingTwice) {
  const IssuedToken first = *engine_->CreateToken(kTrigger);
  const IssuedToken second = *engine_->RotateToken(kTrigger, absl::Hours(1));
  const IssuedToken third = *engine_->RotateToken(kTrigger, absl::Hours(1));
  EXPECT_FALSE(engine_->CheckToken(kTrigger, first.secret).ok());
  EXPECT_TRUE(engine_->CheckToken(kTrigger, second.secret).ok());
  EXPECT_TRUE(engine_->CheckToken(kTrigger, third.secret).ok());
}

TEST_F(TokensTest, RotatedWithoutOverlapEndAtOnce) {
  const IssuedToken old = *engine_->CreateToken(kTrigger);
  ASSERT_TRUE(engine_->RotateToken(kTrigger, absl::ZeroDuration()).ok());
  EXPECT_FALSE(engine_->CheckToken(kTrigger, old.secret).ok());
}

TEST_F(TokensTest, SurviveARestart) {
  const IssuedToken issued = *engine_->CreateToken(kTrigger);
  engine_.CrashAndRestart();
  EXPECT_TRUE(engine_->CheckToken(kTrigger, issued.secret).ok());
}

TEST_F(TokensTest, BelongToApiTriggersOnly) {
  EXPECT_TRUE(absl::IsNotFound(engine_->CreateToken("trig_unknown01").status()));
  const v1::SavedRoutine saved = *engine_->GetRoutine("default", "alert");
  EXPECT_TRUE(
      absl::IsInvalidArgument(engine_->CreateToken(saved.triggers(1).trigger_id()).status()));
  EXPECT_TRUE(absl::IsNotFound(engine_->RevokeToken("token_unknown")));
}

TEST_F(TokensTest, DieWithTheirTrigger) {
  const IssuedToken issued = *engine_->CreateToken(kTrigger);
  engine_.PutYaml("name: alert\nprompt: look\n");
  engine_.PutYaml("name: alert\nprompt: look\ntriggers: [{id: trig_alert0001, api: {}}]\n");
  EXPECT_FALSE(engine_->CheckToken(kTrigger, issued.secret).ok());
}

}  // namespace
}  // namespace routines
