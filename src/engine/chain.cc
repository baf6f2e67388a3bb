#include "src/engine/chain.h"

#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "routines/json.h"
#include "routines/session.h"
#include "src/base/status_macros.h"
#include "src/engine/delivery.h"

namespace routines {
namespace {

// "clone", "agent", …; empty where the session did not fail in one.
std::string StepName(v1::SessionStep step) {
  if (step == v1::SESSION_STEP_UNSPECIFIED) return "";
  const std::string name = v1::SessionStep_Name(step);
  return absl::AsciiStrToLower(name.substr(std::string_view("SESSION_STEP_").size()));
}

v1::Event MakeEvent(const v1::Session& session) {
  v1::Event event;
  event.set_source(std::string(kSessionSource));
  event.set_type(std::string(StateName(session.state())));
  event.set_account(session.account());
  event.set_external_id(session.id());
  auto& attributes = *event.mutable_attributes();
  attributes["account"] = session.account();
  attributes["routine"] = session.routine();
  attributes["session"] = session.id();
  attributes["state"] = event.type();
  attributes["reason"] = session.reason();
  attributes["step"] = StepName(session.step());
  attributes["trigger"] = session.trigger_id();
  attributes["event"] = session.event_id();
  attributes["executor"] = session.executor();
  attributes["model"] = session.model();
  attributes["pushes"] = absl::StrCat(session.pushes_size());
  event.set_payload(absl::StrCat(
      "{\"session_id\":", JsonString(session.id()), ",\"routine\":", JsonString(session.routine()),
      ",\"revision\":", session.revision(), ",\"state\":", JsonString(event.type()),
      ",\"reason\":", JsonString(session.reason()), ",\"message\":", JsonString(session.message()),
      ",\"result\":", JsonString(session.result()), ",\"cost_usd\":", session.usage().cost_usd(),
      "}"));
  return event;
}

}  // namespace

absl::StatusOr<std::optional<Admission>> AdmitEnd(const v1::Session& session,
                                                  const Catalog& catalog, absl::Time now) {
  DeliverRequest request{.event = MakeEvent(session), .session_id = session.id()};
  ASSIGN_OR_RETURN(const std::vector<TriggerRef> matches,
                   catalog.Match(ViewOf(request.event), session.account()));
  if (matches.empty()) return std::nullopt;
  ASSIGN_OR_RETURN(Admission admission, AdmitDelivery(std::move(request), catalog, now));
  return admission;
}

}  // namespace routines
