// What Store::Read answers from memory, and what of it is old.
#include <algorithm>
#include <iterator>
#include <set>

#include "routines/session.h"
#include "src/base/time_conversion.h"
#include "src/store/memory_store.h"
#include "src/store/transitions.h"

namespace routines::store {

absl::StatusOr<Rows> MemoryStore::Read(const Query& query) {
  absl::MutexLock lock(&mu_);
  Rows rows;
  std::visit([&](const auto& q) ABSL_NO_THREAD_SAFETY_ANALYSIS { Get(q, rows); }, query);
  return rows;
}

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
    if (it != session_places_.end()) rows.sessions.push_back(sessions_.at(it->second).session);
    return;
  }
  auto end = sessions_.end();
  if (!query.before_id.empty()) {
    auto it = session_places_.find(query.before_id);
    if (it == session_places_.end()) return;
    end = sessions_.find(it->second);
  }
  for (auto it = std::make_reverse_iterator(end); it != sessions_.rend(); ++it) {
    if (static_cast<int>(rows.sessions.size()) >= query.limit) return;
    const v1::Session& session = it->second.session;
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
  auto it = session_places_.find(query.session_id);
  if (it == session_places_.end()) return;
  const std::vector<v1::SessionEvent>& log = sessions_.at(it->second).log;
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
    if (it != event_places_.end()) rows.events.push_back(events_.at(it->second).event);
    return;
  }
  auto end = events_.end();
  if (!query.before_id.empty()) {
    auto it = event_places_.find(query.before_id);
    if (it == event_places_.end()) return;
    end = events_.find(it->second);
  }
  for (auto it = std::make_reverse_iterator(end); it != events_.rend(); ++it) {
    if (static_cast<int>(rows.events.size()) >= query.limit) return;
    rows.events.push_back(it->second.event);
  }
}

void MemoryStore::Get(const DecisionQuery& query, Rows& rows) const {
  for (auto stored = events_.rbegin(); stored != events_.rend(); ++stored) {
    if (!query.event_id.empty() && stored->second.event.id() != query.event_id) continue;
    const std::vector<v1::Decision>& decisions = stored->second.decisions;
    for (auto decision = decisions.rbegin(); decision != decisions.rend(); ++decision) {
      if (static_cast<int>(rows.decisions.size()) >= query.limit) return;
      if ((query.account.empty() || decision->account() == query.account) &&
          (query.routine.empty() || decision->routine() == query.routine) &&
          (query.before == 0 || decision->sequence() < query.before) &&
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

void MemoryStore::Get(const ChangeQuery& query, Rows& rows) const {
  rows.change = changes_.empty() ? 0 : changes_.rbegin()->first;
  std::set<RoutineKey> names;
  for (auto it = changes_.upper_bound(query.after); it != changes_.end(); ++it) {
    if (static_cast<int>(rows.routines.size()) >= query.limit) break;
    const auto& [key, revision] = it->second;
    rows.routines.push_back(routines_.at(key)[revision - 1]);
    rows.change = it->first;
    names.insert(key);
  }
  for (const auto& [id, token] : tokens_) {
    const auto owner = trigger_owners_.find(token.trigger_id());
    if (owner != trigger_owners_.end() && names.contains(owner->second)) {
      rows.tokens.push_back(token);
    }
  }
}

// ---- retention
// -----------------------------------------------------------------------------------

MemoryStore::Old MemoryStore::FindOld(const DeleteOld& rule) const {
  int64_t bytes = 0;
  if (rule.max_bytes > 0) {
    for (const auto& [place, stored] : events_) {
      bytes += static_cast<int64_t>(stored.event.ByteSizeLong());
    }
    for (const auto& [place, stored] : sessions_) {
      bytes += static_cast<int64_t>(stored.session.ByteSizeLong());
      for (const v1::SessionEvent& event : stored.log) {
        bytes += static_cast<int64_t>(event.ByteSizeLong());
      }
    }
  }
  const bool large = rule.max_bytes > 0 && bytes > rule.max_bytes;
  Old old;
  for (const auto& [place, stored] : sessions_) {
    if (static_cast<int>(old.sessions.size()) >= rule.limit) break;
    if (SessionIsOld(rule, large, stored.session)) old.sessions.push_back(place);
  }
  std::set<int64_t> held;
  for (const auto& [key, entry] : dedupe_) {
    if (rule.now < entry.until && entry.until != absl::InfiniteFuture()) held.insert(entry.event);
  }
  for (const auto& [place, stored] : events_) {
    if (static_cast<int>(old.events.size()) >= rule.limit) break;
    if (!stored.sessions.empty() || held.contains(place)) continue;
    if (EventIsOld(rule, large, FromProto(stored.event.time()))) old.events.push_back(place);
  }
  return old;
}

absl::Status MemoryStore::Do(const DeleteOld& change) {
  const Old old = FindOld(change);
  for (const int64_t place : old.sessions) DeleteSession(place);
  for (const int64_t place : old.events) {
    event_places_.erase(events_.at(place).event.id());
    std::erase_if(dedupe_, [place](const auto& entry) {
      return entry.second.event == place && entry.second.until != absl::InfiniteFuture();
    });
    events_.erase(place);
  }
  return absl::OkStatus();
}

}  // namespace routines::store
