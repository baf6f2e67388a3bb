#ifndef ROUTINES_CAPI_SRC_CLOCK_H_
#define ROUTINES_CAPI_SRC_CLOCK_H_

#include <cstdint>
#include <memory>

#include "absl/time/time.h"
#include "capi/src/handle.h"
#include "routines/testing/simulated_clock.h"

namespace routines::capi {

// Far from what int64_t nanoseconds can say is "never".
inline int64_t Nanoseconds(absl::Time time) {
  return absl::ToInt64Nanoseconds(time - absl::UnixEpoch());
}
inline absl::Time TimeOf(int64_t ns) {
  if (ns == ROUTINES_NEVER) return absl::InfiniteFuture();
  if (ns == ROUTINES_BEFORE_TIME) return absl::InfinitePast();
  return absl::UnixEpoch() + absl::Nanoseconds(ns);
}

class ClockObject : public Object {
 public:
  explicit ClockObject(absl::Time start)
      : clock(std::make_shared<testing::SimulatedClock>(start)) {}
  const std::shared_ptr<testing::SimulatedClock> clock;
};
template <>
struct Named<ClockObject> {
  static constexpr Noun kNoun = Noun::kClock;
  using Handle = routines_clock;
};

}  // namespace routines::capi

#endif  // ROUTINES_CAPI_SRC_CLOCK_H_
