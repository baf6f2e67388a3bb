#include "src/store/gates.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "src/base/status_macros.h"
#include "src/base/time_conversion.h"

namespace routines::store {
namespace {

std::string Rfc3339(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

// Never before the time, as the text has whole seconds.
std::string RoundedUp(absl::Time time) {
  const absl::Time second = absl::FromUnixSeconds(absl::ToUnixSeconds(time));
  return Rfc3339(second == time ? time : second + absl::Seconds(1));
}

// The gates of one admission, session by session.
class Gatekeeper {
 public:
  Gatekeeper(GateView& view, Admission& admission)
      : view_(view), admission_(admission), now_(FromProto(admission.event.time())) {
    for (v1::Decision& decision : admission.decisions) {
      if (!decision.session_id().empty()) decisions_[decision.session_id()] = &decision;
    }
  }

  absl::StatusOr<Gated> Run() {
    std::vector<v1::Session> sessions = std::exchange(admission_.sessions, {});
    std::vector<SessionGates> gates = std::exchange(admission_.gates, {});
    gates.resize(sessions.size());
    RETURN_IF_ERROR(FindCause(sessions));
    for (size_t i = 0; i < sessions.size(); ++i) {
      if (const std::string why = Loops(); !why.empty()) {
        Refuse(sessions[i], v1::DECISION_REASON_LOOP_GUARD, why);
        continue;
      }
      ASSIGN_OR_RETURN(const bool passed, Pass(gates[i], sessions[i]));
      if (!passed) continue;
      admission_.sessions.push_back(std::move(sessions[i]));
      admission_.gates.push_back(std::move(gates[i]));
    }
    return std::move(gated_);
  }

 private:
  v1::Decision* DecisionOf(const v1::Session& session) {
    const auto found = decisions_.find(session.id());
    return found == decisions_.end() ? nullptr : found->second;
  }

  void Refuse(const v1::Session& session, v1::DecisionReason reason, std::string detail) {
    gated_.changed = true;
    v1::Decision* const decision = DecisionOf(session);
    if (decision == nullptr) return;
    decision->set_reason(reason);
    decision->set_detail(std::move(detail));
    decision->clear_session_id();
  }

  // ---- the loop guard ----

  absl::StatusOr<std::optional<v1::Session>> Causing() {
    const Cause& cause = admission_.cause;
    if (!cause.session_id.empty()) {
      ASSIGN_OR_RETURN(std::optional<v1::Session> found, view_.SessionById(cause.session_id));
      // Somebody else's sessions are nobody's business.
      if (found && found->account() == admission_.event.account()) return found;
    }
    for (const std::string& commit : cause.commits) {
      ASSIGN_OR_RETURN(std::optional<v1::Session> found, view_.SessionThatPushed(commit));
      if (found) return found;
    }
    return std::nullopt;
  }

  absl::Status FindCause(std::vector<v1::Session>& sessions) {
    ASSIGN_OR_RETURN(const std::optional<v1::Session> causing, Causing());
    if (!causing) return absl::OkStatus();
    gated_.changed = true;
    v1::Lineage& lineage = *admission_.event.mutable_lineage();
    lineage.set_session_id(causing->id());
    lineage.set_depth(causing->lineage().depth() + 1);
    lineage.set_root_event_id(causing->has_lineage() ? causing->lineage().root_event_id()
                                                     : causing->event_id());
    for (v1::Session& session : sessions) *session.mutable_lineage() = lineage;
    if (admission_.cause.max_sessions > 0 && !sessions.empty()) {
      ASSIGN_OR_RETURN(
          following_, view_.CountFollowing(lineage.root_event_id(), admission_.cause.max_sessions));
    }
    return absl::OkStatus();
  }

  // Why the event starts nothing more; empty: it may.
  std::string Loops() const {
    const v1::Lineage& lineage = admission_.event.lineage();
    const Cause& cause = admission_.cause;
    if (cause.max_depth > 0 && lineage.depth() > cause.max_depth) {
      return absl::StrCat("session ", lineage.session_id(), " caused the event, which is ",
                          lineage.depth(), " sessions away from ", lineage.root_event_id(),
                          "; at most ", cause.max_depth, " may follow one another");
    }
    if (lineage.depth() > 0 && cause.max_sessions > 0 && following_ >= cause.max_sessions) {
      return absl::StrCat("session ", lineage.session_id(), " caused the event, and ", following_,
                          " sessions have followed from ", lineage.root_event_id(), "; at most ",
                          cause.max_sessions, " may");
    }
    return "";
  }

  // ---- limits and overlap ----

  // False: the session is refused.
  absl::StatusOr<bool> Pass(const SessionGates& gates, v1::Session& session) {
    const RoutineRef routine{session.account(), session.routine()};
    const bool waits_in_turn = gates.over_limit != SessionGates::OverLimit::kRefuse;
    const Counted who{session.account(), session.routine(), gates.kind};
    LimitBook::Turn turn{.slot = now_};
    LimitBook* book = nullptr;
    if (!gates.limits.empty()) {
      ASSIGN_OR_RETURN(book, view_.Book());
      turn = book->Next(who, gates.limits, now_, waits_in_turn);
    }
    const bool over = turn.slot > now_;
    if (over && !waits_in_turn) {
      Refuse(session, v1::DECISION_REASON_LIMIT,
             absl::StrCat(Full(turn), "; the next may start at ", RoundedUp(turn.slot)));
      SetUntil(session, turn.slot);
      return false;
    }
    if (gates.skip_overlap) {
      ASSIGN_OR_RETURN(std::string other, Unfinished(routine));
      if (!other.empty()) {
        Refuse(session, v1::DECISION_REASON_OVERLAP,
               absl::StrCat(other, " has not ended (overlap: skip)"));
        return false;
      }
    }
    if (over && gates.over_limit == SessionGates::OverLimit::kCoalesce && !admission_.dry_run) {
      RETURN_IF_ERROR(Coalesce(routine, session));
      turn = book->Next(who, gates.limits, now_, waits_in_turn);
    }
    if (turn.slot - now_ > gates.longest_wait) {
      Refuse(session, v1::DECISION_REASON_EXPIRED,
             absl::StrCat(Full(turn), "; its turn would come at ", RoundedUp(turn.slot),
                          ", which is more than ", absl::FormatDuration(gates.longest_wait),
                          " from now"));
      return false;
    }
    if (gates.cancel_earlier && !admission_.dry_run) {
      ASSIGN_OR_RETURN(std::vector<std::string> cancelled,
                       view_.CancelUnfinished(routine, turn.slot > now_, now_));
      gated_.cancelled.insert(gated_.cancelled.end(), cancelled.begin(), cancelled.end());
    }
    if (turn.slot > now_) MakeWait(gates, turn, session);
    if (turn.metered) MakeMetered(session);
    // The next session of this admission has to see it.
    if (book != nullptr && !admission_.dry_run) book->Add(who, turn.slot, turn.slot > now_);
    if (gates.skip_overlap) passed_.push_back({routine, session.id()});
    ++following_;
    return true;
  }

  // As UnfinishedOf, with those that this admission brings.
  absl::StatusOr<std::string> Unfinished(const RoutineRef& routine) {
    for (const auto& [passed, id] : passed_) {
      if (passed.account == routine.account && passed.name == routine.name) return id;
    }
    return view_.UnfinishedOf(routine);
  }

  absl::Status Coalesce(const RoutineRef& routine, const v1::Session& session) {
    ASSIGN_OR_RETURN(std::vector<v1::Decision> coalesced,
                     view_.Withdraw(routine, session.trigger_id(), v1::DECISION_REASON_COALESCED,
                                    absl::StrCat("event ", admission_.event.id(),
                                                 " came while it waited and took its place")));
    gated_.coalesced.insert(gated_.coalesced.end(), coalesced.begin(), coalesced.end());
    return absl::OkStatus();
  }

  void MakeWait(const SessionGates& gates, const LimitBook::Turn& turn, v1::Session& session) {
    gated_.changed = true;
    *session.mutable_not_before() = ToProto(turn.slot);
    session.set_waited_for(Full(turn));
    if (gates.longest_wait != absl::InfiniteDuration()) {
      *session.mutable_expire_time() = ToProto(now_ + gates.longest_wait);
    }
    v1::Decision* const decision = DecisionOf(session);
    if (decision == nullptr) return;
    decision->set_reason(v1::DECISION_REASON_LIMIT);
    decision->set_detail(absl::StrCat(Full(turn), "; it starts at ", RoundedUp(turn.slot)));
    SetUntil(*decision, turn.slot);
  }

  void MakeMetered(v1::Session& session) {
    gated_.changed = true;
    session.set_metered(true);
    v1::Decision* const decision = DecisionOf(session);
    if (decision == nullptr) return;
    decision->set_detail(absl::StrCat(decision->detail(), decision->detail().empty() ? "" : "; ",
                                      "metered: over the sessions of a day"));
  }

  static void SetUntil(v1::Decision& decision, absl::Time slot) {
    *decision.mutable_until() = ToProto(slot);
  }
  void SetUntil(const v1::Session& session, absl::Time slot) {
    if (v1::Decision* const decision = DecisionOf(session)) SetUntil(*decision, slot);
  }

  // "60 of 60 GitHub sessions an hour of the routine, and 3 wait"
  static std::string Full(const LimitBook::Turn& turn) {
    std::string text = absl::StrCat(turn.used, " of ", turn.full->most, " ", turn.full->name);
    if (turn.waiting > 0) absl::StrAppend(&text, ", and ", turn.waiting, " wait");
    return text;
  }

  GateView& view_;
  Admission& admission_;
  const absl::Time now_;
  absl::flat_hash_map<std::string, v1::Decision*> decisions_;
  std::vector<std::pair<RoutineRef, std::string>> passed_;
  int following_ = 0;
  Gated gated_;
};

}  // namespace

absl::StatusOr<Gated> ApplyGates(GateView& view, Admission& admission) {
  const Cause& cause = admission.cause;
  if (admission.gates.empty() && cause.session_id.empty() && cause.commits.empty()) {
    admission.gates.resize(admission.sessions.size());
    return Gated{};
  }
  return Gatekeeper(view, admission).Run();
}

bool WaitsForLimit(const v1::Session& session) {
  return session.state() == v1::SESSION_STATE_QUEUED && session.attempt() == 0 &&
         session.has_not_before() && !session.waited_for().empty();
}

std::optional<absl::Time> SlotOf(const v1::Session& session, const SessionGates& gates) {
  if (gates.kind.empty()) return std::nullopt;
  return WaitsForLimit(session) ? FromProto(session.not_before())
                                : FromProto(session.create_time());
}

bool HasExpired(const v1::Session& session, absl::Time now) {
  return session.has_expire_time() && now >= FromProto(session.expire_time());
}

void DecideLeased(const v1::Session& session, absl::Time now, v1::Decision& decision) {
  const absl::Duration waited =
      absl::Floor(now - FromProto(session.create_time()), absl::Seconds(1));
  const std::string text =
      absl::StrCat("waited ", absl::FormatDuration(waited), " for a limit: ", session.waited_for());
  if (HasExpired(session, now)) {
    decision.set_reason(v1::DECISION_REASON_EXPIRED);
    decision.set_detail(absl::StrCat(text, "; nothing could start it before ",
                                     Rfc3339(FromProto(session.expire_time()))));
    decision.clear_session_id();
  } else {
    decision.set_reason(v1::DECISION_REASON_FIRED);
    decision.set_detail(text);
  }
}

std::string PauseReason(double spent, double most) {
  return absl::StrFormat("its sessions of 24 hours have cost %.2f USD; at most %.2f may be spent",
                         spent, most);
}

}  // namespace routines::store
