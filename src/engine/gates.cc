#include "src/engine/gates.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "src/engine/trust.h"

namespace routines {

Verdict Decide(const v1::SavedRoutine& saved, const v1::Trigger& trigger, const GateEvent& event) {
  if (saved.paused()) {
    return {v1::DECISION_REASON_PAUSED,
            absl::StrCat("the routine is paused", saved.pause_reason().empty() ? "" : ": ",
                         saved.pause_reason())};
  }
  if (trigger.disabled()) return {v1::DECISION_REASON_DISABLED, "the trigger is disabled"};
  // Here stands the duplicate gate, which is Store::Admit's: a key that is taken.
  if (event.github != nullptr && trigger.github().trust() != v1::TRUST_ANYONE) {
    TrustVerdict trust = JudgeTrust(event.view, *event.github);
    if (!trust.trusted) {
      return {v1::DECISION_REASON_UNTRUSTED_AUTHOR, std::move(trust.detail)};
    }
  }
  // The loop guard, the limits and the overlap come last, in this order, and are the store's, too:
  // see session_gates.h.
  return {v1::DECISION_REASON_FIRED, ""};
}

}  // namespace routines
