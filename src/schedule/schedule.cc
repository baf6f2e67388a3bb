#include "routines/schedule.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "src/base/status_macros.h"
#include "src/base/time_conversion.h"
#include "src/base/words.h"
#include "src/schedule/civil_search.h"
#include "src/schedule/cron_parser.h"
#include "src/schedule/local_minute.h"
#include "src/schedule/straight_time.h"
#include "src/schedule/zones.h"

namespace routines {
namespace {

// The years in which schedules live: those of RFC 3339.
absl::Time Earliest() {
  return absl::FromUnixSeconds(-62'135'596'800);
}  // 0001-01-01
absl::Time Latest() {
  return absl::FromUnixSeconds(253'402'300'800);
}  // 10000-01-01

constexpr absl::Duration kTick = absl::Nanoseconds(1);
// No change of offset moves local time by more than a day; two are safe.
constexpr int64_t kFar = 48 * 3600;  // seconds
constexpr absl::Duration kMostShift = absl::Seconds(kFar);

absl::CivilMinute RoundUp(const absl::TimeZone::CivilInfo& local) {
  const absl::CivilMinute minute(local.cs);
  return local.cs == minute && local.subsecond == absl::ZeroDuration() ? minute : minute + 1;
}

// The instant at which local time reads `civil`, as long as the offset stays that of `local`.
absl::Time AtOffset(absl::Time time, const absl::TimeZone::CivilInfo& local,
                    absl::CivilSecond civil) {
  return time - local.subsecond + absl::Seconds(civil - local.cs);
}

LocalMinute Local(absl::CivilMinute civil) {
  return {civil.year(), civil.month(), civil.day(), civil.hour(), civil.minute()};
}

absl::CivilMinute Civil(const LocalMinute& local) {
  return absl::CivilMinute(local.year, local.month, local.day, local.hour, local.minute);
}

absl::CivilMinute First(const CivilSearch::Fields& fields, absl::CivilMinute from) {
  return Civil(*CivilSearch::First(fields, Local(from)));
}

absl::CivilMinute Last(const CivilSearch::Fields& fields, absl::CivilMinute from) {
  return Civil(*CivilSearch::Last(fields, Local(from)));
}

// What Next gives, where no change of offset comes soon after `after`, nor came shortly before the
// instant, which is nearly always so: then no local time between the two comes twice or not at all,
// and intervals are times like others. Changes in the midst move nothing but the offset.
std::optional<absl::Time> NextFarFromChanges(const CivilSearch::Fields& fields,
                                             const absl::TimeZone& zone, absl::Time after) {
  const int64_t second = absl::ToUnixSeconds(after);
  if (second < kFirstStraight || second >= kLastStraight) return std::nullopt;
  StraightTime straight = StraightTimeAt(zone, second);
  const int64_t local = second + straight.offset;
  if (local < 0 || straight.end - second <= kFar) return std::nullopt;
  const int64_t next =
      MinutesSince1970(*CivilSearch::First(fields, LocalMinuteOf(local / 60 + 1))) * 60;
  if (next - straight.offset >= straight.end) {
    if (next - straight.offset >= kLastStraight) return std::nullopt;
    straight = StraightTimeAt(zone, next - straight.offset);
  }
  const int64_t time = next - straight.offset;
  if (time - straight.begin < kFar || time >= straight.end) return std::nullopt;
  return absl::FromUnixSeconds(time);
}

// When a time of day fires: at the end of the gap that it falls in, at its first occurrence.
absl::Time Resolve(const absl::TimeZone& zone, absl::CivilMinute minute) {
  const absl::TimeZone::TimeInfo info = zone.At(absl::CivilSecond(minute));
  return info.kind == absl::TimeZone::TimeInfo::SKIPPED ? info.trans : info.pre;
}

absl::StatusOr<std::pair<int, int>> TimeOfDay(std::string_view text) {
  int hour = 0, minute = 0;
  if (text.empty()) return std::make_pair(0, 0);
  const absl::string_view time(text.data(), text.size());
  if (time.size() != 5 || time[2] != ':' || !absl::SimpleAtoi(time.substr(0, 2), &hour) ||
      !absl::SimpleAtoi(time.substr(3), &minute) || hour < 0 || hour > 23 || minute < 0 ||
      minute > 59) {
    return absl::InvalidArgumentError(absl::StrCat(
        "time ", Quoted(text), " is not a time of day; write HH:MM, such as \"09:30\""));
  }
  return std::make_pair(hour, minute);
}

absl::StatusOr<std::string> CronOf(const v1::ScheduleTrigger& trigger) {
  if (trigger.every() == v1::EVERY_UNSPECIFIED) return trigger.cron();
  ASSIGN_OR_RETURN(const auto time, TimeOfDay(trigger.time()));
  const auto [hour, minute] = time;
  switch (trigger.every()) {
    case v1::EVERY_HOURLY:
      if (hour != 0) {
        return absl::InvalidArgumentError(
            "time has an hour, which means nothing with every: hourly; write the minute as "
            "\"00:MM\"");
      }
      return absl::StrCat(minute, " * * * *");
    case v1::EVERY_WEEKDAYS:
      return absl::StrCat(minute, " ", hour, " * * 1-5");
    case v1::EVERY_WEEKLY:
      return absl::StrCat(minute, " ", hour, " * * 0");
    default:
      return absl::StrCat(minute, " ", hour, " * * *");
  }
}

}  // namespace

absl::StatusOr<Schedule> Schedule::Parse(std::string_view cron, absl::TimeZone zone) {
  ASSIGN_OR_RETURN(Schedule schedule, CronParser::Parse(cron));
  schedule.zone_ = zone;
  return schedule;
}

absl::StatusOr<absl::TimeZone> Schedule::LoadTimeZone(std::string_view name) {
  absl::TimeZone zone = absl::UTCTimeZone();
  if (name.empty() || LoadZone(std::string(name), &zone)) return zone;
  return absl::InvalidArgumentError(absl::StrCat("unknown time zone ", Quoted(name),
                                                 "; write an IANA name such as Europe/Berlin"));
}

Schedule Schedule::Once(absl::Time at) {
  Schedule schedule;
  schedule.once_ = at;
  return schedule;
}

absl::StatusOr<Schedule> Schedule::FromTrigger(const v1::ScheduleTrigger& trigger) {
  if (trigger.has_at()) return Once(FromProto(trigger.at()));
  ASSIGN_OR_RETURN(const absl::TimeZone zone, LoadTimeZone(trigger.time_zone()));
  ASSIGN_OR_RETURN(const std::string cron, CronOf(trigger));
  return Parse(cron, zone);
}

absl::Time Schedule::Next(absl::Time after) const {
  if (once_ != absl::InfinitePast()) return once_ > after ? once_ : absl::InfiniteFuture();
  if (never_ || after >= Latest()) return absl::InfiniteFuture();
  if (const auto next = NextFarFromChanges(fields_, zone_, after)) return *next;
  after = std::max(after, Earliest() - kTick);
  const absl::Time next = interval_ ? NextOfInterval(after) : NextOfTimes(after);
  return next < Latest() ? next : absl::InfiniteFuture();
}

absl::Time Schedule::Previous(absl::Time before) const {
  if (once_ != absl::InfinitePast()) return once_ < before ? once_ : absl::InfinitePast();
  if (never_ || before <= Earliest()) return absl::InfinitePast();
  before = std::min(before, Latest());
  const absl::Time previous = interval_ ? PreviousOfInterval(before) : PreviousOfTimes(before);
  return previous >= Earliest() ? previous : absl::InfinitePast();
}

absl::Time Schedule::NextOfTimes(absl::Time after) const {
  // In the second pass of an overlap the times of the first come up again: they are over.
  absl::CivilMinute from = absl::CivilMinute(zone_.At(after).cs) + 1;
  while (true) {
    const absl::CivilMinute minute = First(fields_, from);
    const absl::Time time = Resolve(zone_, minute);
    if (time > after) return time;
    from = minute + 1;
  }
}

absl::Time Schedule::PreviousOfTimes(absl::Time before) const {
  const absl::CivilSecond local = absl::CivilSecond(zone_.At(before).cs);
  absl::CivilMinute from(local);
  // In the second pass of an overlap, times later on the clock have been already.
  const absl::TimeZone::TimeInfo info = zone_.At(local);
  if (info.kind == absl::TimeZone::TimeInfo::REPEATED && before >= info.trans) {
    from = absl::CivilMinute(zone_.At(info.trans - kTick).cs);
  }
  while (true) {
    const absl::CivilMinute minute = Last(fields_, from);
    const absl::Time time = Resolve(zone_, minute);
    if (time < before) return time;
    from = minute - 1;
  }
}

// Walks from one change of offset to the next; between two of them local time is a straight line.
// Changes that lie well between two matching times move nothing and are jumped over.
absl::Time Schedule::NextOfInterval(absl::Time after) const {
  absl::Time time = after + kTick;
  while (true) {
    const absl::TimeZone::CivilInfo local = zone_.At(time);
    const absl::CivilMinute minute = First(fields_, RoundUp(local));
    const absl::Time candidate = AtOffset(time, local, absl::CivilSecond(minute));
    absl::TimeZone::CivilTransition change;
    if (!zone_.NextTransition(time, &change)) return candidate;
    const absl::Time end = AtOffset(time, local, change.from);
    if (candidate < end) return candidate;
    if (minute >= absl::CivilMinute(change.from) && minute < absl::CivilMinute(change.to)) {
      return end;  // it fell in the gap
    }
    const bool nothing_there = end - time > kMostShift && candidate - end > 2 * kMostShift;
    time = nothing_there ? candidate - kMostShift : end;
  }
}

absl::Time Schedule::PreviousOfInterval(absl::Time before) const {
  absl::Time time = before - kTick;
  while (true) {
    const absl::TimeZone::CivilInfo local = zone_.At(time);
    const absl::CivilMinute minute = Last(fields_, absl::CivilMinute(local.cs));
    const absl::Time candidate = AtOffset(time, local, absl::CivilSecond(minute));
    absl::TimeZone::CivilTransition change;
    // The last change at or before `time`: they come at whole seconds, and fractions are not heard.
    const absl::Time second = absl::FromUnixSeconds(absl::ToUnixSeconds(time) + 1);
    if (!zone_.PrevTransition(second, &change)) return candidate;
    const absl::Time begin = AtOffset(time, local, change.to);
    if (candidate >= begin) return candidate;
    if (minute >= absl::CivilMinute(change.from) && minute < absl::CivilMinute(change.to)) {
      return begin;
    }
    const bool nothing_there = time - begin > kMostShift && begin - candidate > 2 * kMostShift;
    time = nothing_there ? candidate + kMostShift : begin - kTick;
  }
}

std::vector<absl::Time> Schedule::Between(absl::Time from, absl::Time to, size_t limit) const {
  std::vector<absl::Time> times;
  for (absl::Time time = Next(from - kTick); time < to && times.size() < limit; time = Next(time)) {
    times.push_back(time);
  }
  return times;
}

std::optional<std::pair<absl::Time, absl::Time>> Schedule::CloserThan(absl::Duration interval,
                                                                      absl::Time after) const {
  if (once_ != absl::InfinitePast() || never_ ||
      absl::Minutes(CivilSearch::ClosestMinutes(fields_)) >= interval) {
    return std::nullopt;
  }
  // A pair that daylight saving did not bring together: at the same offset.
  constexpr int kMostSteps = 100'000;
  absl::Time first = Next(after);
  for (int i = 0; i < kMostSteps && first != absl::InfiniteFuture(); ++i) {
    const absl::Time second = Next(first);
    if (second - first < interval && zone_.At(first).offset == zone_.At(second).offset) {
      return std::make_pair(first, second);
    }
    first = second;
  }
  return std::nullopt;
}

}  // namespace routines
