#include "src/engine/admission.h"

#include <gtest/gtest.h>

namespace routines {
namespace {

TEST(CheckText, CountsCharactersNotBytes) {
  std::string fire;
  for (int i = 0; i < 65'536; ++i) fire += "\xF0\x9F\x94\xA5";
  EXPECT_TRUE(CheckText(fire).ok());
  EXPECT_EQ(CheckText(fire + "x").message(),
            "text: has 65537 characters; at most 65536 are accepted");
}

TEST(CheckText, RefusesWhatIsNotText) {
  EXPECT_TRUE(CheckText("").ok());
  EXPECT_TRUE(absl::IsInvalidArgument(CheckText(std::string_view("a\0b", 3))));
  EXPECT_TRUE(absl::IsInvalidArgument(CheckText("\xFF")));
  EXPECT_TRUE(absl::IsInvalidArgument(CheckText("\xED\xA0\x80")));  // a surrogate
}

TEST(CheckIdempotencyKey, TakesPrintableAsciiUpTo255Bytes) {
  EXPECT_TRUE(CheckIdempotencyKey(std::string(255, 'k')).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(CheckIdempotencyKey(std::string(256, 'k'))));
  EXPECT_TRUE(absl::IsInvalidArgument(CheckIdempotencyKey("a\nb")));
}

TEST(DecisionName, KnowsEveryReason) {
  for (int i = 1; i < v1::DecisionReason_ARRAYSIZE; ++i) {
    EXPECT_NE(DecisionName(static_cast<v1::DecisionReason>(i)), "unspecified") << i;
  }
}

}  // namespace
}  // namespace routines
