// The rules that all stores share: what their operations do to one session or routine, without any
// storage.
#ifndef ROUTINES_SRC_STORE_TRANSITIONS_H_
#define ROUTINES_SRC_STORE_TRANSITIONS_H_

#include <cstdint>
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

// Whether a session must wait for others of its routine: `on_their_way` of them have not ended and
// do not wait so, and `waiting` says whether any waits.
bool MustWait(const v1::Session& session, int on_their_way, bool waiting);

// Returns whether anything changed.
bool ApplyCancel(absl::Time now, v1::Session& session);

// kAborted unless `saved` is the one after `newest`; kInvalidArgument: it has no name.
absl::Status CheckRevision(const v1::SavedRoutine& saved, int64_t newest);

// kAborted: what SaveRoutine answers where the trigger id belongs to that routine.
absl::Status TriggerTakenError(std::string_view trigger_id, std::string_view account,
                               std::string_view name);

}  // namespace routines::store

#endif  // ROUTINES_SRC_STORE_TRANSITIONS_H_
