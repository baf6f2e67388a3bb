// What an Engine takes in: fires, runs and deliveries; and why they came to what they did.
#include <functional>
#include <memory>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "routines/engine.h"
#include "src/base/status_macros.h"
#include "src/base/time_conversion.h"
#include "src/engine/admission.h"
#include "src/engine/chain.h"
#include "src/engine/delivery.h"
#include "src/engine/engine_impl.h"
#include "src/engine/session_gates.h"

namespace routines {
namespace {

constexpr char kRetryTime[] = "routines/retry_time";  // nanoseconds since 1970

absl::Status OverLimitError(const v1::Decision& decision) {
  absl::Status status = absl::ResourceExhaustedError(decision.detail());
  status.SetPayload(kRetryTime,
                    absl::Cord(absl::StrCat(absl::ToUnixNanos(FromProto(decision.until())))));
  return status;
}

absl::StatusOr<FireResult> ToFireResult(absl::StatusOr<Admitted> admitted) {
  if (!admitted.ok()) return admitted.status();
  if (admitted->sessions.empty()) {
    const std::string why =
        admitted->decisions.empty() ? "it had no decision" : admitted->decisions.front().detail();
    if (!admitted->decisions.empty() &&
        admitted->decisions.front().reason() == v1::DECISION_REASON_LIMIT) {
      return OverLimitError(admitted->decisions.front());
    }
    return absl::FailedPreconditionError(absl::StrCat(why, "; nothing was started"));
  }
  const v1::Session& session = admitted->sessions.front();
  return FireResult{admitted->event_id, session.id(), session.read_key(), admitted->duplicate};
}

absl::StatusOr<DeliverResult> ToDeliverResult(absl::StatusOr<Admitted> admitted) {
  if (!admitted.ok()) return admitted.status();
  return DeliverResult{std::move(admitted->event_id), admitted->duplicate,
                       std::move(admitted->decisions)};
}

// Turns a call with a callback into one that blocks.
template <typename Result>
absl::StatusOr<Result> Await(
    const std::function<void(std::function<void(absl::StatusOr<Result>)>)>& call) {
  struct State {
    absl::Mutex mu;
    bool ready = false;
    absl::StatusOr<Result> result = absl::UnknownError("no answer");
  };
  const auto state = std::make_shared<State>();
  call([state](absl::StatusOr<Result> result) {
    absl::MutexLock lock(&state->mu);
    state->result = std::move(result);
    state->ready = true;
  });
  absl::MutexLock lock(&state->mu);
  state->mu.Await(absl::Condition(&state->ready));
  return std::move(state->result);
}

}  // namespace

void Engine::Impl::Admit(Admission admission, AdmitDone done) {
  if (options.crash_point) options.crash_point("admit:before_commit");
  Begin();
  AddGates(catalog, options.limits, admission);
  options.store->Admit(std::move(admission),
                       [this, done = std::move(done)](absl::StatusOr<Admitted> admitted) {
                         if (options.crash_point) options.crash_point("admit:after_commit");
                         Count(admitted);
                         if (admitted.ok() && !admitted->duplicate) Spread(*admitted);
                         done(std::move(admitted));
                         End();
                       });
}

void Engine::Impl::Spread(const Admitted& admitted) {
  for (const std::string& id : admitted.cancelled) {
    dispatcher.CancelRequested(id);
    subscriptions.Notify(id);
  }
  for (const v1::Session& session : admitted.sessions) {
    if (session.has_not_before()) dispatcher.SessionWaits(FromProto(session.not_before()));
  }
  if (!admitted.sessions.empty()) dispatcher.SessionsQueued();
}

std::optional<Admission> Engine::Impl::AfterEnd(const v1::Session& session) {
  absl::StatusOr<std::optional<Admission>> admission =
      AdmitEnd(session, catalog, options.clock->TimeNow());
  if (!admission.ok() || !*admission) return std::nullopt;
  AddGates(catalog, options.limits, **admission);
  return *std::move(admission);
}

void Engine::Impl::Ended(const v1::Session& session, const Updated& updated) {
  counters.Change([&](EngineStats& stats) { CountDecisions(updated.paused, stats); });
  if (updated.admitted) {
    Count(*updated.admitted);
    if (!updated.admitted->duplicate) Spread(*updated.admitted);
  }
  if (updated.pause_reason.empty()) return;
  absl::MutexLock lock(&save_mu);
  const auto saved = catalog.FindRoutine(session.account(), session.routine());
  if (saved == nullptr) return;
  v1::SavedRoutine paused = *saved;
  paused.set_paused(true);
  paused.set_pause_reason(updated.pause_reason);
  catalog.Put(paused);
}

void Engine::Impl::Count(const absl::StatusOr<Admitted>& admitted) {
  counters.Change([&](EngineStats& stats) {
    if (!admitted.ok()) {
      ++stats.admit_errors;
    } else if (admitted->duplicate) {
      ++stats.events_duplicate;
    } else {
      ++stats.events_admitted;
      CountDecisions(admitted->decisions, stats);
      CountDecisions(admitted->coalesced, stats);
    }
  });
}

std::optional<absl::Time> RetryTime(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kRetryTime);
  int64_t nanoseconds = 0;
  if (!payload || !absl::SimpleAtoi(std::string(*payload), &nanoseconds)) return std::nullopt;
  return absl::FromUnixNanos(nanoseconds);
}

// ---- fires and runs ----

void Engine::FireAsync(FireRequest request, std::function<void(absl::StatusOr<FireResult>)> done) {
  absl::Status status = CheckText(request.text);
  if (status.ok()) status = CheckIdempotencyKey(request.idempotency_key);
  if (!status.ok()) {
    done(status);
    return;
  }
  const TriggerRef ref = impl_->catalog.FindTrigger(request.trigger_id);
  if (ref.saved == nullptr || !ref.trigger().has_api()) {
    done(absl::NotFoundError(absl::StrCat("no API trigger with id ", request.trigger_id)));
    return;
  }
  impl_->Admit(AdmitFire(ref, request, impl_->options.clock->TimeNow()),
               [done = std::move(done)](absl::StatusOr<Admitted> admitted) {
                 done(ToFireResult(std::move(admitted)));
               });
}

absl::StatusOr<FireResult> Engine::Fire(const FireRequest& request) {
  return Await<FireResult>([&](auto done) { FireAsync(request, std::move(done)); });
}

absl::StatusOr<FireResult> Engine::Run(std::string_view account, std::string_view name,
                                       std::string_view text) {
  RETURN_IF_ERROR(CheckText(text));
  const auto saved = impl_->catalog.FindRoutine(account, name);
  if (saved == nullptr) return NoSuchRoutine(account, name);
  return Await<FireResult>([&](auto done) {
    impl_->Admit(AdmitRun(*saved, text, impl_->options.clock->TimeNow()),
                 [done = std::move(done)](absl::StatusOr<Admitted> admitted) {
                   done(ToFireResult(std::move(admitted)));
                 });
  });
}

// ---- deliveries ----

void Engine::DeliverAsync(DeliverRequest request,
                          std::function<void(absl::StatusOr<DeliverResult>)> done) {
  if (absl::Status status = CheckDelivery(request); !status.ok()) {
    done(std::move(status));
    return;
  }
  absl::StatusOr<Admission> admission =
      AdmitDelivery(std::move(request), impl_->catalog, impl_->options.clock->TimeNow());
  if (!admission.ok()) {
    done(admission.status());
    return;
  }
  impl_->Admit(*std::move(admission), [done = std::move(done)](absl::StatusOr<Admitted> admitted) {
    done(ToDeliverResult(std::move(admitted)));
  });
}

absl::StatusOr<DeliverResult> Engine::Deliver(DeliverRequest request) {
  return Await<DeliverResult>(
      [&](auto done) { DeliverAsync(std::move(request), std::move(done)); });
}

// ---- why ----

absl::StatusOr<EventExplanation> Engine::ExplainEvent(std::string_view event_id,
                                                      std::string_view account,
                                                      std::string_view routine, int64_t revision) {
  ASSIGN_OR_RETURN(const v1::Event event, GetEvent(event_id));
  ASSIGN_OR_RETURN(v1::SavedRoutine saved, GetRoutine(account, routine, revision));
  EventExplanation why;
  why.revision = saved.revision();
  ASSIGN_OR_RETURN(why.decisions, ListDecisions({.event_id = event.id(),
                                                 .account = std::string(account),
                                                 .routine = std::string(routine)}));
  ASSIGN_OR_RETURN(why.filters, Explain(ViewOf(event), WithAllEnabled(saved.routine())));
  // Another account's event reaches none of its triggers, whatever they say.
  if (!event.account().empty() && event.account() != account) return why;
  std::vector<int> matched;
  for (const TriggerExplanation& trigger : why.filters.triggers) {
    if (trigger.matched) matched.push_back(trigger.index);
  }
  // What would become of it now: asked of the store, as an admission would ask.
  ASSIGN_OR_RETURN(Admission admission,
                   AdmitAgain(event, saved, matched, impl_->options.clock->TimeNow()));
  AddGates(impl_->catalog, impl_->options.limits, admission);
  ASSIGN_OR_RETURN(Admitted would, Await<Admitted>([&](auto done) {
                     impl_->options.store->Admit(std::move(admission), std::move(done));
                   }));
  why.gates = std::move(would.decisions);
  for (v1::Decision& decision : why.gates) decision.clear_session_id();
  return why;
}

}  // namespace routines
