// Takes sessions from the store, prepares, starts and supervises them, and writes what becomes of
// them.
//
// One loop owns all sessions that are active here; everybody else (executors, tasks, the store)
// speaks to it through a mailbox. The loop is a plain function, Step: Start calls it from a thread
// of its own, testing::TestEngine from the test's.
//
// The order that the promises rest on:
//  - RUNNING is durable before the executor is called, so that an agent never runs twice;
//  - the terminal record and the end of the log are one update;
//  - one update per session is on its way at a time, and is repeated until the store has it or says
//  that
//    the lease is lost.
//
// Thread-safety: Start, Stop, Step and the destructor from one thread; the rest from any.
#ifndef ROUTINES_SRC_ENGINE_DISPATCHER_H_
#define ROUTINES_SRC_ENGINE_DISPATCHER_H_

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>

#include "absl/time/time.h"
#include "routines/engine.h"
#include "src/engine/active_session.h"
#include "src/engine/counters.h"
#include "src/engine/mailbox.h"
#include "src/engine/prepare.h"
#include "src/engine/subscriptions.h"
#include "src/engine/task_pool.h"

namespace routines {

class Dispatcher {
 public:
  // What the rest of the engine has to do with the end of a session.
  struct Hooks {
    // What is to be admitted with it.
    std::function<std::optional<Admission>(const v1::Session&)> then;
    // Both are stored.
    std::function<void(const v1::Session&, const Updated&)> ended;
  };

  // All are borrowed. The hooks are called from the loop.
  Dispatcher(const EngineOptions& options, Subscriptions& subscriptions, Counters& counters,
             Hooks hooks = {});
  ~Dispatcher();

  void Start();
  void Stop();
  absl::Time Step();

  // There may be something to lease.
  void SessionsQueued();
  // There will be, at that time.
  void SessionWaits(absl::Time until);
  // A cancel was saved for this session; it may be active here.
  void CancelRequested(std::string session_id);

 private:
  using SessionPtr = std::shared_ptr<ActiveSession>;

  void Loop();
  void RunMail();
  absl::Time NextDeadline() const;

  void LeaseMore(absl::Time now);
  void Sweep(absl::Time now);
  void PrepareEnd(const SessionPtr& session, SessionUpdate& update) const;
  void Adopt(v1::Session session, absl::Time now);
  void TakeOver(const SessionPtr& session, const v1::Session& leased, absl::Time now);
  void OnPrepared(const SessionPtr& session, std::shared_ptr<Prepared> prepared);
  void OnRunningSaved(const SessionPtr& session);
  void OnFinished(const SessionPtr& session, Outcome outcome);
  void OnWorkspaceFinished(const SessionPtr& session, std::vector<v1::Patch> patches);

  // Looks at deadlines, then sends what is to be saved.
  void Advance(const SessionPtr& session, absl::Time now);
  void ForceEnd(const SessionPtr& session, Outcome outcome);
  void EndWith(const SessionPtr& session, Outcome outcome);
  void GiveBack(const SessionPtr& session, absl::Time not_before, int attempt);
  void SetState(const SessionPtr& session, v1::SessionState state);
  void Save(const SessionPtr& session, absl::Time now);
  void OnSaved(const SessionPtr& session, const absl::StatusOr<Updated>& updated);
  void Drop(const SessionPtr& session);
  void StopSessions();

  absl::Time Now() const { return options_.clock->TimeNow(); }
  void CrashPoint(std::string_view point) const;
  // For tasks, which end before the dispatcher; whoever may outlive it keeps the mailbox instead.
  void Post(std::function<void()> mail) { mailbox_->Post(std::move(mail)); }

  const EngineOptions& options_;
  Subscriptions& subscriptions_;
  Counters& counters_;
  const Hooks hooks_;
  const std::string owner_;
  const std::shared_ptr<Mailbox> mailbox_;
  TaskPool tasks_;         // preparing: may take minutes
  TaskPool finish_tasks_;  // of its own, so that an end never waits for a clone
  std::thread thread_;
  bool threaded_ = false;  // set before the loop's thread begins; the loop must not look at thread_

  std::atomic<bool> lease_wanted_ = true;

  // The loop's own.
  // In one order, so that the same events make the same calls in every run.
  std::map<std::string, SessionPtr> active_;
  bool stopping_ = false;
  absl::Time next_poll_ = absl::InfinitePast();
  absl::Time next_sweep_ = absl::InfinitePast();
  std::multiset<absl::Time> retries_;  // when sessions that were given back may be leased again
  absl::Time stop_deadline_ = absl::InfiniteFuture();
};

}  // namespace routines

#endif  // ROUTINES_SRC_ENGINE_DISPATCHER_H_
