// Schedules in words.
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "routines/schedule.h"
#include "src/schedule/zones.h"

namespace routines {
namespace {

constexpr const char* kDays[] = {"Sundays",   "Mondays", "Tuesdays", "Wednesdays",
                                 "Thursdays", "Fridays", "Saturdays"};
constexpr const char* kMonths[] = {"January",   "February", "March",    "April",
                                   "May",       "June",     "July",     "August",
                                   "September", "October",  "November", "December"};
constexpr size_t kMostTimes = 4;  // that are told one by one

std::vector<int> Values(uint64_t bits) {
  std::vector<int> values;
  for (int value = 0; value < 64; ++value) {
    if ((bits >> value & 1) != 0) values.push_back(value);
  }
  return values;
}

bool InARow(const std::vector<int>& values) {
  return values.back() - values.front() + 1 == static_cast<int>(values.size());
}

// "a, b and c"
std::string List(const std::vector<std::string>& words) {
  if (words.size() == 1) return words.front();
  return absl::StrCat(absl::StrJoin(words.begin(), words.end() - 1, ", "), " and ", words.back());
}

// Numbers as "1, 4 and 9", or "1 to 9" where there are more than two in a row.
std::string Numbers(const std::vector<int>& values) {
  if (values.size() > 2 && InARow(values)) {
    return absl::StrCat(values.front(), " to ", values.back());
  }
  std::vector<std::string> words;
  for (const int value : values) words.push_back(absl::StrCat(value));
  return List(words);
}

std::string Names(const std::vector<int>& values, const char* const* names, int first) {
  if (values.size() > 2 && InARow(values)) {
    return absl::StrCat(names[values.front() - first], " to ", names[values.back() - first]);
  }
  std::vector<std::string> words;
  for (const int value : values) words.push_back(names[value - first]);
  return List(words);
}

// The step of 0, n, 2n, … up to `end`; 0 where it is none.
int StepOf(const std::vector<int>& values, int end) {
  if (values.size() < 2 || values.front() != 0) return 0;
  const int step = values[1];
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i] != static_cast<int>(i) * step) return 0;
  }
  return values.back() + step >= end ? step : 0;
}

std::string Clock(int hour, int minute) {
  return absl::StrFormat("%02d:%02d", hour, minute);
}

std::string Minutes(const std::vector<int>& minutes) {
  const int step = StepOf(minutes, 60);
  if (step == 1) return "every minute";
  if (step > 1 && 60 % step == 0) return absl::StrCat("every ", step, " minutes");
  return absl::StrCat(minutes.size() == 1 ? "at minute " : "at minutes ", Numbers(minutes));
}

std::string Hours(const std::vector<int>& hours) {
  const int step = StepOf(hours, 24);
  if (step == 1) return " of every hour";
  if (step > 1 && 24 % step == 0) return absl::StrCat(" of every ", step, " hours");
  if (InARow(hours)) {
    return absl::StrCat(" from ", Clock(hours.front(), 0), " to ", Clock(hours.back(), 59));
  }
  return absl::StrCat(" of the hours ", Numbers(hours));
}

std::string TimeOfDay(const std::vector<int>& hours, const std::vector<int>& minutes) {
  if (hours.size() * minutes.size() <= kMostTimes) {
    std::vector<std::string> times;
    for (const int hour : hours) {
      for (const int minute : minutes) times.push_back(Clock(hour, minute));
    }
    return absl::StrCat("at ", List(times));
  }
  std::string text = Minutes(minutes);
  // "every 15 minutes" needs no hours, and "at minute 0 of every hour" does.
  if (hours.size() < 24 || text.substr(0, 2) == "at") text += Hours(hours);
  return text;
}

std::string DaysOfWeek(uint8_t bits) {
  if (bits == 0b0111110) return "weekdays";
  if (bits == 0b1000001) return "weekends";
  return Names(Values(bits), kDays, 0);
}

std::string DaysOfMonth(const std::vector<int>& days) {
  return absl::StrCat(days.size() == 1 ? "day " : "days ", Numbers(days), " of the month");
}

}  // namespace

std::string Schedule::Describe() const {
  if (once_ != absl::InfinitePast()) {
    return absl::StrCat("once at ",
                        absl::FormatTime(absl::RFC3339_sec, once_, absl::UTCTimeZone()));
  }
  const std::vector<int> days = Values(fields_.days_of_month);
  const bool every_day = days.size() == 31, every_weekday = fields_.days_of_week == 0x7f;
  const std::string time = TimeOfDay(Values(fields_.hours), Values(fields_.minutes));
  std::string text;
  if (fields_.either_day) {
    text = absl::StrCat(DaysOfMonth(days), " or ", DaysOfWeek(fields_.days_of_week), " ");
  } else if (!every_day) {
    text = absl::StrCat(DaysOfMonth(days), " ");
  } else if (!every_weekday) {
    text = absl::StrCat(DaysOfWeek(fields_.days_of_week), " ");
  } else if (time.substr(0, 3) == "at " && time.find("minute") == time.npos) {
    text = "daily ";
  }
  absl::StrAppend(&text, time);
  const std::vector<int> months = Values(fields_.months);
  if (months.size() < 12) absl::StrAppend(&text, " in ", Names(months, kMonths, 1));
  absl::StrAppend(&text, " in ", NameOfZone(zone_));
  return never_ ? absl::StrCat("never (", text, ")") : text;
}

}  // namespace routines
