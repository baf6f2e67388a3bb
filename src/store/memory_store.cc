#include "src/store/memory_store.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "routines/session.h"
#include "src/base/status_macros.h"
#include "src/base/time_conversion.h"
#include "src/store/transitions.h"

namespace routines::store {
namespace {

// Of the sets by account; an empty one goes, so that whoever walks them meets none.
void Erase(std::map<std::string, std::set<int64_t>>& sets, const std::string& account,
           int64_t place) {
  const auto found = sets.find(account);
  if (found == sets.end()) return;
  found->second.erase(place);
  if (found->second.empty()) sets.erase(found);
}

}  // namespace

// What the gates see of it.
class MemoryStore::View : public GateView {
 public:
  explicit View(MemoryStore& store) : store_(store) {}

  absl::StatusOr<std::optional<v1::Session>> SessionById(const std::string& id) override
      ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const auto found = store_.session_places_.find(id);
    if (found == store_.session_places_.end()) return std::nullopt;
    return store_.sessions_.at(found->second).session;
  }

  absl::StatusOr<std::optional<v1::Session>> SessionThatPushed(const std::string& commit) override
      ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const auto found = store_.pushed_.find(commit);
    if (found == store_.pushed_.end()) return std::nullopt;
    return store_.sessions_.at(found->second).session;
  }

  absl::StatusOr<int> CountFollowing(const std::string& root_event_id,
                                     int most) override ABSL_NO_THREAD_SAFETY_ANALYSIS {
    int count = 0;
    for (const auto& [place, stored] : store_.sessions_) {
      if (stored.session.lineage().root_event_id() == root_event_id && ++count == most) break;
    }
    return count;
  }

  absl::StatusOr<std::string> UnfinishedOf(const RoutineRef& routine) override
      ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const RoutineKey key(routine.account, routine.name);
    int64_t oldest = store_.last_place_ + 1;
    for (const auto* sets : {&store_.on_their_way_, &store_.parked_, &store_.waiting_}) {
      const auto found = sets->find(key);
      if (found == sets->end() || found->second.empty()) continue;
      oldest = std::min(oldest, *found->second.begin());
    }
    return oldest > store_.last_place_ ? "" : store_.sessions_.at(oldest).session.id();
  }

  absl::StatusOr<LimitBook*> Book() override ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return &store_.book_;
  }

  absl::StatusOr<std::vector<v1::Decision>> Withdraw(
      const RoutineRef& routine, const std::string& trigger_id, v1::DecisionReason reason,
      const std::string& detail) override ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return store_.Withdraw({routine.account, routine.name}, trigger_id, reason, detail);
  }

  absl::StatusOr<std::vector<std::string>> CancelUnfinished(
      const RoutineRef& routine, bool queued_only,
      absl::Time now) override ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const RoutineKey key(routine.account, routine.name);
    std::vector<std::string> cancelled;
    // Those that wait for others first, so that none goes on in place of another.
    for (const auto* sets : {&store_.waiting_, &store_.parked_, &store_.on_their_way_}) {
      const auto found = sets->find(key);
      if (found == sets->end()) continue;
      for (const int64_t place : std::set<int64_t>(found->second)) {
        const v1::Session& session = store_.sessions_.at(place).session;
        if (queued_only && session.state() != v1::SESSION_STATE_QUEUED) continue;
        if (store_.Cancel(place, now)) cancelled.push_back(session.id());
      }
    }
    return cancelled;
  }

 private:
  MemoryStore& store_;
};

// ---- the sets
// ------------------------------------------------------------------------------------

bool MemoryStore::OnItsWay(const StoredSession& stored) {
  return !stored.parked && !WaitsForLimit(stored.session) && !IsTerminal(stored.session.state());
}

std::set<int64_t>& MemoryStore::SetOf(const StoredSession& stored) {
  const RoutineKey routine(stored.session.account(), stored.session.routine());
  if (stored.parked) return parked_[routine];
  return WaitsForLimit(stored.session) ? waiting_[routine] : on_their_way_[routine];
}

void MemoryStore::TakeOut(int64_t place) {
  const StoredSession& stored = sessions_.at(place);
  if (IsTerminal(stored.session.state())) return;
  SetOf(stored).erase(place);
  const std::string& account = stored.session.account();
  Erase(ready_, account, place);
  timed_.erase({LeasableFrom(stored.session), place});
  if (stored.session.state() != v1::SESSION_STATE_QUEUED) Erase(working_, account, place);
}

void MemoryStore::PutIn(int64_t place) {
  const StoredSession& stored = sessions_.at(place);
  if (IsTerminal(stored.session.state())) return;
  SetOf(stored).insert(place);
  const std::string& account = stored.session.account();
  if (stored.session.state() != v1::SESSION_STATE_QUEUED) working_[account].insert(place);
  if (stored.parked) return;
  const absl::Time from = LeasableFrom(stored.session);
  if (from == absl::InfinitePast()) {
    ready_[account].insert(place);
  } else {
    timed_.insert({from, place});
  }
}

void MemoryStore::LetGoOn(const RoutineKey& routine) {
  std::set<int64_t>& parked = parked_[routine];
  while (!parked.empty()) {
    const int64_t oldest = *parked.begin();
    StoredSession& stored = sessions_.at(oldest);
    if (MustWait(stored.session, static_cast<int>(on_their_way_[routine].size()))) return;
    TakeOut(oldest);
    stored.parked = false;
    PutIn(oldest);
    if (WaitsForLimit(stored.session)) return;  // it had its turn, and is leased or parked again
  }
}

void MemoryStore::FreeSlot(StoredSession& stored) {
  if (!stored.slot) return;
  book_.Remove({stored.session.account(), stored.session.routine(), stored.kind}, *stored.slot);
  stored.slot.reset();
}

bool MemoryStore::Cancel(int64_t place, absl::Time now) {
  StoredSession& stored = sessions_.at(place);
  TakeOut(place);
  if (WaitsForLimit(stored.session)) FreeSlot(stored);
  const bool changed = ApplyCancel(now, stored.session);
  if (IsTerminal(stored.session.state())) stored.parked = false;
  PutIn(place);
  if (IsTerminal(stored.session.state())) {
    LetGoOn({stored.session.account(), stored.session.routine()});
  }
  return changed;
}

v1::Decision* MemoryStore::DecisionOf(const StoredSession& stored) {
  for (v1::Decision& decision : events_.at(stored.event).decisions) {
    if (decision.session_id() == stored.session.id()) return &decision;
  }
  return nullptr;
}

void MemoryStore::DeleteSession(int64_t place) {
  TakeOut(place);
  const StoredSession& stored = sessions_.at(place);
  std::erase(events_.at(stored.event).sessions, place);
  std::erase_if(pushed_, [place](const auto& entry) { return entry.second == place; });
  session_places_.erase(stored.session.id());
  sessions_.erase(place);
}

std::vector<v1::Decision> MemoryStore::Withdraw(const RoutineKey& routine,
                                                const std::string& trigger_id,
                                                v1::DecisionReason reason,
                                                const std::string& detail) {
  std::vector<v1::Decision> withdrawn;
  std::vector<int64_t> places;
  for (const auto* sets : {&waiting_, &parked_}) {
    if (const auto found = sets->find(routine); found != sets->end()) {
      places.insert(places.end(), found->second.begin(), found->second.end());
    }
  }
  for (const int64_t place : places) {
    StoredSession& stored = sessions_.at(place);
    if (!WaitsForLimit(stored.session)) continue;
    if (!trigger_id.empty() && stored.session.trigger_id() != trigger_id) continue;
    if (v1::Decision* const decision = DecisionOf(stored)) {
      ApplyWithdrawn(reason, detail, *decision);
      withdrawn.push_back(*decision);
    }
    FreeSlot(stored);
    DeleteSession(place);
  }
  LetGoOn(routine);
  return withdrawn;
}

// ---- Admit
// ---------------------------------------------------------------------------------------

void MemoryStore::Admit(Admission admission, AdmitDone done) {
  absl::StatusOr<Admitted> result = absl::UnknownError("");
  if (absl::Status status = CheckAdmission(admission); !status.ok()) return done(status);
  {
    absl::MutexLock lock(&mu_);
    result = AdmitLocked(std::move(admission));
  }
  done(std::move(result));
}

Admitted MemoryStore::AnswerAgain(int64_t event) const {
  const auto found = events_.find(event);
  if (found == events_.end()) return Admitted{.duplicate = true};  // the key outlived it
  const StoredEvent& stored = found->second;
  Admitted admitted{true, stored.event.id(), stored.decisions, {}};
  for (int64_t place : stored.sessions) admitted.sessions.push_back(sessions_.at(place).session);
  return admitted;
}

void MemoryStore::InsertSession(const v1::Session& session, int64_t event,
                                const SessionGates& gates) {
  const int64_t place = ++last_place_;
  StoredSession& stored = sessions_[place];
  stored = {session, event, gates.kind, SlotOf(session, gates)};
  const RoutineKey routine(session.account(), session.routine());
  stored.parked = !WaitsForLimit(session) &&
                  (MustWait(session, static_cast<int>(on_their_way_[routine].size())) ||
                   (session.concurrency_limit() > 0 && !parked_[routine].empty()));
  session_places_[session.id()] = place;
  events_.at(event).sessions.push_back(place);
  PutIn(place);
}

absl::StatusOr<Admitted> MemoryStore::AdmitLocked(Admission admission) {
  if (admission.dry_run) {
    View view(*this);
    RETURN_IF_ERROR(ApplyGates(view, admission).status());
    return Admitted{false, admission.event.id(), std::move(admission.decisions), {}, {}, {}};
  }
  for (const DedupeKey& key : admission.dedupe_keys) {
    auto it = dedupe_.find(key.key);
    if (it != dedupe_.end() && FromProto(admission.event.time()) < it->second.until) {
      return AnswerAgain(it->second.event);
    }
  }
  if (auto it = event_places_.find(admission.event.id()); it != event_places_.end()) {
    return AnswerAgain(it->second);
  }
  for (const v1::Session& session : admission.sessions) {
    if (session_places_.contains(session.id())) {
      return absl::AlreadyExistsError(absl::StrCat("session.id: ", session.id(), " is taken"));
    }
  }
  View view(*this);
  ASSIGN_OR_RETURN(Gated gated, ApplyGates(view, admission));
  const int64_t place = ++last_place_;
  event_places_[admission.event.id()] = place;
  for (v1::Decision& decision : admission.decisions) decision.set_sequence(++last_decision_);
  events_[place] = {admission.event, admission.decisions, {}};
  for (size_t i = 0; i < admission.sessions.size(); ++i) {
    InitializeLease(admission.sessions[i]);
    InsertSession(admission.sessions[i], place, admission.gates[i]);
  }
  if (!admission.keys_need_session || !admission.sessions.empty()) {
    for (DedupeKey& key : admission.dedupe_keys) dedupe_[std::move(key.key)] = {key.until, place};
  }
  return Admitted{false,
                  admission.event.id(),
                  std::move(admission.decisions),
                  std::move(admission.sessions),
                  std::move(gated.cancelled),
                  std::move(gated.coalesced)};
}

// ---- Update
// --------------------------------------------------------------------------------------

void MemoryStore::Update(SessionUpdate update, UpdateDone done) {
  absl::StatusOr<Updated> result = UpdateNow(std::move(update));
  done(std::move(result));
}

std::string MemoryStore::Spend(const SessionUpdate& update, const v1::Session& session,
                               std::vector<v1::Decision>& decided) {
  const RoutineKey routine(session.account(), session.routine());
  const absl::Time end = FromProto(session.end_time());
  std::vector<Spent>& all = spent_[routine];
  if (session.usage().cost_usd() > 0) all.push_back({end, session.usage().cost_usd()});
  if (update.pause_at_cost <= 0) return "";
  double sum = 0;
  for (const Spent& each : all) {
    if (each.time > end - kSpendWindow && each.time <= end) sum += each.usd;
  }
  auto saved = routines_.find(routine);
  if (sum < update.pause_at_cost || saved == routines_.end() || saved->second.back().paused()) {
    return "";
  }
  const std::string reason = PauseReason(sum, update.pause_at_cost);
  Do(SetPaused{session.account(), session.routine(), true, reason, &decided}).IgnoreError();
  return reason;
}

absl::StatusOr<Updated> MemoryStore::UpdateNow(SessionUpdate update) {
  RETURN_IF_ERROR(CheckUpdate(update));
  absl::MutexLock lock(&mu_);
  auto it = session_places_.find(update.session_id);
  if (it == session_places_.end()) {
    return absl::NotFoundError(absl::StrCat("no session ", update.session_id));
  }
  const int64_t place = it->second;
  StoredSession& stored = sessions_.at(place);
  v1::Session next = stored.session;
  RETURN_IF_ERROR(ApplyUpdate(update, next));
  TakeOut(place);
  stored.session = std::move(next);
  PutIn(place);
  const bool ended = IsTerminal(stored.session.state());
  Updated updated{stored.session.last_sequence(), stored.session.cancel_requested(), "", {}, {}};
  for (v1::SessionEvent& event : update.events) {
    if (event.push().accepted()) pushed_[event.push().new_commit()] = place;
    stored.log.push_back(std::move(event));
  }
  if (ended) {
    updated.pause_reason = Spend(update, stored.session, updated.paused);
    LetGoOn({stored.session.account(), stored.session.routine()});
  }
  if (update.then) {
    ASSIGN_OR_RETURN(updated.admitted, AdmitLocked(*std::move(update.then)));
  }
  return updated;
}

absl::Status MemoryStore::Save(const Change& change) {
  absl::MutexLock lock(&mu_);
  return std::visit([this](const auto& c) ABSL_NO_THREAD_SAFETY_ANALYSIS { return Do(c); }, change);
}

// ---- Save
// ----------------------------------------------------------------------------------------

void MemoryStore::Note(const RoutineKey& routine, int64_t revision) {
  const std::pair<RoutineKey, int64_t> key(routine, revision);
  const int64_t next = changes_.empty() ? 1 : changes_.rbegin()->first + 1;
  const auto [last, first_time] = change_of_.emplace(key, next);
  if (!first_time) changes_.erase(std::exchange(last->second, next));
  changes_.emplace(next, key);
}

void MemoryStore::NoteTokens(const std::string& trigger_id) {
  const auto owner = trigger_owners_.find(trigger_id);
  if (owner == trigger_owners_.end()) return;
  Note(owner->second, static_cast<int64_t>(routines_.at(owner->second).size()));
}

absl::Status MemoryStore::Do(const SaveRoutine& change) {
  const v1::SavedRoutine& saved = change.saved;
  const RoutineKey key(saved.routine().account(), saved.routine().name());
  auto stored = routines_.find(key);
  const int64_t revisions =
      stored == routines_.end() ? 0 : static_cast<int64_t>(stored->second.size());
  RETURN_IF_ERROR(CheckRevision(saved, revisions));
  std::set<std::string> triggers;
  for (const v1::SavedTrigger& trigger : saved.triggers()) {
    auto owner = trigger_owners_.find(trigger.trigger_id());
    if (owner != trigger_owners_.end() && owner->second != key) {
      return TriggerTakenError(trigger.trigger_id(), owner->second.first, owner->second.second);
    }
    if (!saved.deleted()) triggers.insert(trigger.trigger_id());
  }

  std::erase_if(tokens_, [&](const auto& entry) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    auto owner = trigger_owners_.find(entry.second.trigger_id());
    return owner != trigger_owners_.end() && owner->second == key &&
           !triggers.contains(entry.second.trigger_id());
  });
  std::erase_if(trigger_owners_, [&](const auto& entry) { return entry.second == key; });
  for (const std::string& trigger : triggers) trigger_owners_[trigger] = key;
  routines_[key].push_back(saved);
  Note(key, saved.revision());
  return absl::OkStatus();
}

absl::Status MemoryStore::Do(const SetPaused& change) {
  auto it = routines_.find({change.account, change.name});
  if (it == routines_.end()) {
    return absl::NotFoundError(absl::StrCat("no routine ", change.account, "/", change.name));
  }
  v1::SavedRoutine& saved = it->second.back();
  ApplyPaused(change, saved);
  Note(it->first, saved.revision());
  if (change.paused) {
    std::vector<v1::Decision> withdrawn =
        Withdraw(it->first, "", v1::DECISION_REASON_PAUSED, PausedDetail(change.reason));
    if (change.decided != nullptr) *change.decided = std::move(withdrawn);
  }
  return absl::OkStatus();
}

absl::Status MemoryStore::Do(const SaveToken& change) {
  tokens_[change.token.id()] = change.token;
  NoteTokens(change.token.trigger_id());
  return absl::OkStatus();
}

absl::Status MemoryStore::Do(const DeleteToken& change) {
  const auto token = tokens_.find(change.token_id);
  if (token == tokens_.end()) {
    return absl::NotFoundError(absl::StrCat("no token ", change.token_id));
  }
  NoteTokens(token->second.trigger_id());
  tokens_.erase(token);
  return absl::OkStatus();
}

absl::Status MemoryStore::Do(const RequestCancel& change) {
  auto it = session_places_.find(change.session_id);
  if (it == session_places_.end()) {
    return absl::NotFoundError(absl::StrCat("no session ", change.session_id));
  }
  Cancel(it->second, change.now);
  return absl::OkStatus();
}

absl::Status MemoryStore::Do(const SaveSetting& change) {
  settings_[change.name] = change.value;
  return absl::OkStatus();
}

}  // namespace routines::store

namespace routines {

std::unique_ptr<Store> NewMemoryStore() {
  return std::make_unique<store::MemoryStore>();
}

}  // namespace routines
