#include "src/store/transitions.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "routines/session.h"
#include "src/base/time_conversion.h"

namespace routines::store {

absl::Status CheckAdmission(const Admission& admission) {
  if (admission.event.id().empty()) {
    return absl::InvalidArgumentError("event.id: empty; give the event an id");
  }
  for (const DedupeKey& key : admission.dedupe_keys) {
    if (key.key.empty()) return absl::InvalidArgumentError("dedupe_keys: empty; leave it out");
  }
  std::set<std::string_view> ids;
  for (const v1::Session& session : admission.sessions) {
    if (!ids.insert(session.id()).second) {
      return absl::InvalidArgumentError(absl::StrCat("session.id: ", session.id(), " twice"));
    }
    if (session.id().empty()) {
      return absl::InvalidArgumentError("session.id: empty; give the session an id");
    }
    if (session.state() != v1::SESSION_STATE_QUEUED) {
      return absl::InvalidArgumentError(
          absl::StrCat("session.state: ", std::string(StateName(session.state())), " in session ",
                       session.id(), "; admit sessions as queued"));
    }
  }
  return absl::OkStatus();
}

void InitializeLease(v1::Session& session) {
  session.clear_lease_owner();
  session.clear_lease_until();
  session.clear_fencing_token();
  session.clear_last_sequence();
  session.clear_cancel_requested();
}

bool IsLeased(const v1::Session& session) {
  return session.has_lease_until();
}

absl::Time LeasableFrom(const v1::Session& session) {
  switch (session.state()) {
    case v1::SESSION_STATE_QUEUED:
      return session.has_not_before() ? FromProto(session.not_before()) : absl::InfinitePast();
    case v1::SESSION_STATE_PREPARING:
    case v1::SESSION_STATE_RUNNING:
      return IsLeased(session) ? FromProto(session.lease_until()) : absl::InfinitePast();
    default:
      return absl::InfiniteFuture();
  }
}

void TakeLease(const LeaseRequest& request, v1::Session& session) {
  if (session.state() != v1::SESSION_STATE_RUNNING) {
    session.set_state(v1::SESSION_STATE_PREPARING);
    session.set_attempt(session.attempt() + 1);
    session.clear_not_before();
  }
  session.set_lease_owner(request.owner);
  *session.mutable_lease_until() = ToProto(request.until);
  session.set_fencing_token(session.fencing_token() + 1);
}

void AbandonLease(v1::Session& session) {
  session.clear_lease_owner();
  session.clear_lease_until();
}

absl::Status ApplyUpdate(SessionUpdate& update, v1::Session& session) {
  if (IsTerminal(session.state())) {
    return absl::AbortedError(absl::StrCat("session ", session.id(), " has ended as ",
                                           std::string(StateName(session.state()))));
  }
  if (!IsLeased(session) || update.fencing_token != session.fencing_token()) {
    return absl::AbortedError(absl::StrCat("session ", session.id(),
                                           " is no longer held with fencing token ",
                                           update.fencing_token, "; stop working on it"));
  }
  if (update.session.has_value()) {
    if (update.session->id() != session.id()) {
      return absl::InvalidArgumentError(
          absl::StrCat("session.id: ", update.session->id(), " in an update of ", session.id()));
    }
    v1::Session& next = *update.session;
    next.set_account(session.account());
    next.set_routine(session.routine());
    next.set_lease_owner(session.lease_owner());
    next.set_fencing_token(session.fencing_token());
    next.set_last_sequence(session.last_sequence());
    next.set_cancel_requested(session.cancel_requested());
    session = std::move(next);
  }
  if (update.after_sequence && session.last_sequence() > *update.after_sequence) {
    const int64_t stored = session.last_sequence() - *update.after_sequence;
    update.events.erase(update.events.begin(),
                        update.events.begin() +
                            std::min<int64_t>(stored, static_cast<int64_t>(update.events.size())));
  }
  for (v1::SessionEvent& event : update.events) {
    session.set_last_sequence(session.last_sequence() + 1);
    event.set_sequence(session.last_sequence());
  }
  const bool queued = session.state() == v1::SESSION_STATE_QUEUED;
  if (queued || IsTerminal(session.state())) {
    AbandonLease(session);
    // Whoever cancels does not wait for the back-off to end.
    if (queued && session.cancel_requested()) session.clear_not_before();
  } else {
    *session.mutable_lease_until() = ToProto(update.lease_until);
  }
  return absl::OkStatus();
}

absl::Status CheckUpdate(const SessionUpdate& update) {
  const bool ends = update.session.has_value() && IsTerminal(update.session->state());
  if (!ends && (update.then || update.pause_at_cost > 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("then, pause_at_cost: in an update of session ", update.session_id,
                     " that does not end it; give them with a terminal state"));
  }
  return update.then ? CheckAdmission(*update.then) : absl::OkStatus();
}

bool MustWait(const v1::Session& session, int on_their_way) {
  return session.concurrency_limit() > 0 && on_their_way >= session.concurrency_limit();
}

void ApplyPaused(const SetPaused& change, v1::SavedRoutine& saved) {
  saved.set_paused(change.paused);
  saved.set_pause_reason(change.paused ? change.reason : "");
}

std::string PausedDetail(std::string_view reason) {
  return absl::StrCat("the routine was paused while the event waited for a limit",
                      reason.empty() ? "" : ": ", std::string(reason));
}

void ApplyWithdrawn(v1::DecisionReason reason, std::string_view detail, v1::Decision& decision) {
  decision.set_reason(reason);
  decision.set_detail(std::string(detail));
  decision.clear_session_id();
  decision.clear_until();
}

bool SessionIsOld(const DeleteOld& rule, bool large, const v1::Session& session) {
  if (!IsTerminal(session.state())) return false;
  const absl::Duration age = rule.now - FromProto(session.end_time());
  return age >= (large ? kLeastKept : std::max(rule.sessions, kLeastKept));
}

bool EventIsOld(const DeleteOld& rule, bool large, absl::Time time) {
  return large || rule.now - time >= rule.events;
}

bool ApplyCancel(absl::Time now, v1::Session& session) {
  if (session.state() == v1::SESSION_STATE_QUEUED) {
    session.set_state(v1::SESSION_STATE_CANCELLED);
    session.set_reason("cancelled");
    *session.mutable_end_time() = ToProto(now);
    return true;
  }
  if (IsTerminal(session.state()) || session.cancel_requested()) return false;
  session.set_cancel_requested(true);
  return true;
}

absl::Status CheckRevision(const v1::SavedRoutine& saved, int64_t newest) {
  if (saved.routine().name().empty()) {
    return absl::InvalidArgumentError("routine.name: empty; give the routine a name");
  }
  if (saved.revision() == newest + 1) return absl::OkStatus();
  return absl::AbortedError(absl::StrCat("routine ", saved.routine().account(), "/",
                                         saved.routine().name(), ": revision ", saved.revision(),
                                         " does not follow ", newest,
                                         "; read the routine again and save upon that"));
}

absl::Status TriggerTakenError(std::string_view trigger_id, std::string_view account,
                               std::string_view name) {
  return absl::AbortedError(absl::StrCat("trigger id ", std::string(trigger_id),
                                         " belongs to routine ", std::string(account), "/",
                                         std::string(name), "; choose another"));
}

}  // namespace routines::store
