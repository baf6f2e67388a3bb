#include "src/engine/dispatcher.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "src/base/ids.h"
#include "src/base/time_conversion.h"

namespace routines {
namespace {

constexpr absl::Duration kStoreRetry = absl::Seconds(1);   // after the store said kUnavailable
constexpr absl::Duration kStopMargin = absl::Seconds(10);  // for last writes, beyond cancel_grace
constexpr int kFinishThreads = 2;

bool KeepsForEver(const RetentionOptions& retention) {
  return retention.events == absl::InfiniteDuration() &&
         retention.sessions == absl::InfiniteDuration() && retention.max_bytes <= 0;
}

}  // namespace

Dispatcher::Dispatcher(const EngineOptions& options, Subscriptions& subscriptions,
                       Counters& counters, Hooks hooks)
    : options_(options),
      subscriptions_(subscriptions),
      counters_(counters),
      hooks_(std::move(hooks)),
      owner_(NewId("engine_", options.clock->TimeNow())),
      mailbox_(std::make_shared<Mailbox>()) {}

Dispatcher::~Dispatcher() {
  Stop();
  mailbox_->Close();
}

void Dispatcher::CrashPoint(std::string_view point) const {
  if (options_.crash_point) options_.crash_point(point);
}

// ---- the loop ----

void Dispatcher::Start() {
  tasks_.Start(options_.prepare_threads);
  finish_tasks_.Start(kFinishThreads);
  threaded_ = true;
  thread_ = std::thread([this] { Loop(); });
}

void Dispatcher::Loop() {
  while (true) {
    const absl::Time next = Step();
    if (stopping_ && (active_.empty() || Now() >= stop_deadline_)) return;
    mailbox_->Wait(*options_.clock, std::min(next, stop_deadline_));
  }
}

void Dispatcher::Stop() {
  Post([this] { StopSessions(); });
  if (thread_.joinable()) {
    thread_.join();
    tasks_.Stop();
    finish_tasks_.Stop();
    // What the last tasks brought is saved too.
    stop_deadline_ = std::max(stop_deadline_, Now() + kStopMargin / 2);
    Loop();
  } else {
    Step();
    // Nobody would wait for the executors here.
    for (const auto& [id, session] : active_) {
      if (session->forced)
        Post([this, session = session] { OnFinished(session, *session->forced); });
    }
    Step();
  }
  for (const auto& [id, session] : active_) session->log.Close();
  active_.clear();
}

absl::Time Dispatcher::Step() {
  while (mailbox_->TakeAwake() || NextDeadline() <= Now()) {
    RunMail();
    const absl::Time now = Now();
    if (stopping_ && now >= stop_deadline_) break;
    // Leases are renewed before others are taken, so that one's own do not look abandoned.
    std::vector<SessionPtr> sessions;  // Advance may drop one
    sessions.reserve(active_.size());
    for (const auto& [id, session] : active_) sessions.push_back(session);
    for (const SessionPtr& session : sessions) Advance(session, now);
    LeaseMore(now);
    Sweep(now);
  }
  return NextDeadline();
}

void Dispatcher::RunMail() {
  for (const std::function<void()>& mail : mailbox_->Take()) mail();
}

absl::Time Dispatcher::NextDeadline() const {
  absl::Time next = absl::InfiniteFuture();
  const bool room = static_cast<int>(active_.size()) < options_.max_concurrent_sessions;
  if (room && !stopping_) {
    next = retries_.empty() ? next_poll_ : std::min(next_poll_, *retries_.begin());
  }
  if (!KeepsForEver(options_.retention) && !stopping_) next = std::min(next, next_sweep_);
  for (const auto& [id, session] : active_) {
    if (!session->update_in_flight) {
      next = std::min(next, session->unsaved ? session->retry_at : session->heartbeat_at);
    }
    if (session->phase == ActiveSession::Phase::kRunning) {
      next = std::min(next, session->forced ? session->forced_at + options_.cancel_grace
                                            : session->run_deadline);
    }
  }
  return next;
}

// ---- leasing ----

void Dispatcher::SessionsQueued() {
  lease_wanted_ = true;
  mailbox_->Wake();
}

void Dispatcher::SessionWaits(absl::Time until) {
  Post([this, until] { retries_.insert(until); });
}

// One step of bounded work.
void Dispatcher::Sweep(absl::Time now) {
  const RetentionOptions& retention = options_.retention;
  if (KeepsForEver(retention) || stopping_ || now < next_sweep_) return;
  next_sweep_ = now + retention.interval;
  // What cannot be deleted now is tried again at the next step.
  options_.store
      ->Save(DeleteOld{now, retention.events, retention.sessions, retention.max_bytes,
                       retention.batch})
      .IgnoreError();
}

void Dispatcher::LeaseMore(absl::Time now) {
  const int room = options_.max_concurrent_sessions - static_cast<int>(active_.size());
  const bool retry_due = !retries_.empty() && *retries_.begin() <= now;
  if (stopping_ || room <= 0 || (!lease_wanted_ && !retry_due && now < next_poll_)) return;
  lease_wanted_ = false;
  retries_.erase(retries_.begin(), retries_.upper_bound(now));
  next_poll_ = now + options_.poll_interval;
  std::vector<v1::Decision> decided;
  const absl::StatusOr<std::vector<v1::Session>> leased = options_.store->Lease(
      LeaseRequest{owner_, now, now + options_.lease_duration, room,
                   options_.limits.max_concurrent_sessions_account, &decided});
  if (!leased.ok()) {
    next_poll_ = now + kStoreRetry;
    return;
  }
  CrashPoint("lease:after_commit");
  counters_.Change([&](EngineStats& stats) { CountDecisions(decided, stats); });
  for (const v1::Session& session : *leased) Adopt(session, now);
}

// A lease that ran out unnoticed (a suspended machine, a clock that stepped, a store that could not
// write) came back to this engine, which has the session still: it goes on under the new lease.
void Dispatcher::TakeOver(const SessionPtr& session, const v1::Session& leased, absl::Time now) {
  counters_.Change([](EngineStats& stats) { ++stats.heartbeats_late; });
  session->record.set_fencing_token(leased.fencing_token());
  if (session->unsaved) session->unsaved->fencing_token = leased.fencing_token();
  session->record_changed = true;  // the lease counted an attempt that is none
  session->lease_until = now + options_.lease_duration;
  if (leased.cancel_requested()) ForceEnd(session, Outcome::Cancelled("cancelled on request"));
}

void Dispatcher::Adopt(v1::Session leased, absl::Time now) {
  if (const auto found = active_.find(leased.id()); found != active_.end()) {
    TakeOver(found->second, leased, now);
    return;
  }
  auto session = std::make_shared<ActiveSession>(
      BufferedLog::Options{options_.clock, options_.max_log_bytes, options_.max_log_backlog_bytes,
                           /*may_block=*/threaded_, [mailbox = mailbox_] { mailbox->Wake(); }});
  session->record = std::move(leased);
  session->lease_until = now + options_.lease_duration;
  session->heartbeat_at = now + options_.lease_duration / 3;
  active_[session->record.id()] = session;
  counters_.Change([&](EngineStats& stats) { stats.sessions_active = active_.size(); });

  if (session->record.state() == v1::SESSION_STATE_RUNNING) {
    session->log.Resume(session->record);
    EndWith(session, {v1::SESSION_STATE_LOST, v1::SESSION_STEP_AGENT, "engine_lost",
                      "the engine that ran the agent is gone; what the agent did is not known"});
    return;
  }
  if (session->record.cancel_requested()) {
    EndWith(session, Outcome::Cancelled("cancelled before it started"));
    return;
  }
  *session->record.mutable_prepare_time() = ToProto(now);
  session->record.clear_not_before();
  SetState(session, v1::SESSION_STATE_PREPARING);
  Save(session, now);  // before the task, which may take minutes
  v1::Session record = session->record;
  record.clear_read_key();  // nobody past this point needs it
  tasks_.Run([this, session, record = std::move(record)] {
    auto prepared = std::make_shared<Prepared>(
        PrepareSession(options_, record, session->log, session->cancellation));
    Post([this, session, prepared] { OnPrepared(session, prepared); });
  });
}

// ---- supervision ----

void Dispatcher::CancelRequested(std::string session_id) {
  Post([this, session_id = std::move(session_id)] {
    const auto found = active_.find(session_id);
    if (found != active_.end()) ForceEnd(found->second, Outcome::Cancelled("cancelled on request"));
  });
}

void Dispatcher::ForceEnd(const SessionPtr& session, Outcome outcome) {
  if (session->forced || session->phase >= ActiveSession::Phase::kFinishing) return;
  session->forced = std::move(outcome);
  session->forced_at = Now();
  session->log.StopWaiting();
  session->cancellation.Cancel();
}

void Dispatcher::Advance(const SessionPtr& session, absl::Time now) {
  if (session->phase == ActiveSession::Phase::kRunning) {
    if (now >= session->run_deadline) {
      ForceEnd(session, {v1::SESSION_STATE_TIMED_OUT, v1::SESSION_STEP_AGENT, "max_duration",
                         "the agent was still running at its time limit"});
    } else if (auto reached = session->log.LimitReached(session->request.routine.limits())) {
      ForceEnd(session, *std::move(reached));
    }
    if (session->forced && now >= session->forced_at + options_.cancel_grace) {
      session->log.AppendOwn(NoteEvent(v1::Note::SEVERITY_ERROR,
                                       "the executor did not end in time and was left behind"));
      OnFinished(session, *session->forced);
    }
  }
  Save(session, now);
}

void Dispatcher::Save(const SessionPtr& session, absl::Time now) {
  if (session->update_in_flight || now < session->retry_at) return;
  if (!session->unsaved) {
    if (!session->record_changed && !session->log.HasPending() && now < session->heartbeat_at)
      return;
    SessionUpdate& update = session->unsaved.emplace();
    update.session_id = session->record.id();
    update.fencing_token = session->record.fencing_token();
    update.events = session->log.Take();
    update.after_sequence = session->record.last_sequence();
    if (std::exchange(session->record_changed, false) || !update.events.empty()) {
      session->log.Summarize(session->record);
      update.session = session->record;
      if (IsTerminal(session->record.state())) PrepareEnd(session, update);
    }
  }
  session->unsaved->lease_until = now + options_.lease_duration;
  session->update_in_flight = true;
  session->sent_token = session->unsaved->fencing_token;
  if (session->phase == ActiveSession::Phase::kEnding) CrashPoint("finish:before_commit");
  options_.store->Update(
      *session->unsaved, [this, mailbox = mailbox_, session](absl::StatusOr<Updated> updated) {
        mailbox->Post([this, session, updated = std::move(updated)] { OnSaved(session, updated); });
      });
}

void Dispatcher::PrepareEnd(const SessionPtr& session, SessionUpdate& update) const {
  const double own = session->request.routine.limits().max_cost_usd_per_day();
  update.pause_at_cost = own > 0 ? own : options_.limits.max_cost_usd_per_day_routine;
  if (hooks_.then) update.then = hooks_.then(session->record);
}

void Dispatcher::OnSaved(const SessionPtr& session, const absl::StatusOr<Updated>& updated) {
  session->update_in_flight = false;
  const absl::Time now = Now();
  const bool superseded =  // by a lease that this engine took itself: see TakeOver
      absl::IsAborted(updated.status()) && session->sent_token != session->record.fencing_token();
  if (absl::IsUnavailable(updated.status()) || superseded) {
    session->retry_at = now + (superseded ? absl::ZeroDuration() : kStoreRetry);
    return;
  }
  if (!updated.ok()) {
    // Somebody else has the session, or has ended it, or the store will never take this.
    counters_.Change([](EngineStats& stats) { ++stats.lease_lost; });
    Drop(session);
    subscriptions_.Notify(session->record.id());
    return;
  }
  if (now > session->lease_until) {
    counters_.Change([](EngineStats& stats) { ++stats.heartbeats_late; });
  }
  const SessionUpdate saved = *std::exchange(session->unsaved, std::nullopt);
  session->lease_until = saved.lease_until;
  session->heartbeat_at = saved.lease_until - options_.lease_duration * 2 / 3;
  session->record.set_last_sequence(updated->last_sequence);
  session->log.Committed();
  const v1::SessionState state =
      saved.session ? saved.session->state() : v1::SESSION_STATE_UNSPECIFIED;
  const bool over = IsTerminal(state) || state == v1::SESSION_STATE_QUEUED;
  if (over) {
    CrashPoint("finish:after_commit");
    if (IsTerminal(state)) {
      counters_.Change(
          [&](EngineStats& stats) { ++stats.sessions_ended[std::string(StateName(state))]; });
      if (hooks_.ended) hooks_.ended(*saved.session, *updated);
    }
    Drop(session);
  }
  subscriptions_.Notify(session->record.id());
  if (over) return;
  if (updated->cancel_requested) ForceEnd(session, Outcome::Cancelled("cancelled on request"));
  if (session->phase == ActiveSession::Phase::kStarting && state == v1::SESSION_STATE_RUNNING) {
    OnRunningSaved(session);
  }
}

// Lets go of a session: it has ended, or its lease is lost and somebody else decides about it.
void Dispatcher::Drop(const SessionPtr& session) {
  if (session->phase == ActiveSession::Phase::kRunning) {
    counters_.Change([](EngineStats& stats) { --stats.sessions_running; });
  }
  // In kPreparing and kFinishing a task has them.
  if (session->phase != ActiveSession::Phase::kPreparing &&
      session->phase != ActiveSession::Phase::kFinishing &&
      (session->workspace != nullptr || session->connectors != nullptr)) {
    finish_tasks_.Run([session] {
      session->connectors.reset();
      session->workspace.reset();
    });
  }
  session->phase = ActiveSession::Phase::kEnding;
  session->cancellation.Cancel();
  session->log.Close();
  const auto found = active_.find(session->record.id());
  if (found != active_.end() && found->second == session) active_.erase(found);
  lease_wanted_ = true;
  mailbox_->Wake();
  counters_.Change([&](EngineStats& stats) { stats.sessions_active = active_.size(); });
}

void Dispatcher::StopSessions() {
  if (stopping_) return;
  stopping_ = true;
  stop_deadline_ = Now() + options_.cancel_grace + kStopMargin;
  for (const auto& [id, session] : active_) {
    if (session->phase < ActiveSession::Phase::kRunning) {
      session->give_back = true;
      session->log.StopWaiting();
      session->cancellation.Cancel();
    } else if (session->phase == ActiveSession::Phase::kFinishing) {
      session->cancellation.Cancel();
    } else {
      ForceEnd(session, {v1::SESSION_STATE_CANCELLED, v1::SESSION_STEP_UNSPECIFIED,
                         "engine_stopped", "the engine was stopped while the agent ran"});
    }
  }
}

}  // namespace routines
