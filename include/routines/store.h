// Where the engine keeps what must not be lost.
//
// Five operations, each atomic and, once it has reported success, durable: admit an event with all
// that follows from it, lease sessions, update a leased session, save configuration, read.
// Built-in: NewMemoryStore (tests), OpenSqliteStore (embedded default). A store of your own is
// tested with routines/testing/conformance.h, as the built-in ones are.
//
// Thread-safety: every method may be called from several threads at once.
// Blocking: Lease, Save and Read block until done. Admit and Update report through `done`: exactly
//   once, inline before they return or later on a thread of the store. Call them with no lock held
//   that `done` takes; `done` must not block. The destructor waits until every `done` has run.
// Errors: kUnavailable: nothing was stored, or it is not known to be durable; the caller must not
//   acknowledge, and may try again with the same ids and keys. kInternal: the store is corrupt.
#ifndef ROUTINES_STORE_H_
#define ROUTINES_STORE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "routines/clock.h"
#include "routines/v1/event.pb.h"
#include "routines/v1/routine.pb.h"
#include "routines/v1/session.pb.h"

namespace routines {

// ---- Admit
// ---------------------------------------------------------------------------------------

// No second event with the same key is stored before `until` (InfiniteFuture: ever), which is
// compared with the time of that second event.
struct DedupeKey {
  std::string key;  // not empty
  absl::Time until = absl::InfiniteFuture();
};

// At most `most` sessions (0: any number) in any `window` (at most 24 hours).
struct SessionLimit {
  enum class Scope { kRoutine, kAccount };
  Scope scope = Scope::kRoutine;
  std::string kind;  // counts the sessions of this kind; empty: all of them
  int64_t most = 0;
  absl::Duration window = absl::Hours(1);
  std::string name;      // for people, after a number: "API fires an hour of the routine"
  bool metered = false;  // stops nothing: a session over it is marked `metered`
};

// What a session has to pass as it is admitted, in this order: its limits, then the overlap with
// the earlier sessions of its routine. Decided inside the transaction, so that no two admissions,
// of whichever engines, each take the last place.
struct SessionGates {
  std::string kind;  // what it counts as in the limits; not empty where there are any
  std::vector<SessionLimit> limits;
  enum class OverLimit {
    kWait,  // the session is stored with `not_before`, the time when the window opens, after those
            // of its routine and kind that wait already; its decision becomes LIMIT, with `until`
    kRefuse,    // no session; the decision becomes LIMIT, with `until`
    kCoalesce,  // as kWait, but of the sessions of its trigger that wait it takes the place: their
                // decisions become COALESCED, and they are gone
  };
  OverLimit over_limit = OverLimit::kWait;
  // Who would wait longer than this does not: the decision becomes EXPIRED.
  absl::Duration longest_wait = absl::InfiniteDuration();
  // No session where one of its routine has not ended; the decision becomes OVERLAP.
  bool skip_overlap = false;
  // The sessions that its routine has already and that have not ended are cancelled, as by
  // RequestCancel; where this one has to wait for a limit, only those that are QUEUED.
  bool cancel_earlier = false;
};

// What may tell which session is behind an event, and where that ends.
struct Cause {
  std::string session_id;            // of the event's account, else it is ignored; empty: not known
  std::vector<std::string> commits;  // object ids: the session that pushed one of them
  int max_depth = 0;                 // an event deeper than this starts nothing; 0: any depth
  int max_sessions = 0;              // that follow from one root event; 0: any number
};

// An event and everything that follows from it: stored together or not at all.
struct Admission {
  v1::Event event;
  // What the event may be known by. Any of them that is taken makes it a duplicate, of the event
  // that holds the first such; then it takes none.
  std::vector<DedupeKey> dedupe_keys;
  std::vector<v1::Decision> decisions;
  std::vector<v1::Session> sessions;  // QUEUED
  // Of the sessions, in their order; those beyond its end have none to pass.
  std::vector<SessionGates> gates;
  // Where a session is behind it, the event and its sessions get their lineage; where that is too
  // long, no session is stored and the decisions that had one become LOOP_GUARD.
  Cause cause;
  // The dedupe keys are taken only where a session comes of it.
  bool keys_need_session = false;
  // Only asks: nothing is stored or changed, and the decisions say what would become of it now.
  bool dry_run = false;
};

// kInvalidArgument: an id is missing or twice, a dedupe key empty, or a session not QUEUED.
// kAlreadyExists: a session's id is taken.
struct Admitted {
  // A key, or the event's id, was taken: nothing was stored. Below stand the first event's id and
  // decisions, and its sessions as they are now.
  bool duplicate = false;
  std::string event_id;
  std::vector<v1::Decision> decisions;
  std::vector<v1::Session> sessions;
  std::vector<std::string> cancelled;   // ids of sessions that cancel_earlier ended
  std::vector<v1::Decision> coalesced;  // of earlier events, as they are now
};

// ---- Lease
// ---------------------------------------------------------------------------------------

// Takes over sessions that nobody holds, one account after the other in turn, the oldest of each
// first, so that nobody's flood keeps the others waiting:
//  - QUEUED ones whose not_before has come: they become PREPARING, attempt + 1. The decision of one
//    that waited for a limit becomes FIRED; where its expire_time has come too, the session is gone
//    and the decision becomes EXPIRED.
//  - PREPARING ones whose lease ran out at or before `now`: likewise (attempt + 1); the engine
//  decides
//    whether the attempts are used up.
//  - RUNNING ones whose lease ran out: they stay RUNNING; the engine declares them lost.
// Each gets owner, lease_until, and fencing_token + 1.
//
// A session with a concurrency_limit waits, QUEUED and not to be leased, while as many sessions of
// its routine are on their way (neither waiting so, nor for a limit, nor ended); when one ends, the
// oldest goes on.
struct LeaseRequest {
  std::string owner;
  absl::Time now;
  absl::Time until;
  int max_sessions = 1;
  // PREPARING and RUNNING ones of one account, whoever holds them. 0: any number.
  int max_per_account = 0;
  // Where given, gets the decisions that became FIRED or EXPIRED by it. Of use with an OK only.
  std::vector<v1::Decision>* decided = nullptr;
};

// ---- Update
// --------------------------------------------------------------------------------------

// What the holder of a lease writes.
struct SessionUpdate {
  std::string session_id;
  // Must be the session's, and its lease not ended (it may have run out, as long as nobody else
  // took the session over); else kAborted. kNotFound: no such session.
  int64_t fencing_token = 0;
  // Replaces the record. Lease, last_sequence and cancel_requested are the store's own and are
  // ignored; account and routine stay as they were admitted. A terminal or QUEUED state
  // ends the lease; QUEUED with a cancel requested forgets not_before, so that the cancel need not
  // wait.
  std::optional<v1::Session> session;
  // Appended to the log; the store gives each the next sequence number.
  std::vector<v1::SessionEvent> events;
  // Where given, the last sequence before these events, as the caller knows it: those that an
  // earlier try of the same update stored, though it reported kUnavailable, are not stored again.
  std::optional<int64_t> after_sequence;
  absl::Time lease_until;  // the lease's new end

  // With a terminal state only:
  // Where the sessions of its routine that ended in the 24 hours before its end_time have cost this
  // much together, the routine is paused, with a reason. USD; 0: never.
  double pause_at_cost = 0;
  // Admitted with it, in one transaction: what is to follow from its end.
  std::optional<Admission> then;
};

struct Updated {
  int64_t last_sequence = 0;
  bool cancel_requested = false;
  std::string pause_reason;          // the routine was paused by this update; empty: it was not
  std::vector<v1::Decision> paused;  // by that, decisions of sessions that waited for a limit
  std::optional<Admitted> admitted;  // of `then`
};

// ---- Save
// ----------------------------------------------------------------------------------------

// Stores `saved` as a new revision. `saved.revision` must be one more than the stored one (1 where
// there is none, deleted ones counted), and no trigger id may belong to another routine, else
// kAborted. A new revision with `deleted` set removes the routine from lists; old revisions stay
// readable. Triggers that the new revision lacks (deleted: all) no longer belong to the routine,
// and their tokens are deleted with them.
struct SaveRoutine {
  v1::SavedRoutine saved;
};
// Changes `paused` of the newest revision in place. Sessions that wait for a limit are gone with a
// pause, and their decisions become PAUSED. kNotFound.
struct SetPaused {
  std::string account, name;
  bool paused = false;
  std::string reason = "";  // with paused; empty: somebody asked for it
  // Where given, gets the decisions that became PAUSED by it. Of use with an OK only.
  std::vector<v1::Decision>* decided = nullptr;
};
// Adds a token, or replaces the one with the same id.
struct SaveToken {
  v1::Token token;
};
// kNotFound: no such token.
struct DeleteToken {
  std::string token_id;
};
// QUEUED sessions become CANCELLED (reason "cancelled") at once; others get cancel_requested, which
// their holder learns from its next Update. Terminal ones stay as they are. kNotFound.
struct RequestCancel {
  std::string session_id;
  absl::Time now;
};
// A small named value of the engine's own, e.g. its admin token's hash.
struct SaveSetting {
  std::string name, value;
};

// Deletes what is over, the oldest first: at most about `limit` sessions and as many events, of
// many log entries a part. An ended session goes with its log; an event with its decisions, once
// its sessions are gone and none of its dedupe keys holds any more at `now`, but for those that
// hold for ever, which stay. Nothing that still has something to do goes, whatever its age.
struct DeleteOld {
  absl::Time now;
  absl::Duration events = absl::InfiniteDuration();  // kept since their time
  // Since their end; at least 24 hours, within which they count for limits and spending.
  absl::Duration sessions = absl::InfiniteDuration();
  int64_t max_bytes = 0;  // of everything stored: over it, the oldest go earlier; 0: any size
  int limit = 100;
};

using Change = std::variant<SaveRoutine, SetPaused, SaveToken, DeleteToken, RequestCancel,
                            SaveSetting, DeleteOld>;

// ---- Read
// ----------------------------------------------------------------------------------------

// Newest revisions of all routines that are not deleted, by account and name; or one of them
// (`name` set; also a deleted one), at its newest or at `revision`.
struct RoutineQuery {
  std::string account, name;
  int64_t revision = 0;
};
struct TokenQuery {
  std::string trigger_id;  // empty: all
};
// By id, or newest first. `before_id`: only those older than that session.
struct SessionQuery {
  std::string id;
  std::string account, routine;          // empty: any
  std::vector<v1::SessionState> states;  // empty: any
  std::string before_id;
  int limit = 100;
};
// The log of one session, in order, from `after` + 1.
struct SessionEventQuery {
  std::string session_id;
  int64_t after = 0;
  int limit = 1000;
  // Stop after about this many bytes, but return at least one event.
  int64_t max_bytes = int64_t{4} << 20;
};
// One event by id, or newest first.
struct EventQuery {
  std::string id;
  std::string before_id;
  int limit = 100;
};
// Decisions of one event, or of one routine, newest first.
struct DecisionQuery {
  std::string event_id;
  std::string account, routine;
  absl::Time since = absl::InfinitePast();
  int limit = 100;
  int64_t before = 0;  // only those with a smaller Decision.sequence; 0: all
};
struct SettingQuery {
  std::string name;
};
// What was changed since change number `after`, in the order of the changes: each revision that was
// saved, paused or resumed, or is the newest of a trigger whose tokens were changed (deleted ones
// too, each once, as it is now), and the tokens of those routines' triggers. So engines on one
// store learn what the others do.
struct ChangeQuery {
  int64_t after = 0;
  int limit = 1000;  // revisions; 0: only the newest number is wanted
};
using Query = std::variant<RoutineQuery, TokenQuery, SessionQuery, SessionEventQuery, EventQuery,
                           DecisionQuery, SettingQuery, ChangeQuery>;

// The answer; only the list that the query asks for is filled. Nothing found is an empty list, not
// an error.
struct Rows {
  std::vector<v1::SavedRoutine> routines;
  std::vector<v1::Token> tokens;
  std::vector<v1::Session> sessions;
  std::vector<v1::SessionEvent> session_events;
  std::vector<v1::Event> events;
  std::vector<v1::Decision> decisions;
  std::vector<std::string> settings;
  // Of ChangeQuery: the number of the last change given; where none is, of the newest there is.
  int64_t change = 0;
};

// ---- Store
// ---------------------------------------------------------------------------------------

class Store {
 public:
  using AdmitDone = std::function<void(absl::StatusOr<Admitted>)>;
  using UpdateDone = std::function<void(absl::StatusOr<Updated>)>;

  virtual ~Store() = default;

  virtual void Admit(Admission admission, AdmitDone done) = 0;
  virtual absl::StatusOr<std::vector<v1::Session>> Lease(const LeaseRequest& request) = 0;
  virtual void Update(SessionUpdate update, UpdateDone done) = 0;
  virtual absl::Status Save(const Change& change) = 0;
  virtual absl::StatusOr<Rows> Read(const Query& query) = 0;
};

// Keeps everything in memory; done() runs inline. For tests and for hosts that can afford loss.
std::unique_ptr<Store> NewMemoryStore();

// One SQLite file (WAL, synchronous=FULL), one writer thread with group commit, readers beside it.
struct SqliteStoreOptions {
  std::string path;             // made where absent, mode 0600; its folder must exist
  bool integrity_check = true;  // at start
  int max_group = 1024;         // changes in one transaction
};

// Opens `path`, brings its schema up to date, and ends every lease that an earlier process left:
// the file belongs to one process at a time. kFailedPrecondition: another process has it open, its
// schema is newer than this library, or it lies on a network file system. kDataLoss: the integrity
// check failed; the message says what SQLite said. kUnavailable: it cannot be opened or written.
absl::StatusOr<std::unique_ptr<Store>> OpenSqliteStore(SqliteStoreOptions options);

}  // namespace routines

#endif  // ROUTINES_STORE_H_
