#include "src/engine/admission.h"

#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "src/base/ids.h"
#include "src/base/time_conversion.h"
#include "src/base/utf8.h"
#include "src/engine/gates.h"
#include "src/engine/session_gates.h"

namespace routines {
namespace {

constexpr size_t kMaxTextCharacters = 65'536;
constexpr size_t kMaxIdempotencyKey = 255;

v1::Event MakeEvent(std::string_view source, const v1::SavedRoutine& saved, std::string_view text,
                    absl::Time now) {
  v1::Event event;
  event.set_id(NewId("event_", now));
  event.set_source(std::string(source));
  event.set_account(saved.routine().account());
  event.set_text(std::string(text));
  *event.mutable_time() = ToProto(now);
  return event;
}

void AddFired(const v1::SavedRoutine& saved, absl::Time now, Admission& admission) {
  const std::string& trigger_id = admission.event.trigger_id();
  v1::Session session = MakeSession(saved, trigger_id, admission.event, now);
  v1::Decision decision =
      MakeDecision(saved, trigger_id, admission.event, v1::DECISION_REASON_FIRED);
  decision.set_session_id(session.id());
  admission.decisions.push_back(std::move(decision));
  admission.sessions.push_back(std::move(session));
}

}  // namespace

v1::Decision MakeDecision(const v1::SavedRoutine& saved, std::string_view trigger_id,
                          const v1::Event& event, v1::DecisionReason reason) {
  v1::Decision decision;
  decision.set_event_id(event.id());
  decision.set_account(saved.routine().account());
  decision.set_routine(saved.routine().name());
  decision.set_revision(saved.revision());
  decision.set_trigger_id(std::string(trigger_id));
  decision.set_reason(reason);
  *decision.mutable_time() = event.time();
  return decision;
}

v1::Session MakeSession(const v1::SavedRoutine& saved, std::string_view trigger_id,
                        const v1::Event& event, absl::Time now) {
  v1::Session session;
  session.set_id(NewId("session_", now));
  session.set_account(saved.routine().account());
  session.set_routine(saved.routine().name());
  session.set_revision(saved.revision());
  session.set_trigger_id(std::string(trigger_id));
  session.set_event_id(event.id());
  session.set_model(saved.routine().model());
  session.set_concurrency_limit(ConcurrencyLimit(saved.routine()));
  session.set_state(v1::SESSION_STATE_QUEUED);
  session.set_read_key(RandomKey());
  *session.mutable_create_time() = event.time();
  return session;
}

absl::Status CheckText(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) {
    return absl::InvalidArgumentError("text: contains a NUL character");
  }
  const std::optional<size_t> characters = CountCodePoints(text);
  if (!characters) return absl::InvalidArgumentError("text: is not valid UTF-8");
  if (*characters > kMaxTextCharacters) {
    return absl::InvalidArgumentError(absl::StrCat(
        "text: has ", *characters, " characters; at most ", kMaxTextCharacters, " are accepted"));
  }
  return absl::OkStatus();
}

absl::Status CheckIdempotencyKey(std::string_view key) {
  if (key.size() > kMaxIdempotencyKey) {
    return absl::InvalidArgumentError(absl::StrCat("idempotency key: has ", key.size(),
                                                   " bytes; at most ", kMaxIdempotencyKey,
                                                   " are accepted"));
  }
  for (const char c : key) {
    if (!absl::ascii_isprint(c)) {
      return absl::InvalidArgumentError("idempotency key: must be printable ASCII");
    }
  }
  return absl::OkStatus();
}

Admission AdmitFire(const TriggerRef& ref, const FireRequest& request, absl::Time now) {
  const v1::SavedRoutine& saved = *ref.saved;
  Admission admission;
  admission.event = MakeEvent("api", saved, request.text, now);
  admission.event.set_trigger_id(request.trigger_id);
  admission.event.set_external_id(request.idempotency_key);
  Verdict verdict = Decide(saved, ref.trigger(), {.view = ViewOf(admission.event)});
  if (verdict.reason != v1::DECISION_REASON_FIRED) {
    v1::Decision& decision = admission.decisions.emplace_back(
        MakeDecision(saved, request.trigger_id, admission.event, verdict.reason));
    decision.set_detail(std::move(verdict.detail));
    return admission;
  }
  if (!request.idempotency_key.empty()) {
    admission.dedupe_keys.push_back(
        {absl::StrCat("api/", request.trigger_id, "/", request.idempotency_key),
         now + kIdempotencyWindow});
  }
  // A fire that started nothing may be sent again with its key.
  admission.keys_need_session = true;
  admission.cause.session_id = request.session_id;
  AddFired(saved, now, admission);
  return admission;
}

Admission AdmitRun(const v1::SavedRoutine& saved, std::string_view text, absl::Time now) {
  Admission admission;
  admission.event = MakeEvent("manual", saved, text, now);
  AddFired(saved, now, admission);
  return admission;
}

std::string_view DecisionName(v1::DecisionReason reason) {
  switch (reason) {
    case v1::DECISION_REASON_FIRED:
      return "fired";
    case v1::DECISION_REASON_PAUSED:
      return "paused";
    case v1::DECISION_REASON_DISABLED:
      return "disabled";
    case v1::DECISION_REASON_DUPLICATE:
      return "duplicate";
    case v1::DECISION_REASON_UNTRUSTED_AUTHOR:
      return "untrusted_author";
    case v1::DECISION_REASON_LOOP_GUARD:
      return "loop_guard";
    case v1::DECISION_REASON_LIMIT:
      return "limit";
    case v1::DECISION_REASON_OVERLAP:
      return "overlap";
    case v1::DECISION_REASON_EXPIRED:
      return "expired";
    case v1::DECISION_REASON_COALESCED:
      return "coalesced";
    case v1::DECISION_REASON_CAUGHT_UP_SKIPPED:
      return "caught_up_skipped";
    case v1::DECISION_REASON_UNKNOWN_EVENT:
      return "unknown_event";
    case v1::DECISION_REASON_NO_MATCH:
      return "no_match";
    default:
      return "unspecified";
  }
}

}  // namespace routines
