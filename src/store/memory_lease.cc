// Leases in memory: one account after the other in turn. Costs what is ready, not what there is.
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "src/store/memory_store.h"
#include "src/store/transitions.h"

namespace routines::store {
namespace {

void Decide(const LeaseRequest& request, const v1::Session& session, v1::Decision& decision) {
  DecideLeased(session, request.now, decision);
  if (request.decided != nullptr) request.decided->push_back(decision);
}

}  // namespace

// False: it is not to be had after all.
bool MemoryStore::LeaseOne(const LeaseRequest& request, int64_t place,
                           std::vector<v1::Session>& leased) {
  StoredSession& stored = sessions_.at(place);
  const RoutineKey routine(stored.session.account(), stored.session.routine());
  if (WaitsForLimit(stored.session)) {
    v1::Decision* const decision = DecisionOf(stored);
    if (HasExpired(stored.session, request.now)) {
      if (decision != nullptr) Decide(request, stored.session, *decision);
      FreeSlot(stored);
      DeleteSession(place);
      LetGoOn(routine);
      return false;
    }
    if (MustWait(stored.session, static_cast<int>(on_their_way_[routine].size()))) {
      TakeOut(place);
      stored.parked = true;
      PutIn(place);
      return false;
    }
    if (decision != nullptr) Decide(request, stored.session, *decision);
  }
  TakeOut(place);
  TakeLease(request, stored.session);
  PutIn(place);
  leased.push_back(stored.session);
  return true;
}

bool MemoryStore::LeaseOf(const LeaseRequest& request, const std::string& account,
                          std::vector<v1::Session>& leased) {
  const auto working = working_.find(account);
  const int places = working == working_.end() ? 0 : static_cast<int>(working->second.size());
  const bool full = request.max_per_account > 0 && places >= request.max_per_account;
  for (int64_t after = 0;;) {
    const auto ready = ready_.find(account);
    if (ready == ready_.end()) return false;
    if (full) {  // whoever takes over what works already takes no other place
      const auto abandoned =
          std::find_if(working->second.begin(), working->second.end(),
                       [&](int64_t place) { return ready->second.contains(place); });
      return abandoned != working->second.end() && LeaseOne(request, *abandoned, leased);
    }
    const auto oldest = ready->second.upper_bound(after);
    if (oldest == ready->second.end()) return false;
    after = *oldest;
    if (LeaseOne(request, after, leased)) return true;
  }
}

absl::StatusOr<std::vector<v1::Session>> MemoryStore::Lease(const LeaseRequest& request) {
  absl::MutexLock lock(&mu_);
  if (request.decided != nullptr) request.decided->clear();
  // Those whose time has come are as ready as those that wait for nothing.
  while (!timed_.empty() && timed_.begin()->first <= request.now) {
    const int64_t place = timed_.begin()->second;
    timed_.erase(timed_.begin());
    ready_[sessions_.at(place).session.account()].insert(place);
  }
  // One of each account after the other, from the one after the last that had its turn.
  std::vector<v1::Session> leased;
  std::set<std::string> dry;  // accounts that have nothing more
  bool whole_round = false, had = false;
  auto turn = ready_.upper_bound(last_account_);
  while (static_cast<int>(leased.size()) < request.max_sessions) {
    if (turn == ready_.end()) {
      if (ready_.empty() || (whole_round && !had)) break;
      whole_round = true;
      had = false;
      turn = ready_.begin();
    }
    const std::string account = turn->first;
    if (!dry.contains(account)) {
      if (LeaseOf(request, account, leased)) {
        last_account_ = account;
        had = true;
      } else {
        dry.insert(account);
      }
    }
    turn = ready_.upper_bound(account);
  }
  return leased;
}

}  // namespace routines::store
