// The store that forgets: maps under one mutex.
#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "routines/session.h"
#include "routines/store.h"
#include "src/base/status_macros.h"
#include "src/base/time_conversion.h"
#include "src/store/transitions.h"

namespace routines {
namespace {

using RoutineKey = std::pair<std::string, std::string>;  // account, name

class MemoryStore : public Store {
 public:
  void Admit(Admission admission, AdmitDone done) override {
    absl::StatusOr<Admitted> result = AdmitNow(std::move(admission));
    done(std::move(result));
  }

  absl::StatusOr<std::vector<v1::Session>> Lease(const LeaseRequest& request) override;

  void Update(SessionUpdate update, UpdateDone done) override {
    absl::StatusOr<Updated> result = UpdateNow(std::move(update));
    done(std::move(result));
  }

  absl::Status Save(const Change& change) override {
    absl::MutexLock lock(&mu_);
    return std::visit([this](const auto& c) ABSL_NO_THREAD_SAFETY_ANALYSIS { return Do(c); },
                      change);
  }

  absl::StatusOr<Rows> Read(const Query& query) override {
    absl::MutexLock lock(&mu_);
    Rows rows;
    std::visit([&](const auto& q) ABSL_NO_THREAD_SAFETY_ANALYSIS { Get(q, rows); }, query);
    return rows;
  }

 private:
  struct StoredEvent {
    v1::Event event;
    std::vector<v1::Decision> decisions;
    std::vector<int64_t> sessions;  // places in sessions_
  };
  // The sessions of one routine that have not ended.
  struct Unfinished {
    std::set<int64_t> on_their_way;
    std::set<int64_t> waiting;  // for those; see store::MustWait
  };
  struct DedupeEntry {
    absl::Time until;
    int64_t event;  // place in events_
  };

  absl::StatusOr<Admitted> AdmitNow(Admission admission);
  absl::StatusOr<Updated> UpdateNow(SessionUpdate update);
  void InsertSession(const v1::Session& session, int64_t place) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void CancelEarlier(const Admission& admission, std::vector<std::string>& cancelled)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The session has ended: one that waited for it may go on.
  void Ended(int64_t place) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  Admitted AnswerAgain(int64_t event) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  absl::Status Do(const SaveRoutine& change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status Do(const SetPaused& change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status Do(const SaveToken& change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status Do(const DeleteToken& change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status Do(const RequestCancel& change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status Do(const SaveSetting& change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  void Get(const RoutineQuery& query, Rows& rows) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Get(const TokenQuery& query, Rows& rows) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Get(const SessionQuery& query, Rows& rows) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Get(const SessionEventQuery& query, Rows& rows) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Get(const EventQuery& query, Rows& rows) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Get(const DecisionQuery& query, Rows& rows) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Get(const SettingQuery& query, Rows& rows) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  absl::Mutex mu_;
  // Events and sessions in the order in which they came; the places never change.
  std::vector<StoredEvent> events_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, int64_t> event_places_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, DedupeEntry> dedupe_ ABSL_GUARDED_BY(mu_);
  std::vector<v1::Session> sessions_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, int64_t> session_places_ ABSL_GUARDED_BY(mu_);
  std::set<int64_t> live_ ABSL_GUARDED_BY(mu_);  // places of sessions that may be leased
  std::map<RoutineKey, Unfinished> unfinished_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, std::vector<v1::SessionEvent>> logs_ ABSL_GUARDED_BY(mu_);
  std::map<RoutineKey, std::vector<v1::SavedRoutine>> routines_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, RoutineKey> trigger_owners_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, v1::Token> tokens_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, std::string> settings_ ABSL_GUARDED_BY(mu_);
};

Admitted MemoryStore::AnswerAgain(int64_t event) const {
  const StoredEvent& stored = events_[event];
  Admitted admitted{true, stored.event.id(), stored.decisions, {}};
  for (int64_t place : stored.sessions) admitted.sessions.push_back(sessions_[place]);
  return admitted;
}

absl::StatusOr<Admitted> MemoryStore::AdmitNow(Admission admission) {
  RETURN_IF_ERROR(store::CheckAdmission(admission));
  absl::MutexLock lock(&mu_);
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

  StoredEvent stored{admission.event, admission.decisions, {}};
  std::vector<std::string> cancelled;
  CancelEarlier(admission, cancelled);
  for (v1::Session& session : admission.sessions) {
    store::InitializeLease(session);
    const int64_t place = static_cast<int64_t>(sessions_.size());
    stored.sessions.push_back(place);
    session_places_[session.id()] = place;
    sessions_.push_back(session);
    InsertSession(session, place);
  }
  const int64_t place = static_cast<int64_t>(events_.size());
  event_places_[stored.event.id()] = place;
  events_.push_back(std::move(stored));
  for (DedupeKey& key : admission.dedupe_keys) dedupe_[std::move(key.key)] = {key.until, place};
  return Admitted{false, admission.event.id(), std::move(admission.decisions),
                  std::move(admission.sessions), std::move(cancelled)};
}

void MemoryStore::InsertSession(const v1::Session& session, int64_t place) {
  Unfinished& unfinished = unfinished_[{session.account(), session.routine()}];
  if (store::MustWait(session, static_cast<int>(unfinished.on_their_way.size()),
                      !unfinished.waiting.empty())) {
    unfinished.waiting.insert(place);
  } else {
    unfinished.on_their_way.insert(place);
    live_.insert(place);
  }
}

void MemoryStore::CancelEarlier(const Admission& admission, std::vector<std::string>& cancelled) {
  for (const RoutineRef& routine : admission.cancel_earlier) {
    const Unfinished unfinished = unfinished_[{routine.account, routine.name}];
    for (const std::set<int64_t>& places : {unfinished.waiting, unfinished.on_their_way}) {
      for (const int64_t place : places) {
        if (!store::ApplyCancel(FromProto(admission.event.time()), sessions_[place])) continue;
        cancelled.push_back(sessions_[place].id());
        if (IsTerminal(sessions_[place].state())) Ended(place);
      }
    }
  }
}

void MemoryStore::Ended(int64_t place) {
  live_.erase(place);
  const v1::Session& session = sessions_[place];
  Unfinished& unfinished = unfinished_[{session.account(), session.routine()}];
  unfinished.on_their_way.erase(place);
  unfinished.waiting.erase(place);
  while (!unfinished.waiting.empty()) {
    const int64_t oldest = *unfinished.waiting.begin();
    if (store::MustWait(sessions_[oldest], static_cast<int>(unfinished.on_their_way.size()),
                        false)) {
      return;
    }
    unfinished.waiting.erase(oldest);
    unfinished.on_their_way.insert(oldest);
    live_.insert(oldest);
  }
}

absl::StatusOr<std::vector<v1::Session>> MemoryStore::Lease(const LeaseRequest& request) {
  absl::MutexLock lock(&mu_);
  std::vector<v1::Session> leased;
  for (int64_t place : live_) {
    if (static_cast<int>(leased.size()) >= request.max_sessions) break;
    v1::Session& session = sessions_[place];
    if (store::LeasableFrom(session) > request.now) continue;
    store::TakeLease(request, session);
    leased.push_back(session);
  }
  return leased;
}

absl::StatusOr<Updated> MemoryStore::UpdateNow(SessionUpdate update) {
  absl::MutexLock lock(&mu_);
  auto it = session_places_.find(update.session_id);
  if (it == session_places_.end()) {
    return absl::NotFoundError(absl::StrCat("no session ", update.session_id));
  }
  v1::Session& session = sessions_[it->second];
  RETURN_IF_ERROR(store::ApplyUpdate(update, session));
  if (IsTerminal(session.state())) Ended(it->second);
  std::vector<v1::SessionEvent>& log = logs_[update.session_id];
  std::move(update.events.begin(), update.events.end(), std::back_inserter(log));
  return Updated{session.last_sequence(), session.cancel_requested()};
}

// ---- Save
// ----------------------------------------------------------------------------------------

absl::Status MemoryStore::Do(const SaveRoutine& change) {
  const v1::SavedRoutine& saved = change.saved;
  const RoutineKey key(saved.routine().account(), saved.routine().name());
  auto stored = routines_.find(key);
  const int64_t revisions =
      stored == routines_.end() ? 0 : static_cast<int64_t>(stored->second.size());
  RETURN_IF_ERROR(store::CheckRevision(saved, revisions));
  std::set<std::string> triggers;
  for (const v1::SavedTrigger& trigger : saved.triggers()) {
    auto owner = trigger_owners_.find(trigger.trigger_id());
    if (owner != trigger_owners_.end() && owner->second != key) {
      return store::TriggerTakenError(trigger.trigger_id(), owner->second.first,
                                      owner->second.second);
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
  return absl::OkStatus();
}

absl::Status MemoryStore::Do(const SetPaused& change) {
  auto it = routines_.find({change.account, change.name});
  if (it == routines_.end()) {
    return absl::NotFoundError(absl::StrCat("no routine ", change.account, "/", change.name));
  }
  it->second.back().set_paused(change.paused);
  return absl::OkStatus();
}

absl::Status MemoryStore::Do(const SaveToken& change) {
  tokens_[change.token.id()] = change.token;
  return absl::OkStatus();
}

absl::Status MemoryStore::Do(const DeleteToken& change) {
  if (tokens_.erase(change.token_id) > 0) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat("no token ", change.token_id));
}

absl::Status MemoryStore::Do(const RequestCancel& change) {
  auto it = session_places_.find(change.session_id);
  if (it == session_places_.end()) {
    return absl::NotFoundError(absl::StrCat("no session ", change.session_id));
  }
  v1::Session& session = sessions_[it->second];
  store::ApplyCancel(change.now, session);
  if (IsTerminal(session.state())) Ended(it->second);
  return absl::OkStatus();
}

absl::Status MemoryStore::Do(const SaveSetting& change) {
  settings_[change.name] = change.value;
  return absl::OkStatus();
}

// ---- Read
// ----------------------------------------------------------------------------------------

void MemoryStore::Get(const RoutineQuery& query, Rows& rows) const {
  if (query.name.empty()) {
    for (const auto& [key, revisions] : routines_) {
      if (!query.account.empty() && key.first != query.account) continue;
      if (!revisions.back().deleted()) rows.routines.push_back(revisions.back());
    }
    return;
  }
  auto it = routines_.find({query.account, query.name});
  if (it == routines_.end()) return;
  const int64_t newest = static_cast<int64_t>(it->second.size());
  const int64_t revision = query.revision == 0 ? newest : query.revision;
  if (revision >= 1 && revision <= newest) rows.routines.push_back(it->second[revision - 1]);
}

void MemoryStore::Get(const TokenQuery& query, Rows& rows) const {
  for (const auto& [id, token] : tokens_) {
    if (query.trigger_id.empty() || token.trigger_id() == query.trigger_id) {
      rows.tokens.push_back(token);
    }
  }
}

void MemoryStore::Get(const SessionQuery& query, Rows& rows) const {
  if (!query.id.empty()) {
    auto it = session_places_.find(query.id);
    if (it != session_places_.end()) rows.sessions.push_back(sessions_[it->second]);
    return;
  }
  int64_t place = static_cast<int64_t>(sessions_.size());
  if (!query.before_id.empty()) {
    auto it = session_places_.find(query.before_id);
    place = it == session_places_.end() ? 0 : it->second;
  }
  while (--place >= 0 && static_cast<int>(rows.sessions.size()) < query.limit) {
    const v1::Session& session = sessions_[place];
    const bool state_fits =
        query.states.empty() ||
        std::find(query.states.begin(), query.states.end(), session.state()) != query.states.end();
    if (state_fits && (query.account.empty() || session.account() == query.account) &&
        (query.routine.empty() || session.routine() == query.routine)) {
      rows.sessions.push_back(session);
    }
  }
}

void MemoryStore::Get(const SessionEventQuery& query, Rows& rows) const {
  auto it = logs_.find(query.session_id);
  if (it == logs_.end()) return;
  const std::vector<v1::SessionEvent>& log = it->second;
  int64_t bytes = 0;
  for (size_t i = std::max<int64_t>(query.after, 0); i < log.size(); ++i) {
    if (static_cast<int>(rows.session_events.size()) >= query.limit) break;
    bytes += static_cast<int64_t>(log[i].ByteSizeLong());
    if (bytes > query.max_bytes && !rows.session_events.empty()) break;
    rows.session_events.push_back(log[i]);
  }
}

void MemoryStore::Get(const EventQuery& query, Rows& rows) const {
  if (!query.id.empty()) {
    auto it = event_places_.find(query.id);
    if (it != event_places_.end()) rows.events.push_back(events_[it->second].event);
    return;
  }
  int64_t place = static_cast<int64_t>(events_.size());
  if (!query.before_id.empty()) {
    auto it = event_places_.find(query.before_id);
    place = it == event_places_.end() ? 0 : it->second;
  }
  while (--place >= 0 && static_cast<int>(rows.events.size()) < query.limit) {
    rows.events.push_back(events_[place].event);
  }
}

void MemoryStore::Get(const DecisionQuery& query, Rows& rows) const {
  for (auto stored = events_.rbegin(); stored != events_.rend(); ++stored) {
    if (!query.event_id.empty() && stored->event.id() != query.event_id) continue;
    for (auto decision = stored->decisions.rbegin(); decision != stored->decisions.rend();
         ++decision) {
      if (static_cast<int>(rows.decisions.size()) >= query.limit) return;
      if ((query.account.empty() || decision->account() == query.account) &&
          (query.routine.empty() || decision->routine() == query.routine) &&
          FromProto(decision->time()) >= query.since) {
        rows.decisions.push_back(*decision);
      }
    }
  }
}

void MemoryStore::Get(const SettingQuery& query, Rows& rows) const {
  auto it = settings_.find(query.name);
  if (it != settings_.end()) rows.settings.push_back(it->second);
}

}  // namespace

std::unique_ptr<Store> NewMemoryStore() {
  return std::make_unique<MemoryStore>();
}

}  // namespace routines
