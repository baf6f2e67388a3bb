#include "src/engine/schedule_queue.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "src/base/time_conversion.h"
#include "src/schedule/zones.h"

namespace routines {
namespace {

constexpr absl::Duration kDefaultWindow = absl::Hours(24);
constexpr int kDefaultCatchUps = 100;
constexpr int kMostCounted = 100'000;  // instants that are too old; beyond it only "more than"

std::string Text(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

bool HasTrigger(const v1::SavedRoutine& saved, const std::string& trigger_id) {
  return !saved.deleted() &&
         std::any_of(saved.triggers().begin(), saved.triggers().end(),
                     [&](const v1::SavedTrigger& t) { return t.trigger_id() == trigger_id; });
}

DueInstant Skipped(const std::string& trigger_id, absl::Time instant, std::string why) {
  return {trigger_id, instant, v1::DECISION_REASON_CAUGHT_UP_SKIPPED, std::move(why)};
}

}  // namespace

// FNV-1a of the id: the same in every process and at every start.
absl::Duration SpreadOf(const std::string& trigger_id, absl::Duration most) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : trigger_id) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3u;
  const int64_t seconds = absl::ToInt64Seconds(most);
  return seconds <= 0 ? absl::ZeroDuration() : absl::Seconds(hash % (seconds + 1));
}

void ScheduleQueue::Put(const v1::SavedRoutine& saved, absl::Time since, absl::Time looked) {
  const Name name(saved.routine().account(), saved.routine().name());
  std::vector<uint32_t> entries;
  if (!saved.deleted()) {
    for (int i = 0; i < saved.routine().triggers_size(); ++i) {
      Add(saved, i, since, looked, entries);
    }
  }
  const auto old = names_.find(name);
  if (old != names_.end()) {
    for (const uint32_t index : old->second) {
      Entry& entry = entries_[index];
      if (HasTrigger(saved, entry.trigger_id)) TakeBeforeEdit(entry, entries, since);
      entry.live = false;
      ++entry.generation;  // what the queue still holds of it is void
      free_.push_back(index);
      --live_;
    }
    names_.erase(old);
  }
  if (!entries.empty()) names_.emplace(name, std::move(entries));
  DropDead();
}

// What the schedule that is replaced owes up to the edit is still to be told.
void ScheduleQueue::TakeBeforeEdit(Entry& entry, const std::vector<uint32_t>& successors,
                                   absl::Time edit) {
  for (const uint32_t index : successors) {
    const Entry& successor = entries_[index];
    if (successor.trigger_id == entry.trigger_id && successor.definition == entry.definition)
      return;
  }
  TakeEntry(entry, edit, overdue_);
}

void ScheduleQueue::Add(const v1::SavedRoutine& saved, int index, absl::Time since,
                        absl::Time looked, std::vector<uint32_t>& entries) {
  const v1::Trigger& trigger = saved.routine().triggers(index);
  if (!trigger.has_schedule() || trigger.disabled()) return;
  absl::StatusOr<Schedule> schedule = Schedule::FromTrigger(trigger.schedule());
  // One that an older version took and this one does not: ValidateRoutine says so at the next save.
  if (!schedule.ok()) return;
  const v1::ScheduleTrigger& settings = trigger.schedule();
  if (!settings.time_zone().empty()) zones_.emplace(settings.time_zone(), schedule->time_zone());
  Entry entry{.schedule = *std::move(schedule),
              .trigger_id = saved.triggers(index).trigger_id(),
              .definition = settings.SerializeAsString(),
              .spread = absl::ZeroDuration(),
              .window = settings.has_catch_up_window() ? FromProto(settings.catch_up_window())
                                                       : kDefaultWindow,
              .catch_up = settings.catch_up() == v1::CATCH_UP_UNSPECIFIED ? v1::CATCH_UP_LATEST
                                                                          : settings.catch_up(),
              .catch_up_limit =
                  settings.catch_up_limit() > 0 ? settings.catch_up_limit() : kDefaultCatchUps,
              .live = true};
  if (settings.has_spread()) {
    entry.spread = SpreadOf(entry.trigger_id, FromProto(settings.spread()));
  }
  // What was due up to `looked` are the instants up to so much earlier.
  entry.taken = std::max(since, looked - entry.spread);
  entry.since = since;
  const auto old = names_.find(Name(saved.routine().account(), saved.routine().name()));
  if (old != names_.end()) {
    for (const uint32_t i : old->second) {
      const Entry& before = entries_[i];
      if (before.trigger_id == entry.trigger_id && before.definition == entry.definition) {
        entry.taken = before.taken;
        entry.since = before.since;
      }
    }
  }
  uint32_t place = static_cast<uint32_t>(entries_.size());
  if (free_.empty()) {
    entries_.push_back(std::move(entry));
  } else {
    place = free_.back();
    free_.pop_back();
    entry.generation = entries_[place].generation;
    entries_[place] = std::move(entry);
  }
  ++live_;
  entries.push_back(place);
  Enqueue(place);
}

void ScheduleQueue::Enqueue(uint32_t index) {
  const Entry& entry = entries_[index];
  const absl::Time instant = entry.schedule.Next(entry.taken);
  if (instant == absl::InfiniteFuture()) return;
  queue_.push({instant + entry.spread, index, entry.generation});
}

void ScheduleQueue::DropDead() {
  while (!queue_.empty() && entries_[queue_.top().entry].generation != queue_.top().generation) {
    queue_.pop();
  }
}

absl::Time ScheduleQueue::next() const {
  if (!overdue_.empty()) return absl::InfinitePast();
  return queue_.empty() ? absl::InfiniteFuture() : queue_.top().time;
}

std::vector<DueInstant> ScheduleQueue::Take(absl::Time now, int most_triggers) {
  std::vector<DueInstant> due = std::exchange(overdue_, {});
  for (int i = 0; i < most_triggers && next() <= now; ++i) {
    const uint32_t index = queue_.top().entry;
    queue_.pop();
    TakeEntry(entries_[index], now, due);
    Enqueue(index);
    DropDead();
  }
  return due;
}

// The instants after `taken` up to `until`, oldest first; of more than `most` the newest ones.
std::vector<absl::Time> ScheduleQueue::Missed(const Entry& entry, absl::Time until, size_t most) {
  std::vector<absl::Time> missed;
  absl::Time instant = entry.schedule.Previous(until + absl::Nanoseconds(1));
  while (instant > entry.taken && missed.size() < most) {
    missed.push_back(instant);
    instant = entry.schedule.Previous(instant);
  }
  std::reverse(missed.begin(), missed.end());
  return missed;
}

// One decision for the instants before `first_told`, which are too many to be told one by one.
void ScheduleQueue::TellTogether(const Entry& entry, absl::Time first_told,
                                 std::vector<DueInstant>& due) {
  const absl::Time first = entry.schedule.Next(entry.taken);
  if (first >= first_told) return;
  int count = 0;
  absl::Time instant = first;
  for (; instant < first_told && count < kMostCounted; instant = entry.schedule.Next(instant)) {
    ++count;
  }
  const absl::Time last = entry.schedule.Previous(first_told);
  due.push_back(Skipped(entry.trigger_id, last,
                        absl::StrCat(instant < first_told ? "more than " : "", count,
                                     count == 1 ? " instant" : " instants", " from ", Text(first),
                                     " to ", Text(last), ": too many to be told one by one")));
}

// What becomes of one missed instant, with `newer` newer ones after it.
DueInstant ScheduleQueue::CatchUp(const Entry& entry, absl::Time instant, size_t newer,
                                  absl::Time newest, absl::Time until) {
  const absl::Duration late = until - instant;
  if (late > entry.window) {
    return Skipped(entry.trigger_id, instant,
                   absl::StrCat("missed by more than ", absl::FormatDuration(entry.window),
                                " (catch_up_window)"));
  }
  if (entry.catch_up == v1::CATCH_UP_ALL && newer >= static_cast<size_t>(entry.catch_up_limit)) {
    return Skipped(
        entry.trigger_id, instant,
        absl::StrCat("missed, and ", entry.catch_up_limit, " newer ones run (catch_up_limit)"));
  }
  if (entry.catch_up == v1::CATCH_UP_SKIP && late > kGrace) {
    return Skipped(
        entry.trigger_id, instant,
        absl::StrCat("missed by ", absl::FormatDuration(absl::Floor(late, absl::Seconds(1))),
                     " (catch_up: skip)"));
  }
  if (entry.catch_up == v1::CATCH_UP_LATEST && newer > 0) {
    return Skipped(entry.trigger_id, instant,
                   absl::StrCat("missed; ", Text(newest), " runs for it (catch_up: latest)"));
  }
  return {entry.trigger_id, instant, v1::DECISION_REASON_FIRED, ""};
}

void ScheduleQueue::TakeEntry(Entry& entry, absl::Time now, std::vector<DueInstant>& due) {
  const absl::Time until = now - entry.spread;  // the instants up to here are due
  const std::vector<absl::Time> missed = Missed(entry, until, kMostSkippedOneByOne);
  if (missed.size() == kMostSkippedOneByOne) TellTogether(entry, missed.front(), due);
  for (size_t i = 0; i < missed.size(); ++i) {
    due.push_back(CatchUp(entry, missed[i], missed.size() - 1 - i, missed.back(), until));
  }
  entry.taken = std::max(entry.taken, until);
}

absl::Time ScheduleQueue::TakenUnder(const Schedule& schedule, const Entry& entry) {
  const absl::Time last = entry.schedule.Previous(entry.taken + absl::Nanoseconds(1));
  if (schedule.follows_elapsed_time() || last <= entry.since) return entry.taken;
  const absl::TimeZone::TimeInfo info =
      schedule.time_zone().At(entry.schedule.time_zone().At(last).cs);
  const bool skipped = info.kind == absl::TimeZone::TimeInfo::SKIPPED;
  return std::max(entry.since, skipped ? info.trans : info.pre);
}

void ScheduleQueue::Rezone() {
  std::set<std::string> changed;
  for (auto& [name, zone] : zones_) {
    absl::TimeZone now;
    if (!LoadZone(name, &now) || now == zone) continue;
    zone = now;
    changed.insert(name);
  }
  if (changed.empty()) return;
  for (uint32_t i = 0; i < entries_.size(); ++i) {
    Entry& entry = entries_[i];
    v1::ScheduleTrigger settings;
    if (!entry.live || !settings.ParseFromString(entry.definition) ||
        !changed.contains(settings.time_zone())) {
      continue;
    }
    absl::StatusOr<Schedule> schedule = Schedule::FromTrigger(settings);
    if (!schedule.ok() || schedule->time_zone() == entry.schedule.time_zone()) continue;
    entry.taken = TakenUnder(*schedule, entry);
    entry.schedule = *std::move(schedule);
    ++entry.generation;  // what the queue holds of it is void
    Enqueue(i);
  }
  DropDead();
}

void ScheduleQueue::Rewind(absl::Time now) {
  queue_ = {};
  for (uint32_t i = 0; i < entries_.size(); ++i) {
    Entry& entry = entries_[i];
    if (!entry.live) continue;
    // What waited for its spread comes too, but nothing from before the save.
    const absl::Time first = std::max(now - entry.spread, std::min(entry.since, now));
    entry.taken = std::min(entry.taken, first);
    Enqueue(i);
  }
}

}  // namespace routines
