// When a schedule fires: cron expressions, presets and single instants, in a time zone.
//
//   const auto berlin = routines::Schedule::LoadTimeZone("Europe/Berlin");
//   const auto schedule = routines::Schedule::Parse("7 2 * * 1-5", *berlin);
//   absl::Time next = schedule->Next(absl::Now());  // weekdays at 02:07 in Europe/Berlin
//
// Five fields: minute, hour, day of month, month, day of week; each `*`, a number, a name (JAN,
// MON; case is ignored), a range, a list, and after `*` or a range a step. 0 and 7 are Sunday.
// Where day of month and day of week are both restricted (neither is a mere `*`), either may match.
// Macros:
// @hourly @daily @midnight @weekly @monthly @yearly @annually. Source: POSIX crontab;
// OCPS 1.0, 1.1.
//
// Daylight saving: a time that falls in a gap fires at the first instant after it. In an overlap a
// time fires at its first occurrence only where minute and hour are plain numbers or lists of them;
// a schedule whose minute or hour has `*`, `-` or `/` is an interval, which follows elapsed time
// and fires in both passes.
//
// Pure and immutable: no clock, and no I/O but that of reading a time zone; every method may be
// called from any thread, and each is bounded, also for dates that never come.
#ifndef ROUTINES_SCHEDULE_H_
#define ROUTINES_SCHEDULE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "routines/v1/routine.pb.h"

namespace routines {

class Schedule {
 public:
  // kInvalidArgument: what is wrong with which field, and how to mend it.
  static absl::StatusOr<Schedule> Parse(std::string_view cron,
                                        absl::TimeZone zone = absl::UTCTimeZone());
  // The zone of that IANA name by the rules that the system's database has now, also where they
  // were other ones before; "": UTC. Reads a file where they are new. kInvalidArgument: the
  // database has no such zone.
  static absl::StatusOr<absl::TimeZone> LoadTimeZone(std::string_view name);
  // Fires once.
  static Schedule Once(absl::Time at);
  // cron, at or every of a routine file; its time zone as LoadTimeZone gives it. kInvalidArgument:
  // as Parse and LoadTimeZone.
  static absl::StatusOr<Schedule> FromTrigger(const v1::ScheduleTrigger& trigger);

  // The first instant after `after`, always at a whole minute of local time (Once: as given).
  // InfiniteFuture: never again.
  absl::Time Next(absl::Time after) const;
  // The last instant before `before`. InfinitePast: there is none.
  absl::Time Previous(absl::Time before) const;
  // The instants from `from` (included) to `to` (not included), the first `limit` of them.
  std::vector<absl::Time> Between(absl::Time from, absl::Time to, size_t limit = 1000) const;
  bool never() const { return never_; }  // such as 30 February

  // Two instants after `after` that follow each other by less than `interval`; none where there are
  // none. What daylight saving moves does not count: the spacing is that of the local times.
  std::optional<std::pair<absl::Time, absl::Time>> CloserThan(absl::Duration interval,
                                                              absl::Time after) const;

  // "weekdays at 02:07 in Europe/Berlin"
  std::string Describe() const;

  absl::TimeZone time_zone() const { return zone_; }
  // An interval, such as "0 * * * *": see above.
  bool follows_elapsed_time() const { return interval_; }

 private:
  friend class CronParser;

  Schedule() = default;

  // Bit n stands for the value n.
  struct Fields {
    uint64_t minutes = 0;
    uint32_t hours = 0;
    uint32_t days_of_month = 0;
    uint16_t months = 0;
    uint8_t days_of_week = 0;  // 0: Sunday
    bool either_day = false;   // both day fields are restricted
  };
  friend class CivilSearch;

  absl::Time NextOfTimes(absl::Time after) const;
  absl::Time NextOfInterval(absl::Time after) const;
  absl::Time PreviousOfTimes(absl::Time before) const;
  absl::Time PreviousOfInterval(absl::Time before) const;

  Fields fields_;
  absl::TimeZone zone_;
  absl::Time once_ = absl::InfinitePast();  // finite: Once
  bool interval_ = false;
  bool never_ = false;
};

}  // namespace routines

#endif  // ROUTINES_SCHEDULE_H_
