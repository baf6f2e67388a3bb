// Makes the instants of schedules events: each durable under the key of its trigger and instant
// before anything else is done about it, so that it has one decision and at most one session, with
// any number of engines on the store, after any restart, whatever the clock does.
//
// What was taken care of is remembered as one watermark for all schedules: the instants after it
// are looked at again at the next start, and those that have had their decision are duplicates.
//
// One loop owns the queue; Start calls it from a thread of its own, testing::TestEngine from the
// test's. Thread-safety: Load, Start, Stop, Step and the destructor from one thread; Changed from
// any.
//
// Several engines on one store each look for the same instants; the key lets one of them through.
// What one of them is told to change the others know after poll_interval.
#ifndef ROUTINES_SRC_ENGINE_SCHEDULER_H_
#define ROUTINES_SRC_ENGINE_SCHEDULER_H_

#include <functional>
#include <map>
#include <memory>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "routines/engine.h"
#include "src/engine/catalog.h"
#include "src/engine/mailbox.h"
#include "src/engine/schedule_queue.h"

namespace routines {

class Scheduler {
 public:
  using Admit = std::function<void(Admission, std::function<void(absl::StatusOr<Admitted>)>)>;
  using Refresh = std::function<absl::Status()>;

  // The options and the catalog are borrowed. `admit` is Engine's way to the store; `refresh` takes
  // over, every poll_interval, what other engines on the store changed: nothing is started on older
  // knowledge.
  Scheduler(const EngineOptions& options, const Catalog& catalog, Admit admit, Refresh refresh);
  ~Scheduler();

  // Takes the schedules of all routines in the catalog.
  // They are what the store held at `known`, or later.
  absl::Status Load(absl::Time known);
  void Start();
  void Stop();
  absl::Time Step();

  // A routine was saved, paused, resumed or deleted.
  void Changed(const v1::SavedRoutine& saved);

 private:
  struct Retry {
    DueInstant due;
    absl::Duration backoff;
  };

  absl::Status LoadRoutine(const v1::SavedRoutine& saved, absl::Time watermark);
  void Loop();
  void RunMail();
  bool KnowsChanges(absl::Time now);
  void LookAtZones(absl::Time now);
  absl::Time NextDeadline() const;
  void TakeDue(absl::Time now);
  void Send(DueInstant due, absl::Duration backoff);
  void OnAdmitted(DueInstant due, absl::Duration backoff, const absl::Status& status);
  void SaveWatermark(absl::Time now);

  const EngineOptions& options_;
  const Catalog& catalog_;
  const Admit admit_;
  const Refresh refresh_;
  const std::shared_ptr<Mailbox> mailbox_ = std::make_shared<Mailbox>();
  std::thread thread_;

  bool stopped_ = false;

  // The loop's own.
  ScheduleQueue queue_;
  std::multimap<absl::Time, Retry> retries_;
  int in_flight_ = 0;
  bool stopping_ = false;
  absl::Time known_ = absl::InfinitePast();       // what was changed up to here is known
  bool stale_ = false;                            // it is longer ago than poll_interval
  absl::Time refresh_at_ = absl::InfinitePast();  // again, where it is
  absl::Time zones_at_ = absl::InfinitePast();    // when they are looked at
  absl::Time looked_ = absl::InfinitePast();      // when the queue was looked at last
  bool taken_ = false;                            // something, since the watermark was saved
  absl::Time save_after_ = absl::InfinitePast();  // the watermark, the next time
};

// The event, decision and session of one instant. `ref` is the trigger as it is now.
Admission AdmitInstant(const TriggerRef& ref, const DueInstant& due, absl::Time now);

}  // namespace routines

#endif  // ROUTINES_SRC_ENGINE_SCHEDULER_H_
