#include "src/store/sqlite_changes.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "routines/session.h"
#include "src/base/status_macros.h"
#include "src/base/time_conversion.h"
#include "src/store/sqlite_queries.h"
#include "src/store/sqlite_waiting.h"
#include "src/store/transitions.h"

namespace routines::store {
namespace {

// The record of a session holds nothing that has a column of its own which changes with every
// lease.
std::string EncodeSession(const v1::Session& session) {
  v1::Session record = session;
  InitializeLease(record);
  return record.SerializeAsString();
}

v1::SessionState ParseState(std::string_view name) {
  for (int state = v1::SESSION_STATE_QUEUED; state <= v1::SESSION_STATE_LOST; ++state) {
    if (StateName(static_cast<v1::SessionState>(state)) == name) {
      return static_cast<v1::SessionState>(state);
    }
  }
  return v1::SESSION_STATE_UNSPECIFIED;
}

std::optional<int64_t> LeasableFromColumn(const v1::Session& session) {
  if (IsTerminal(session.state())) return std::nullopt;
  return std::max<int64_t>(absl::ToUnixNanos(LeasableFrom(session)), 0);
}

std::optional<int64_t> LeaseUntilColumn(const v1::Session& session) {
  if (!IsLeased(session)) return std::nullopt;
  return absl::ToUnixNanos(FromProto(session.lease_until()));
}

absl::Status WriteSession(Connection& connection, int64_t seq, const v1::Session& session) {
  ASSIGN_OR_RETURN(
      Statement statement,
      connection.Prepare("UPDATE sessions SET state = ?, leasable_from = ?, lease_owner = ?, "
                         "lease_until = ?, fencing_token = ?, last_sequence = ?, "
                         "cancel_requested = ?, record = ? WHERE seq = ?"));
  const std::string record = EncodeSession(session);
  return statement
      .Bind(StateName(session.state()), LeasableFromColumn(session), session.lease_owner(),
            LeaseUntilColumn(session), session.fencing_token(), session.last_sequence(),
            static_cast<int>(session.cancel_requested()), Blob{record}, seq)
      .Run();
}

// Whether anything changed. kNotFound.
absl::StatusOr<bool> Cancel(Connection& connection, const std::string& id, absl::Time now) {
  v1::Session session;
  int64_t seq = 0;
  {
    ASSIGN_OR_RETURN(Statement statement, connection.Prepare("SELECT " ROUTINES_SESSION_COLUMNS
                                                             " FROM sessions WHERE id = ?"));
    ASSIGN_OR_RETURN(const bool found, statement.Bind(id).Step());
    if (!found) return absl::NotFoundError(absl::StrCat("no session ", id));
    RETURN_IF_ERROR(ReadSession(statement, session));
    seq = statement.Int64(kSessionSeqColumn);
  }
  if (!ApplyCancel(now, session)) return false;
  RETURN_IF_ERROR(WriteSession(connection, seq, session));
  if (IsTerminal(session.state())) {
    RETURN_IF_ERROR(LetGoOn(connection, session.account(), session.routine()));
  }
  return true;
}

// The ids of those that it cancelled; youngest first, so that none goes on in place of another.
absl::StatusOr<std::vector<std::string>> CancelEarlier(Connection& connection,
                                                       const Admission& admission) {
  std::vector<std::string> ids;
  for (const RoutineRef& routine : admission.cancel_earlier) {
    ASSIGN_OR_RETURN(
        Statement statement,
        connection.Prepare("SELECT id FROM sessions WHERE account = ? AND routine = ? AND state IN "
                           "('queued', 'preparing', 'running') ORDER BY seq DESC"));
    statement.Bind(routine.account, routine.name);
    for (;;) {
      ASSIGN_OR_RETURN(const bool row, statement.Step());
      if (!row) break;
      ids.emplace_back(statement.Bytes(0));
    }
  }
  std::vector<std::string> cancelled;
  for (std::string& id : ids) {
    ASSIGN_OR_RETURN(const bool changed,
                     Cancel(connection, id, FromProto(admission.event.time())));
    if (changed) cancelled.push_back(std::move(id));
  }
  return cancelled;
}

// ---- Admit
// ---------------------------------------------------------------------------------------

absl::StatusOr<Admitted> AnswerAgain(Connection& connection, int64_t event_seq) {
  Admitted admitted;
  admitted.duplicate = true;
  ASSIGN_OR_RETURN(Statement event, connection.Prepare("SELECT id FROM events WHERE seq = ?"));
  ASSIGN_OR_RETURN(const bool found, event.Bind(event_seq).Step());
  if (!found) return absl::InternalError("a dedupe key without its event");
  admitted.event_id = std::string(event.Bytes(0));

  ASSIGN_OR_RETURN(
      Statement decisions,
      connection.Prepare("SELECT record FROM decisions WHERE event_seq = ? ORDER BY seq"));
  decisions.Bind(event_seq);
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, decisions.Step());
    if (!row) break;
    RETURN_IF_ERROR(decisions.Parse(0, admitted.decisions.emplace_back()));
  }
  ASSIGN_OR_RETURN(Statement sessions,
                   connection.Prepare("SELECT " ROUTINES_SESSION_COLUMNS
                                      " FROM sessions WHERE event_seq = ? ORDER BY seq"));
  sessions.Bind(event_seq);
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, sessions.Step());
    if (!row) break;
    RETURN_IF_ERROR(ReadSession(sessions, admitted.sessions.emplace_back()));
  }
  return admitted;
}

// The event that holds the first dedupe key that is taken; nothing where none is.
absl::StatusOr<std::optional<int64_t>> KeyHolder(Connection& connection,
                                                 const Admission& admission) {
  if (admission.dedupe_keys.empty()) return std::nullopt;
  ASSIGN_OR_RETURN(
      Statement statement,
      connection.Prepare("SELECT event_seq FROM dedupe_keys WHERE key = ? AND until > ?"));
  const absl::Time time = FromProto(admission.event.time());
  for (const DedupeKey& key : admission.dedupe_keys) {
    ASSIGN_OR_RETURN(const bool taken, statement.Bind(key.key, time).Step());
    if (taken) return statement.Int64(0);
    statement.Reset();
  }
  return std::nullopt;
}

absl::Status InsertKeys(Connection& connection, const Admission& admission, int64_t event_seq) {
  if (admission.dedupe_keys.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(Statement statement,
                   connection.Prepare("INSERT OR REPLACE INTO dedupe_keys (key, until, event_seq) "
                                      "VALUES (?, ?, ?)"));
  for (const DedupeKey& key : admission.dedupe_keys) {
    RETURN_IF_ERROR(statement.Bind(key.key, key.until, event_seq).Run());
  }
  return absl::OkStatus();
}

// Nothing where the event's id is taken.
absl::StatusOr<std::optional<int64_t>> InsertEvent(Connection& connection,
                                                   const EncodedAdmission& encoded) {
  const v1::Event& event = encoded.admission.event;
  ASSIGN_OR_RETURN(Statement statement,
                   connection.Prepare("INSERT INTO events (id, source, time, record) "
                                      "VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING"));
  RETURN_IF_ERROR(
      statement.Bind(event.id(), event.source(), FromProto(event.time()), Blob{encoded.event})
          .Run());
  if (connection.changes() == 0) return std::nullopt;
  return connection.last_insert_rowid();
}

absl::StatusOr<int64_t> EventSeq(Connection& connection, const std::string& id) {
  ASSIGN_OR_RETURN(Statement statement, connection.Prepare("SELECT seq FROM events WHERE id = ?"));
  RETURN_IF_ERROR(statement.Bind(id).Step().status());
  return statement.Int64(0);
}

// kAlreadyExists where the id of a session is taken by one of another event.
absl::Status CheckSessionIds(Connection& connection, const Admission& admission) {
  ASSIGN_OR_RETURN(Statement statement,
                   connection.Prepare("SELECT (SELECT id FROM events WHERE seq = event_seq) "
                                      "FROM sessions WHERE id = ?"));
  for (const v1::Session& session : admission.sessions) {
    ASSIGN_OR_RETURN(const bool taken, statement.Bind(session.id()).Step());
    if (taken && statement.Bytes(0) != admission.event.id()) {
      return absl::AlreadyExistsError(absl::StrCat("session.id: ", session.id(), " is taken"));
    }
    statement.Reset();
  }
  return absl::OkStatus();
}

absl::Status InsertDecisions(Connection& connection, const EncodedAdmission& encoded,
                             int64_t event_seq) {
  if (encoded.decisions.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(Statement statement,
                   connection.Prepare("INSERT INTO decisions (event_seq, account, routine, time, "
                                      "record) VALUES (?, ?, ?, ?, ?)"));
  for (size_t i = 0; i < encoded.decisions.size(); ++i) {
    const v1::Decision& decision = encoded.admission.decisions[i];
    RETURN_IF_ERROR(statement
                        .Bind(event_seq, decision.account(), decision.routine(),
                              FromProto(decision.time()), Blob{encoded.decisions[i]})
                        .Run());
  }
  return absl::OkStatus();
}

absl::Status InsertSessions(Connection& connection, const EncodedAdmission& encoded,
                            int64_t event_seq) {
  if (encoded.sessions.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(Statement statement,
                   connection.Prepare(
                       "INSERT INTO sessions (id, event_seq, account, routine, state, create_time, "
                       "leasable_from, record) VALUES (?, ?, ?, ?, 'queued', ?, ?, ?)"));
  for (size_t i = 0; i < encoded.sessions.size(); ++i) {
    const v1::Session& session = encoded.admission.sessions[i];
    ASSIGN_OR_RETURN(const bool waits, ComesToWait(connection, session));
    RETURN_IF_ERROR(statement
                        .Bind(session.id(), event_seq, session.account(), session.routine(),
                              FromProto(session.create_time()),
                              waits ? kWaits : LeasableFromColumn(session),
                              Blob{encoded.sessions[i]})
                        .Run());
  }
  return absl::OkStatus();
}

}  // namespace

EncodedAdmission::EncodedAdmission(Admission a) : admission(std::move(a)) {
  event = admission.event.SerializeAsString();
  for (const v1::Decision& decision : admission.decisions) {
    decisions.push_back(decision.SerializeAsString());
  }
  for (v1::Session& session : admission.sessions) {
    InitializeLease(session);
    sessions.push_back(session.SerializeAsString());
  }
}

absl::StatusOr<Admitted> Admit(Connection& connection, EncodedAdmission& encoded) {
  Admission& admission = encoded.admission;
  ASSIGN_OR_RETURN(const std::optional<int64_t> holder, KeyHolder(connection, admission));
  if (holder.has_value()) return AnswerAgain(connection, *holder);
  RETURN_IF_ERROR(CheckSessionIds(connection, admission));
  ASSIGN_OR_RETURN(const std::optional<int64_t> inserted, InsertEvent(connection, encoded));
  if (!inserted.has_value()) {
    ASSIGN_OR_RETURN(const int64_t first, EventSeq(connection, admission.event.id()));
    return AnswerAgain(connection, first);
  }
  const int64_t event_seq = *inserted;
  RETURN_IF_ERROR(InsertKeys(connection, admission, event_seq));
  RETURN_IF_ERROR(InsertDecisions(connection, encoded, event_seq));
  ASSIGN_OR_RETURN(std::vector<std::string> cancelled, CancelEarlier(connection, admission));
  RETURN_IF_ERROR(InsertSessions(connection, encoded, event_seq));
  return Admitted{false, admission.event.id(), std::move(admission.decisions),
                  std::move(admission.sessions), std::move(cancelled)};
}

// ---- Lease
// ---------------------------------------------------------------------------------------

absl::StatusOr<std::vector<v1::Session>> Lease(Connection& connection,
                                               const LeaseRequest& request) {
  std::vector<v1::Session> leased;
  std::vector<int64_t> seqs;
  {
    // Two walks of one index: those that wait for nothing, in the order in which they came, and
    // those whose time has come, in the order of their times. So the answer does not cost more when
    // a million sessions wait.
    ASSIGN_OR_RETURN(
        Statement statement,
        connection.Prepare(
            "SELECT " ROUTINES_SESSION_COLUMNS " FROM sessions WHERE seq IN ("
            "SELECT * FROM (SELECT seq FROM sessions WHERE leasable_from = 0 ORDER BY seq LIMIT "
            "?1) "
            "UNION ALL SELECT * FROM (SELECT seq FROM sessions WHERE leasable_from > 0 AND "
            "leasable_from <= ?2 ORDER BY leasable_from LIMIT ?1)) ORDER BY seq LIMIT ?1"));
    statement.Bind(std::max(request.max_sessions, 0), request.now);
    for (;;) {
      ASSIGN_OR_RETURN(const bool row, statement.Step());
      if (!row) break;
      RETURN_IF_ERROR(ReadSession(statement, leased.emplace_back()));
      seqs.push_back(statement.Int64(kSessionSeqColumn));
    }
  }
  for (size_t i = 0; i < leased.size(); ++i) {
    TakeLease(request, leased[i]);
    RETURN_IF_ERROR(WriteSession(connection, seqs[i], leased[i]));
  }
  return leased;
}

absl::Status AbandonLeases(Connection& connection) {
  return connection.Execute(
      "UPDATE sessions SET lease_owner = '', lease_until = NULL, leasable_from = 0 "
      "WHERE leasable_from > 0 AND lease_until IS NOT NULL");
}

// ---- Update
// --------------------------------------------------------------------------------------

EncodedUpdate::EncodedUpdate(SessionUpdate u) : update(std::move(u)) {
  for (v1::SessionEvent& event : update.events) {
    event.clear_sequence();  // a column
    events.push_back(event.SerializeAsString());
  }
}

absl::StatusOr<Updated> Update(Connection& connection, EncodedUpdate& encoded) {
  SessionUpdate& update = encoded.update;
  v1::Session session;
  int64_t seq = 0;
  {
    ASSIGN_OR_RETURN(Statement statement,
                     connection.Prepare("SELECT state, lease_owner, lease_until, fencing_token, "
                                        "last_sequence, cancel_requested, seq, account, routine "
                                        "FROM sessions WHERE id = ?"));
    ASSIGN_OR_RETURN(const bool found, statement.Bind(update.session_id).Step());
    if (!found) return absl::NotFoundError(absl::StrCat("no session ", update.session_id));
    session.set_id(update.session_id);
    session.set_state(ParseState(statement.Bytes(0)));
    ReadLease(statement, session);
    seq = statement.Int64(kSessionSeqColumn);
    session.set_account(std::string(statement.Bytes(7)));
    session.set_routine(std::string(statement.Bytes(8)));
  }
  const bool replaces = update.session.has_value();
  RETURN_IF_ERROR(ApplyUpdate(update, session));

  if (!encoded.events.empty()) {
    ASSIGN_OR_RETURN(
        Statement insert,
        connection.Prepare("INSERT INTO session_events (session_seq, sequence, record) "
                           "VALUES (?, ?, ?)"));
    // ApplyUpdate took away the first ones where an earlier try had stored them.
    const size_t stored = encoded.events.size() - update.events.size();
    for (size_t i = 0; i < update.events.size(); ++i) {
      RETURN_IF_ERROR(
          insert.Bind(seq, update.events[i].sequence(), Blob{encoded.events[stored + i]}).Run());
    }
  }
  if (replaces) {
    RETURN_IF_ERROR(WriteSession(connection, seq, session));
    if (IsTerminal(session.state())) {
      RETURN_IF_ERROR(LetGoOn(connection, session.account(), session.routine()));
    }
  } else {
    // A heartbeat, or a piece of the log: the record stays as it is and is not even read.
    ASSIGN_OR_RETURN(Statement statement,
                     connection.Prepare("UPDATE sessions SET leasable_from = ?, lease_until = ?, "
                                        "last_sequence = ? WHERE seq = ?"));
    RETURN_IF_ERROR(statement
                        .Bind(LeasableFromColumn(session), LeaseUntilColumn(session),
                              session.last_sequence(), seq)
                        .Run());
  }
  return Updated{session.last_sequence(), session.cancel_requested()};
}

// ---- Save
// ----------------------------------------------------------------------------------------

namespace {

// Gives the routine the triggers of `saved` and takes those away that it lacks, with their tokens.
absl::Status SaveTriggers(Connection& connection, const v1::SavedRoutine& saved) {
  const std::string& account = saved.routine().account();
  const std::string& name = saved.routine().name();
  std::set<std::string> triggers;
  ASSIGN_OR_RETURN(Statement owner,
                   connection.Prepare("SELECT account, routine FROM triggers WHERE trigger_id = ?1 "
                                      "AND NOT (account = ?2 AND routine = ?3)"));
  for (const v1::SavedTrigger& trigger : saved.triggers()) {
    Statement& bound = owner.Bind(trigger.trigger_id(), account, name);
    ASSIGN_OR_RETURN(const bool taken, bound.Step());
    if (taken) return TriggerTakenError(trigger.trigger_id(), bound.Bytes(0), bound.Bytes(1));
    owner.Reset();
    if (!saved.deleted()) triggers.insert(trigger.trigger_id());
  }

  std::vector<std::string> dropped;
  {
    ASSIGN_OR_RETURN(
        Statement before,
        connection.Prepare("SELECT trigger_id FROM triggers WHERE account = ? AND routine = ?"));
    before.Bind(account, name);
    for (;;) {
      ASSIGN_OR_RETURN(const bool row, before.Step());
      if (!row) break;
      std::string id(before.Bytes(0));
      if (!triggers.contains(id)) dropped.push_back(std::move(id));
    }
  }
  for (const std::string& id : dropped) {
    ASSIGN_OR_RETURN(Statement tokens,
                     connection.Prepare("DELETE FROM tokens WHERE trigger_id = ?"));
    RETURN_IF_ERROR(tokens.Bind(id).Run());
    ASSIGN_OR_RETURN(Statement trigger,
                     connection.Prepare("DELETE FROM triggers WHERE trigger_id = ?"));
    RETURN_IF_ERROR(trigger.Bind(id).Run());
  }
  for (const std::string& id : triggers) {
    ASSIGN_OR_RETURN(Statement insert,
                     connection.Prepare("INSERT OR IGNORE INTO triggers (trigger_id, account, "
                                        "routine) VALUES (?, ?, ?)"));
    RETURN_IF_ERROR(insert.Bind(id, account, name).Run());
  }
  return absl::OkStatus();
}

absl::Status Do(Connection& connection, const SaveRoutine& change) {
  const v1::SavedRoutine& saved = change.saved;
  const std::string& account = saved.routine().account();
  const std::string& name = saved.routine().name();
  {
    ASSIGN_OR_RETURN(
        Statement newest,
        connection.Prepare("SELECT MAX(revision) FROM routines WHERE account = ? AND name = ?"));
    RETURN_IF_ERROR(newest.Bind(account, name).Step().status());
    RETURN_IF_ERROR(CheckRevision(saved, newest.Int64(0)));
  }
  RETURN_IF_ERROR(SaveTriggers(connection, saved));
  ASSIGN_OR_RETURN(Statement insert,
                   connection.Prepare("INSERT INTO routines (account, name, revision, deleted, "
                                      "record) VALUES (?, ?, ?, ?, ?)"));
  const std::string record = saved.SerializeAsString();
  return insert
      .Bind(account, name, saved.revision(), static_cast<int>(saved.deleted()), Blob{record})
      .Run();
}

absl::Status Do(Connection& connection, const SetPaused& change) {
  v1::SavedRoutine saved;
  {
    ASSIGN_OR_RETURN(
        Statement newest,
        connection.Prepare("SELECT record FROM routines WHERE account = ? AND name = ? "
                           "ORDER BY revision DESC LIMIT 1"));
    ASSIGN_OR_RETURN(const bool found, newest.Bind(change.account, change.name).Step());
    if (!found) {
      return absl::NotFoundError(absl::StrCat("no routine ", change.account, "/", change.name));
    }
    RETURN_IF_ERROR(newest.Parse(0, saved));
  }
  saved.set_paused(change.paused);
  const std::string record = saved.SerializeAsString();
  ASSIGN_OR_RETURN(
      Statement update,
      connection.Prepare("UPDATE routines SET record = ? WHERE account = ? AND name = ? "
                         "AND revision = ?"));
  return update.Bind(Blob{record}, change.account, change.name, saved.revision()).Run();
}

absl::Status Do(Connection& connection, const SaveToken& change) {
  ASSIGN_OR_RETURN(Statement statement,
                   connection.Prepare("INSERT OR REPLACE INTO tokens (id, trigger_id, record) "
                                      "VALUES (?, ?, ?)"));
  const std::string record = change.token.SerializeAsString();
  return statement.Bind(change.token.id(), change.token.trigger_id(), Blob{record}).Run();
}

absl::Status Do(Connection& connection, const DeleteToken& change) {
  ASSIGN_OR_RETURN(Statement statement, connection.Prepare("DELETE FROM tokens WHERE id = ?"));
  RETURN_IF_ERROR(statement.Bind(change.token_id).Run());
  if (connection.changes() > 0) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat("no token ", change.token_id));
}

absl::Status Do(Connection& connection, const RequestCancel& change) {
  return Cancel(connection, change.session_id, change.now).status();
}

absl::Status Do(Connection& connection, const SaveSetting& change) {
  ASSIGN_OR_RETURN(
      Statement statement,
      connection.Prepare("INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)"));
  return statement.Bind(change.name, change.value).Run();
}

}  // namespace

absl::Status Save(Connection& connection, const Change& change) {
  return std::visit([&](const auto& c) { return Do(connection, c); }, change);
}

}  // namespace routines::store
