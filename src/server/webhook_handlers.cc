// The webhook door: deliveries of GitHub, and the hooks they come by. docs/github.md has the order
// of the checks.
#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "routines/json.h"
#include "src/base/status_macros.h"
#include "src/server/api.h"
#include "src/server/error_response.h"
#include "src/server/text_body.h"
#include "src/server/webhook_delivery.h"

namespace routines::server {
namespace {

// Above this, checking a body takes so long that other connections of the thread would wait for it.
constexpr size_t kLargeBody = 256 << 10;
// A delivery may match thousands of triggers; GitHub keeps the answer to show it.
constexpr size_t kMaxShownDecisions = 100;

std::string_view HookName(const Request& request) {
  return request.params.empty() ? kDefaultHook : std::string_view(request.params[0]);
}

Response DeliveredResponse(const DeliverResult& result) {
  Response response;
  response.status = 202;
  absl::StrAppend(&response.body, "{\"event_id\":", JsonString(result.event_id),
                  ",\"duplicate\":", result.duplicate ? "true" : "false",
                  ",\"decision_count\":", result.decisions.size(), ",\"decisions\":[");
  for (size_t i = 0; i < std::min(result.decisions.size(), kMaxShownDecisions); ++i) {
    absl::StrAppend(&response.body, i == 0 ? "" : ",", ToJson(result.decisions[i]));
  }
  response.body += "]}";
  return response;
}

std::string_view OutcomeOf(const absl::StatusOr<DeliverResult>& result) {
  if (result.ok()) return result->duplicate ? "duplicate" : "accepted";
  return absl::IsInvalidArgument(result.status()) ? "refused" : "failed";
}

std::string HookJson(const v1::GithubHook& hook, const std::string& base_url) {
  const std::string url =
      absl::StrCat(base_url, "/v1/webhooks/github",
                   hook.name() == kDefaultHook ? "" : absl::StrCat("/", hook.name()));
  // Every hook has a name, so there is something to go on from.
  return absl::StrCat("{\"url\":", JsonString(url), ",", ToJson(hook).substr(1));
}

Response MadeResponse(const absl::StatusOr<GithubHooks::Made>& made, const std::string& base_url) {
  if (!made.ok()) return StatusResponse(made.status());
  Response response;
  response.body = absl::StrCat("{\"hook\":", HookJson(made->hook, base_url),
                               ",\"secret\":", JsonString(made->secret), "}");
  return response;
}

absl::StatusOr<std::string> Field(const Request& request, std::string_view name) {
  ASSIGN_OR_RETURN(std::optional<std::string> value, ParseStringField(request.body, name));
  return std::move(value).value_or("");
}

}  // namespace

// ---- deliveries ----

void Api::GithubWebhook(RequestPtr request, Respond respond) {
  if (request->body.size() <= kLargeBody) return TakeDelivery(*request, std::move(respond));
  run_blocking_([this, request = std::move(request), respond = std::move(respond)] {
    TakeDelivery(*request, respond);
  });
}

void Api::TakeDelivery(Request& request, Respond respond) {
  const std::string_view signature = SignatureOf(request);
  const std::optional<std::string> account =
      signature.empty() ? std::nullopt : hooks_.Check(HookName(request), request.body, signature);
  if (!account) {
    metrics_.CountDelivery("unsigned");
    return respond(BadSignature());
  }
  absl::StatusOr<DeliveryHeaders> headers = ReadDeliveryHeaders(request);
  if (!headers.ok()) {
    metrics_.CountDelivery("refused");
    return respond(StatusResponse(headers.status()));
  }
  if (headers->event == "ping") {
    metrics_.CountDelivery("ping");
    Response response;
    response.body = "{\"type\":\"pong\"}";
    return respond(std::move(response));
  }
  DeliverRequest delivery;
  delivery.event.set_source("github");
  delivery.event.set_account(*account);
  // A replayed body comes with the signature it was captured with: whoever could make another one
  // has the secret.
  delivery.body_key = std::string(signature.substr(signature.find('=') + 1));
  delivery.replay_window =
      ReplayWindow(headers->event, request.body, options_.github_replay_window);
  delivery.event.set_type(std::move(headers->event));
  delivery.event.set_external_id(std::move(headers->delivery));
  delivery.event.set_payload(std::move(request.body));
  engine_.DeliverAsync(std::move(delivery), [this, respond = std::move(respond)](
                                                absl::StatusOr<DeliverResult> result) {
    metrics_.CountDelivery(OutcomeOf(result));
    respond(result.ok() ? DeliveredResponse(*result) : StatusResponse(result.status()));
  });
}

// ---- hooks ----

void Api::ListHooks(RequestPtr request, Respond respond) {
  Response response;
  response.body = "{\"hooks\":[";
  const char* separator = "";
  for (const v1::GithubHook& hook : hooks_.List()) {
    absl::StrAppend(&response.body, std::exchange(separator, ","),
                    HookJson(hook, options_.base_url));
  }
  response.body += "]}";
  respond(std::move(response));
}

void Api::AddHook(RequestPtr request, Respond respond) {
  const auto add = [&]() -> absl::StatusOr<GithubHooks::Made> {
    ASSIGN_OR_RETURN(const std::string name, Field(*request, "name"));
    ASSIGN_OR_RETURN(const std::string account, Field(*request, "account"));
    ASSIGN_OR_RETURN(const std::string secret, Field(*request, "secret"));
    return hooks_.Add(name.empty() ? kDefaultHook : std::string_view(name), account, secret);
  };
  respond(MadeResponse(add(), options_.base_url));
}

void Api::RotateHook(RequestPtr request, Respond respond) {
  const auto rotate = [&]() -> absl::StatusOr<GithubHooks::Made> {
    ASSIGN_OR_RETURN(const absl::Duration overlap, ParseOverlap(request->body));
    ASSIGN_OR_RETURN(const std::string secret, Field(*request, "secret"));
    return hooks_.Rotate(request->params[0], overlap, secret);
  };
  respond(MadeResponse(rotate(), options_.base_url));
}

void Api::RemoveHook(RequestPtr request, Respond respond) {
  const absl::Status status = hooks_.Remove(request->params[0]);
  if (!status.ok()) return respond(StatusResponse(status));
  Response response;
  response.status = 204;
  respond(std::move(response));
}

}  // namespace routines::server
