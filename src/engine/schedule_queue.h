// Which schedules are due, and what the rules of catching up make of the instants that were missed.
//
// Pure: it is told the time. Not thread-safe. Costs nothing while nothing is due; a due instant
// costs O(log n) of n schedules.
#ifndef ROUTINES_SRC_ENGINE_SCHEDULE_QUEUE_H_
#define ROUTINES_SRC_ENGINE_SCHEDULE_QUEUE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <queue>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "routines/schedule.h"
#include "routines/v1/event.pb.h"
#include "routines/v1/routine.pb.h"
#include "src/engine/catalog.h"

namespace routines {

// One instant of one trigger, and what is to become of it before any gate is asked.
struct DueInstant {
  std::string trigger_id;
  absl::Time instant;
  v1::DecisionReason reason = v1::DECISION_REASON_FIRED;  // or CAUGHT_UP_SKIPPED
  std::string detail;
};

// So much later than its instants a trigger is due, at most `most`: for the same trigger always the
// same.
absl::Duration SpreadOf(const std::string& trigger_id, absl::Duration most);

class ScheduleQueue {
 public:
  // An instant that comes up no later than this after its time is not late: it needs no catching
  // up.
  static constexpr absl::Duration kGrace = absl::Minutes(1);
  // Of one trigger at a time; more are told in one decision that has their number.
  static constexpr int kMostSkippedOneByOne = 1000;

  // Adds the schedules of a routine, or replaces those it had (a deleted one has none). Instants at
  // or before `since` do not count, nor those that were due at `looked`, but for a schedule that is
  // as it was, which goes on from where it is.
  void Put(const v1::SavedRoutine& saved, absl::Time since,
           absl::Time looked = absl::InfinitePast());

  // When Take has something to give. InfiniteFuture: never.
  absl::Time next() const;
  // What is due at `now`, oldest first for each trigger, of about `most_triggers`.
  std::vector<DueInstant> Take(absl::Time now, int most_triggers);
  // The rules of time zones may have changed: where they did, what comes next is found anew. A time
  // of day that was taken under the old rules is not taken again under the new ones, and what these
  // put before now was missed.
  void Rezone();
  // The clock went back: instants after `now` come again. Whether one has had its decision already,
  // the store knows.
  void Rewind(absl::Time now);

  size_t size() const { return names_.empty() ? 0 : live_; }  // schedules

 private:
  struct Entry {
    Schedule schedule;
    std::string trigger_id;
    std::string definition;  // the trigger's schedule, serialized
    absl::Time since;        // when it was saved
    absl::Time taken;        // everything up to here has been taken
    absl::Duration spread;   // each instant is due so much later
    absl::Duration window;   // how far back missed instants are caught up
    v1::CatchUp catch_up = v1::CATCH_UP_LATEST;
    int catch_up_limit = 0;
    uint32_t generation = 0;  // of the place in entries_
    bool live = false;
  };
  struct Due {
    absl::Time time;
    uint32_t entry, generation;
    bool operator>(const Due& other) const { return time > other.time; }
  };
  using Name = std::pair<std::string, std::string>;

  void Add(const v1::SavedRoutine& saved, int index, absl::Time since, absl::Time looked,
           std::vector<uint32_t>& entries);
  void TakeBeforeEdit(Entry& entry, const std::vector<uint32_t>& successors, absl::Time edit);
  static absl::Time TakenUnder(const Schedule& schedule, const Entry& entry);
  void Enqueue(uint32_t index);
  void DropDead();
  static void TakeEntry(Entry& entry, absl::Time now, std::vector<DueInstant>& due);
  static std::vector<absl::Time> Missed(const Entry& entry, absl::Time until, size_t most);
  static void TellTogether(const Entry& entry, absl::Time first_told, std::vector<DueInstant>& due);
  static DueInstant CatchUp(const Entry& entry, absl::Time instant, size_t newer, absl::Time newest,
                            absl::Time until);

  std::vector<Entry> entries_;
  std::vector<uint32_t> free_;
  std::map<Name, std::vector<uint32_t>> names_;
  std::priority_queue<Due, std::vector<Due>, std::greater<Due>> queue_;
  std::map<std::string, absl::TimeZone> zones_;  // by name, as the schedules have them
  std::vector<DueInstant> overdue_;              // of schedules that were replaced
  size_t live_ = 0;
};

}  // namespace routines

#endif  // ROUTINES_SRC_ENGINE_SCHEDULE_QUEUE_H_
