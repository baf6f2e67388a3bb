// The way of one session through the dispatcher's hands, from its preparation to its end.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "src/base/time_conversion.h"
#include "src/engine/dispatcher.h"

namespace routines {
namespace {

constexpr size_t kMaxReason = 64;

// 2 s, 8 s, 32 s, … after the first, second, third attempt; at most 5 minutes.
absl::Duration BackOff(int attempt) {
  return std::min(absl::Seconds(2) * (1 << (2 * std::min(attempt - 1, 8))), absl::Minutes(5));
}

Outcome CheckExecutor(const EngineOptions& options, const std::string& name,
                      const Sandbox& sandbox) {
  const auto executor = options.executors.find(name);
  if (executor == options.executors.end()) {
    return Outcome::Failure(v1::SESSION_STEP_EXECUTOR, "no_executor",
                            name.empty()
                                ? "the routine names no executor and the engine has no default one"
                                : absl::StrCat("no executor named \"", name, "\" is registered"));
  }
  if ((sandbox.required || !sandbox.network) && !executor->second->KeepsToSandbox()) {
    return Outcome::Failure(
        v1::SESSION_STEP_EXECUTOR, "sandbox_unavailable",
        absl::StrCat("the session must run in a sandbox, and the executor \"", name,
                     "\" runs its agent outside; choose another executor"));
  }
  return Outcome::Success();
}

}  // namespace

void Dispatcher::OnPrepared(const SessionPtr& session, std::shared_ptr<Prepared> prepared) {
  CrashPoint("prepare:after");
  if (session->phase != ActiveSession::Phase::kPreparing) {  // the lease was lost meanwhile
    finish_tasks_.Run([prepared] {
      prepared->connectors.reset();
      prepared->workspace.reset();
    });
    return;
  }
  session->workspace = std::move(prepared->workspace);
  session->connectors = std::move(prepared->connectors);
  Outcome outcome = session->forced.value_or(prepared->outcome);
  if (session->give_back) {
    GiveBack(session, absl::InfinitePast(), session->record.attempt() - 1);
    return;
  }
  const v1::Routine& routine = prepared->request.routine;
  const int retries = RetriesOf(routine);
  if (outcome.retryable && session->record.attempt() <= retries) {
    const absl::Duration back_off = BackOff(session->record.attempt());
    session->log.AppendOwn(
        NoteEvent(v1::Note::SEVERITY_WARNING,
                  absl::StrCat("attempt ", session->record.attempt(), " of ", retries + 1,
                               " failed (", outcome.reason, ": ", outcome.message,
                               "); trying again in ", absl::FormatDuration(back_off))));
    GiveBack(session, Now() + back_off, session->record.attempt());
    return;
  }
  const std::string executor =
      routine.executor().empty() ? options_.default_executor : routine.executor();
  if (outcome.ok()) outcome = CheckExecutor(options_, executor, prepared->request.sandbox);
  if (!outcome.ok()) {
    EndWith(session, std::move(outcome));
    return;
  }
  session->request = std::move(prepared->request);
  session->record.set_executor(executor);
  *session->record.mutable_run_time() = ToProto(Now());
  session->phase = ActiveSession::Phase::kStarting;
  SetState(session, v1::SESSION_STATE_RUNNING);
  CrashPoint("running:before_commit");
}

void Dispatcher::OnRunningSaved(const SessionPtr& session) {
  CrashPoint("running:after_commit");
  if (session->give_back) {
    GiveBack(session, absl::InfinitePast(), session->record.attempt() - 1);
    return;
  }
  session->phase = ActiveSession::Phase::kRunning;
  if (session->forced) {
    OnFinished(session, *session->forced);
    return;
  }
  const v1::Limits& limits = session->request.routine.limits();
  session->run_deadline = Now() + (limits.has_max_duration() ? FromProto(limits.max_duration())
                                                             : options_.default_max_duration);
  session->request.session = session->record;
  session->request.session.clear_read_key();
  counters_.Change([](EngineStats& stats) { ++stats.sessions_running; });
  // Weak: the mail may outlive the session, and the execution the engine.
  auto finished = [this, mailbox = mailbox_, weak = std::weak_ptr(session)](Outcome outcome) {
    mailbox->Post([this, weak, outcome] {
      if (const SessionPtr session = weak.lock()) OnFinished(session, outcome);
    });
  };
  const std::shared_ptr<Executor> executor =
      options_.executors.find(session->record.executor())->second;
  executor->Start(std::make_shared<ActiveExecution>(session, std::move(finished)));
  CrashPoint("agent:after_start");
}

void Dispatcher::OnFinished(const SessionPtr& session, Outcome outcome) {
  if (session->phase != ActiveSession::Phase::kRunning)
    return;  // the engine stopped waiting for it
  if (session->run_deadline != absl::InfiniteFuture()) {
    counters_.Change([](EngineStats& stats) { --stats.sessions_running; });
  }
  session->phase = ActiveSession::Phase::kFinishing;
  session->outcome = session->forced.value_or(std::move(outcome));
  if (!IsTerminal(session->outcome.state)) {
    session->outcome = Outcome::Failure(v1::SESSION_STEP_EXECUTOR, "bad_outcome",
                                        "the executor reported a state that is not an end");
  }
  session->log.FlushStreams();
  CrashPoint("finish:before");
  finish_tasks_.Run([this, session] {
    std::vector<v1::Patch> patches;
    session->connectors.reset();
    if (session->workspace != nullptr) {
      patches = session->workspace->Finish();
      session->workspace.reset();
    }
    for (v1::Patch& patch : patches) {
      // A secret that the cut went through would not be known any more: its line goes.
      if (patch.truncated()) patch.mutable_text()->resize(patch.text().rfind('\n') + 1);
      patch.set_ref(session->log.Redact(patch.ref()));
      patch.set_text(session->log.Redact(patch.text()));
    }
    Post([this, session, patches = std::move(patches)] { OnWorkspaceFinished(session, patches); });
  });
}

void Dispatcher::OnWorkspaceFinished(const SessionPtr& session, std::vector<v1::Patch> patches) {
  if (session->phase != ActiveSession::Phase::kFinishing) return;  // the lease was lost meanwhile
  for (v1::Patch& patch : patches) *session->record.add_patches() = std::move(patch);
  EndWith(session, session->outcome);
}

void Dispatcher::EndWith(const SessionPtr& session, Outcome outcome) {
  session->phase = ActiveSession::Phase::kEnding;
  session->log.FlushStreams();
  session->record.set_step(outcome.step);
  session->record.set_reason(session->log.Redact(outcome.reason.substr(0, kMaxReason)));
  session->record.set_message(session->log.Redact(outcome.message));
  *session->record.mutable_end_time() = ToProto(Now());
  SetState(session, outcome.state);
}

void Dispatcher::GiveBack(const SessionPtr& session, absl::Time not_before, int attempt) {
  session->phase = ActiveSession::Phase::kEnding;
  session->log.FlushStreams();
  session->record.set_attempt(attempt);
  if (not_before != absl::InfinitePast()) {
    *session->record.mutable_not_before() = ToProto(not_before);
    retries_.insert(not_before);
  }
  SetState(session, v1::SESSION_STATE_QUEUED);
}

void Dispatcher::SetState(const SessionPtr& session, v1::SessionState state) {
  session->record.set_state(state);
  session->record_changed = true;
  v1::SessionEvent event;
  v1::StateChange& change = *event.mutable_state_change();
  change.set_state(state);
  if (IsTerminal(state)) {
    change.set_step(session->record.step());
    change.set_reason(session->record.reason());
    change.set_message(session->record.message());
  }
  session->log.AppendOwn(std::move(event));
}

}  // namespace routines
