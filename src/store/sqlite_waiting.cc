#include "src/store/sqlite_waiting.h"

#include "src/base/status_macros.h"
#include "src/store/transitions.h"

namespace routines::store {
namespace {

absl::StatusOr<int> CountOnTheirWay(Connection& connection, std::string_view account,
                                    std::string_view routine) {
  ASSIGN_OR_RETURN(Statement statement,
                   connection.Prepare("SELECT count(*) FROM sessions WHERE account = ? AND "
                                      "routine = ? AND leasable_from < 9223372036854775807"));
  RETURN_IF_ERROR(statement.Bind(account, routine).Step().status());
  return static_cast<int>(statement.Int64(0));
}

struct Waiting {
  int64_t seq = 0;  // 0: none
  v1::Session session;
};

absl::StatusOr<Waiting> OldestWaiting(Connection& connection, std::string_view account,
                                      std::string_view routine) {
  ASSIGN_OR_RETURN(
      Statement statement,
      connection.Prepare("SELECT seq, record FROM sessions WHERE account = ? AND routine = ? AND "
                         "leasable_from = 9223372036854775807 ORDER BY seq LIMIT 1"));
  Waiting oldest;
  ASSIGN_OR_RETURN(const bool found, statement.Bind(account, routine).Step());
  if (!found) return oldest;
  oldest.seq = statement.Int64(0);
  RETURN_IF_ERROR(statement.Parse(1, oldest.session));
  return oldest;
}

}  // namespace

absl::StatusOr<bool> ComesToWait(Connection& connection, const v1::Session& session) {
  if (session.concurrency_limit() <= 0) return false;
  ASSIGN_OR_RETURN(const Waiting oldest,
                   OldestWaiting(connection, session.account(), session.routine()));
  ASSIGN_OR_RETURN(const int on_their_way,
                   CountOnTheirWay(connection, session.account(), session.routine()));
  return MustWait(session, on_their_way, oldest.seq != 0);
}

absl::Status LetGoOn(Connection& connection, std::string_view account, std::string_view routine) {
  for (;;) {
    ASSIGN_OR_RETURN(const Waiting oldest, OldestWaiting(connection, account, routine));
    if (oldest.seq == 0) return absl::OkStatus();
    ASSIGN_OR_RETURN(const int on_their_way, CountOnTheirWay(connection, account, routine));
    if (MustWait(oldest.session, on_their_way, false)) return absl::OkStatus();
    ASSIGN_OR_RETURN(Statement statement,
                     connection.Prepare("UPDATE sessions SET leasable_from = 0 WHERE seq = ?"));
    RETURN_IF_ERROR(statement.Bind(oldest.seq).Run());
  }
}

}  // namespace routines::store
