#include "src/cli/checks.h"

#include <gtest/gtest.h>

#include <string>

namespace routines::cli {
namespace {

TEST(CheckIdempotencyKey, TakesWhatTheServerTakes) {
  EXPECT_EQ(CheckIdempotencyKey("a"), "");
  EXPECT_EQ(CheckIdempotencyKey("deploy 17"), "");
  EXPECT_EQ(CheckIdempotencyKey(std::string(255, 'k')), "");
  for (const std::string& wrong : {std::string(), std::string(256, 'k'), std::string("k\xC3\xA4"),
                                   std::string("a\nb"), std::string(" "), std::string("a ")}) {
    EXPECT_NE(CheckIdempotencyKey(wrong).find("1 to 255 bytes"), std::string::npos) << wrong;
  }
}

TEST(CheckExecutor, WantsANameAndACommandThatEnds) {
  EXPECT_EQ(CheckExecutor("agent=python3 'my agent.py' a=b"), "");
  for (const char* wrong : {"", "agent", "=sh", "agent=", "agent= ", "agent='sh", "agent=sh\\"}) {
    EXPECT_NE(CheckExecutor(wrong), "") << wrong;
  }
}

TEST(CheckRevision, IsANumberFromOneOn) {
  EXPECT_EQ(CheckRevision("1"), "");
  EXPECT_EQ(CheckRevision("99"), "");
  for (const char* wrong : {"", "0", "-1", "abc", "1.5", "99999999999999999999"}) {
    EXPECT_NE(CheckRevision(wrong), "") << wrong;
    EXPECT_LT(CheckRevision(wrong).size(), 80u);
  }
}

TEST(CheckDuration, HasAUnitAndNoMinus) {
  EXPECT_EQ(CheckDuration("90s"), "");
  EXPECT_NE(CheckDuration("90"), "");
  EXPECT_NE(CheckDuration("-1s"), "");
}

}  // namespace
}  // namespace routines::cli
