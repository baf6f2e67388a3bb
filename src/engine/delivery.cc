#include "src/engine/delivery.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "src/base/ids.h"
#include "src/base/status_macros.h"
#include "src/base/time_conversion.h"
#include "src/base/utf8.h"
#include "src/base/words.h"
#include "src/engine/admission.h"
#include "src/engine/gates.h"

namespace routines {
namespace {

constexpr size_t kMaxWord = 256;  // bytes of a type, id or attribute's name
constexpr size_t kMaxAttributes = 100;
constexpr size_t kMaxAttribute = 64 << 10;

// As the routine file has names.
bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= 63 && absl::ascii_isalnum(name[0]) &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-' || c == '_';
         });
}

absl::Status CheckSource(std::string_view source) {
  if (source == "api" || source == "manual" || source == "schedule" || source == "session") {
    return absl::InvalidArgumentError(absl::StrCat(
        "source: ", Quoted(source), " is the engine's own; use Fire or Run, or another name"));
  }
  if (IsName(source)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("source: ", Quoted(source),
                   " is no source's name; use 1 to 63 of a-z 0-9 - _, first a letter or digit"));
}

absl::Status CheckWord(std::string_view what, std::string_view word) {
  const bool fits = word.size() <= kMaxWord && CountCodePoints(word).has_value() &&
                    std::none_of(word.begin(), word.end(), absl::ascii_iscntrl);
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(std::string(what), ": must be UTF-8 without control characters, of at most ",
                   kMaxWord, " bytes"));
}

absl::Status CheckAttributes(const v1::Event& event) {
  if (static_cast<size_t>(event.attributes_size()) > kMaxAttributes) {
    return absl::InvalidArgumentError(
        absl::StrCat("attributes: more than ", kMaxAttributes, "; put the rest into the payload"));
  }
  for (const auto& [name, value] : event.attributes()) {
    RETURN_IF_ERROR(CheckWord("attributes: a name", name));
    const bool text = CountCodePoints(value).has_value() && value.find('\0') == value.npos;
    if (!text || value.size() > kMaxAttribute) {
      return absl::InvalidArgumentError(absl::StrCat(KeyPath("attributes", name),
                                                     ": must be UTF-8 without NUL, of at most ",
                                                     kMaxAttribute, " bytes"));
    }
  }
  return absl::OkStatus();
}

// A GitHub event's identity; of other sources there is none.
absl::StatusOr<std::optional<GithubIdentity>> IdentityOf(const v1::Event& event) {
  if (event.source() != kGithubSource) return std::nullopt;
  ASSIGN_OR_RETURN(GithubIdentity identity, ReadGithubIdentity(event.type(), event.payload()));
  return identity;
}

void AddKeys(const DeliverRequest& request, absl::Time now, Admission& admission) {
  const v1::Event& event = admission.event;
  // Of each account its own: two hooks may bring the same event for two owners.
  const std::string scope = absl::StrCat(event.source(), "/", event.account(), "/");
  if (!event.external_id().empty()) {
    admission.dedupe_keys.push_back(
        {absl::StrCat("id/", scope, event.external_id()), now + kDeliveryWindow});
  }
  if (!request.body_key.empty() && request.replay_window > absl::ZeroDuration()) {
    admission.dedupe_keys.push_back(
        {absl::StrCat("body/", scope, request.body_key), now + request.replay_window});
  }
}

bool IsUnknownAction(const GithubEventInfo& info, std::string_view action) {
  return !info.actions.empty() &&
         std::find(info.actions.begin(), info.actions.end(), action) == info.actions.end();
}

// What is said where no trigger matched.
Verdict Unmatched(const v1::Event& event, const std::optional<GithubIdentity>& github) {
  if (!github) return {v1::DECISION_REASON_NO_MATCH, "no trigger matches"};
  const GithubEventInfo* const info = FindGithubEvent(event.type());
  if (info == nullptr) {
    return {v1::DECISION_REASON_UNKNOWN_EVENT,
            absl::StrCat("no trigger can have the event ", Abbreviated(event.type()))};
  }
  if (IsUnknownAction(*info, github->action)) {
    return {v1::DECISION_REASON_UNKNOWN_EVENT,
            absl::StrCat("no trigger matches, and ", event.type(), " has no documented action ",
                         Quoted(github->action))};
  }
  const std::string action =
      github->action.empty() ? "" : absl::StrCat(" ", Abbreviated(github->action));
  const std::string place =
      github->repository.empty() ? "" : absl::StrCat(" in ", Abbreviated(github->repository));
  return {v1::DECISION_REASON_NO_MATCH,
          absl::StrCat("no trigger matches ", event.type(), action, place)};
}

v1::Decision UnmatchedDecision(const v1::Event& event,
                               const std::optional<GithubIdentity>& github) {
  Verdict verdict = Unmatched(event, github);
  v1::Decision decision;
  decision.set_event_id(event.id());
  decision.set_account(event.account());
  decision.set_reason(verdict.reason);
  decision.set_detail(std::move(verdict.detail));
  *decision.mutable_time() = event.time();
  return decision;
}

v1::Decision DecideOne(const v1::Event& event, const std::optional<GithubIdentity>& github,
                       const v1::SavedRoutine& saved, int trigger) {
  Verdict verdict = Decide(saved, saved.routine().triggers(trigger),
                           {ViewOf(event), github ? &*github : nullptr});
  v1::Decision decision =
      MakeDecision(saved, saved.triggers(trigger).trigger_id(), event, verdict.reason);
  decision.set_detail(std::move(verdict.detail));
  return decision;
}

// The decision about one trigger, and the session where it fires.
void AddDecided(const std::optional<GithubIdentity>& github, const v1::SavedRoutine& saved,
                int trigger, absl::Time now, Admission& admission) {
  v1::Decision decision = DecideOne(admission.event, github, saved, trigger);
  if (decision.reason() == v1::DECISION_REASON_FIRED) {
    v1::Session session = MakeSession(saved, decision.trigger_id(), admission.event, now);
    decision.set_session_id(session.id());
    admission.sessions.push_back(std::move(session));
  }
  admission.decisions.push_back(std::move(decision));
}

}  // namespace

absl::Status CheckDelivery(const DeliverRequest& request) {
  const v1::Event& event = request.event;
  RETURN_IF_ERROR(CheckSource(event.source()));
  RETURN_IF_ERROR(CheckWord("type", event.type()));
  RETURN_IF_ERROR(CheckWord("external_id", event.external_id()));
  if (!event.account().empty() && !IsName(event.account())) {
    return absl::InvalidArgumentError(
        absl::StrCat("account: ", Quoted(event.account()), " is no account's name"));
  }
  RETURN_IF_ERROR(CheckWord("body_key", request.body_key));
  if (event.source() == kGithubSource) return CheckGithubPayload(event.type(), event.payload());
  RETURN_IF_ERROR(CheckAttributes(event));
  return event.payload().empty() ? absl::OkStatus() : CheckPayload(event.payload());
}

absl::StatusOr<Admission> AdmitDelivery(DeliverRequest request, const Catalog& catalog,
                                        absl::Time now) {
  Admission admission;
  v1::Event& event = admission.event;
  event = std::move(request.event);
  event.set_id(NewId("event_", now));
  *event.mutable_time() = ToProto(now);
  event.clear_trigger_id();
  event.clear_text();
  AddKeys(request, now, admission);

  ASSIGN_OR_RETURN(const std::vector<TriggerRef> matches,
                   catalog.Match(ViewOf(event), event.account()));
  ASSIGN_OR_RETURN(const std::optional<GithubIdentity> github, IdentityOf(event));
  admission.cause.session_id = std::move(request.session_id);
  if (github && !github->head_sha.empty()) admission.cause.commits.push_back(github->head_sha);
  if (matches.empty()) {
    admission.decisions.push_back(UnmatchedDecision(event, github));
    return admission;
  }
  for (const TriggerRef& match : matches) {
    AddDecided(github, *match.saved, match.index, now, admission);
  }
  return admission;
}

absl::StatusOr<Admission> AdmitAgain(const v1::Event& event, const v1::SavedRoutine& saved,
                                     const std::vector<int>& triggers, absl::Time now) {
  ASSIGN_OR_RETURN(const std::optional<GithubIdentity> github, IdentityOf(event));
  Admission admission;
  admission.dry_run = true;
  admission.event = event;
  *admission.event.mutable_time() = ToProto(now);
  admission.cause.session_id = event.lineage().session_id();
  for (const int trigger : triggers) AddDecided(github, saved, trigger, now, admission);
  return admission;
}

}  // namespace routines
