#include "src/store/sqlite_queries.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "routines/session.h"
#include "src/base/status_macros.h"
#include "src/base/time_conversion.h"
#include "src/store/compress.h"
#include "src/store/gates.h"

namespace routines::store {
namespace {

// Every row's first column, parsed, to the end of `list`.
template <typename Message>
absl::Status Collect(Statement& statement, std::vector<Message>& list) {
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, statement.Step());
    if (!row) return absl::OkStatus();
    RETURN_IF_ERROR(statement.Parse(0, list.emplace_back()));
  }
}

absl::Status CollectEvents(Statement& statement, Rows& rows) {
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, statement.Step());
    if (!row) return absl::OkStatus();
    ASSIGN_OR_RETURN(const std::string record,
                     Decompress(statement.Bytes(0), static_cast<size_t>(statement.Int64(1))));
    if (!rows.events.emplace_back().ParseFromString(record)) {
      return absl::DataLossError("a stored event cannot be read; restore a backup");
    }
  }
}

absl::Status CollectSessions(Statement& statement, std::vector<v1::Session>& list) {
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, statement.Step());
    if (!row) return absl::OkStatus();
    RETURN_IF_ERROR(ReadSession(statement, list.emplace_back()));
  }
}

// LIMIT takes a negative number for none.
int64_t Limit(int limit) {
  return std::max(limit, 0);
}

// The place of `id` in the order of admission: rows before it are older. Past the end for an empty
// id, before the beginning for an unknown one.
absl::StatusOr<int64_t> SeqOf(Connection& connection, std::string_view table,
                              const std::string& id) {
  if (id.empty()) return std::numeric_limits<int64_t>::max();
  ASSIGN_OR_RETURN(
      Statement statement,
      connection.Prepare(absl::StrCat("SELECT seq FROM ", std::string(table), " WHERE id = ?")));
  ASSIGN_OR_RETURN(const bool row, statement.Bind(id).Step());
  return row ? statement.Int64(0) : std::numeric_limits<int64_t>::min();
}

absl::Status Get(Connection& connection, const RoutineQuery& query, Rows& rows) {
  if (!query.name.empty()) {
    ASSIGN_OR_RETURN(
        Statement statement,
        connection.Prepare("SELECT record FROM routines WHERE account = ?1 AND name = ?2 "
                           "AND (revision = ?3 OR ?3 = 0) ORDER BY revision DESC LIMIT 1"));
    return Collect(statement.Bind(query.account, query.name, query.revision), rows.routines);
  }
  ASSIGN_OR_RETURN(
      Statement statement,
      connection.Prepare(
          "SELECT record FROM routines AS r WHERE deleted = 0 "
          "AND (account = ?1 OR ?1 = '') AND revision = (SELECT MAX(revision) FROM "
          "routines WHERE account = r.account AND name = r.name) ORDER BY account, name"));
  return Collect(statement.Bind(query.account), rows.routines);
}

absl::Status Get(Connection& connection, const TokenQuery& query, Rows& rows) {
  ASSIGN_OR_RETURN(
      Statement statement,
      connection.Prepare(query.trigger_id.empty()
                             ? "SELECT record FROM tokens ORDER BY id"
                             : "SELECT record FROM tokens WHERE trigger_id = ? ORDER BY id"));
  if (!query.trigger_id.empty()) statement.Bind(query.trigger_id);
  return Collect(statement, rows.tokens);
}

// One ordered walk of an index for each state, merged: an IN (…) would sort all that it finds.
std::string SessionListSql(const SessionQuery& query, size_t states) {
  std::string where = "seq < ?1";
  if (!query.account.empty()) where += " AND account = ?3";
  if (!query.routine.empty()) where += " AND routine = ?4";
  const bool by_state = states > 0 || !query.routine.empty();
  if (!by_state && query.account.empty()) {
    return absl::StrCat("SELECT " ROUTINES_SESSION_COLUMNS " FROM sessions WHERE ", where,
                        " ORDER BY seq DESC LIMIT ?2");
  }
  std::vector<std::string> walks;
  for (size_t i = 0; i < states; ++i) {
    walks.push_back(absl::StrCat("SELECT * FROM (SELECT " ROUTINES_SESSION_COLUMNS
                                 " FROM sessions WHERE ",
                                 where, " AND state = ?", 5 + i, " ORDER BY seq DESC LIMIT ?2)"));
  }
  return absl::StrCat(absl::StrJoin(walks, " UNION ALL "), " ORDER BY seq DESC LIMIT ?2");
}

absl::Status Get(Connection& connection, const SessionQuery& query, Rows& rows) {
  if (!query.id.empty()) {
    ASSIGN_OR_RETURN(Statement statement, connection.Prepare("SELECT " ROUTINES_SESSION_COLUMNS
                                                             " FROM sessions WHERE id = ?"));
    return CollectSessions(statement.Bind(query.id), rows.sessions);
  }
  std::vector<v1::SessionState> states = query.states;
  if (states.empty() && !(query.account.empty() && query.routine.empty())) {
    for (int state = v1::SESSION_STATE_QUEUED; state <= v1::SESSION_STATE_LOST; ++state) {
      states.push_back(static_cast<v1::SessionState>(state));
    }
  }
  std::sort(states.begin(), states.end());
  states.erase(std::unique(states.begin(), states.end()), states.end());

  ASSIGN_OR_RETURN(const int64_t before, SeqOf(connection, "sessions", query.before_id));
  ASSIGN_OR_RETURN(Statement statement, connection.Prepare(SessionListSql(query, states.size())));
  statement.Bind(before, Limit(query.limit), query.account, query.routine);
  for (v1::SessionState state : states) statement.Bind(StateName(state));
  return CollectSessions(statement, rows.sessions);
}

absl::Status Get(Connection& connection, const SessionEventQuery& query, Rows& rows) {
  ASSIGN_OR_RETURN(
      Statement statement,
      connection.Prepare("SELECT record, sequence FROM session_events WHERE session_seq = "
                         "(SELECT seq FROM sessions WHERE id = ?) AND sequence > ? "
                         "ORDER BY sequence LIMIT ?"));
  statement.Bind(query.session_id, query.after, Limit(query.limit));
  int64_t bytes = 0;
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, statement.Step());
    if (!row) return absl::OkStatus();
    bytes += static_cast<int64_t>(statement.Bytes(0).size());
    if (bytes > query.max_bytes && !rows.session_events.empty()) return absl::OkStatus();
    v1::SessionEvent& event = rows.session_events.emplace_back();
    RETURN_IF_ERROR(statement.Parse(0, event));
    event.set_sequence(statement.Int64(1));
  }
}

absl::Status Get(Connection& connection, const EventQuery& query, Rows& rows) {
  if (!query.id.empty()) {
    ASSIGN_OR_RETURN(Statement statement,
                     connection.Prepare("SELECT record, size FROM events WHERE id = ?"));
    return CollectEvents(statement.Bind(query.id), rows);
  }
  ASSIGN_OR_RETURN(const int64_t before, SeqOf(connection, "events", query.before_id));
  ASSIGN_OR_RETURN(Statement statement,
                   connection.Prepare(
                       "SELECT record, size FROM events WHERE seq < ? ORDER BY seq DESC LIMIT ?"));
  return CollectEvents(statement.Bind(before, Limit(query.limit)), rows);
}

absl::Status Get(Connection& connection, const DecisionQuery& query, Rows& rows) {
  std::string where = "time >= ?1";
  std::string order = "seq";
  if (!query.account.empty()) where += " AND account = ?3";
  if (!query.routine.empty()) where += " AND routine = ?4";
  if (!query.account.empty() && !query.routine.empty()) order = "time DESC, seq";
  if (!query.event_id.empty()) {
    where += " AND event_seq = (SELECT seq FROM events WHERE id = ?5)";
    order = "seq";
  }
  if (query.before > 0 && order == "seq") where += " AND seq < ?6";
  if (query.before > 0 && order != "seq") {
    where += " AND (time, seq) < (SELECT time, seq FROM decisions WHERE seq = ?6)";
  }
  ASSIGN_OR_RETURN(Statement statement,
                   connection.Prepare(absl::StrCat("SELECT record, seq FROM decisions WHERE ",
                                                   where, " ORDER BY ", order, " DESC LIMIT ?2")));
  statement.Bind(query.since, Limit(query.limit), query.account, query.routine, query.event_id,
                 query.before);
  for (;;) {
    ASSIGN_OR_RETURN(const bool row, statement.Step());
    if (!row) return absl::OkStatus();
    v1::Decision& decision = rows.decisions.emplace_back();
    RETURN_IF_ERROR(statement.Parse(0, decision));
    decision.set_sequence(statement.Int64(1));
  }
}

absl::Status Get(Connection& connection, const SettingQuery& query, Rows& rows) {
  ASSIGN_OR_RETURN(Statement statement,
                   connection.Prepare("SELECT value FROM settings WHERE name = ?"));
  ASSIGN_OR_RETURN(const bool row, statement.Bind(query.name).Step());
  if (row) rows.settings.emplace_back(statement.Bytes(0));
  return absl::OkStatus();
}

absl::Status CollectTokens(Connection& connection, const RoutineRef& routine,
                           std::vector<v1::Token>& tokens) {
  ASSIGN_OR_RETURN(Statement statement,
                   connection.Prepare("SELECT record FROM tokens WHERE trigger_id IN (SELECT "
                                      "trigger_id FROM triggers WHERE account = ? AND routine = "
                                      "?) ORDER BY id"));
  return Collect(statement.Bind(routine.account, routine.name), tokens);
}

absl::Status Get(Connection& connection, const ChangeQuery& query, Rows& rows) {
  std::set<std::pair<std::string, std::string>> names;
  {
    ASSIGN_OR_RETURN(Statement statement,
                     connection.Prepare("SELECT record, change, account, name FROM routines WHERE "
                                        "change > ? ORDER BY change LIMIT ?"));
    statement.Bind(query.after, Limit(query.limit));
    for (;;) {
      ASSIGN_OR_RETURN(const bool row, statement.Step());
      if (!row) break;
      RETURN_IF_ERROR(statement.Parse(0, rows.routines.emplace_back()));
      rows.change = statement.Int64(1);
      names.emplace(statement.Bytes(2), statement.Bytes(3));
    }
  }
  for (const auto& [account, name] : names) {
    RETURN_IF_ERROR(CollectTokens(connection, {account, name}, rows.tokens));
  }
  if (!rows.routines.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(Statement newest, connection.Prepare("SELECT max(change) FROM routines"));
  RETURN_IF_ERROR(newest.Step().status());
  rows.change = newest.Int64(0);
  return absl::OkStatus();
}

}  // namespace

void ReadLease(const Statement& row, v1::Session& session) {
  session.set_lease_owner(std::string(row.Bytes(1)));
  if (!row.IsNull(2)) {
    *session.mutable_lease_until() = ToProto(absl::FromUnixNanos(row.Int64(2)));
  }
  session.set_fencing_token(row.Int64(3));
  session.set_last_sequence(row.Int64(4));
  session.set_cancel_requested(row.Int64(5) != 0);
}

absl::Status ReadSession(const Statement& row, v1::Session& session) {
  RETURN_IF_ERROR(row.Parse(0, session));
  ReadLease(row, session);
  return absl::OkStatus();
}

absl::StatusOr<Rows> RunQuery(Connection& connection, const Query& query) {
  Rows rows;
  RETURN_IF_ERROR(std::visit([&](const auto& q) { return Get(connection, q, rows); }, query));
  return rows;
}

}  // namespace routines::store
