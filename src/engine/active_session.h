// A session that this engine holds the lease of, and the face it shows to its executor.
#ifndef ROUTINES_SRC_ENGINE_ACTIVE_SESSION_H_
#define ROUTINES_SRC_ENGINE_ACTIVE_SESSION_H_

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "routines/cancellation.h"
#include "routines/executor.h"
#include "routines/store.h"
#include "routines/workspace.h"
#include "src/engine/buffered_log.h"

namespace routines {

// Belongs to the dispatcher's loop, but for `log`, `cancellation` and, once it runs, `request`,
// which other threads use too.
struct ActiveSession {
  enum class Phase {
    kPreparing,  // a task prepares it
    kStarting,   // RUNNING is being made durable
    kRunning,    // the executor has it
    kFinishing,  // a task gathers what the workspace holds
    kEnding,     // its last record is being made durable
  };

  explicit ActiveSession(BufferedLog::Options log_options) : log(std::move(log_options)) {}

  v1::Session record;
  Phase phase = Phase::kPreparing;
  ExecutionRequest request;
  std::unique_ptr<Workspace> workspace;
  std::shared_ptr<void> connectors;  // let go of before the workspace, whose files they may use
  BufferedLog log;
  Cancellation cancellation;

  // Why the engine ends it, and since when; wins over what the executor says.
  std::optional<Outcome> forced;
  absl::Time forced_at = absl::InfiniteFuture();
  Outcome outcome;         // from kFinishing on
  bool give_back = false;  // the engine stops: QUEUED again instead of an end
  absl::Time run_deadline = absl::InfiniteFuture();

  // The update on its way to the store, kept until the store has it.
  bool record_changed = false;
  bool update_in_flight = false;
  int64_t sent_token = 0;  // the fencing token of the update in flight
  std::optional<SessionUpdate> unsaved;
  absl::Time retry_at = absl::InfinitePast();
  absl::Time heartbeat_at = absl::InfinitePast();
  absl::Time lease_until = absl::InfinitePast();
};

// What the executor holds. `finished` is called once: by Finish, or at the last reference's end.
class ActiveExecution : public Execution {
 public:
  ActiveExecution(std::shared_ptr<ActiveSession> session, std::function<void(Outcome)> finished)
      : session_(std::move(session)), finished_(std::move(finished)) {}

  ~ActiveExecution() override {
    Finish(Outcome::Failure(v1::SESSION_STEP_EXECUTOR, "abandoned",
                            "the executor let go of the session without an outcome"));
  }

  const ExecutionRequest& request() const override { return session_->request; }
  SessionLog& log() override { return session_->log; }
  const Cancellation& cancellation() const override { return session_->cancellation; }

  void Finish(Outcome outcome) override {
    if (!done_.exchange(true)) finished_(std::move(outcome));
  }

 private:
  const std::shared_ptr<ActiveSession> session_;
  const std::function<void(Outcome)> finished_;
  std::atomic<bool> done_ = false;
};

}  // namespace routines

#endif  // ROUTINES_SRC_ENGINE_ACTIVE_SESSION_H_
