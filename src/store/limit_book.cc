#include "src/store/limit_book.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace routines::store {
namespace {

using Times = std::vector<int64_t>;

// Times at or before a session's slot, and after the start of the window that ends with it.
int64_t CountUpTo(const Times& times, int64_t end, int64_t window) {
  return std::upper_bound(times.begin(), times.end(), end) -
         std::upper_bound(times.begin(), times.end(), end - window);
}

void Insert(Times& times, int64_t time) {
  if (times.empty() || times.back() <= time) {
    times.push_back(time);
  } else {
    times.insert(std::upper_bound(times.begin(), times.end(), time), time);
  }
}

void Erase(Times& times, int64_t time) {
  const auto found = std::lower_bound(times.begin(), times.end(), time);
  if (found != times.end() && *found == time) times.erase(found);
}

}  // namespace

int64_t FirstWithRoom(const Times& times, int64_t most, int64_t window, int64_t from) {
  int64_t time = from;
  for (;;) {
    const auto later = std::upper_bound(times.begin(), times.end(), time);
    if (CountUpTo(times, time, window) >= most) {
      time = *(later - most) + window;
      continue;
    }
    // Slots that are taken already, of sessions whose window reaches back over this time.
    const auto full = std::find_if(later, times.end(), [&](int64_t taken) {
      return taken >= time + window || CountUpTo(times, taken, window) >= most;
    });
    if (full == times.end() || *full >= time + window) return time;
    time = *full;
  }
}

std::string LimitBook::Key(std::string_view account, std::string_view routine,
                           std::string_view kind) {
  std::string key(account);
  key += '\0';
  key += routine;
  key += '\0';
  key += kind;
  return key;
}

LimitBook::Times& LimitBook::ListOf(const Counted& who, const SessionLimit& limit) {
  const bool routine = limit.scope == SessionLimit::Scope::kRoutine;
  return slots_[Key(who.account, routine ? who.routine : "", limit.kind)];
}

void LimitBook::Forget(Times& times, absl::Time now) {
  const int64_t before = absl::ToUnixNanos(now - kKept);
  const auto kept = std::lower_bound(times.begin(), times.end(), before);
  // Seldom, so that what it moves is paid for by what it drops.
  if ((kept - times.begin()) * 2 > static_cast<int64_t>(times.size())) {
    times.erase(times.begin(), kept);
  }
}

void LimitBook::Add(const Counted& who, absl::Time slot, bool waits) {
  const int64_t time = absl::ToUnixNanos(slot);
  for (const std::string_view routine : {std::string_view(who.routine), std::string_view()}) {
    for (const std::string_view kind : {std::string_view(who.kind), std::string_view()}) {
      Insert(slots_[Key(who.account, routine, kind)], time);
    }
  }
  if (waits) Insert(waiting_[Key(who.account, who.routine, who.kind)], time);
}

void LimitBook::Remove(const Counted& who, absl::Time slot) {
  const int64_t time = absl::ToUnixNanos(slot);
  for (const std::string_view routine : {std::string_view(who.routine), std::string_view()}) {
    for (const std::string_view kind : {std::string_view(who.kind), std::string_view()}) {
      Erase(slots_[Key(who.account, routine, kind)], time);
    }
  }
  Erase(waiting_[Key(who.account, who.routine, who.kind)], time);
}

int64_t LimitBook::FirstFor(const Counted& who, const SessionLimit& limit, int64_t from) {
  if (limit.most <= 0 || limit.metered) return from;
  return FirstWithRoom(ListOf(who, limit), limit.most, absl::ToInt64Nanoseconds(limit.window),
                       from);
}

LimitBook::Turn LimitBook::Next(const Counted& who, const std::vector<SessionLimit>& limits,
                                absl::Time now, bool in_turn) {
  Turn turn;
  const int64_t from = absl::ToUnixNanos(now);
  int64_t slot = from;
  Times& waiting = waiting_[Key(who.account, who.routine, who.kind)];
  Forget(waiting, now);
  turn.waiting = waiting.end() - std::upper_bound(waiting.begin(), waiting.end(), from);
  if (in_turn && turn.waiting > 0) slot = waiting.back();
  bool moved = true;
  while (moved) {
    moved = false;
    for (const SessionLimit& limit : limits) {
      const int64_t first = FirstFor(who, limit, slot);
      if (first == slot) continue;
      slot = first;
      turn.full = &limit;
      moved = true;
    }
  }
  // It waits for those before it alone, who wait for a limit that is full now.
  for (const SessionLimit& limit : limits) {
    if (slot != from && turn.full == nullptr && FirstFor(who, limit, from) != from) {
      turn.full = &limit;
    }
  }
  if (slot != from && turn.full == nullptr && !limits.empty()) turn.full = &limits.front();
  turn.slot = slot == from ? now : absl::FromUnixNanos(slot);
  for (const SessionLimit& limit : limits) {
    if (limit.most <= 0) continue;
    Times& times = ListOf(who, limit);
    Forget(times, now);
    const int64_t window = absl::ToInt64Nanoseconds(limit.window);
    if (&limit == turn.full) turn.used = CountUpTo(times, from, window);
    if (limit.metered && CountUpTo(times, slot, window) >= limit.most) turn.metered = true;
  }
  return turn;
}

void LimitBook::Clear() {
  slots_.clear();
  waiting_.clear();
}

}  // namespace routines::store
