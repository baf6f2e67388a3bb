#include "src/engine/schedule_queue.h"

#include <algorithm>
#include <iterator>

#include "absl/hash/hash.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "src/base/time_conversion.h"

namespace routines {
namespace {

constexpr absl::Duration kDefaultWindow = absl::Hours(24);
constexpr int kDefaultCatchUps = 100;
constexpr int kMostCounted = 100'000;  // instants that are too old; beyond it only "more than"

std::string Text(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

// The same delay for the same trigger in every process and at every start: FNV-1a of its id.
absl::Duration SpreadOf(const std::string& trigger_id, absl::Duration most) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : trigger_id) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3u;
  const int64_t seconds = absl::ToInt64Seconds(most);
  return seconds <= 0 ? absl::ZeroDuration() : absl::Seconds(hash % (seconds + 1));
}

DueInstant Skipped(const std::string& trigger_id, absl::Time instant, std::string why) {
  return {trigger_id, instant, v1::DECISION_REASON_CAUGHT_UP_SKIPPED, std::move(why)};
}

}  // namespace

void ScheduleQueue::Put(const v1::SavedRoutine& saved, absl::Time since) {
  const Name name(saved.routine().account(), saved.routine().name());
  std::vector<uint32_t> entries;
  if (!saved.deleted()) {
    for (int i = 0; i < saved.routine().triggers_size(); ++i) Add(saved, i, since, entries);
  }
  const auto old = names_.find(name);
  if (old != names_.end()) {
    for (const uint32_t index : old->second) {
      Entry& entry = entries_[index];
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

void ScheduleQueue::Add(const v1::SavedRoutine& saved, int index, absl::Time since,
                        std::vector<uint32_t>& entries) {
  const v1::Trigger& trigger = saved.routine().triggers(index);
  if (!trigger.has_schedule() || trigger.disabled()) return;
  absl::StatusOr<Schedule> schedule = Schedule::FromTrigger(trigger.schedule());
  // One that an older version took and this one does not: ValidateRoutine says so at the next save.
  if (!schedule.ok()) return;
  const v1::ScheduleTrigger& settings = trigger.schedule();
  Entry entry{.schedule = *std::move(schedule),
              .trigger_id = saved.triggers(index).trigger_id(),
              .definition = settings.SerializeAsString(),
              .taken = since,
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
  const auto old = names_.find(Name(saved.routine().account(), saved.routine().name()));
  if (old != names_.end()) {
    for (const uint32_t i : old->second) {
      const Entry& before = entries_[i];
      if (before.trigger_id == entry.trigger_id && before.definition == entry.definition) {
        entry.taken = before.taken;
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
  return queue_.empty() ? absl::InfiniteFuture() : queue_.top().time;
}

std::vector<DueInstant> ScheduleQueue::Take(absl::Time now, int most_triggers) {
  std::vector<DueInstant> due;
  for (int i = 0; i < most_triggers && next() <= now; ++i) {
    const uint32_t index = queue_.top().entry;
    queue_.pop();
    TakeEntry(entries_[index], now, due);
    Enqueue(index);
    DropDead();
  }
  return due;
}

void ScheduleQueue::TakeEntry(Entry& entry, absl::Time now, std::vector<DueInstant>& due) {
  const absl::Time until = now - entry.spread;  // the instants up to here are due
  const absl::Time from = until - entry.window;
  std::vector<absl::Time> missed;
  absl::Time first_old = absl::InfiniteFuture(), last_old = absl::InfinitePast();
  int old = 0;
  const auto too_old = [&](absl::Time instant) {
    first_old = std::min(first_old, instant);
    last_old = instant;
    ++old;
  };
  absl::Time instant = entry.schedule.Next(entry.taken);
  for (; instant < from && old < kMostCounted; instant = entry.schedule.Next(instant)) {
    too_old(instant);
  }
  const bool uncounted = instant < from;
  if (uncounted) instant = entry.schedule.Next(from - absl::Nanoseconds(1));
  for (; instant <= until; instant = entry.schedule.Next(instant)) missed.push_back(instant);
  entry.taken = until;

  size_t told = 0;  // missed[0, told) go into one decision with the old ones
  if (missed.size() > kMostSkippedOneByOne) told = missed.size() - kMostSkippedOneByOne;
  for (size_t i = 0; i < told; ++i) too_old(missed[i]);
  if (old > 0) {
    due.push_back(Skipped(
        entry.trigger_id, last_old,
        absl::StrCat(uncounted ? "more than " : "", old, old == 1 ? " instant" : " instants",
                     " from ", Text(first_old), " to ", Text(last_old), ": older than ",
                     absl::FormatDuration(entry.window), " (catch_up_window), or too many")));
  }
  for (size_t i = told; i < missed.size(); ++i) {
    const size_t newer = missed.size() - 1 - i;
    const bool late = until - missed[i] > kGrace;
    bool fires = newer == 0;
    std::string why =
        absl::StrCat("missed; ", Text(missed.back()), " runs for it (catch_up: latest)");
    if (entry.catch_up == v1::CATCH_UP_ALL) {
      fires = newer < static_cast<size_t>(entry.catch_up_limit);
      why = absl::StrCat("missed, and ", entry.catch_up_limit, " newer ones run (catch_up_limit)");
    } else if (entry.catch_up == v1::CATCH_UP_SKIP) {
      fires = !late;
      why = absl::StrCat("missed by ",
                         absl::FormatDuration(absl::Floor(until - missed[i], absl::Seconds(1))),
                         " (catch_up: skip)");
    }
    if (fires) {
      due.push_back({entry.trigger_id, missed[i], v1::DECISION_REASON_FIRED, ""});
    } else {
      due.push_back(Skipped(entry.trigger_id, missed[i], std::move(why)));
    }
  }
}

void ScheduleQueue::Rewind(absl::Time now) {
  queue_ = {};
  for (uint32_t i = 0; i < entries_.size(); ++i) {
    Entry& entry = entries_[i];
    if (!entry.live) continue;
    entry.taken = std::min(entry.taken, now - entry.spread);
    Enqueue(i);
  }
}

}  // namespace routines
