// Turns something that happened into what is stored of it: event, decision, session.
//
// Pure but for ids and keys, which are random.
#ifndef ROUTINES_SRC_ENGINE_ADMISSION_H_
#define ROUTINES_SRC_ENGINE_ADMISSION_H_

#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "routines/engine.h"
#include "src/engine/catalog.h"

namespace routines {

// How long an idempotency key is remembered.
inline constexpr absl::Duration kIdempotencyWindow = absl::Hours(24);

// kInvalidArgument: not UTF-8, over 65,536 characters, or a NUL in it.
absl::Status CheckText(std::string_view text);
absl::Status CheckIdempotencyKey(std::string_view key);

// An API fire. The decision is FIRED with one session, or PAUSED or DISABLED with none; the
// idempotency key counts only where it fired, so that the same request can succeed later.
Admission AdmitFire(const TriggerRef& trigger, const FireRequest& request, absl::Time now);

// A run that was asked for by hand; always fires.
Admission AdmitRun(const v1::SavedRoutine& saved, std::string_view text, absl::Time now);

// The parts of an admission: what becomes of `event` for that trigger of `saved` (an empty id:
// none), and the session that comes of it.
v1::Decision MakeDecision(const v1::SavedRoutine& saved, std::string_view trigger_id,
                          const v1::Event& event, v1::DecisionReason reason);
v1::Session MakeSession(const v1::SavedRoutine& saved, std::string_view trigger_id,
                        const v1::Event& event, absl::Time now);

// "fired", "paused", …: the enum value as users see it.
std::string_view DecisionName(v1::DecisionReason reason);

}  // namespace routines

#endif  // ROUTINES_SRC_ENGINE_ADMISSION_H_
