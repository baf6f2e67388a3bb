// Events, and why they started what they did.
#include <utility>

#include "absl/strings/str_cat.h"
#include "routines/json.h"
#include "src/server/api.h"
#include "src/server/error_response.h"
#include "src/server/query.h"

namespace routines::server {
namespace {

constexpr int64_t kMaxRows = 1000;

template <typename Rows, typename Write>
std::string JsonList(const Rows& rows, Write write) {
  std::string out = "[";
  for (const auto& row : rows) absl::StrAppend(&out, out.size() == 1 ? "" : ",", write(row));
  return out + "]";
}

std::string ConditionJson(const ConditionExplanation& condition) {
  std::string out = absl::StrCat("{\"path\":", JsonString(condition.path));
  if (condition.any_of.empty()) {
    absl::StrAppend(&out, ",\"field\":", JsonString(condition.field),
                    ",\"operator\":", JsonString(condition.op),
                    ",\"expected\":", JsonString(condition.expected),
                    ",\"actual\":", JsonString(condition.actual));
  } else {
    absl::StrAppend(&out, ",\"any_of\":", JsonList(condition.any_of, ConditionJson));
  }
  return absl::StrCat(out, ",\"held\":", condition.held ? "true" : "false", "}");
}

std::string TriggerJson(const TriggerExplanation& trigger) {
  return absl::StrCat("{\"trigger\":", JsonString(trigger.trigger),
                      ",\"matched\":", trigger.matched ? "true" : "false",
                      ",\"conditions\":", JsonList(trigger.conditions, ConditionJson),
                      ",\"text\":", JsonString(trigger.ToString()), "}");
}

std::string ExplanationJson(const EventExplanation& why) {
  const auto decision = [](const v1::Decision& each) { return ToJson(each); };
  return absl::StrCat("{\"revision\":", why.revision,
                      ",\"matched\":", why.filters.matched ? "true" : "false",
                      ",\"triggers\":", JsonList(why.filters.triggers, TriggerJson),
                      ",\"gates\":", JsonList(why.gates, decision),
                      ",\"decisions\":", JsonList(why.decisions, decision), "}");
}

}  // namespace

void Api::GetEvent(RequestPtr request, Respond respond) {
  const absl::StatusOr<v1::Event> event = engine_.GetEvent(request->params[0]);
  if (!event.ok()) return respond(StatusResponse(event.status()));
  Response response;
  response.body = EventJson(*event);
  respond(std::move(response));
}

void Api::EventPayload(RequestPtr request, Respond respond) {
  absl::StatusOr<v1::Event> event = engine_.GetEvent(request->params[0]);
  if (!event.ok()) return respond(StatusResponse(event.status()));
  Response response;
  response.body = std::move(*event->mutable_payload());
  respond(std::move(response));
}

void Api::ListEvents(RequestPtr request, Respond respond) {
  const absl::StatusOr<int64_t> limit =
      ParseNumber("limit", Parameter(*request, "limit"), 100, 1, kMaxRows);
  if (!limit.ok()) return respond(StatusResponse(limit.status()));
  const absl::StatusOr<std::vector<v1::Event>> events = engine_.ListEvents(
      {.before_id = Parameter(*request, "before"), .limit = static_cast<int>(*limit)});
  if (!events.ok()) return respond(StatusResponse(events.status()));
  Response response;
  response.body = absl::StrCat("{\"events\":", JsonList(*events, EventJson));
  // A page that is not full is the last one.
  if (static_cast<int64_t>(events->size()) == *limit) {
    absl::StrAppend(&response.body, ",\"next_before\":", JsonString(events->back().id()));
  }
  response.body += "}";
  respond(std::move(response));
}

void Api::ExplainEvent(RequestPtr request, Respond respond) {
  const std::string routine = Parameter(*request, "routine");
  if (routine.empty()) {
    return respond(ErrorResponse(400, "routine: must be given, with account or without"));
  }
  const std::string account = Parameter(*request, "account");
  const absl::StatusOr<int64_t> revision =
      ParseNumber("revision", Parameter(*request, "revision"), 0, 1);
  if (!revision.ok()) return respond(StatusResponse(revision.status()));
  const absl::StatusOr<EventExplanation> why = engine_.ExplainEvent(
      request->params[0], account.empty() ? "default" : account, routine, *revision);
  if (!why.ok()) return respond(StatusResponse(why.status()));
  Response response;
  response.body = ExplanationJson(*why);
  respond(std::move(response));
}

}  // namespace routines::server
