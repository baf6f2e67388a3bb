#include "src/server/api.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "routines/json.h"
#include "routines/server.h"
#include "src/base/crypto.h"
#include "src/server/error_response.h"
#include "src/server/webhook_delivery.h"

namespace routines {

std::string SessionUrl(std::string_view base_url, std::string_view session_id,
                       std::string_view read_key) {
  return absl::StrCat(std::string(base_url), "/sessions/", server::PercentEncode(session_id),
                      "?key=", server::PercentEncode(read_key));
}

}  // namespace routines

namespace routines::server {
namespace {

constexpr int64_t kMaxFireBytes = 1 << 20;
constexpr int64_t kMaxFormBytes = 16 << 10;
constexpr int64_t kSmallBody = 64 << 10;  // not counted

bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  return absl::EqualsIgnoreCase(absl::string_view(a.data(), a.size()),
                                absl::string_view(b.data(), b.size()));
}

// Splits the target. An absolute one ("http://host/path") is as good as its path (RFC 9112, 3.2.2).
std::optional<Response> ParseTarget(Request& request, std::string_view& path) {
  std::string_view target = request.target;
  if (const size_t scheme = target.find("://"); scheme != target.npos && target.front() != '/') {
    const size_t slash = target.find('/', scheme + 3);
    target = slash == target.npos ? std::string_view("/") : target.substr(slash);
  }
  if (!target.starts_with('/'))
    return ErrorResponse(400, "request target: must begin with a slash");
  const size_t question = target.find('?');
  path = target.substr(0, question);
  if (question == target.npos) return std::nullopt;
  absl::StatusOr<std::map<std::string, std::string>> query = ParseForm(target.substr(question + 1));
  if (!query.ok()) return StatusResponse(query.status());
  request.query = *std::move(query);
  return std::nullopt;
}

}  // namespace

Api::Api(Engine& engine, ApiOptions options, Metrics& metrics, RunBlocking run_blocking)
    : engine_(engine),
      options_(std::move(options)),
      admin_token_sha256_(Sha256(options_.admin_token)),
      metrics_(metrics),
      run_blocking_(std::move(run_blocking)),
      hooks_(engine),
      memory_(options_.max_large_body_bytes) {}

const std::vector<Route>& Api::Routes() {
  using enum Access;
  // method, pattern, access, blocking, handler, max_body_bytes
  static const std::vector<Route>* const routes = new std::vector<Route>{
      {"POST", "/v1/claude_code/routines/{trigger_id}/fire", kTrigger, false, &Api::Fire,
       kMaxFireBytes},
      {"POST", "/v1/webhooks/github", kSigned, false, &Api::GithubWebhook, kMaxDeliveryBytes},
      {"POST", "/v1/webhooks/github/{hook}", kSigned, false, &Api::GithubWebhook,
       kMaxDeliveryBytes},
      {"GET", "/v1/github/hooks", kAdmin, false, &Api::ListHooks},
      {"POST", "/v1/github/hooks", kAdmin, true, &Api::AddHook, kMaxFormBytes},
      {"POST", "/v1/github/hooks/{hook}/rotate", kAdmin, true, &Api::RotateHook, kMaxFormBytes},
      {"DELETE", "/v1/github/hooks/{hook}", kAdmin, true, &Api::RemoveHook},
      {"GET", "/v1/events", kAdmin, true, &Api::ListEvents},
      {"GET", "/v1/events/{id}", kAdmin, true, &Api::GetEvent},
      {"GET", "/v1/events/{id}/payload", kAdmin, true, &Api::EventPayload},
      {"GET", "/v1/events/{id}/explain", kAdmin, true, &Api::ExplainEvent},
      {"GET", "/sessions/{id}", kPublic, true, &Api::SessionPage},
      {"GET", "/assets/{name}", kPublic, false, &Api::Asset},
      {"GET", "/v1/sessions", kAdmin, true, &Api::ListSessions},
      {"GET", "/v1/sessions/{id}", kPublic, true, &Api::GetSession},
      {"GET", "/v1/sessions/{id}/events", kPublic, true, &Api::SessionEvents},
      {"POST", "/v1/sessions/{id}/cancel", kPublic, true, &Api::CancelSession, kMaxFormBytes},
      {"GET", "/v1/decisions", kAdmin, true, &Api::ListDecisions},
      {"GET", "/v1/routines", kAdmin, true, &Api::ListRoutines},
      {"PUT", "/v1/routines", kAdmin, true, &Api::PutRoutine},
      {"GET", "/v1/routines/{account}/{name}", kAdmin, true, &Api::GetRoutine},
      {"DELETE", "/v1/routines/{account}/{name}", kAdmin, true, &Api::DeleteRoutine},
      {"POST", "/v1/routines/{account}/{name}/pause", kAdmin, true, &Api::PauseRoutine},
      {"POST", "/v1/routines/{account}/{name}/resume", kAdmin, true, &Api::ResumeRoutine},
      {"POST", "/v1/routines/{account}/{name}/run", kAdmin, true, &Api::RunRoutine},
      {"GET", "/v1/triggers/{trigger_id}/tokens", kAdmin, true, &Api::ListTokens},
      {"POST", "/v1/triggers/{trigger_id}/tokens", kAdmin, true, &Api::CreateToken},
      {"POST", "/v1/triggers/{trigger_id}/tokens/rotate", kAdmin, true, &Api::RotateToken},
      {"DELETE", "/v1/tokens/{token_id}", kAdmin, true, &Api::RevokeToken},
      {"GET", "/healthz", kPublic, true, &Api::Health},
      {"GET", "/metrics", kPublic, false, &Api::MetricsText},
  };
  return *routes;
}

std::optional<Response> Api::Begin(Request& request) const {
  std::optional<Response> refused = Judge(request);
  if (refused) {
    const std::string_view route = request.route == nullptr ? "none" : request.route->pattern;
    metrics_.CountRequest(route, refused->status, absl::ZeroDuration());
  }
  return refused;
}

std::optional<Response> Api::Judge(Request& request) const {
  std::string_view path;
  if (std::optional<Response> refused = ParseTarget(request, path)) return refused;
  RouteMatch match = FindRoute(Routes(), request.method, path);
  if (match.route == nullptr && match.allow.empty()) {
    return ErrorResponse(404, "there is nothing at this path; docs/http_api.md lists all paths");
  }
  if (match.route == nullptr) {
    Response response = ErrorResponse(405, absl::StrCat("method: this path takes ", match.allow));
    response.headers.emplace_back("Allow", match.allow);
    return response;
  }
  request.route = match.route;
  request.params = std::move(match.params);
  if (std::optional<Response> refused = CheckAccess(request)) return refused;
  if (!EqualsIgnoreCase(request.Header("content-encoding").value_or("identity"), "identity")) {
    return ErrorResponse(415, "content-encoding: a body must not be compressed");
  }
  if (!EqualsIgnoreCase(request.Header("expect").value_or("100-continue"), "100-continue")) {
    return ErrorResponse(417, "expect: only 100-continue is understood");
  }
  if (request.content_length.value_or(0) > MaxBodyBytes(request)) {
    return ErrorResponse(413,
                         absl::StrCat("body: must have at most ", MaxBodyBytes(request), " bytes"));
  }
  // What cannot be right is not worth reading.
  if (request.route->access == Access::kSigned && SignatureOf(request).empty()) {
    metrics_.CountDelivery("unsigned");
    return BadSignature();
  }
  return TakeMemory(request);
}

std::optional<Response> Api::TakeMemory(Request& request) const {
  const int64_t expected = request.content_length.value_or(MaxBodyBytes(request));
  const bool has_body = request.content_length || request.Header("transfer-encoding");
  if (!has_body || expected <= kSmallBody) return std::nullopt;
  request.memory = memory_.Take(expected);
  if (request.memory != nullptr) return std::nullopt;
  Response response = ErrorResponse(503, "too many large bodies at a time; try again");
  response.headers.emplace_back("Retry-After", "1");
  return response;
}

int64_t Api::MaxBodyBytes(const Request& request) const {
  const int64_t own = request.route->max_body_bytes;
  return own != 0 ? own : options_.max_body_bytes;
}

void Api::Handle(RequestPtr request, Respond respond) {
  const absl::Time start = absl::Now();
  Respond counted = [this, start, request, respond = std::move(respond)](Response response) {
    metrics_.CountRequest(request->route->pattern, response.status, absl::Now() - start);
    respond(std::move(response));
  };
  const Route::Handler handler = request->route->handler;
  if (!request->route->blocking) {
    (this->*handler)(std::move(request), std::move(counted));
    return;
  }
  run_blocking_([this, handler, request = std::move(request), counted = std::move(counted)] {
    (this->*handler)(request, counted);
  });
}

std::optional<Response> Api::CheckAccess(const Request& request) const {
  switch (request.route->access) {
    case Access::kPublic:
    case Access::kSigned:
      return std::nullopt;
    case Access::kTrigger:
      if (engine_.CheckToken(request.params[0], request.BearerToken()).ok()) return std::nullopt;
      return Unauthenticated();
    case Access::kAdmin:
      if (options_.admin_token.empty()) {
        return ErrorResponse(403, "management is off: the server was started without admin token");
      }
      if (IsAdminToken(request.BearerToken())) return std::nullopt;
      return Unauthenticated();
  }
  return Unauthenticated();
}

bool Api::IsAdminToken(std::string_view token) const {
  const bool equal = ConstantTimeEqual(Sha256(token), admin_token_sha256_);
  return equal && !options_.admin_token.empty();
}

absl::StatusOr<v1::Session> Api::VisibleSession(const Request& request) const {
  const absl::Status hidden = absl::NotFoundError("no session with this id and key");
  absl::StatusOr<v1::Session> session = engine_.GetSession(request.params[0]);
  if (!session.ok() && !absl::IsNotFound(session.status())) return session.status();
  if (IsAdminToken(request.BearerToken())) return session.ok() ? std::move(session) : hidden;
  const auto in_query = request.query.find("key");
  const std::string_view key =
      in_query != request.query.end() ? in_query->second : request.BearerToken();
  const std::string wanted = session.ok() ? session->read_key() : "";
  const bool equal = ConstantTimeEqual(Sha256(key), Sha256(wanted));
  if (!equal || wanted.empty()) return hidden;
  return session;
}

std::string Api::SessionJson(const v1::Session& session) const {
  // Every session has an id, so there is something to go on from.
  std::string json = ToJson(session);
  return absl::StrCat(
      "{\"url\":", JsonString(SessionUrl(options_.base_url, session.id(), session.read_key())), ",",
      json.substr(1));
}

}  // namespace routines::server
