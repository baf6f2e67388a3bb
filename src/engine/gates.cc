#include "src/engine/gates.h"

#include <utility>

#include "src/engine/trust.h"

namespace routines {

Verdict Decide(const v1::SavedRoutine& saved, const v1::Trigger& trigger, const GateEvent& event) {
  if (saved.paused()) return {v1::DECISION_REASON_PAUSED, "the routine is paused"};
  if (trigger.disabled()) return {v1::DECISION_REASON_DISABLED, "the trigger is disabled"};
  // Here stands the duplicate gate, which is Store::Admit's: a key that is taken.
  if (event.github != nullptr && trigger.github().trust() != v1::TRUST_ANYONE) {
    TrustVerdict trust = JudgeTrust(event.view, *event.github);
    if (!trust.trusted) {
      return {v1::DECISION_REASON_UNTRUSTED_AUTHOR, std::move(trust.detail)};
    }
  }
  // Here come the loop guard, the limits and the overlap, in this order.
  return {v1::DECISION_REASON_FIRED, ""};
}

}  // namespace routines
