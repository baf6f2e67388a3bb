// Admission in SQLite.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "src/base/status_macros.h"
#include "src/base/time_conversion.h"
#include "src/store/gates.h"
#include "src/store/sqlite_changes.h"
#include "src/store/sqlite_queries.h"
#include "src/store/sqlite_sessions.h"
#include "src/store/transitions.h"

namespace routines::store {
namespace {

absl::StatusOr<Admitted> AnswerAgain(Connection& connection, int64_t event_seq) {
  Admitted admitted;
  admitted.duplicate = true;
  ASSIGN_OR_RETURN(Statement event, connection.Prepare("SELECT id FROM events WHERE seq = ?"));
  ASSIGN_OR_RETURN(const bool found, event.Bind(event_seq).Step());
  if (!found) return admitted;  // the key outlived it
  admitted.event_id = std::string(event.Bytes(0));

  ASSIGN_OR_RETURN(
      Statement decisions,
      connection.Prepare("SELECT record, seq FROM decisions WHERE event_seq = ? ORDER BY seq"));
  decisions.Bind(event_seq);
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, decisions.Step());
    if (!row) break;
    RETURN_IF_ERROR(decisions.Parse(0, admitted.decisions.emplace_back()));
    admitted.decisions.back().set_sequence(decisions.Int64(1));
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
                   connection.Prepare("INSERT INTO events (id, source, time, record, size) "
                                      "VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING"));
  RETURN_IF_ERROR(statement
                      .Bind(event.id(), event.source(), FromProto(event.time()),
                            Blob{encoded.event.bytes}, static_cast<int64_t>(encoded.event.size))
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

absl::Status InsertDecisions(Connection& connection, EncodedAdmission& encoded, int64_t event_seq) {
  if (encoded.decisions.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(Statement statement,
                   connection.Prepare("INSERT INTO decisions (event_seq, account, routine, time, "
                                      "record) VALUES (?, ?, ?, ?, ?)"));
  for (size_t i = 0; i < encoded.decisions.size(); ++i) {
    v1::Decision& decision = encoded.admission.decisions[i];
    RETURN_IF_ERROR(statement
                        .Bind(event_seq, decision.account(), decision.routine(),
                              FromProto(decision.time()), Blob{encoded.decisions[i]})
                        .Run());
    decision.set_sequence(connection.last_insert_rowid());
  }
  return absl::OkStatus();
}

// The event's record, where it got a lineage after it was stored.
absl::Status UpdateEvent(Connection& connection, const EncodedAdmission& encoded,
                         int64_t event_seq) {
  ASSIGN_OR_RETURN(Statement statement,
                   connection.Prepare("UPDATE events SET record = ?, size = ? WHERE seq = ?"));
  return statement
      .Bind(Blob{encoded.event.bytes}, static_cast<int64_t>(encoded.event.size), event_seq)
      .Run();
}

// What the gates see of the database.
class View : public GateView {
 public:
  View(Connection& connection, WriterMemory& memory, absl::Time now)
      : connection_(connection), memory_(memory), now_(now) {}

  absl::StatusOr<std::optional<v1::Session>> SessionById(const std::string& id) override {
    return One("SELECT " ROUTINES_SESSION_COLUMNS " FROM sessions WHERE id = ?", id);
  }

  absl::StatusOr<std::optional<v1::Session>> SessionThatPushed(const std::string& commit) override {
    return One("SELECT " ROUTINES_SESSION_COLUMNS
               " FROM sessions WHERE seq = "
               "(SELECT max(session_seq) FROM pushes WHERE commit_id = ?)",
               commit);
  }

  absl::StatusOr<int> CountFollowing(const std::string& root_event_id, int most) override {
    ASSIGN_OR_RETURN(Statement statement,
                     connection_.Prepare("SELECT count(*) FROM (SELECT 1 FROM sessions WHERE "
                                         "root = ? LIMIT ?)"));
    RETURN_IF_ERROR(statement.Bind(root_event_id, most).Step().status());
    return static_cast<int>(statement.Int64(0));
  }

  absl::StatusOr<std::string> UnfinishedOf(const RoutineRef& routine) override {
    ASSIGN_OR_RETURN(
        Statement statement,
        connection_.Prepare("SELECT id FROM sessions WHERE account = ? AND routine = ? AND state "
                            "IN ('queued', 'preparing', 'running') ORDER BY seq LIMIT 1"));
    ASSIGN_OR_RETURN(const bool found, statement.Bind(routine.account, routine.name).Step());
    return found ? std::string(statement.Bytes(0)) : "";
  }

  absl::StatusOr<LimitBook*> Book() override {
    RETURN_IF_ERROR(LoadBook(connection_, memory_, now_));
    return &memory_.book;
  }

  absl::StatusOr<std::vector<v1::Decision>> Withdraw(const RoutineRef& routine,
                                                     const std::string& trigger_id,
                                                     v1::DecisionReason reason,
                                                     const std::string& detail) override {
    return WithdrawSessions(connection_, memory_, routine, trigger_id, reason, detail);
  }

  absl::StatusOr<std::vector<std::string>> CancelUnfinished(const RoutineRef& routine,
                                                            bool queued_only,
                                                            absl::Time now) override {
    std::vector<std::string> ids;
    {
      ASSIGN_OR_RETURN(
          Statement statement,
          connection_.Prepare("SELECT id, state FROM sessions WHERE account = ? AND routine = ? "
                              "AND state IN ('queued', 'preparing', 'running') ORDER BY seq DESC"));
      statement.Bind(routine.account, routine.name);
      for (;;) {
        ASSIGN_OR_RETURN(const bool row, statement.Step());
        if (!row) break;
        if (!queued_only || statement.Bytes(1) == "queued") ids.emplace_back(statement.Bytes(0));
      }
    }
    // Youngest first, so that none goes on in place of another.
    std::vector<std::string> cancelled;
    for (std::string& id : ids) {
      ASSIGN_OR_RETURN(const bool changed, CancelSession(connection_, memory_, id, now));
      if (changed) cancelled.push_back(std::move(id));
    }
    return cancelled;
  }

 private:
  absl::StatusOr<std::optional<v1::Session>> One(std::string_view sql, const std::string& word) {
    ASSIGN_OR_RETURN(Statement statement, connection_.Prepare(sql));
    ASSIGN_OR_RETURN(const bool found, statement.Bind(word).Step());
    if (!found) return std::nullopt;
    v1::Session session;
    RETURN_IF_ERROR(ReadSession(statement, session));
    return session;
  }

  Connection& connection_;
  WriterMemory& memory_;
  const absl::Time now_;
};

}  // namespace

EncodedAdmission::EncodedAdmission(Admission a) : admission(std::move(a)) {
  for (v1::Session& session : admission.sessions) InitializeLease(session);
  EncodeEvent();
  EncodeOutcome();
}

void EncodedAdmission::EncodeEvent() {
  event = Compress(admission.event.SerializeAsString());
}

void EncodedAdmission::EncodeOutcome() {
  decisions.clear();
  sessions.clear();
  for (v1::Decision& decision : admission.decisions) {
    decision.clear_sequence();  // a column
    decisions.push_back(decision.SerializeAsString());
  }
  for (const v1::Session& session : admission.sessions) {
    sessions.push_back(session.SerializeAsString());
  }
}

absl::StatusOr<Admitted> Admit(Connection& connection, WriterMemory& memory,
                               EncodedAdmission& encoded) {
  Admission& admission = encoded.admission;
  View view(connection, memory, FromProto(admission.event.time()));
  if (admission.dry_run) {
    RETURN_IF_ERROR(ApplyGates(view, admission).status());
    return Admitted{false, admission.event.id(), std::move(admission.decisions), {}, {}, {}};
  }
  ASSIGN_OR_RETURN(const std::optional<int64_t> holder, KeyHolder(connection, admission));
  if (holder.has_value()) return AnswerAgain(connection, *holder);
  RETURN_IF_ERROR(CheckSessionIds(connection, admission));
  ASSIGN_OR_RETURN(const std::optional<int64_t> inserted, InsertEvent(connection, encoded));
  if (!inserted.has_value()) {
    ASSIGN_OR_RETURN(const int64_t first, EventSeq(connection, admission.event.id()));
    return AnswerAgain(connection, first);
  }
  const int64_t event_seq = *inserted;
  ASSIGN_OR_RETURN(Gated gated, ApplyGates(view, admission));
  if (gated.changed) {
    encoded.EncodeOutcome();
    if (admission.event.has_lineage()) {
      encoded.EncodeEvent();
      RETURN_IF_ERROR(UpdateEvent(connection, encoded, event_seq));
    }
  }
  if (!admission.keys_need_session || !admission.sessions.empty()) {
    RETURN_IF_ERROR(InsertKeys(connection, admission, event_seq));
  }
  RETURN_IF_ERROR(InsertDecisions(connection, encoded, event_seq));
  for (size_t i = 0; i < admission.sessions.size(); ++i) {
    RETURN_IF_ERROR(InsertSession(connection, event_seq, admission.sessions[i], admission.gates[i],
                                  encoded.sessions[i]));
  }
  return Admitted{false,
                  admission.event.id(),
                  std::move(admission.decisions),
                  std::move(admission.sessions),
                  std::move(gated.cancelled),
                  std::move(gated.coalesced)};
}

}  // namespace routines::store
