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
#include "src/base/session_state.h"
#include "src/base/status_macros.h"
#include "src/base/time_conversion.h"
#include "src/store/sqlite_queries.h"
#include "src/store/sqlite_retention.h"
#include "src/store/sqlite_sessions.h"
#include "src/store/transitions.h"

// In SQL: the number of the change that is being made.
#define ROUTINES_NEXT_CHANGE "(SELECT coalesce(max(change), 0) + 1 FROM routines)"

namespace routines::store {
namespace {

// Whether it changed anything. kNotFound.
absl::StatusOr<bool> Pause(Connection& connection, WriterMemory& memory, const SetPaused& change,
                           bool unless_paused) {
  v1::SavedRoutine saved;
  {
    ASSIGN_OR_RETURN(
        Statement newest,
        connection.Prepare("SELECT record FROM routines WHERE account = ? AND name = ? "
                           "ORDER BY revision DESC LIMIT 1"));
    ASSIGN_OR_RETURN(const bool found, newest.Bind(change.account, change.name).Step());
    if (!found) {
      if (unless_paused) return false;
      return absl::NotFoundError(absl::StrCat("no routine ", change.account, "/", change.name));
    }
    RETURN_IF_ERROR(newest.Parse(0, saved));
  }
  if (unless_paused && saved.paused()) return false;
  ApplyPaused(change, saved);
  const std::string record = saved.SerializeAsString();
  {
    ASSIGN_OR_RETURN(
        Statement update,
        connection.Prepare("UPDATE routines SET record = ?, change = " ROUTINES_NEXT_CHANGE
                           " WHERE account = ? AND name = ? AND revision = ?"));
    RETURN_IF_ERROR(update.Bind(Blob{record}, change.account, change.name, saved.revision()).Run());
  }
  if (change.paused) {
    ASSIGN_OR_RETURN(std::vector<v1::Decision> withdrawn,
                     WithdrawSessions(connection, memory, {change.account, change.name}, "",
                                      v1::DECISION_REASON_PAUSED, PausedDetail(change.reason)));
    if (change.decided != nullptr) *change.decided = std::move(withdrawn);
  }
  return true;
}

}  // namespace

// ---- Update
// --------------------------------------------------------------------------------------

EncodedUpdate::EncodedUpdate(SessionUpdate u) : update(std::move(u)) {
  if (update.then) then.emplace(*std::exchange(update.then, std::nullopt));
  for (v1::SessionEvent& event : update.events) {
    event.clear_sequence();  // a column
    events.push_back(event.SerializeAsString());
  }
}

namespace {

absl::Status InsertLog(Connection& connection, int64_t seq, const SessionUpdate& update,
                       const EncodedUpdate& encoded) {
  if (update.events.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(Statement insert,
                   connection.Prepare("INSERT INTO session_events (session_seq, sequence, record) "
                                      "VALUES (?, ?, ?)"));
  // ApplyUpdate took away the first ones where an earlier try had stored them.
  const size_t stored = encoded.events.size() - update.events.size();
  for (size_t i = 0; i < update.events.size(); ++i) {
    const v1::SessionEvent& event = update.events[i];
    RETURN_IF_ERROR(insert.Bind(seq, event.sequence(), Blob{encoded.events[stored + i]}).Run());
    if (!event.push().accepted()) continue;
    ASSIGN_OR_RETURN(
        Statement push,
        connection.Prepare("INSERT OR IGNORE INTO pushes (commit_id, session_seq) VALUES (?, ?)"));
    RETURN_IF_ERROR(push.Bind(event.push().new_commit(), seq).Run());
  }
  return absl::OkStatus();
}

// The session has ended and cost something; gives the reason where its routine is paused for it.
absl::StatusOr<std::string> Spend(Connection& connection, WriterMemory& memory, int64_t seq,
                                  const SessionUpdate& update, const v1::Session& session,
                                  std::vector<v1::Decision>& decided) {
  const absl::Time end = FromProto(session.end_time());
  if (session.usage().cost_usd() > 0) {
    ASSIGN_OR_RETURN(Statement old,
                     connection.Prepare("DELETE FROM spending WHERE account = ? AND routine = ? "
                                        "AND time <= ?"));
    RETURN_IF_ERROR(old.Bind(session.account(), session.routine(), end - 2 * kSpendWindow).Run());
    ASSIGN_OR_RETURN(Statement insert,
                     connection.Prepare("INSERT INTO spending (account, routine, time, "
                                        "session_seq, usd) VALUES (?, ?, ?, ?, ?)"));
    RETURN_IF_ERROR(
        insert.Bind(session.account(), session.routine(), end, seq, session.usage().cost_usd())
            .Run());
  }
  if (update.pause_at_cost <= 0) return "";
  double sum = 0;
  {
    ASSIGN_OR_RETURN(Statement total,
                     connection.Prepare("SELECT sum(usd) FROM spending WHERE account = ? AND "
                                        "routine = ? AND time > ? AND time <= ?"));
    RETURN_IF_ERROR(
        total.Bind(session.account(), session.routine(), end - kSpendWindow, end).Step().status());
    sum = total.Double(0);
  }
  if (sum < update.pause_at_cost) return "";
  const std::string reason = PauseReason(sum, update.pause_at_cost);
  ASSIGN_OR_RETURN(const bool paused,
                   Pause(connection, memory,
                         SetPaused{session.account(), session.routine(), true, reason, &decided},
                         /*unless_paused=*/true));
  return paused ? reason : "";
}

}  // namespace

absl::StatusOr<Updated> Update(Connection& connection, WriterMemory& memory,
                               EncodedUpdate& encoded) {
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
    session.set_state(StateOfName(statement.Bytes(0)));
    ReadLease(statement, session);
    seq = statement.Int64(kSessionSeqColumn);
    session.set_account(std::string(statement.Bytes(7)));
    session.set_routine(std::string(statement.Bytes(8)));
  }
  const bool replaces = update.session.has_value();
  RETURN_IF_ERROR(ApplyUpdate(update, session));

  RETURN_IF_ERROR(InsertLog(connection, seq, update, encoded));
  Updated updated{session.last_sequence(), session.cancel_requested(), "", {}, {}};
  if (replaces) {
    RETURN_IF_ERROR(WriteSession(connection, seq, session));
    if (IsTerminal(session.state())) {
      ASSIGN_OR_RETURN(updated.pause_reason,
                       Spend(connection, memory, seq, update, session, updated.paused));
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
  if (encoded.then) {
    ASSIGN_OR_RETURN(updated.admitted, Admit(connection, memory, *encoded.then));
  }
  return updated;
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

absl::Status Do(Connection& connection, WriterMemory&, const SaveRoutine& change) {
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
                                      "record, change) VALUES (?, ?, ?, ?, "
                                      "?, " ROUTINES_NEXT_CHANGE ")"));
  const std::string record = saved.SerializeAsString();
  return insert
      .Bind(account, name, saved.revision(), static_cast<int>(saved.deleted()), Blob{record})
      .Run();
}

absl::Status Do(Connection& connection, WriterMemory& memory, const SetPaused& change) {
  return Pause(connection, memory, change, /*unless_paused=*/false).status();
}

// A token of that trigger is another, or gone.
absl::Status NoteTokens(Connection& connection, const std::string& trigger_id) {
  ASSIGN_OR_RETURN(
      Statement statement,
      connection.Prepare("UPDATE routines SET change = " ROUTINES_NEXT_CHANGE
                         " WHERE (account, name, revision) IN (SELECT r.account, r.name, "
                         "max(r.revision) FROM routines AS r JOIN triggers AS t ON r.account = "
                         "t.account AND r.name = t.routine WHERE t.trigger_id = ? GROUP BY "
                         "r.account, r.name)"));
  return statement.Bind(trigger_id).Run();
}

absl::Status Do(Connection& connection, WriterMemory&, const SaveToken& change) {
  RETURN_IF_ERROR(NoteTokens(connection, change.token.trigger_id()));
  ASSIGN_OR_RETURN(Statement statement,
                   connection.Prepare("INSERT OR REPLACE INTO tokens (id, trigger_id, record) "
                                      "VALUES (?, ?, ?)"));
  const std::string record = change.token.SerializeAsString();
  return statement.Bind(change.token.id(), change.token.trigger_id(), Blob{record}).Run();
}

absl::Status Do(Connection& connection, WriterMemory&, const DeleteToken& change) {
  std::string trigger_id;
  {
    ASSIGN_OR_RETURN(Statement statement,
                     connection.Prepare("SELECT trigger_id FROM tokens WHERE id = ?"));
    ASSIGN_OR_RETURN(const bool found, statement.Bind(change.token_id).Step());
    if (!found) return absl::NotFoundError(absl::StrCat("no token ", change.token_id));
    trigger_id = std::string(statement.Bytes(0));
  }
  RETURN_IF_ERROR(NoteTokens(connection, trigger_id));
  ASSIGN_OR_RETURN(Statement statement, connection.Prepare("DELETE FROM tokens WHERE id = ?"));
  return statement.Bind(change.token_id).Run();
}

absl::Status Do(Connection& connection, WriterMemory& memory, const RequestCancel& change) {
  return CancelSession(connection, memory, change.session_id, change.now).status();
}

absl::Status Do(Connection& connection, WriterMemory& memory, const DeleteOld& change) {
  return SweepOld(connection, memory, change);
}

absl::Status Do(Connection& connection, WriterMemory&, const SaveSetting& change) {
  ASSIGN_OR_RETURN(
      Statement statement,
      connection.Prepare("INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)"));
  return statement.Bind(change.name, change.value).Run();
}

}  // namespace

absl::Status Save(Connection& connection, WriterMemory& memory, const Change& change) {
  return std::visit([&](const auto& c) { return Do(connection, memory, c); }, change);
}

}  // namespace routines::store
