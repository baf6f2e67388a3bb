// Spans of time between two changes of a zone's offset, in which local time is a straight line.
//
// Each thread remembers those that it met last, which makes asking again some twenty times as fast
// as asking the zone. Thread-safety: every function may be called from any thread.
#ifndef ROUTINES_SRC_SCHEDULE_STRAIGHT_TIME_H_
#define ROUTINES_SRC_SCHEDULE_STRAIGHT_TIME_H_

#include <cstdint>

#include "absl/time/time.h"

namespace routines {

// In seconds of Unix time: from `begin` to `end`, which is not included, local time is `offset`
// ahead of UTC.
struct StraightTime {
  int64_t begin = 0, end = 0;
  int64_t offset = 0;
};

// The years in which zones tell all their changes.
inline constexpr int64_t kFirstStraight = 0, kLastStraight = 7'258'118'400;  // 1970, 2200

// The span that `second` lies in, from kFirstStraight to kLastStraight.
StraightTime StraightTimeAt(const absl::TimeZone& zone, int64_t second);

}  // namespace routines

#endif  // ROUTINES_SRC_SCHEDULE_STRAIGHT_TIME_H_
