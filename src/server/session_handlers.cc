// Sessions and decisions: JSON, events, page, cancel.
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "routines/json.h"
#include "routines/server.h"
#include "routines/session.h"
#include "src/base/session_state.h"
#include "src/base/status_macros.h"
#include "src/server/api.h"
#include "src/server/error_response.h"
#include "src/server/event_stream.h"
#include "src/server/query.h"
#include "src/server/session_page.h"

namespace routines::server {
namespace {

constexpr int64_t kMaxRows = 1000;

// "[a,b,c]" of the messages' JSON.
template <typename Rows, typename Write>
std::string JsonList(const Rows& rows, Write write) {
  std::string out = "[";
  for (const auto& row : rows) absl::StrAppend(&out, out.size() == 1 ? "" : ",", write(row));
  return out + "]";
}

absl::StatusOr<std::vector<v1::SessionState>> ParseStates(const std::string& text) {
  std::vector<v1::SessionState> states;
  for (const absl::string_view word : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    states.push_back(StateOfName(std::string_view(word.data(), word.size())));
    if (states.back() == v1::SESSION_STATE_UNSPECIFIED) {
      return absl::InvalidArgumentError(absl::StrCat(
          "state: \"", word.substr(0, 40), "\" is none of queued, preparing, running, succeeded, ",
          "failed, cancelled, timed_out, lost"));
    }
  }
  return states;
}

absl::StatusOr<SessionEventQuery> ParseEventQuery(const Request& request) {
  SessionEventQuery query;
  query.session_id = request.params[0];
  const std::string after(request.Header("last-event-id").value_or(Parameter(request, "after")));
  ASSIGN_OR_RETURN(query.after, ParseNumber("after, or last-event-id", after, 0));
  ASSIGN_OR_RETURN(query.limit,
                   ParseNumber("limit", Parameter(request, "limit"), kMaxRows, 1, kMaxRows));
  return query;
}

absl::StatusOr<DecisionQuery> ParseDecisionQuery(const Request& request) {
  DecisionQuery query;
  query.event_id = Parameter(request, "event");
  query.account = Parameter(request, "account");
  query.routine = Parameter(request, "routine");
  if (!query.routine.empty() && query.account.empty()) query.account = "default";
  const std::string since = Parameter(request, "since");
  std::string error;
  if (!since.empty() && !absl::ParseTime(absl::RFC3339_full, since, &query.since, &error)) {
    return absl::InvalidArgumentError(
        "since: must be a time such as 2026-01-31T09:00:00Z (a + must be written as %2B)");
  }
  ASSIGN_OR_RETURN(query.limit,
                   ParseNumber("limit", Parameter(request, "limit"), 100, 1, kMaxRows));
  ASSIGN_OR_RETURN(query.before, ParseNumber("before", Parameter(request, "before"), 0, 1));
  return query;
}

}  // namespace

void Api::GetSession(RequestPtr request, Respond respond) {
  const absl::StatusOr<v1::Session> session = VisibleSession(*request);
  if (!session.ok()) return respond(StatusResponse(session.status()));
  Response response;
  response.body = SessionJson(*session);
  respond(std::move(response));
}

void Api::SessionEvents(RequestPtr request, Respond respond) {
  const absl::StatusOr<v1::Session> session = VisibleSession(*request);
  if (!session.ok()) return respond(StatusResponse(session.status()));
  const absl::StatusOr<SessionEventQuery> query = ParseEventQuery(*request);
  if (!query.ok()) return respond(StatusResponse(query.status()));
  Response response;
  const std::string_view accept = request->Header("accept").value_or("");
  if (accept.find("text/event-stream") != accept.npos && request->method == "GET") {
    response.content_type = "text/event-stream";
    response.headers.emplace_back("X-Accel-Buffering", "no");  // a proxy must pass it on at once
    response.stream = std::make_shared<EventStream>(
        engine_, query->session_id, query->after,
        [this](const v1::Session& ended) { return SessionJson(ended); });
    return respond(std::move(response));
  }
  const absl::StatusOr<std::vector<v1::SessionEvent>> events = engine_.ReadLog(*query);
  if (!events.ok()) return respond(StatusResponse(events.status()));
  const int64_t next = events->empty() ? query->after : events->back().sequence();
  response.body = absl::StrCat(
      "{\"events\":", JsonList(*events, [](const auto& event) { return ToJson(event); }),
      ",\"next_after\":", next, "}");
  respond(std::move(response));
}

void Api::SessionPage(RequestPtr request, Respond respond) {
  const absl::StatusOr<v1::Session> session = VisibleSession(*request);
  if (!session.ok()) return respond(StatusResponse(session.status()));
  const absl::StatusOr<int64_t> after = ParseNumber("after", Parameter(*request, "after"), 0);
  if (!after.ok()) return respond(StatusResponse(after.status()));
  const absl::StatusOr<std::vector<v1::SessionEvent>> events = engine_.ReadLog(
      {.session_id = session->id(), .after = *after, .limit = 2000, .max_bytes = 1 << 20});
  if (!events.ok()) return respond(StatusResponse(events.status()));
  Response response;
  response.content_type = "text/html; charset=utf-8";
  response.headers = {
      {"Content-Security-Policy",
       "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
       "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"},
      {"Referrer-Policy", "no-referrer"},
      {"X-Frame-Options", "DENY"},
      {"Cross-Origin-Opener-Policy", "same-origin"}};
  response.body = RenderSessionPage(*session, *events, *after);
  respond(std::move(response));
}

void Api::CancelSession(RequestPtr request, Respond respond) {
  if (options_.admin_token.empty()) {
    return respond(
        ErrorResponse(403, "management is off: the server was started without admin token"));
  }
  const std::string_view type = request->Header("content-type").value_or("");
  const bool form = type.starts_with("application/x-www-form-urlencoded");
  std::string token(request->BearerToken());
  std::string key;
  if (form) {
    absl::StatusOr<std::map<std::string, std::string>> fields = ParseForm(request->body);
    if (!fields.ok()) return respond(StatusResponse(fields.status()));
    if (token.empty()) token = (*fields)["admin_token"];
    key = (*fields)["key"];
  }
  if (!IsAdminToken(token)) return respond(Unauthenticated());
  const absl::Status status = engine_.Cancel(request->params[0]);
  if (!status.ok()) return respond(StatusResponse(status));
  Response response;
  if (form && !key.empty()) {  // the page's own form: back to the page
    response.status = 303;
    response.headers.emplace_back("Location", SessionUrl("../../..", request->params[0], key));
    return respond(std::move(response));
  }
  const absl::StatusOr<v1::Session> session = engine_.GetSession(request->params[0]);
  if (!session.ok()) return respond(StatusResponse(session.status()));
  response.body = SessionJson(*session);
  respond(std::move(response));
}

void Api::ListSessions(RequestPtr request, Respond respond) {
  SessionQuery query;
  query.account = Parameter(*request, "account");
  query.routine = Parameter(*request, "routine");
  query.before_id = Parameter(*request, "before");
  absl::StatusOr<std::vector<v1::SessionState>> states = ParseStates(Parameter(*request, "state"));
  if (!states.ok()) return respond(StatusResponse(states.status()));
  query.states = *std::move(states);
  const absl::StatusOr<int64_t> limit =
      ParseNumber("limit", Parameter(*request, "limit"), 100, 1, kMaxRows);
  if (!limit.ok()) return respond(StatusResponse(limit.status()));
  query.limit = *limit;
  const absl::StatusOr<std::vector<v1::Session>> sessions = engine_.ListSessions(query);
  if (!sessions.ok()) return respond(StatusResponse(sessions.status()));
  Response response;
  response.body = absl::StrCat("{\"sessions\":", JsonList(*sessions, [this](const auto& session) {
                                 return SessionJson(session);
                               }));
  // A page that is not full is the last one.
  if (static_cast<int64_t>(sessions->size()) == *limit) {
    absl::StrAppend(&response.body, ",\"next_before\":", JsonString(sessions->back().id()));
  }
  response.body += "}";
  respond(std::move(response));
}

void Api::ListDecisions(RequestPtr request, Respond respond) {
  const absl::StatusOr<DecisionQuery> query = ParseDecisionQuery(*request);
  if (!query.ok()) return respond(StatusResponse(query.status()));
  const absl::StatusOr<std::vector<v1::Decision>> decisions = engine_.ListDecisions(*query);
  if (!decisions.ok()) return respond(StatusResponse(decisions.status()));
  Response response;
  response.body =
      absl::StrCat("{\"decisions\":",
                   JsonList(*decisions, [](const auto& decision) { return ToJson(decision); }));
  // A page that is not full is the last one.
  if (static_cast<int>(decisions->size()) == query->limit) {
    absl::StrAppend(&response.body, ",\"next_before\":\"", decisions->back().sequence(), "\"");
  }
  response.body += "}";
  respond(std::move(response));
}

}  // namespace routines::server
