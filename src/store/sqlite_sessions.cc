#include "src/store/sqlite_sessions.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "routines/session.h"
#include "src/base/status_macros.h"
#include "src/base/time_conversion.h"
#include "src/store/sqlite_queries.h"
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

std::optional<int64_t> EndColumn(const v1::Session& session) {
  if (!IsTerminal(session.state())) return std::nullopt;
  return absl::ToUnixNanos(FromProto(session.end_time()));
}

struct Row {
  int64_t seq = 0;  // 0: none
  v1::Session session;
};

absl::StatusOr<Row> OldestParked(Connection& connection, std::string_view account,
                                 std::string_view routine) {
  ASSIGN_OR_RETURN(
      Statement statement,
      connection.Prepare("SELECT seq, record FROM sessions WHERE account = ? AND routine = ? AND "
                         "leasable_from = 9223372036854775807 ORDER BY seq LIMIT 1"));
  Row oldest;
  ASSIGN_OR_RETURN(const bool found, statement.Bind(account, routine).Step());
  if (!found) return oldest;
  oldest.seq = statement.Int64(0);
  RETURN_IF_ERROR(statement.Parse(1, oldest.session));
  return oldest;
}

// Whether a session that comes in must wait for others of its routine.
absl::StatusOr<bool> ComesToPark(Connection& connection, const v1::Session& session) {
  if (session.concurrency_limit() <= 0 || WaitsForLimit(session)) return false;
  ASSIGN_OR_RETURN(const Row oldest,
                   OldestParked(connection, session.account(), session.routine()));
  if (oldest.seq != 0) return true;
  ASSIGN_OR_RETURN(const int on_their_way,
                   CountOnTheirWay(connection, session.account(), session.routine(),
                                   session.concurrency_limit()));
  return MustWait(session, on_their_way);
}

absl::Status FreeSlot(Connection& connection, WriterMemory& memory, int64_t seq,
                      const v1::Session& session) {
  std::string kind;
  std::optional<int64_t> slot;
  {
    ASSIGN_OR_RETURN(Statement statement,
                     connection.Prepare("SELECT kind, slot FROM sessions WHERE seq = ?"));
    RETURN_IF_ERROR(statement.Bind(seq).Step().status());
    kind = std::string(statement.Bytes(0));
    if (!statement.IsNull(1)) slot = statement.Int64(1);
  }
  if (!slot) return absl::OkStatus();
  memory.book.Remove({session.account(), session.routine(), kind}, absl::FromUnixNanos(*slot));
  ASSIGN_OR_RETURN(Statement update,
                   connection.Prepare("UPDATE sessions SET slot = NULL WHERE seq = ?"));
  return update.Bind(seq).Run();
}

}  // namespace

absl::Status LoadBook(Connection& connection, WriterMemory& memory, absl::Time now) {
  if (std::exchange(memory.book_loaded, true)) return absl::OkStatus();
  ASSIGN_OR_RETURN(Statement statement,
                   connection.Prepare("SELECT slot, account, routine, kind, waits FROM sessions "
                                      "WHERE slot IS NOT NULL AND slot > ? ORDER BY slot"));
  statement.Bind(now - LimitBook::kKept);
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, statement.Step());
    if (!row) return absl::OkStatus();
    memory.book.Add({std::string(statement.Bytes(1)), std::string(statement.Bytes(2)),
                     std::string(statement.Bytes(3))},
                    absl::FromUnixNanos(statement.Int64(0)), statement.Int64(4) != 0);
  }
}

std::optional<int64_t> LeasableFromColumn(const v1::Session& session) {
  if (IsTerminal(session.state())) return std::nullopt;
  return std::max<int64_t>(absl::ToUnixNanos(LeasableFrom(session)), 0);
}

std::optional<int64_t> LeaseUntilColumn(const v1::Session& session) {
  if (!IsLeased(session)) return std::nullopt;
  return absl::ToUnixNanos(FromProto(session.lease_until()));
}

absl::Status InsertSession(Connection& connection, int64_t event_seq, const v1::Session& session,
                           const SessionGates& gates, std::string_view record) {
  ASSIGN_OR_RETURN(const bool parked, ComesToPark(connection, session));
  ASSIGN_OR_RETURN(Statement statement,
                   connection.Prepare(
                       "INSERT INTO sessions (id, event_seq, account, routine, state, create_time, "
                       "leasable_from, kind, slot, waits, root, record) "
                       "VALUES (?, ?, ?, ?, 'queued', ?, ?, ?, ?, ?, NULLIF(?, ''), ?)"));
  const std::optional<absl::Time> slot = SlotOf(session, gates);
  return statement
      .Bind(session.id(), event_seq, session.account(), session.routine(),
            FromProto(session.create_time()), parked ? kParked : LeasableFromColumn(session),
            gates.kind, slot ? std::optional(absl::ToUnixNanos(*slot)) : std::nullopt,
            static_cast<int>(WaitsForLimit(session)), session.lineage().root_event_id(),
            Blob{record})
      .Run();
}

absl::Status WriteSession(Connection& connection, int64_t seq, const v1::Session& session) {
  ASSIGN_OR_RETURN(
      Statement statement,
      connection.Prepare("UPDATE sessions SET state = ?, leasable_from = ?, lease_owner = ?, "
                         "lease_until = ?, fencing_token = ?, last_sequence = ?, "
                         "cancel_requested = ?, waits = ?, end_time = ?, record = ? "
                         "WHERE seq = ?"));
  const std::string record = EncodeSession(session);
  return statement
      .Bind(StateName(session.state()), LeasableFromColumn(session), session.lease_owner(),
            LeaseUntilColumn(session), session.fencing_token(), session.last_sequence(),
            static_cast<int>(session.cancel_requested()), static_cast<int>(WaitsForLimit(session)),
            EndColumn(session), Blob{record}, seq)
      .Run();
}

absl::Status Park(Connection& connection, int64_t seq) {
  ASSIGN_OR_RETURN(Statement statement, connection.Prepare("UPDATE sessions SET leasable_from = "
                                                           "9223372036854775807 WHERE seq = ?"));
  return statement.Bind(seq).Run();
}

absl::StatusOr<int> CountOnTheirWay(Connection& connection, std::string_view account,
                                    std::string_view routine, int most) {
  ASSIGN_OR_RETURN(
      Statement statement,
      connection.Prepare("SELECT count(*) FROM (SELECT 1 FROM sessions WHERE account = ? AND "
                         "routine = ? AND leasable_from < 9223372036854775807 AND waits = 0 "
                         "LIMIT ?)"));
  RETURN_IF_ERROR(statement.Bind(account, routine, most).Step().status());
  return static_cast<int>(statement.Int64(0));
}

absl::Status LetGoOn(Connection& connection, std::string_view account, std::string_view routine) {
  for (;;) {
    ASSIGN_OR_RETURN(const Row oldest, OldestParked(connection, account, routine));
    if (oldest.seq == 0) return absl::OkStatus();
    ASSIGN_OR_RETURN(const int on_their_way, CountOnTheirWay(connection, account, routine,
                                                             oldest.session.concurrency_limit()));
    if (MustWait(oldest.session, on_their_way)) return absl::OkStatus();
    ASSIGN_OR_RETURN(Statement statement,
                     connection.Prepare("UPDATE sessions SET leasable_from = 0 WHERE seq = ?"));
    RETURN_IF_ERROR(statement.Bind(oldest.seq).Run());
    // It waited for a limit before: it has its turn at the next lease, and is not on its way yet.
    if (WaitsForLimit(oldest.session)) return absl::OkStatus();
  }
}

absl::StatusOr<bool> CancelSession(Connection& connection, WriterMemory& memory,
                                   const std::string& id, absl::Time now) {
  Row row;
  {
    ASSIGN_OR_RETURN(Statement statement, connection.Prepare("SELECT " ROUTINES_SESSION_COLUMNS
                                                             " FROM sessions WHERE id = ?"));
    ASSIGN_OR_RETURN(const bool found, statement.Bind(id).Step());
    if (!found) return absl::NotFoundError(absl::StrCat("no session ", id));
    RETURN_IF_ERROR(ReadSession(statement, row.session));
    row.seq = statement.Int64(kSessionSeqColumn);
  }
  const bool waited = WaitsForLimit(row.session);
  if (!ApplyCancel(now, row.session)) return false;
  if (waited) RETURN_IF_ERROR(FreeSlot(connection, memory, row.seq, row.session));
  RETURN_IF_ERROR(WriteSession(connection, row.seq, row.session));
  if (IsTerminal(row.session.state())) {
    RETURN_IF_ERROR(LetGoOn(connection, row.session.account(), row.session.routine()));
  }
  return true;
}

absl::StatusOr<std::optional<v1::Decision>> ChangeDecision(
    Connection& connection, int64_t event_seq, const std::string& session_id,
    const std::function<void(v1::Decision&)>& change) {
  int64_t seq = 0;
  v1::Decision decision;
  {
    ASSIGN_OR_RETURN(Statement statement,
                     connection.Prepare("SELECT seq, record FROM decisions WHERE event_seq = ?"));
    statement.Bind(event_seq);
    while (decision.session_id() != session_id || seq == 0) {
      ASSIGN_OR_RETURN(const bool row, statement.Step());
      if (!row) return std::nullopt;
      seq = statement.Int64(0);
      RETURN_IF_ERROR(statement.Parse(1, decision));
    }
  }
  change(decision);
  ASSIGN_OR_RETURN(Statement update,
                   connection.Prepare("UPDATE decisions SET record = ? WHERE seq = ?"));
  const std::string record = decision.SerializeAsString();
  RETURN_IF_ERROR(update.Bind(Blob{record}, seq).Run());
  decision.set_sequence(seq);
  return decision;
}

absl::Status DropWaiting(Connection& connection, WriterMemory& memory, int64_t seq,
                         const v1::Session& session) {
  RETURN_IF_ERROR(FreeSlot(connection, memory, seq, session));
  ASSIGN_OR_RETURN(Statement statement, connection.Prepare("DELETE FROM sessions WHERE seq = ?"));
  RETURN_IF_ERROR(statement.Bind(seq).Run());
  return LetGoOn(connection, session.account(), session.routine());
}

absl::StatusOr<std::vector<v1::Decision>> WithdrawSessions(
    Connection& connection, WriterMemory& memory, const RoutineRef& routine,
    const std::string& trigger_id, v1::DecisionReason reason, const std::string& detail) {
  struct Waiting {
    int64_t seq, event_seq;
    v1::Session session;
  };
  std::vector<Waiting> all;
  {
    ASSIGN_OR_RETURN(
        Statement statement,
        connection.Prepare("SELECT seq, event_seq, record FROM sessions WHERE account = ? AND "
                           "routine = ? AND waits = 1 ORDER BY seq"));
    statement.Bind(routine.account, routine.name);
    for (;;) {
      ASSIGN_OR_RETURN(const bool row, statement.Step());
      if (!row) break;
      Waiting waiting{statement.Int64(0), statement.Int64(1), {}};
      RETURN_IF_ERROR(statement.Parse(2, waiting.session));
      const bool wanted = trigger_id.empty() || waiting.session.trigger_id() == trigger_id;
      if (wanted) all.push_back(std::move(waiting));
    }
  }
  std::vector<v1::Decision> withdrawn;
  for (const Waiting& waiting : all) {
    ASSIGN_OR_RETURN(
        std::optional<v1::Decision> decision,
        ChangeDecision(connection, waiting.event_seq, waiting.session.id(),
                       [&](v1::Decision& each) { ApplyWithdrawn(reason, detail, each); }));
    if (decision) withdrawn.push_back(*std::move(decision));
    RETURN_IF_ERROR(DropWaiting(connection, memory, waiting.seq, waiting.session));
  }
  return withdrawn;
}

}  // namespace routines::store
