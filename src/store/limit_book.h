// When sessions were let in, and when the next one may be: the rolling windows of SessionLimit.
//
// Every session that counts has a slot, the time at which its window lets it in: now, or later for
// one that waits. A window may be asked about any time, so a slot between others is found too. What
// is older than the longest window is forgotten.
//
// Kept in memory beside what is stored, so that an admission costs O(log n); whoever stores the
// slots loads them first, and again after a transaction that failed.
//
// Not thread-safe.
#ifndef ROUTINES_SRC_STORE_LIMIT_BOOK_H_
#define ROUTINES_SRC_STORE_LIMIT_BOOK_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "routines/store.h"

namespace routines::store {

// Whose session it is, and as what it counts.
struct Counted {
  std::string account, routine, kind;
};

class LimitBook {
 public:
  // Slots older than this before the newest time asked about are forgotten: the longest window, and
  // something for a clock that is set back.
  static constexpr absl::Duration kKept = absl::Hours(26);

  void Add(const Counted& who, absl::Time slot, bool waits);
  // A session that waited is gone, or no longer counts.
  void Remove(const Counted& who, absl::Time slot);

  struct Turn {
    absl::Time slot;                     // the first time at which every limit has room
    const SessionLimit* full = nullptr;  // the limit that put it off last; null: none did
    int64_t used = 0;                    // sessions in the window of `full` that ends at `now`
    int64_t waiting = 0;   // slots of the same routine and kind that are still to come
    bool metered = false;  // a metered limit is full at `slot`
  };
  // `who` has a kind. With `in_turn`, not before the sessions of the same routine and kind that
  // wait.
  Turn Next(const Counted& who, const std::vector<SessionLimit>& limits, absl::Time now,
            bool in_turn);

  void Clear();

 private:
  using Times = std::vector<int64_t>;  // nanoseconds since 1970, in order

  static std::string Key(std::string_view account, std::string_view routine, std::string_view kind);
  Times& ListOf(const Counted& who, const SessionLimit& limit);
  static void Forget(Times& times, absl::Time now);
  int64_t FirstFor(const Counted& who, const SessionLimit& limit, int64_t from);

  absl::flat_hash_map<std::string, Times> slots_;
  absl::flat_hash_map<std::string, Times> waiting_;  // those of one routine and kind
};

// The first time from `from` on at which one more fits into `times` with no window of that length
// holding more than `most`.
int64_t FirstWithRoom(const std::vector<int64_t>& times, int64_t most, int64_t window,
                      int64_t from);

}  // namespace routines::store

#endif  // ROUTINES_SRC_STORE_LIMIT_BOOK_H_
