// Leases in SQLite: one account after the other in turn.
#include <cstdint>
#include <optional>
#include <set>
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

constexpr int kMostPromoted = 1000;  // in one call; the rest has its turn in the next

struct Ready {
  int64_t seq = 0, event_seq = 0;
  v1::Session session;
};

// Those whose time has come are as ready as those that wait for nothing.
absl::Status Promote(Connection& connection, absl::Time now) {
  ASSIGN_OR_RETURN(
      Statement statement,
      connection.Prepare("UPDATE sessions SET leasable_from = 0 WHERE seq IN (SELECT seq FROM "
                         "sessions WHERE leasable_from > 0 AND leasable_from < "
                         "9223372036854775807 AND leasable_from <= ? ORDER BY leasable_from "
                         "LIMIT ?)"));
  return statement.Bind(now, kMostPromoted).Run();
}

// The first account after `account` that has something ready; empty: none.
absl::StatusOr<std::optional<std::string>> NextAccount(Connection& connection,
                                                       const std::optional<std::string>& after) {
  ASSIGN_OR_RETURN(Statement statement,
                   connection.Prepare("SELECT account FROM sessions WHERE leasable_from = 0 AND "
                                      "account > ? ORDER BY account LIMIT 1"));
  ASSIGN_OR_RETURN(Statement first,
                   connection.Prepare("SELECT account FROM sessions WHERE leasable_from = 0 "
                                      "ORDER BY account LIMIT 1"));
  Statement& wanted = after ? statement.Bind(*after) : first;
  ASSIGN_OR_RETURN(const bool found, wanted.Step());
  if (!found) return std::nullopt;
  return std::string(wanted.Bytes(0));
}

absl::StatusOr<Ready> OldestReady(Connection& connection, const std::string& account,
                                  int64_t after) {
  ASSIGN_OR_RETURN(Statement statement,
                   connection.Prepare("SELECT " ROUTINES_SESSION_COLUMNS
                                      ", event_seq FROM sessions WHERE leasable_from = 0 AND "
                                      "account = ? AND seq > ? ORDER BY seq LIMIT 1"));
  Ready ready;
  ASSIGN_OR_RETURN(const bool found, statement.Bind(account, after).Step());
  if (!found) return ready;
  RETURN_IF_ERROR(ReadSession(statement, ready.session));
  ready.seq = statement.Int64(kSessionSeqColumn);
  ready.event_seq = statement.Int64(kSessionSeqColumn + 1);
  return ready;
}

// One that works already and whose lease ran out.
absl::StatusOr<Ready> OldestAbandoned(Connection& connection, const std::string& account) {
  ASSIGN_OR_RETURN(
      Statement statement,
      connection.Prepare("SELECT " ROUTINES_SESSION_COLUMNS
                         ", event_seq FROM sessions INDEXED BY sessions_by_account WHERE account = "
                         "? AND state IN ('preparing', 'running') AND leasable_from = 0 "
                         "ORDER BY seq LIMIT 1"));
  Ready ready;
  ASSIGN_OR_RETURN(const bool found, statement.Bind(account).Step());
  if (!found) return ready;
  RETURN_IF_ERROR(ReadSession(statement, ready.session));
  ready.seq = statement.Int64(kSessionSeqColumn);
  return ready;
}

absl::StatusOr<int> CountWorking(Connection& connection, const std::string& account, int most) {
  ASSIGN_OR_RETURN(Statement statement,
                   connection.Prepare("SELECT count(*) FROM (SELECT 1 FROM sessions WHERE "
                                      "account = ? AND state IN ('preparing', 'running') LIMIT "
                                      "?)"));
  RETURN_IF_ERROR(statement.Bind(account, most).Step().status());
  return static_cast<int>(statement.Int64(0));
}

// False: a session that waited for a limit is not to be had after all.
absl::StatusOr<bool> EndWait(Connection& connection, WriterMemory& memory,
                             const LeaseRequest& request, const Ready& ready) {
  const absl::Time now = request.now;
  const v1::Session& session = ready.session;
  const bool expired = HasExpired(session, now);
  if (!expired && session.concurrency_limit() > 0) {
    ASSIGN_OR_RETURN(const int on_their_way,
                     CountOnTheirWay(connection, session.account(), session.routine(),
                                     session.concurrency_limit()));
    if (MustWait(session, on_their_way)) {
      RETURN_IF_ERROR(Park(connection, ready.seq));
      return false;
    }
  }
  ASSIGN_OR_RETURN(
      std::optional<v1::Decision> decided,
      ChangeDecision(connection, ready.event_seq, session.id(),
                     [&](v1::Decision& decision) { DecideLeased(session, now, decision); }));
  if (decided && request.decided != nullptr) request.decided->push_back(*std::move(decided));
  if (expired) RETURN_IF_ERROR(DropWaiting(connection, memory, ready.seq, session));
  return !expired;
}

// The next session of one account; nothing where it has none that may be had.
absl::StatusOr<std::optional<v1::Session>> LeaseOf(Connection& connection, WriterMemory& memory,
                                                   const LeaseRequest& request,
                                                   const std::string& account) {
  bool full = false;
  if (request.max_per_account > 0) {
    ASSIGN_OR_RETURN(const int working, CountWorking(connection, account, request.max_per_account));
    full = working >= request.max_per_account;
  }
  for (int64_t after = 0;;) {
    // Whoever takes over what works already takes no other place.
    ASSIGN_OR_RETURN(Ready ready, full ? OldestAbandoned(connection, account)
                                       : OldestReady(connection, account, after));
    if (ready.seq == 0) return std::nullopt;
    after = ready.seq;
    if (WaitsForLimit(ready.session)) {
      ASSIGN_OR_RETURN(const bool to_be_had, EndWait(connection, memory, request, ready));
      if (!to_be_had) continue;
    }
    TakeLease(request, ready.session);
    RETURN_IF_ERROR(WriteSession(connection, ready.seq, ready.session));
    return std::move(ready.session);
  }
}

}  // namespace

absl::StatusOr<std::vector<v1::Session>> Lease(Connection& connection, WriterMemory& memory,
                                               const LeaseRequest& request) {
  std::vector<v1::Session> leased;
  if (request.decided != nullptr) request.decided->clear();
  if (request.max_sessions <= 0) return leased;
  RETURN_IF_ERROR(Promote(connection, request.now));
  std::set<std::string> dry;  // accounts that have nothing more
  bool whole_round = false, had = false;
  std::optional<std::string> after = memory.last_account;
  while (static_cast<int>(leased.size()) < request.max_sessions) {
    ASSIGN_OR_RETURN(std::optional<std::string> account, NextAccount(connection, after));
    if (!account) {
      if (whole_round && !had) break;
      whole_round = true;
      had = false;
      after = std::nullopt;
      continue;
    }
    after = account;
    if (dry.contains(*account)) continue;
    ASSIGN_OR_RETURN(std::optional<v1::Session> session,
                     LeaseOf(connection, memory, request, *account));
    if (!session) {
      dry.insert(*std::move(account));
      continue;
    }
    memory.last_account = *std::move(account);
    had = true;
    leased.push_back(*std::move(session));
  }
  return leased;
}

absl::Status AbandonLeases(Connection& connection) {
  return connection.Execute(
      "UPDATE sessions SET lease_owner = '', lease_until = NULL, leasable_from = 0 "
      "WHERE leasable_from > 0 AND lease_until IS NOT NULL");
}

}  // namespace routines::store
