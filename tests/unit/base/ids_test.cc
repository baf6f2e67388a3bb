#include "src/base/ids.h"

#include <gtest/gtest.h>

#include <set>

namespace routines {
namespace {

// The time part of a ULID is 48 bits of milliseconds in ten digits of Crockford's base32.
TEST(NewId, IsAPrefixAndAUlidThatBeginsWithItsTime) {
  const std::string id = NewId("session_", absl::FromUnixSeconds(9'000'000'000));
  EXPECT_EQ(id.size(), 8u + 26u);
  EXPECT_EQ(id.substr(0, 18), "session_085XWWV400");
  EXPECT_EQ(id.substr(8).find_first_not_of("0123456789ABCDEFGHJKMNPQRSTVWXYZ"), std::string::npos);
  EXPECT_EQ(NewId("", absl::FromUnixSeconds(9'000'000'001)).substr(0, 10), "085XWWV4Z8");
}

TEST(NewId, SortsInTheOrderOfMakingWhateverTheClockDoes) {
  std::string last;
  for (int i = 0; i < 10'000; ++i) {
    const std::string id = NewId("", absl::FromUnixSeconds(10'000'000'000 - i));
    EXPECT_LT(last, id);
    last = id;
  }
}

TEST(RandomKey, Is256BitsInBase64Url) {
  std::set<std::string> keys;
  for (int i = 0; i < 100; ++i) {
    const std::string key = RandomKey();
    EXPECT_EQ(key.size(), 43u);
    EXPECT_EQ(key.find_first_of("+/="), std::string::npos);
    keys.insert(key);
  }
  EXPECT_EQ(keys.size(), 100u);
}

TEST(IsTriggerId, TakesEightTo64LettersAndDigits) {
  EXPECT_TRUE(IsTriggerId("trig_01ABCDEFGHJKLMNOPQRSTUVW"));
  EXPECT_TRUE(IsTriggerId("trig_" + std::string(64, 'a')));
  EXPECT_FALSE(IsTriggerId("trig_" + std::string(65, 'a')));
  EXPECT_FALSE(IsTriggerId("trig_1234567"));
  EXPECT_FALSE(IsTriggerId("trig_1234567-"));
  EXPECT_FALSE(IsTriggerId("nightly"));
}

}  // namespace
}  // namespace routines
