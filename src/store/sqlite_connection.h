// A thin cover over SQLite's C interface: connections with a cache of prepared statements.
//
// Thread-safety: a Connection and its statements belong to one thread at a time.
// Errors: kInternal: the database is corrupt, or the statement is wrong. kAlreadyExists: a
// constraint.
//   kUnavailable: everything that may pass (I/O errors, a full disk, a lock).
#ifndef ROUTINES_SRC_STORE_SQLITE_CONNECTION_H_
#define ROUTINES_SRC_STORE_SQLITE_CONNECTION_H_

#include <sqlite3.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "google/protobuf/message_lite.h"

namespace routines::store {

// A value that is stored as a blob; a std::string_view is stored as text.
struct Blob {
  std::string_view bytes;
};

// A prepared statement, lent by its connection; it is reset when this goes out of scope.
class Statement {
 public:
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  ~Statement();
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;

  // Binds the next parameters. Texts and blobs are borrowed until the statement is reset.
  template <typename... Values>
  Statement& Bind(const Values&... values) {
    (BindOne(values), ...);
    return *this;
  }

  // True: there is a row. False: done.
  absl::StatusOr<bool> Step();
  // Steps once and resets the statement, so that it can be bound anew; for those that answer no
  // row.
  absl::Status Run();

  void Reset();  // to be bound and stepped anew

  bool IsNull(int column) const;
  int64_t Int64(int column) const;
  double Double(int column) const;
  std::string_view Bytes(int column) const;  // of a text or blob; until the next Step
  absl::Status Parse(int column, google::protobuf::MessageLite& message) const;

 private:
  void BindOne(int64_t value);
  void BindOne(int value) { BindOne(int64_t{value}); }
  void BindOne(absl::Time time) { BindOne(absl::ToUnixNanos(time)); }
  void BindOne(double value);
  void BindOne(std::string_view text);
  void BindOne(Blob blob);
  void BindOne(std::optional<int64_t> value);

  sqlite3_stmt* statement_;
  int next_ = 1;
};

class Connection {
 public:
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const std::string& path, bool read_only);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // `sql` is prepared at its first use and kept. One Statement of the same text at a time.
  absl::StatusOr<Statement> Prepare(std::string_view sql);
  // Runs one or several statements whose rows do not matter.
  absl::Status Execute(const std::string& sql);
  // The first column of the first row; empty where there is none.
  absl::StatusOr<std::string> QueryText(std::string_view sql);

  int64_t changes() const;        // rows that the last statement inserted, updated or deleted
  int64_t total_changes() const;  // the same, of all statements so far
  int64_t last_insert_rowid() const;
  bool in_transaction() const;

  // Moves the write-ahead log into the database and empties it, as far as readers let it.
  absl::Status Checkpoint();

 private:
  explicit Connection(sqlite3* db) : db_(db) {}

  sqlite3* db_;
  std::map<std::string, sqlite3_stmt*, std::less<>> statements_;
};

}  // namespace routines::store

#endif  // ROUTINES_SRC_STORE_SQLITE_CONNECTION_H_
