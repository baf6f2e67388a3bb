// Next and Previous beside a walk over every minute that shares no code and no idea with them.
#include <algorithm>
#include <bitset>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "routines/schedule.h"

namespace routines {
namespace {

const char* const kZones[] = {"UTC",
                              "Europe/Berlin",
                              "Europe/London",
                              "Europe/Dublin",
                              "Europe/Lisbon",
                              "Europe/Moscow",
                              "Europe/Istanbul",
                              "Europe/Riga",
                              "America/New_York",
                              "America/Chicago",
                              "America/Los_Angeles",
                              "America/Phoenix",
                              "America/Anchorage",
                              "America/Sao_Paulo",
                              "America/Santiago",
                              "America/Havana",
                              "America/St_Johns",
                              "America/Caracas",
                              "America/Asuncion",
                              "America/Godthab",
                              "Africa/Cairo",
                              "Africa/Casablanca",
                              "Africa/Johannesburg",
                              "Africa/Lagos",
                              "Asia/Kolkata",
                              "Asia/Kathmandu",
                              "Asia/Tehran",
                              "Asia/Gaza",
                              "Asia/Beirut",
                              "Asia/Pyongyang",
                              "Asia/Shanghai",
                              "Asia/Tokyo",
                              "Australia/Sydney",
                              "Australia/Lord_Howe",
                              "Australia/Adelaide",
                              "Pacific/Auckland",
                              "Pacific/Chatham",
                              "Pacific/Apia",
                              "Pacific/Kiritimati",
                              "Antarctica/Troll"};

// The values of one field, as the test made them, and how it wrote them.
struct Field {
  std::bitset<64> values;
  std::string text;
  bool star = false;      // a mere *
  bool interval = false;  // holds * - or /
};

struct Expression {
  Field minute, hour, day, month, weekday;
  std::string Text() const {
    return absl::StrCat(minute.text, " ", hour.text, " ", day.text, " ", month.text, " ",
                        weekday.text);
  }
  bool interval() const { return minute.interval || hour.interval; }
};

class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {}

  int Below(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random_); }

  Field Star(int least, int most) {
    Field field{.text = "*", .star = true, .interval = true};
    for (int v = least; v <= most; ++v) field.values.set(v);
    return field;
  }

  Field Any(int least, int most) {
    Field field;
    const int kind = Below(5);
    const int step = 1 + Below(most);
    if (kind == 0) return Star(least, most);
    if (kind == 1) {
      for (int v = least; v <= most; v += step) field.values.set(v);
      field.interval = true;
      field.text = absl::StrCat("*/", step);
    } else if (kind == 2) {
      const int first = least + Below(most - least + 1), last = first + Below(most - first + 1);
      const int by = Below(2) == 0 ? 1 : step;
      for (int v = first; v <= last; v += by) field.values.set(v);
      field.interval = true;
      field.text = absl::StrCat(first, "-", last);
      if (by > 1) absl::StrAppend(&field.text, "/", by);
    } else {
      std::vector<int> values(1 + Below(kind == 3 ? 1 : 4));
      for (int& v : values) field.values.set(v = least + Below(most - least + 1));
      field.text = absl::StrJoin(values, ",");
    }
    return field;
  }

  Expression Next() {
    Expression expression;
    expression.minute = Any(0, 59);
    // Often in the hours in which zones change.
    expression.hour = Below(3) == 0 ? Any(0, 3) : Any(0, 23);
    if (expression.hour.text.substr(0, 1) == "*" && expression.hour.values.count() < 24) {
      expression.hour = Star(0, 23);  // a step over 0-3 would not be what is written
    }
    expression.day = Below(3) == 0 ? Any(1, 31) : Star(1, 31);
    expression.month = Below(6) == 0 ? Any(1, 12) : Star(1, 12);
    expression.weekday = Below(3) == 0 ? Any(0, 6) : Star(0, 6);
    return expression;
  }

 private:
  std::mt19937 random_;
};

bool MatchesDay(const Expression& e, absl::CivilDay day) {
  const int weekday = (static_cast<int>(absl::GetWeekday(day)) + 1) % 7;
  const bool by_month = e.day.values[day.day()], by_week = e.weekday.values[weekday];
  const bool either = !e.day.star && !e.weekday.star;
  return e.month.values[day.month()] && (either ? by_month || by_week : by_month && by_week);
}

// Some weeks of one zone: the offset at each minute.
class Window {
 public:
  static constexpr int kDays = 24;
  static constexpr int kMinutes = kDays * 1440;

  Window(absl::TimeZone zone, absl::Time begin) : begin_(begin) {
    for (int i = 0; i < kMinutes; ++i) {
      offsets_.push_back(zone.At(begin + i * absl::Minutes(1)).offset / 60);
    }
    const absl::CivilMinute civil(zone.At(begin).cs);
    first_day_ = absl::CivilDay(civil);
    first_minute_ = civil.hour() * 60 + civil.minute() - offsets_[0];
  }

  // Minutes since `begin` at which the expression fires.
  std::vector<int> Fire(const Expression& e) const {
    std::vector<char> days;
    for (int i = -1; i < kDays + 3; ++i) days.push_back(MatchesDay(e, first_day_ + i));
    const auto matches = [&](int local) {
      const int of_day = local % 1440;
      return days[local / 1440] && e.hour.values[of_day / 60] && e.minute.values[of_day % 60];
    };
    std::vector<int> fired;
    int latest = Local(0) - 1;  // the furthest that the clock has shown
    for (int minute = 0; minute < kMinutes; ++minute) {
      const int local = Local(minute);
      bool fires = matches(local) && (e.interval() || local > latest);
      for (int gone = latest + 1; gone < local; ++gone) fires |= matches(gone);
      latest = std::max(latest, local);
      if (fires) fired.push_back(minute);
    }
    return fired;
  }

  absl::Time At(int minute) const { return begin_ + minute * absl::Minutes(1); }

 private:
  // Minutes of the wall clock since the day before the first.
  int Local(int minute) const { return 1440 + first_minute_ + minute + offsets_[minute]; }

  absl::Time begin_;
  absl::CivilDay first_day_;
  int first_minute_ = 0;
  std::vector<int> offsets_;
};

absl::TimeZone Load(const char* name) {
  absl::TimeZone zone;
  EXPECT_TRUE(absl::LoadTimeZone(name, &zone)) << name;
  return zone;
}

// A day after which the window begins: around a change of offset, or anywhere.
absl::Time Begin(Generator& generator, absl::TimeZone zone) {
  absl::Time time =
      absl::FromCivil(absl::CivilDay(2005, 1, 1) + generator.Below(25 * 365), absl::UTCTimeZone());
  absl::TimeZone::CivilTransition change;
  if (generator.Below(4) != 0 && zone.NextTransition(time, &change)) {
    time =
        absl::FromCivil(absl::CivilDay(change.from) - 1 - generator.Below(20), absl::UTCTimeZone());
  }
  return time;
}

int CountOfTriples() {
  const char* const wanted = std::getenv("ROUTINES_SCHEDULE_TRIPLES");
  return wanted == nullptr ? 1'000'000 : std::atoi(wanted);
}

// (expression, zone, instant) triples; ROUTINES_SCHEDULE_TRIPLES says how many.
TEST(Oracle, AgreesOnRandomTriples) {
  constexpr int kInstants = 100, kExpressions = 20;
  Generator generator(20261124);
  int triples = 0, found = 0;
  for (int round = 0; triples < CountOfTriples(); ++round) {
    const char* const name = kZones[round % std::size(kZones)];
    const absl::TimeZone zone = Load(name);
    const Window window(zone, Begin(generator, zone));
    for (int i = 0; i < kExpressions; ++i) {
      const Expression expression = generator.Next();
      const auto schedule = Schedule::Parse(expression.Text(), zone);
      ASSERT_TRUE(schedule.ok()) << expression.Text() << ": " << schedule.status();
      const std::vector<int> fired = window.Fire(expression);
      for (int k = 0; k < kInstants; ++k, ++triples) {
        // Half of them at or beside an instant that fires.
        const int minute =
            k % 2 == 0 && !fired.empty()
                ? std::max(0, fired[generator.Below(fired.size())] - generator.Below(2))
                : generator.Below(Window::kMinutes);
        constexpr absl::Duration kInMinute[] = {absl::ZeroDuration(), absl::Nanoseconds(1),
                                                absl::Milliseconds(250), absl::Seconds(30)};
        const absl::Time after = window.At(minute) + kInMinute[generator.Below(4)];
        const auto next = std::upper_bound(fired.begin(), fired.end(), minute);
        const auto context = [&] {
          return absl::StrCat(expression.Text(), " in ", name, " at ", absl::FormatTime(after));
        };
        if (next != fired.end()) {
          ASSERT_EQ(schedule->Next(after), window.At(*next)) << context();
          ++found;
        } else {
          ASSERT_GE(schedule->Next(after), window.At(Window::kMinutes)) << context();
        }
        auto before = std::lower_bound(fired.begin(), fired.end(), minute);
        if (after > window.At(minute)) before = next;
        if (before != fired.begin()) {
          ASSERT_EQ(schedule->Previous(after), window.At(*(before - 1))) << context();
        } else {
          ASSERT_LT(schedule->Previous(after), window.At(0)) << context();
        }
      }
    }
  }
  EXPECT_GT(found, triples / 2);
}

// Far ahead, day by day over decades, for what matches seldom.
TEST(Oracle, AgreesOnSparseExpressions) {
  Generator generator(7);
  for (int i = 0; i < 400; ++i) {
    Expression e = generator.Next();
    e.hour = {.text = "12"};  // nothing changes at noon
    e.hour.values.set(12);
    e.minute = {.text = "0"};
    e.minute.values.set(0);
    e.day = generator.Any(28, 31);
    if (e.day.text[0] == '*') continue;  // would begin at 1
    e.month = generator.Below(2) == 0 ? generator.Any(1, 12) : Field{.text = "2"};
    if (e.month.text == "2") e.month.values.set(2);
    const absl::TimeZone zone = Load(kZones[generator.Below(std::size(kZones))]);
    const auto schedule = Schedule::Parse(e.Text(), zone);
    ASSERT_TRUE(schedule.ok()) << e.Text();
    const absl::CivilDay start = absl::CivilDay(2012, 1, 1) + generator.Below(9000);
    absl::CivilDay day = start + 1;
    while (day < start + 365 * 60 && !MatchesDay(e, day)) ++day;
    const absl::Time next = schedule->Next(absl::FromCivil(start, zone) + absl::Hours(20));
    if (day < start + 365 * 60) {
      EXPECT_EQ(next, absl::FromCivil(absl::CivilHour(day) + 12, zone)) << e.Text();
    } else {
      EXPECT_GE(next, absl::FromCivil(day, zone)) << e.Text();
    }
  }
}

}  // namespace
}  // namespace routines
