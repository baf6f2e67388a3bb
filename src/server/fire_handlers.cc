// Fires of API triggers, and runs by hand.
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "routines/json.h"
#include "routines/server.h"
#include "src/base/status_macros.h"
#include "src/server/api.h"
#include "src/server/error_response.h"
#include "src/server/text_body.h"

namespace routines::server {
namespace {

constexpr absl::string_view kBeta = "experimental-cc-routine-2026-04-01";

absl::Status CheckContentType(const Request& request) {
  if (request.body.empty()) return absl::OkStatus();
  const std::string_view value = request.Header("content-type").value_or("");
  std::vector<std::string> parts =
      absl::StrSplit(absl::AsciiStrToLower(absl::string_view(value.data(), value.size())), ';');
  for (std::string& part : parts) absl::StripAsciiWhitespace(&part);
  if (parts[0] != "application/json") {
    return absl::InvalidArgumentError(
        "content-type: must be application/json where there is a body");
  }
  for (size_t i = 1; i < parts.size(); ++i) {
    const bool charset = absl::StartsWith(parts[i], "charset=");
    if (charset && parts[i] != "charset=utf-8" && parts[i] != "charset=\"utf-8\"") {
      return absl::InvalidArgumentError("content-type: the charset must be utf-8");
    }
  }
  return absl::OkStatus();
}

// All words of the header must be known: an unknown one asks for a behaviour that is not there.
absl::Status CheckBeta(const Request& request) {
  for (const auto& [name, value] : request.headers) {
    if (name != "anthropic-beta") continue;
    for (absl::string_view word : absl::StrSplit(value, ',')) {
      word = absl::StripAsciiWhitespace(word);
      if (word != kBeta) {
        return absl::InvalidArgumentError(absl::StrCat("anthropic-beta: \"", word.substr(0, 100),
                                                       "\" is not known; known is ", kBeta));
      }
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<FireRequest> ParseFire(const Request& request) {
  RETURN_IF_ERROR(CheckContentType(request));
  RETURN_IF_ERROR(CheckBeta(request));
  FireRequest fire;
  fire.trigger_id = request.params[0];
  if (const auto key = request.Header("idempotency-key")) {
    if (key->empty()) return absl::InvalidArgumentError("idempotency-key: must not be empty");
    fire.idempotency_key = std::string(*key);
  }
  // A session that fires says who it is, for the loop guard; one of another account is ignored.
  fire.session_id = std::string(request.Header("routines-session").value_or("").substr(0, 64));
  ASSIGN_OR_RETURN(std::optional<std::string> text, ParseStringField(request.body, "text"));
  fire.text = std::move(text).value_or("");
  return fire;
}

}  // namespace

void Api::Fire(RequestPtr request, Respond respond) {
  absl::StatusOr<FireRequest> fire = ParseFire(*request);
  if (!fire.ok()) return respond(StatusResponse(fire.status()));
  engine_.FireAsync(*std::move(fire),
                    [this, respond = std::move(respond)](absl::StatusOr<FireResult> fired) {
                      respond(FiredResponse(fired));
                    });
}

void Api::RunRoutine(RequestPtr request, Respond respond) {
  absl::StatusOr<std::optional<std::string>> text = ParseStringField(request->body, "text");
  if (!text.ok()) return respond(StatusResponse(text.status()));
  respond(FiredResponse(engine_.Run(request->params[0], request->params[1], (*text).value_or(""))));
}

Response Api::FiredResponse(const absl::StatusOr<FireResult>& fired) const {
  if (!fired.ok()) return StatusResponse(fired.status(), engine_.clock().TimeNow());
  Response response;
  response.body = absl::StrCat(
      "{\"type\":\"routine_fire\",\"claude_code_session_id\":", JsonString(fired->session_id),
      ",\"claude_code_session_url\":",
      JsonString(SessionUrl(options_.base_url, fired->session_id, fired->read_key)), "}");
  return response;
}

}  // namespace routines::server
