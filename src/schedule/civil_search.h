// Finds the local times that the fields of a schedule name, without knowing of time zones.
#ifndef ROUTINES_SRC_SCHEDULE_CIVIL_SEARCH_H_
#define ROUTINES_SRC_SCHEDULE_CIVIL_SEARCH_H_

#include <optional>

#include "routines/schedule.h"
#include "src/schedule/local_minute.h"

namespace routines {

// A month is looked at in one step (its days as bits), so that a search costs at most 4,800 steps:
// the calendar repeats after 400 years, and what has not come by then never comes.
class CivilSearch {
 public:
  using Fields = Schedule::Fields;

  // The first matching minute at or after `from`, the last at or before it.
  static std::optional<LocalMinute> First(const Fields& fields, const LocalMinute& from);
  static std::optional<LocalMinute> Last(const Fields& fields, const LocalMinute& from);

  // The shortest time between two matching minutes of one day, or over one midnight; in minutes.
  static int ClosestMinutes(const Fields& fields);
};

}  // namespace routines

#endif  // ROUTINES_SRC_SCHEDULE_CIVIL_SEARCH_H_
