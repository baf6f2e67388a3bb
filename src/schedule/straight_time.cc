#include "src/schedule/straight_time.h"

#include <array>
#include <cstring>
#include <limits>
#include <type_traits>

#include "absl/time/civil_time.h"

namespace routines {
namespace {

// Which zone it is: a TimeZone is a pointer to rules that are never changed nor freed.
uintptr_t Identity(const absl::TimeZone& zone) {
  static_assert(sizeof(zone) == sizeof(uintptr_t) && std::is_trivially_copyable_v<absl::TimeZone>);
  uintptr_t identity = 0;
  std::memcpy(&identity, &zone, sizeof(identity));
  return identity;
}

StraightTime Find(const absl::TimeZone& zone, int64_t second) {
  const absl::Time time = absl::FromUnixSeconds(second);
  const absl::TimeZone::CivilInfo local = zone.At(time);
  StraightTime found{std::numeric_limits<int64_t>::min() / 2,
                     std::numeric_limits<int64_t>::max() / 2, local.offset};
  absl::TimeZone::CivilTransition change;
  if (zone.PrevTransition(time + absl::Seconds(1), &change)) {
    found.begin = second + (change.to - local.cs);
  }
  if (zone.NextTransition(time, &change)) found.end = second + (change.from - local.cs);
  return found;
}

struct Remembered {
  uintptr_t zone;
  StraightTime time;
};

// By zone and time: 97 days, in which there is hardly more than one change.
using Place = std::array<Remembered, 2>;
constexpr int kPlaces = 32;
constexpr int64_t kSecondsOfPlace = int64_t{1} << 23;

}  // namespace

StraightTime StraightTimeAt(const absl::TimeZone& zone, int64_t second) {
  thread_local std::array<Place, kPlaces> places = {};
  const uintptr_t identity = Identity(zone);
  Place& place = places[(identity / 64 + second / kSecondsOfPlace) % kPlaces];
  for (const Remembered& each : place) {
    if (each.zone == identity && second >= each.time.begin && second < each.time.end) {
      return each.time;
    }
  }
  place[1] = place[0];
  place[0] = {identity, Find(zone, second)};
  return place[0].time;
}

}  // namespace routines
