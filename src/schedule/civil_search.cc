#include "src/schedule/civil_search.h"

#include <algorithm>
#include <bit>
#include <cstdint>

namespace routines {
namespace {

constexpr int kMonthsOfCalendar = 400 * 12;

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

int WeekdayNumber(absl::CivilDay day) {  // 0: Sunday
  return (static_cast<int>(absl::GetWeekday(day)) + 1) % 7;
}

// The matching days of a month: bit d stands for day d.
uint32_t DaysOf(const CivilSearch::Fields& fields, absl::CivilMonth month) {
  if ((fields.months >> month.month() & 1) == 0) return 0;
  const absl::CivilDay first(month);
  const int length = static_cast<int>(absl::CivilDay(month + 1) - first);
  // The week turned so that bit 0 is the weekday of the first day, then laid out five times.
  const int turn = WeekdayNumber(first);
  const uint64_t week = (fields.days_of_week >> turn | fields.days_of_week << (7 - turn)) & 0x7f;
  const uint64_t weeks = week * 0x10204081u;
  const uint32_t by_week = static_cast<uint32_t>(weeks << 1);
  const uint32_t days =
      fields.either_day ? fields.days_of_month | by_week : fields.days_of_month & by_week;
  return UpTo(days, length) & ~1u;
}

}  // namespace

std::optional<absl::CivilMinute> CivilSearch::First(const Fields& fields, absl::CivilMinute from) {
  absl::CivilMonth month(from);
  uint32_t days = From(DaysOf(fields, month), from.day());
  if ((days >> from.day() & 1) != 0) {
    const uint64_t minutes = From(fields.minutes, from.minute());
    if ((fields.hours >> from.hour() & 1) != 0 && minutes != 0) {
      return from + (LowestBit(minutes) - from.minute());
    }
    const uint32_t hours = From(fields.hours, from.hour() + 1);
    if (hours != 0) {
      return absl::CivilMinute(from.year(), from.month(), from.day(), LowestBit(hours),
                               LowestBit(fields.minutes));
    }
    days = From(days, from.day() + 1);
  }
  for (int i = 0; days == 0; ++i) {
    if (i == kMonthsOfCalendar) return std::nullopt;
    days = DaysOf(fields, ++month);
  }
  return absl::CivilMinute(month.year(), month.month(), LowestBit(days), LowestBit(fields.hours),
                           LowestBit(fields.minutes));
}

std::optional<absl::CivilMinute> CivilSearch::Last(const Fields& fields, absl::CivilMinute from) {
  absl::CivilMonth month(from);
  uint32_t days = UpTo(DaysOf(fields, month), from.day());
  if ((days >> from.day() & 1) != 0) {
    const uint64_t minutes = UpTo(fields.minutes, from.minute());
    if ((fields.hours >> from.hour() & 1) != 0 && minutes != 0) {
      return from - (from.minute() - HighestBit(minutes));
    }
    const uint32_t hours = UpTo(fields.hours, from.hour() - 1);
    if (hours != 0) {
      return absl::CivilMinute(from.year(), from.month(), from.day(), HighestBit(hours),
                               HighestBit(fields.minutes));
    }
    days = UpTo(days, from.day() - 1);
  }
  for (int i = 0; days == 0; ++i) {
    if (i == kMonthsOfCalendar) return std::nullopt;
    days = DaysOf(fields, --month);
  }
  return absl::CivilMinute(month.year(), month.month(), HighestBit(days), HighestBit(fields.hours),
                           HighestBit(fields.minutes));
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
