#include "src/store/sqlite_retention.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "src/base/status_macros.h"
#include "src/store/transitions.h"

namespace routines::store {
namespace {

// Of one session's log in one step.
constexpr int kMostLogEntries = 20'000;
// Events that are looked at for each one that may go.
constexpr int kLookedAt = 10;

absl::StatusOr<bool> IsLarge(Connection& connection, const DeleteOld& rule) {
  if (rule.max_bytes <= 0) return false;
  ASSIGN_OR_RETURN(
      Statement statement,
      connection.Prepare("SELECT (SELECT page_count FROM pragma_page_count()) - (SELECT "
                         "freelist_count FROM pragma_freelist_count()), (SELECT page_size FROM "
                         "pragma_page_size())"));
  RETURN_IF_ERROR(statement.Step().status());
  return statement.Int64(0) * statement.Int64(1) > rule.max_bytes;
}

// How many rows went.
absl::StatusOr<int64_t> Delete(Connection& connection, std::string_view sql, int64_t seq) {
  ASSIGN_OR_RETURN(Statement statement, connection.Prepare(sql));
  RETURN_IF_ERROR(statement.Bind(seq, kMostLogEntries).Run());
  return connection.changes();
}

absl::Status SweepSessions(Connection& connection, const DeleteOld& rule, bool large) {
  std::vector<int64_t> seqs;
  {
    ASSIGN_OR_RETURN(
        Statement statement,
        connection.Prepare("SELECT seq FROM sessions WHERE end_time IS NOT NULL AND end_time <= ? "
                           "ORDER BY end_time LIMIT ?"));
    statement.Bind(rule.now - (large ? kLeastKept : std::max(rule.sessions, kLeastKept)),
                   std::max(rule.limit, 0));
    for (;;) {
      ASSIGN_OR_RETURN(const bool row, statement.Step());
      if (!row) break;
      seqs.push_back(statement.Int64(0));
    }
  }
  int64_t entries = 0;
  for (const int64_t seq : seqs) {
    ASSIGN_OR_RETURN(const int64_t gone,
                     Delete(connection,
                            "DELETE FROM session_events WHERE seq IN (SELECT seq FROM "
                            "session_events WHERE session_seq = ? LIMIT ?)",
                            seq));
    entries += gone;
    if (entries >= kMostLogEntries) break;  // the rest of a long log goes in the next step
    RETURN_IF_ERROR(Delete(connection, "DELETE FROM pushes WHERE session_seq = ?", seq).status());
    RETURN_IF_ERROR(Delete(connection, "DELETE FROM sessions WHERE seq = ?", seq).status());
  }
  return absl::OkStatus();
}

absl::Status SweepEvents(Connection& connection, WriterMemory& memory, const DeleteOld& rule,
                         bool large) {
  struct Looked {
    int64_t seq;
    bool goes;
  };
  std::vector<Looked> all;
  const int most = std::max(rule.limit, 0) * kLookedAt;
  {
    ASSIGN_OR_RETURN(
        Statement statement,
        connection.Prepare(
            "SELECT seq, time, EXISTS (SELECT 1 FROM sessions WHERE event_seq = e.seq) OR EXISTS "
            "(SELECT 1 FROM dedupe_keys WHERE event_seq = e.seq AND until > ? AND until < "
            "9223372036854775807) FROM events AS e WHERE seq > ? ORDER BY seq LIMIT ?"));
    statement.Bind(rule.now, memory.swept, most);
    for (;;) {
      ASSIGN_OR_RETURN(const bool row, statement.Step());
      if (!row) break;
      const bool old = EventIsOld(rule, large, absl::FromUnixNanos(statement.Int64(1)));
      if (!old) break;  // nor are those that came after it
      all.push_back({statement.Int64(0), statement.Int64(2) == 0});
    }
  }
  // From the beginning again, once the end of what is old was reached.
  int gone = 0;
  memory.swept = static_cast<int>(all.size()) < most ? 0 : all.back().seq;
  for (const Looked& looked : all) {
    if (!looked.goes) continue;
    if (++gone > rule.limit) {
      memory.swept = looked.seq - 1;
      break;
    }
    for (const char* const sql :
         {"DELETE FROM decisions WHERE event_seq = ?",
          "DELETE FROM dedupe_keys WHERE event_seq = ? AND until < 9223372036854775807",
          "DELETE FROM events WHERE seq = ?"}) {
      RETURN_IF_ERROR(Delete(connection, sql, looked.seq).status());
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status SweepOld(Connection& connection, WriterMemory& memory, const DeleteOld& rule) {
  if (rule.limit <= 0) return absl::OkStatus();
  ASSIGN_OR_RETURN(const bool large, IsLarge(connection, rule));
  RETURN_IF_ERROR(SweepSessions(connection, rule, large));
  return SweepEvents(connection, memory, rule, large);
}

}  // namespace routines::store
