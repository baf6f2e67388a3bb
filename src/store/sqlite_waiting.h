// Sessions that wait for others of their routine to end.
#ifndef ROUTINES_SRC_STORE_SQLITE_WAITING_H_
#define ROUTINES_SRC_STORE_SQLITE_WAITING_H_

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "routines/v1/session.pb.h"
#include "src/store/sqlite_connection.h"

namespace routines::store {

// leasable_from of a session that waits.
inline constexpr int64_t kWaits = std::numeric_limits<int64_t>::max();

// Whether a session that comes in must wait; see MustWait.
absl::StatusOr<bool> ComesToWait(Connection& connection, const v1::Session& session);

// A session of the routine has ended: lets those go on that need not wait any longer.
absl::Status LetGoOn(Connection& connection, std::string_view account, std::string_view routine);

}  // namespace routines::store

#endif  // ROUTINES_SRC_STORE_SQLITE_WAITING_H_
