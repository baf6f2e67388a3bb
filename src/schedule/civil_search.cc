#include "src/schedule/civil_search.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace routines {
namespace {

constexpr int kYearsOfCalendar = 400;

template <typename T>
int LowestBit(T bits) {
  return std::countr_zero(bits);
}

template <typename T>
int HighestBit(T bits) {
  return static_cast<int>(std::bit_width(bits)) - 1;
}

// The bits of `bits` from `bit` upwards, and those up to and with `bit`.
template <typename T>
T From(T bits, int bit) {
  return bit >= static_cast<int>(sizeof(T) * 8) ? 0 : static_cast<T>(bits >> bit << bit);
}

template <typename T>
T UpTo(T bits, int bit) {
  return static_cast<T>(bits ^ From(bits, bit + 1));
}

struct Month {
  int64_t year;
  int month;
};

// The next and the last month that the schedule has at all.
Month After(uint16_t months, Month from) {
  const uint16_t later = From(months, from.month + 1);
  return later != 0 ? Month{from.year, LowestBit(later)} : Month{from.year + 1, LowestBit(months)};
}

Month Before(uint16_t months, Month from) {
  const uint16_t earlier = UpTo(months, from.month - 1);
  return earlier != 0 ? Month{from.year, HighestBit(earlier)}
                      : Month{from.year - 1, HighestBit(months)};
}

int LengthOf(Month month) {
  const std::array<int, 13>& before = DaysBeforeMonths(month.year);
  return before[month.month] - before[month.month - 1];
}

// Of the first of the month; 0: Sunday. Four hundred years later it is the same.
int FirstWeekday(Month month) {
  constexpr int kThursday = 4;  // 1970-01-01
  const int64_t year = month.year + kYearsOfCalendar;
  const int64_t days = DaysBeforeYear(year) + DaysBeforeMonths(year)[month.month - 1];
  return static_cast<int>(((days + kThursday) % 7 + 7) % 7);
}

// The days of a month that fall on the weekdays of the schedule.
uint32_t ByWeekday(const CivilSearch::Fields& fields, Month month) {
  if (fields.days_of_week == 0x7f) return ~0u;
  // The week turned so that bit 0 is the weekday of the first day, then laid out five times.
  const int turn = FirstWeekday(month);
  const uint64_t week = (fields.days_of_week >> turn | fields.days_of_week << (7 - turn)) & 0x7f;
  return static_cast<uint32_t>(week * 0x10204081u << 1);
}

// The matching days of a month: bit d stands for day d.
uint32_t DaysOf(const CivilSearch::Fields& fields, Month month) {
  if ((fields.months >> month.month & 1) == 0) return 0;
  const uint32_t by_week = ByWeekday(fields, month);
  const uint32_t days =
      fields.either_day ? fields.days_of_month | by_week : fields.days_of_month & by_week;
  return UpTo(days, LengthOf(month)) & ~1u;
}

}  // namespace

std::optional<LocalMinute> CivilSearch::First(const Fields& fields, const LocalMinute& from) {
  Month month{from.year, from.month};
  uint32_t days = From(DaysOf(fields, month), from.day);
  if ((days >> from.day & 1) != 0) {
    const uint64_t minutes = From(fields.minutes, from.minute);
    if ((fields.hours >> from.hour & 1) != 0 && minutes != 0) {
      return LocalMinute{from.year, from.month, from.day, from.hour, LowestBit(minutes)};
    }
    const uint32_t hours = From(fields.hours, from.hour + 1);
    if (hours != 0) {
      return LocalMinute{from.year, from.month, from.day, LowestBit(hours),
                         LowestBit(fields.minutes)};
    }
    days = From(days, from.day + 1);
  }
  while (days == 0) {
    month = After(fields.months, month);
    if (month.year > from.year + kYearsOfCalendar) return std::nullopt;
    days = DaysOf(fields, month);
  }
  return LocalMinute{month.year, month.month, LowestBit(days), LowestBit(fields.hours),
                     LowestBit(fields.minutes)};
}

std::optional<LocalMinute> CivilSearch::Last(const Fields& fields, const LocalMinute& from) {
  Month month{from.year, from.month};
  uint32_t days = UpTo(DaysOf(fields, month), from.day);
  if ((days >> from.day & 1) != 0) {
    const uint64_t minutes = UpTo(fields.minutes, from.minute);
    if ((fields.hours >> from.hour & 1) != 0 && minutes != 0) {
      return LocalMinute{from.year, from.month, from.day, from.hour, HighestBit(minutes)};
    }
    const uint32_t hours = UpTo(fields.hours, from.hour - 1);
    if (hours != 0) {
      return LocalMinute{from.year, from.month, from.day, HighestBit(hours),
                         HighestBit(fields.minutes)};
    }
    days = UpTo(days, from.day - 1);
  }
  while (days == 0) {
    month = Before(fields.months, month);
    if (month.year < from.year - kYearsOfCalendar) return std::nullopt;
    days = DaysOf(fields, month);
  }
  return LocalMinute{month.year, month.month, HighestBit(days), HighestBit(fields.hours),
                     HighestBit(fields.minutes)};
}

int CivilSearch::ClosestMinutes(const Fields& fields) {
  int closest = 24 * 60;
  int before = -1;
  for (int minute = 0; minute < 60; ++minute) {
    if ((fields.minutes >> minute & 1) == 0) continue;
    if (before >= 0) closest = std::min(closest, minute - before);
    before = minute;
  }
  // From the last minute of one hour to the first of the next that matches, midnight included.
  const int over_the_hour = LowestBit(fields.minutes) - HighestBit(fields.minutes);
  before = HighestBit(fields.hours) - 24;
  for (int hour = 0; hour < 24; ++hour) {
    if ((fields.hours >> hour & 1) == 0) continue;
    closest = std::min(closest, (hour - before) * 60 + over_the_hour);
    before = hour;
  }
  return closest;
}

}  // namespace routines
