// Health, metrics, and the page's static files.
#include <utility>

#include "absl/strings/match.h"
#include "src/server/api.h"
#include "src/server/assets.h"
#include "src/server/error_response.h"

namespace routines::server {

void Api::Health(RequestPtr request, Respond respond) {
  // Any read will do: that the setting is absent is an answer of a store that works.
  const absl::Status status = engine_.GetSetting("health").status();
  if (!status.ok() && !absl::IsNotFound(status)) {
    return respond(ErrorResponse(503, "the store cannot be read"));
  }
  Response response;
  response.body = "{\"status\":\"ok\"}";
  respond(std::move(response));
}

void Api::MetricsText(RequestPtr request, Respond respond) {
  Response response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = metrics_.Text(engine_.Stats());
  respond(std::move(response));
}

void Api::Asset(RequestPtr request, Respond respond) {
  const std::string& name = request->params[0];
  const std::string_view text = FindAsset(name);
  if (text.empty()) return respond(ErrorResponse(404, "there is no such file"));
  Response response;
  response.content_type =
      absl::EndsWith(name, ".css") ? "text/css; charset=utf-8" : "text/javascript; charset=utf-8";
  response.body = std::string(text);
  respond(std::move(response));
}

}  // namespace routines::server
