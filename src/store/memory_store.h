// The store that forgets: maps under one mutex.
#ifndef ROUTINES_SRC_STORE_MEMORY_STORE_H_
#define ROUTINES_SRC_STORE_MEMORY_STORE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "routines/store.h"
#include "src/store/gates.h"
#include "src/store/limit_book.h"

namespace routines::store {

class MemoryStore : public Store {
 public:
  void Admit(Admission admission, AdmitDone done) override;
  absl::StatusOr<std::vector<v1::Session>> Lease(const LeaseRequest& request) override;
  void Update(SessionUpdate update, UpdateDone done) override;
  absl::Status Save(const Change& change) override;
  absl::StatusOr<Rows> Read(const Query& query) override;

 private:
  class View;
  using RoutineKey = std::pair<std::string, std::string>;  // account, name

  struct StoredEvent {
    v1::Event event;
    std::vector<v1::Decision> decisions;
    std::vector<int64_t> sessions;  // places in sessions_
  };
  struct StoredSession {
    v1::Session session;
    int64_t event;  // place in events_
    std::string kind;
    std::optional<absl::Time> slot;  // when it counts in the limits
    bool parked = false;             // waits for others of its routine: see store::MustWait
    std::vector<v1::SessionEvent> log;
  };
  struct DedupeEntry {
    absl::Time until;
    int64_t event;  // place in events_
  };
  struct Spent {
    absl::Time time;
    double usd;
  };

  absl::StatusOr<Admitted> AdmitLocked(Admission admission) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::StatusOr<Updated> UpdateNow(SessionUpdate update);
  Admitted AnswerAgain(int64_t event) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void InsertSession(const v1::Session& session, int64_t event, const SessionGates& gates)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Whether a session is one of its routine's that are on their way.
  static bool OnItsWay(const StoredSession& stored);
  std::set<int64_t>& SetOf(const StoredSession& stored) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Between these two a session may be changed; the sets below know it by what it is.
  void TakeOut(int64_t place) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void PutIn(int64_t place) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Sessions that waited for one of that routine may go on.
  void LetGoOn(const RoutineKey& routine) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool Cancel(int64_t place, absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void FreeSlot(StoredSession& stored) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void DeleteSession(int64_t place) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  v1::Decision* DecisionOf(const StoredSession& stored) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool LeaseOne(const LeaseRequest& request, int64_t place, std::vector<v1::Session>& leased)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The next session of that account; false: it has none that may be had.
  bool LeaseOf(const LeaseRequest& request, const std::string& account,
               std::vector<v1::Session>& leased) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::vector<v1::Decision> Withdraw(const RoutineKey& routine, const std::string& trigger_id,
                                     v1::DecisionReason reason, const std::string& detail)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::string Spend(const SessionUpdate& update, const v1::Session& session,
                    std::vector<v1::Decision>& decided) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // That revision was changed; a token of that trigger was.
  void Note(const RoutineKey& routine, int64_t revision) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void NoteTokens(const std::string& trigger_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  absl::Status Do(const SaveRoutine& change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status Do(const SetPaused& change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status Do(const SaveToken& change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status Do(const DeleteToken& change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status Do(const RequestCancel& change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status Do(const SaveSetting& change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status Do(const DeleteOld& change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  void Get(const RoutineQuery& query, Rows& rows) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Get(const TokenQuery& query, Rows& rows) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Get(const SessionQuery& query, Rows& rows) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Get(const SessionEventQuery& query, Rows& rows) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Get(const EventQuery& query, Rows& rows) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Get(const DecisionQuery& query, Rows& rows) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Get(const SettingQuery& query, Rows& rows) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Get(const ChangeQuery& query, Rows& rows) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Places of what is over and too old, oldest first.
  struct Old {
    std::vector<int64_t> sessions, events;
  };
  Old FindOld(const DeleteOld& rule) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  absl::Mutex mu_;
  // Events and sessions by place, in the order in which they came.
  std::map<int64_t, StoredEvent> events_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, int64_t> event_places_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, DedupeEntry> dedupe_ ABSL_GUARDED_BY(mu_);
  std::map<int64_t, StoredSession> sessions_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, int64_t> session_places_ ABSL_GUARDED_BY(mu_);
  int64_t last_place_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t last_decision_ ABSL_GUARDED_BY(mu_) = 0;

  // Of sessions that have not ended.
  // Those that may be leased at once, by account; those that may from a time on; and, by account,
  // those that are not QUEUED.
  std::map<std::string, std::set<int64_t>> ready_ ABSL_GUARDED_BY(mu_);
  std::set<std::pair<absl::Time, int64_t>> timed_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, std::set<int64_t>> working_ ABSL_GUARDED_BY(mu_);
  std::map<RoutineKey, std::set<int64_t>> on_their_way_ ABSL_GUARDED_BY(mu_);
  std::map<RoutineKey, std::set<int64_t>> parked_ ABSL_GUARDED_BY(mu_);
  std::map<RoutineKey, std::set<int64_t>> waiting_ ABSL_GUARDED_BY(mu_);  // for a limit
  std::string last_account_ ABSL_GUARDED_BY(mu_);  // whose turn it was in Lease
  LimitBook book_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, int64_t> pushed_ ABSL_GUARDED_BY(mu_);  // commit: place of the session
  std::map<RoutineKey, std::vector<Spent>> spent_ ABSL_GUARDED_BY(mu_);

  std::map<RoutineKey, std::vector<v1::SavedRoutine>> routines_ ABSL_GUARDED_BY(mu_);
  // The number of the last change of each revision, and the other way round.
  std::map<std::pair<RoutineKey, int64_t>, int64_t> change_of_ ABSL_GUARDED_BY(mu_);
  std::map<int64_t, std::pair<RoutineKey, int64_t>> changes_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, RoutineKey> trigger_owners_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, v1::Token> tokens_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, std::string> settings_ ABSL_GUARDED_BY(mu_);
};

}  // namespace routines::store

#endif  // ROUTINES_SRC_STORE_MEMORY_STORE_H_
