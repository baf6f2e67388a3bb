// The tables of the SQLite store, and how older files get them. docs/stores.md explains them to
// users.
#ifndef ROUTINES_SRC_STORE_SQLITE_SCHEMA_H_
#define ROUTINES_SRC_STORE_SQLITE_SCHEMA_H_

#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "src/store/sqlite_connection.h"

namespace routines::store {

// Element i brings a file of version i (PRAGMA user_version) to version i + 1. Only ever appended
// to.
const std::vector<std::string_view>& Migrations();

// kFailedPrecondition: the file's version is newer than the last of `migrations`, or it is another
// program's database. kDataLoss: it is no database.
absl::Status CheckVersion(Connection& connection, const std::vector<std::string_view>& migrations);

// Runs the migrations that the file lacks, each in a transaction of its own.
absl::Status Migrate(Connection& connection, const std::vector<std::string_view>& migrations);

// Writes the newest version, durably.
absl::Status StampVersion(Connection& connection, const std::vector<std::string_view>& migrations);

}  // namespace routines::store

#endif  // ROUTINES_SRC_STORE_SQLITE_SCHEMA_H_
