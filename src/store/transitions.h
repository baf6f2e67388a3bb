// The rules that all stores share: what their operations do to one session or routine, without any
// storage.
#ifndef ROUTINES_SRC_STORE_TRANSITIONS_H_
#define ROUTINES_SRC_STORE_TRANSITIONS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "routines/store.h"
#include "routines/v1/routine.pb.h"
#include "routines/v1/session.pb.h"

namespace routines::store {

// kInvalidArgument: the event or a session has no id, a dedupe key is empty, two sessions have one
// id, or one is not QUEUED.
absl::Status CheckAdmission(const Admission& admission);

// Sets what the store alone decides about a session that comes in.
void InitializeLease(v1::Session& session);

// Whether somebody holds the session, be the lease run out or not.
bool IsLeased(const v1::Session& session);

// From when on it may be leased: InfinitePast where a QUEUED session waits for nothing,
// InfiniteFuture where it is terminal.
absl::Time LeasableFrom(const v1::Session& session);

// A session that LeasableFrom allows becomes the requester's.
void TakeLease(const LeaseRequest& request, v1::Session& session);

// Ends the lease of a process that is gone: the session may be leased at once.
void AbandonLease(v1::Session& session);

// Applies `update` to `session` and numbers its events. kAborted: stale token, ended lease or
// terminal session; kInvalidArgument: the record is another session's. Then nothing was changed.
absl::Status ApplyUpdate(SessionUpdate& update, v1::Session& session);

// kInvalidArgument: what only an end brings stands in an update that is none, or CheckAdmission.
absl::Status CheckUpdate(const SessionUpdate& update);

// Whether a session must wait for others of its routine, as `on_their_way` of them have not ended
// and wait for nothing themselves.
bool MustWait(const v1::Session& session, int on_their_way);

void ApplyPaused(const SetPaused& change, v1::SavedRoutine& saved);
// Of events whose sessions waited for a limit as their routine was paused.
std::string PausedDetail(std::string_view reason);
// The session of a decision is gone before it started.
void ApplyWithdrawn(v1::DecisionReason reason, std::string_view detail, v1::Decision& decision);

// What a routine may have cost is counted over this long.
inline constexpr absl::Duration kSpendWindow = absl::Hours(24);

// Whether it may be deleted; `large`: more is stored than may be. An event besides must have no
// session left and no dedupe key that holds.
bool SessionIsOld(const DeleteOld& rule, bool large, const v1::Session& session);
bool EventIsOld(const DeleteOld& rule, bool large, absl::Time time);
// An ended session counts in limits and spending for so long.
inline constexpr absl::Duration kLeastKept = absl::Hours(24);

// Returns whether anything changed.
bool ApplyCancel(absl::Time now, v1::Session& session);

// kAborted unless `saved` is the one after `newest`; kInvalidArgument: it has no name.
absl::Status CheckRevision(const v1::SavedRoutine& saved, int64_t newest);

// kAborted: what SaveRoutine answers where the trigger id belongs to that routine.
absl::Status TriggerTakenError(std::string_view trigger_id, std::string_view account,
                               std::string_view name);

}  // namespace routines::store

#endif  // ROUTINES_SRC_STORE_TRANSITIONS_H_
