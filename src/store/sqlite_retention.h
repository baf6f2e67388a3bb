// Deletes from SQLite what is over and old.
#ifndef ROUTINES_SRC_STORE_SQLITE_RETENTION_H_
#define ROUTINES_SRC_STORE_SQLITE_RETENTION_H_

#include "absl/status/status.h"
#include "routines/store.h"
#include "src/store/sqlite_connection.h"
#include "src/store/sqlite_sessions.h"

namespace routines::store {

// One step of bounded work; the next one goes on where it stopped.
absl::Status SweepOld(Connection& connection, WriterMemory& memory, const DeleteOld& rule);

}  // namespace routines::store

#endif  // ROUTINES_SRC_STORE_SQLITE_RETENTION_H_
