// What becomes of something that happened outside: which triggers match it, what the gates say, and
// what is stored of it.
//
// Thread-safety: these functions may be called from any thread. None blocks.
#ifndef ROUTINES_SRC_ENGINE_DELIVERY_H_
#define ROUTINES_SRC_ENGINE_DELIVERY_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "routines/engine.h"
#include "src/engine/catalog.h"

namespace routines {

// How long an event's own id is remembered. GitHub redelivers for 3 days, its server product for 7.
inline constexpr absl::Duration kDeliveryWindow = absl::Hours(8 * 24);

inline constexpr std::string_view kGithubSource = "github";

// kInvalidArgument: the source's name, a text that is too long or not UTF-8, or a payload that
// CheckPayload or CheckGithubPayload refuses.
absl::Status CheckDelivery(const DeliverRequest& request);

// Matches and decides. Decisions and sessions come by account, routine and trigger.
absl::StatusOr<Admission> AdmitDelivery(DeliverRequest request, const Catalog& catalog,
                                        absl::Time now);

// A dry run of `event` for the triggers of `saved` with these indices, at `now`, as if it came with
// the sessions behind it that it came with. Without gates.
absl::StatusOr<Admission> AdmitAgain(const v1::Event& event, const v1::SavedRoutine& saved,
                                     const std::vector<int>& triggers, absl::Time now);

}  // namespace routines

#endif  // ROUTINES_SRC_ENGINE_DELIVERY_H_
