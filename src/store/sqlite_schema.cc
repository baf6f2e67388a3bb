#include "src/store/sqlite_schema.h"

#include <cstdint>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "src/base/status_macros.h"

namespace routines::store {
namespace {

// PRAGMA application_id: "rout". Tells file(1), and us, whose the database is.
constexpr int64_t kApplicationId = 0x726f7574;

// `record` is the protobuf message of routines.v1 that the table is named after; the columns beside
// it are what is searched for, and what changes too often to be written with the record. Times are
// integer nanoseconds since 1970 UTC. `seq` is the order of admission.
constexpr std::string_view kVersion1 = R"sql(
CREATE TABLE events (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  source TEXT NOT NULL,
  time INTEGER NOT NULL,
  record BLOB NOT NULL
) STRICT;

CREATE TABLE dedupe_keys (
  key TEXT PRIMARY KEY,
  until INTEGER NOT NULL,
  event_seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE decisions (
  seq INTEGER PRIMARY KEY,
  event_seq INTEGER NOT NULL,
  account TEXT NOT NULL,
  routine TEXT NOT NULL,
  time INTEGER NOT NULL,
  record BLOB NOT NULL
) STRICT;
CREATE INDEX decisions_by_event ON decisions (event_seq);
CREATE INDEX decisions_by_routine ON decisions (account, routine, time);

-- lease_until is NULL where nobody holds the session. leasable_from: the time from which on it may be
-- taken (0: any), NULL once it has ended; so the index below holds only what is still to be done.
CREATE TABLE sessions (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  event_seq INTEGER NOT NULL,
  account TEXT NOT NULL,
  routine TEXT NOT NULL,
  state TEXT NOT NULL,
  create_time INTEGER NOT NULL,
  leasable_from INTEGER,
  lease_owner TEXT NOT NULL DEFAULT '',
  lease_until INTEGER,
  fencing_token INTEGER NOT NULL DEFAULT 0,
  last_sequence INTEGER NOT NULL DEFAULT 0,
  cancel_requested INTEGER NOT NULL DEFAULT 0,
  record BLOB NOT NULL
) STRICT;
CREATE INDEX sessions_to_lease ON sessions (leasable_from) WHERE leasable_from IS NOT NULL;
CREATE INDEX sessions_by_event ON sessions (event_seq);
CREATE INDEX sessions_by_state ON sessions (state);
CREATE INDEX sessions_by_account ON sessions (account, state);
CREATE INDEX sessions_by_routine ON sessions (account, routine, state);

-- A table with rowid and an index beside it: the records are large, and those of many sessions come
-- mixed; this way they are appended at one place.
CREATE TABLE session_events (
  seq INTEGER PRIMARY KEY,
  session_seq INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  record BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX session_events_by_session ON session_events (session_seq, sequence);

CREATE TABLE routines (
  account TEXT NOT NULL,
  name TEXT NOT NULL,
  revision INTEGER NOT NULL,
  deleted INTEGER NOT NULL,
  record BLOB NOT NULL,
  PRIMARY KEY (account, name, revision)
) STRICT;

CREATE TABLE triggers (
  trigger_id TEXT PRIMARY KEY,
  account TEXT NOT NULL,
  routine TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX triggers_by_routine ON triggers (account, routine);

CREATE TABLE tokens (
  id TEXT PRIMARY KEY,
  trigger_id TEXT NOT NULL,
  record BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_by_trigger ON tokens (trigger_id);

CREATE TABLE settings (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
)sql";

// Sessions that wait for others of their routine have the greatest leasable_from there is.
constexpr std::string_view kVersion2 = R"sql(
CREATE INDEX sessions_on_their_way ON sessions (account, routine)
  WHERE leasable_from < 9223372036854775807;
CREATE INDEX sessions_waiting ON sessions (account, routine, seq)
  WHERE leasable_from = 9223372036854775807;
)sql";

// Limits, lineage, turns between accounts, and deletion of what is old.
// kind, slot: as what and from when a session counts in the limits. waits: it waits for a limit,
// and was never leased. root: the event at the beginning of its lineage.
constexpr std::string_view kVersion3 = R"sql(
ALTER TABLE sessions ADD COLUMN kind TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN slot INTEGER;
ALTER TABLE sessions ADD COLUMN waits INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN root TEXT;
ALTER TABLE sessions ADD COLUMN end_time INTEGER;
UPDATE sessions SET end_time = create_time WHERE leasable_from IS NULL;
CREATE INDEX sessions_by_end ON sessions (end_time) WHERE end_time IS NOT NULL;
CREATE INDEX sessions_by_slot ON sessions (slot) WHERE slot IS NOT NULL;
CREATE INDEX sessions_by_root ON sessions (root) WHERE root IS NOT NULL;

-- Ready now, for each account; those that become ready at a time; and, of one routine, those that
-- are on their way and those that wait for a limit.
DROP INDEX sessions_to_lease;
DROP INDEX sessions_on_their_way;
CREATE INDEX sessions_ready ON sessions (account, seq) WHERE leasable_from = 0;
CREATE INDEX sessions_timed ON sessions (leasable_from)
  WHERE leasable_from > 0 AND leasable_from < 9223372036854775807;
CREATE INDEX sessions_on_their_way ON sessions (account, routine)
  WHERE leasable_from < 9223372036854775807 AND waits = 0;
CREATE INDEX sessions_over_limit ON sessions (account, routine, seq) WHERE waits = 1;

CREATE TABLE pushes (
  commit_id TEXT NOT NULL,
  session_seq INTEGER NOT NULL,
  PRIMARY KEY (commit_id, session_seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX pushes_by_session ON pushes (session_seq);

CREATE TABLE spending (
  account TEXT NOT NULL,
  routine TEXT NOT NULL,
  time INTEGER NOT NULL,
  session_seq INTEGER NOT NULL,
  usd REAL NOT NULL,
  PRIMARY KEY (account, routine, time, session_seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX dedupe_keys_by_event ON dedupe_keys (event_seq) WHERE until < 9223372036854775807;
)sql";

// size: bytes of the record before it was compressed; 0: it is not.
constexpr std::string_view kVersion4 = R"sql(
ALTER TABLE events ADD COLUMN size INTEGER NOT NULL DEFAULT 0;
)sql";

// When a revision, or a token of its routine, was changed last: a number that only grows.
constexpr std::string_view kVersion5 = R"sql(
ALTER TABLE routines ADD COLUMN change INTEGER NOT NULL DEFAULT 0;
CREATE INDEX routines_by_change ON routines (change);
)sql";

absl::StatusOr<int64_t> Pragma(Connection& connection, std::string_view name) {
  absl::StatusOr<std::string> text =
      connection.QueryText(absl::StrCat("PRAGMA ", std::string(name)));
  if (absl::IsInternal(text.status())) return absl::DataLossError(text.status().message());
  RETURN_IF_ERROR(text.status());
  int64_t value = 0;
  if (!absl::SimpleAtoi(*text, &value)) {
    return absl::InternalError(absl::StrCat("PRAGMA ", std::string(name), " answered ", *text));
  }
  return value;
}

}  // namespace

const std::vector<std::string_view>& Migrations() {
  static const auto& migrations =
      *new std::vector<std::string_view>{kVersion1, kVersion2, kVersion3, kVersion4, kVersion5};
  return migrations;
}

absl::Status CheckVersion(Connection& connection, const std::vector<std::string_view>& migrations) {
  ASSIGN_OR_RETURN(const int64_t version, Pragma(connection, "user_version"));
  ASSIGN_OR_RETURN(const int64_t application, Pragma(connection, "application_id"));
  ASSIGN_OR_RETURN(const int64_t pages, Pragma(connection, "page_count"));
  if (application != kApplicationId && pages > 0) {
    return absl::FailedPreconditionError(
        "this SQLite database belongs to another program; choose another path");
  }
  if (version > static_cast<int64_t>(migrations.size())) {
    return absl::FailedPreconditionError(
        absl::StrCat("its schema version is ", version, ", this library knows up to ",
                     migrations.size(), "; use the newer library that wrote it, or a backup"));
  }
  return absl::OkStatus();
}

absl::Status Migrate(Connection& connection, const std::vector<std::string_view>& migrations) {
  ASSIGN_OR_RETURN(int64_t version, Pragma(connection, "user_version"));
  for (; version < static_cast<int64_t>(migrations.size()); ++version) {
    const std::string sql = absl::StrCat("BEGIN IMMEDIATE;", std::string(migrations[version]),
                                         ";PRAGMA application_id = ", kApplicationId,
                                         ";PRAGMA user_version = ", version + 1, ";COMMIT");
    absl::Status status = connection.Execute(sql);
    if (!status.ok()) {
      if (connection.in_transaction()) connection.Execute("ROLLBACK").IgnoreError();
      return status;
    }
  }
  return absl::OkStatus();
}

absl::Status StampVersion(Connection& connection, const std::vector<std::string_view>& migrations) {
  return connection.Execute(absl::StrCat("PRAGMA user_version = ", migrations.size()));
}

}  // namespace routines::store
