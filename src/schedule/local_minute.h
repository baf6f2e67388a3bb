// A minute of local time, and the arithmetic of the Gregorian calendar on it.
#ifndef ROUTINES_SRC_SCHEDULE_LOCAL_MINUTE_H_
#define ROUTINES_SRC_SCHEDULE_LOCAL_MINUTE_H_

#include <array>
#include <cstdint>

namespace routines {

struct LocalMinute {
  int64_t year;
  int month, day;  // 1 to 12, 1 to 31
  int hour, minute;
};

inline bool IsLeapYear(int64_t year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

// Days of the year before the first of each month, January first, the next year last.
inline const std::array<int, 13>& DaysBeforeMonths(int64_t year) {
  static constexpr std::array<int, 13> kCommon = {0,   31,  59,  90,  120, 151, 181,
                                                  212, 243, 273, 304, 334, 365};
  static constexpr std::array<int, 13> kLeap = {0,   31,  60,  91,  121, 152, 182,
                                                213, 244, 274, 305, 335, 366};
  return IsLeapYear(year) ? kLeap : kCommon;
}

// Days from 1970-01-01 to the first of January of a year after the year 0.
inline int64_t DaysBeforeYear(int64_t year) {
  constexpr int64_t kDaysBefore1970 = 719'162;
  const int64_t whole = year - 1;
  return whole * 365 + whole / 4 - whole / 100 + whole / 400 - kDaysBefore1970;
}

// Minutes since 1970-01-01 00:00 of the same clock, from then on.
inline int64_t MinutesSince1970(const LocalMinute& local) {
  const int64_t days =
      DaysBeforeYear(local.year) + DaysBeforeMonths(local.year)[local.month - 1] + local.day - 1;
  return (days * 24 + local.hour) * 60 + local.minute;
}

inline LocalMinute LocalMinuteOf(int64_t minutes_since_1970) {
  constexpr int64_t kDaysOf400Years = 146'097;
  const int64_t hours = minutes_since_1970 / 60, days = hours / 24;
  // At most one too late, as a year has a day more or less than 365.2425 of them.
  int64_t year = 1970 + (days + 1) * 400 / kDaysOf400Years;
  int64_t day = days - DaysBeforeYear(year);
  if (day < 0) day = days - DaysBeforeYear(--year);
  // No month has more than 32 days, so that this is the right one or the one before.
  const std::array<int, 13>& before = DaysBeforeMonths(year);
  int64_t month = day / 32;
  if (day >= before[month + 1]) ++month;
  return {year, static_cast<int>(month + 1), static_cast<int>(day - before[month] + 1),
          static_cast<int>(hours % 24), static_cast<int>(minutes_since_1970 % 60)};
}

}  // namespace routines

#endif  // ROUTINES_SRC_SCHEDULE_LOCAL_MINUTE_H_
