#include "src/base/time_conversion.h"

#include <gtest/gtest.h>

namespace routines {
namespace {

TEST(TimeConversion, KeepsNanosecondsBeforeAndAfterTheEpoch) {
  for (const int64_t nanoseconds : {int64_t{0}, int64_t{1}, int64_t{-1},
                                    int64_t{1'767'603'600'123'456'789}, int64_t{-1'500'000'000}}) {
    const absl::Time time = absl::FromUnixNanos(nanoseconds);
    const google::protobuf::Timestamp proto = ToProto(time);
    EXPECT_GE(proto.nanos(), 0);
    EXPECT_EQ(FromProto(proto), time);
  }
}

TEST(TimeConversion, KeepsDurations) {
  for (const absl::Duration duration :
       {absl::ZeroDuration(), absl::Milliseconds(1500), absl::Hours(100) + absl::Nanoseconds(1)}) {
    EXPECT_EQ(FromProto(ToProto(duration)), duration);
  }
}

}  // namespace
}  // namespace routines
