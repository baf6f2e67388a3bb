// What Store::Read answers from SQLite.
#ifndef ROUTINES_SRC_STORE_SQLITE_QUERIES_H_
#define ROUTINES_SRC_STORE_SQLITE_QUERIES_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "routines/store.h"
#include "src/store/sqlite_connection.h"

namespace routines::store {

absl::StatusOr<Rows> RunQuery(Connection& connection, const Query& query);

// A session is its record and, over it, what the store alone writes. `SELECT` these columns first,
// in this order, for ReadSession; `seq` is the last of them.
#define ROUTINES_SESSION_COLUMNS \
  "record, lease_owner, lease_until, fencing_token, last_sequence, cancel_requested, seq"
inline constexpr int kSessionSeqColumn = 6;
absl::Status ReadSession(const Statement& row, v1::Session& session);
// The columns alone, without the record.
void ReadLease(const Statement& row, v1::Session& session);

}  // namespace routines::store

#endif  // ROUTINES_SRC_STORE_SQLITE_QUERIES_H_
