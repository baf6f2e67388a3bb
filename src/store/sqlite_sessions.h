// The rows of sessions in SQLite: written, cancelled, parked behind others of their routine, and
// deleted.
#ifndef ROUTINES_SRC_STORE_SQLITE_SESSIONS_H_
#define ROUTINES_SRC_STORE_SQLITE_SESSIONS_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "routines/store.h"
#include "src/store/gates.h"
#include "src/store/limit_book.h"
#include "src/store/sqlite_connection.h"

namespace routines::store {

// What the writer remembers between its transactions. After one that failed it is to be forgotten.
struct WriterMemory {
  LimitBook book;
  bool book_loaded = false;
  std::string last_account;  // whose turn it was in Lease
  int64_t swept = 0;         // the last event that DeleteOld looked at

  void Forget() {
    book.Clear();
    book_loaded = false;
  }
};

// Fills the book with the slots that still count at `now`.
absl::Status LoadBook(Connection& connection, WriterMemory& memory, absl::Time now);

// leasable_from of a session that is parked: it waits for others of its routine.
inline constexpr int64_t kParked = std::numeric_limits<int64_t>::max();

std::optional<int64_t> LeasableFromColumn(const v1::Session& session);
std::optional<int64_t> LeaseUntilColumn(const v1::Session& session);

// `record`: the session, encoded. It is parked where it must be.
absl::Status InsertSession(Connection& connection, int64_t event_seq, const v1::Session& session,
                           const SessionGates& gates, std::string_view record);
// Replaces the record and all that follows from it; a parked one is ready then.
absl::Status WriteSession(Connection& connection, int64_t seq, const v1::Session& session);
absl::Status Park(Connection& connection, int64_t seq);

// How many of the routine's sessions are on their way, up to `most`.
absl::StatusOr<int> CountOnTheirWay(Connection& connection, std::string_view account,
                                    std::string_view routine, int most);
// A session of the routine has ended: lets those go on that need not wait any longer.
absl::Status LetGoOn(Connection& connection, std::string_view account, std::string_view routine);

// Whether anything changed. kNotFound.
absl::StatusOr<bool> CancelSession(Connection& connection, WriterMemory& memory,
                                   const std::string& id, absl::Time now);

// Changes the decision of a session, where there is one. Gives it as it is now.
absl::StatusOr<std::optional<v1::Decision>> ChangeDecision(
    Connection& connection, int64_t event_seq, const std::string& session_id,
    const std::function<void(v1::Decision&)>& change);

// As GateView says.
absl::StatusOr<std::vector<v1::Decision>> WithdrawSessions(
    Connection& connection, WriterMemory& memory, const RoutineRef& routine,
    const std::string& trigger_id, v1::DecisionReason reason, const std::string& detail);
// It waited for a limit, and is gone with its slot.
absl::Status DropWaiting(Connection& connection, WriterMemory& memory, int64_t seq,
                         const v1::Session& session);

}  // namespace routines::store

#endif  // ROUTINES_SRC_STORE_SQLITE_SESSIONS_H_
