// What the writing operations of a store do in SQLite, each inside a transaction that the caller
// holds.
//
// A change that is refused has written nothing: preconditions are looked at first. After
// kUnavailable and kInternal it may have, and the transaction is to be rolled back.
#ifndef ROUTINES_SRC_STORE_SQLITE_CHANGES_H_
#define ROUTINES_SRC_STORE_SQLITE_CHANGES_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "routines/store.h"
#include "src/store/compress.h"
#include "src/store/sqlite_connection.h"
#include "src/store/sqlite_sessions.h"

namespace routines::store {

// With its records serialized: the writer is one thread, its callers are many.
struct EncodedAdmission {
  explicit EncodedAdmission(Admission a);
  // After the admission was changed.
  void EncodeEvent();
  void EncodeOutcome();  // decisions and sessions

  Admission admission;
  Compressed event;
  std::vector<std::string> decisions;
  std::vector<std::string> sessions;
};

struct EncodedUpdate {
  explicit EncodedUpdate(SessionUpdate u);

  SessionUpdate update;  // without `then`
  std::vector<std::string> events;
  std::optional<EncodedAdmission> then;
};

// Move out of their arguments: they are run once.
absl::StatusOr<Admitted> Admit(Connection& connection, WriterMemory& memory,
                               EncodedAdmission& encoded);
absl::StatusOr<Updated> Update(Connection& connection, WriterMemory& memory,
                               EncodedUpdate& encoded);

absl::StatusOr<std::vector<v1::Session>> Lease(Connection& connection, WriterMemory& memory,
                                               const LeaseRequest& request);
absl::Status Save(Connection& connection, WriterMemory& memory, const Change& change);

// Ends the leases of a process that is gone.
absl::Status AbandonLeases(Connection& connection);

}  // namespace routines::store

#endif  // ROUTINES_SRC_STORE_SQLITE_CHANGES_H_
