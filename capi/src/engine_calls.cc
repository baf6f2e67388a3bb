// Routines, tokens and events of an engine.
#include <optional>

#include "absl/strings/str_cat.h"
#include "capi/src/engine.h"
#include "capi/src/events.h"
#include "capi/src/json_forms.h"

namespace routines::capi {
namespace {

std::string FiredJson(const FireResult& fired) {
  return absl::StrCat("{\"event_id\":", JsonString(fired.event_id),
                      ",\"session_id\":", JsonString(fired.session_id),
                      ",\"read_key\":", JsonString(fired.read_key),
                      ",\"duplicate\":", fired.duplicate ? "true" : "false", "}");
}

std::string IssuedJson(const IssuedToken& issued) {
  return absl::StrCat("{\"token\":", ToJson(issued.token),
                      ",\"secret\":", JsonString(issued.secret), "}");
}

std::string ExplanationJson(const EventExplanation& why) {
  const auto decision = [](const v1::Decision& each) { return ToJson(each); };
  return absl::StrCat(
      "{\"revision\":", why.revision, ",\"matched\":", why.filters.matched ? "true" : "false",
      ",\"triggers\":", TriggersJson(why.filters), ",\"gates\":", JsonList(why.gates, decision),
      ",\"decisions\":", JsonList(why.decisions, decision), "}");
}

absl::StatusOr<int> LimitOf(int32_t limit) {
  if (limit < 0 || limit > kMostRows) {
    return absl::InvalidArgumentError("limit: must be 1 to 1,000, or 0 for 100");
  }
  return limit == 0 ? 100 : limit;
}

// The end of a call: `write` makes the JSON of a result that is there.
template <typename T, typename Write>
Answer Written(const absl::StatusOr<T>& result, std::string* json, Write write) {
  if (!result.ok()) return result.status();
  *json = write(*result);
  return ROUTINES_OK;
}

}  // namespace

std::string DeliveredJson(const DeliverResult& result) {
  return absl::StrCat("{\"event_id\":", JsonString(result.event_id),
                      ",\"duplicate\":", result.duplicate ? "true" : "false",
                      ",\"decision_count\":", result.decisions.size(), ",\"decisions\":",
                      JsonList(result.decisions, [](const auto& each) { return ToJson(each); }),
                      "}");
}

}  // namespace routines::capi

using namespace routines;        // NOLINT: what follows has C names
using namespace routines::capi;  // NOLINT

// ---- routines ----

routines_code routines_engine_put_routine(routines_engine* engine, routines_string text,
                                          routines_string file, routines_text** json,
                                          routines_error** error) {
  return WithEngine(
      engine, json, error, false, [&](const EngineCall& call, std::string* out) -> Answer {
        v1::Routine routine;
        ROUTINES_C_RETURN_IF_ERROR(LoadText(text, file, &routine));
        return Written(call->Put(routine), out, [](const auto& saved) { return ToJson(saved); });
      });
}

routines_code routines_engine_get_routine(routines_engine* engine, routines_string account,
                                          routines_string name, int64_t revision,
                                          routines_text** json, routines_error** error) {
  return WithEngine(
      engine, json, error, true, [&](const EngineCall& call, std::string* out) -> Answer {
        ROUTINES_C_RETURN_IF_ERROR(CheckTexts({{account, "account"}, {name, "name"}}));
        if (name.size == 0 || revision < 0) {
          return absl::InvalidArgumentError(
              "name: must be given, and a revision that is not negative");
        }
        return Written(call->GetRoutine(AccountOr(account), ViewOf(name), revision), out,
                       [](const auto& saved) { return ToJson(saved); });
      });
}

routines_code routines_engine_list_routines(routines_engine* engine, routines_string account,
                                            routines_text** json, routines_error** error) {
  return WithEngine(
      engine, json, error, true, [&](const EngineCall& call, std::string* out) -> Answer {
        ROUTINES_C_RETURN_IF_ERROR(CheckText(account, "account"));
        return Written(call->ListRoutines(ViewOf(account)), out,
                       [](const auto& rows) { return MessagesJson("routines", rows); });
      });
}

routines_code routines_engine_pause_routine(routines_engine* engine, routines_string account,
                                            routines_string name, int paused,
                                            routines_error** error) {
  return WithEngine(
      engine, nullptr, error, false, [&](const EngineCall& call, std::string*) -> Answer {
        ROUTINES_C_RETURN_IF_ERROR(CheckTexts({{account, "account"}, {name, "name"}}));
        return call->SetRoutinePaused(AccountOr(account), ViewOf(name), paused != 0);
      });
}

routines_code routines_engine_delete_routine(routines_engine* engine, routines_string account,
                                             routines_string name, routines_error** error) {
  return WithEngine(
      engine, nullptr, error, false, [&](const EngineCall& call, std::string*) -> Answer {
        ROUTINES_C_RETURN_IF_ERROR(CheckTexts({{account, "account"}, {name, "name"}}));
        return call->DeleteRoutine(AccountOr(account), ViewOf(name));
      });
}

// ---- tokens ----

routines_code routines_engine_create_token(routines_engine* engine, routines_string trigger_id,
                                           routines_text** json, routines_error** error) {
  return WithEngine(engine, json, error, true,
                    [&](const EngineCall& call, std::string* out) -> Answer {
                      ROUTINES_C_RETURN_IF_ERROR(CheckText(trigger_id, "trigger_id"));
                      return Written(call->CreateToken(ViewOf(trigger_id)), out, IssuedJson);
                    });
}

routines_code routines_engine_rotate_token(routines_engine* engine, routines_string trigger_id,
                                           int64_t overlap_ns, routines_text** json,
                                           routines_error** error) {
  return WithEngine(
      engine, json, error, true, [&](const EngineCall& call, std::string* out) -> Answer {
        ROUTINES_C_RETURN_IF_ERROR(CheckText(trigger_id, "trigger_id"));
        if (overlap_ns < 0) return absl::InvalidArgumentError("overlap_ns: must not be negative");
        return Written(call->RotateToken(ViewOf(trigger_id), absl::Nanoseconds(overlap_ns)), out,
                       IssuedJson);
      });
}

routines_code routines_engine_revoke_token(routines_engine* engine, routines_string token_id,
                                           routines_error** error) {
  return WithEngine(engine, nullptr, error, false,
                    [&](const EngineCall& call, std::string*) -> Answer {
                      ROUTINES_C_RETURN_IF_ERROR(CheckText(token_id, "token_id"));
                      return call->RevokeToken(ViewOf(token_id));
                    });
}

routines_code routines_engine_list_tokens(routines_engine* engine, routines_string trigger_id,
                                          routines_text** json, routines_error** error) {
  return WithEngine(engine, json, error, true,
                    [&](const EngineCall& call, std::string* out) -> Answer {
                      ROUTINES_C_RETURN_IF_ERROR(CheckText(trigger_id, "trigger_id"));
                      return Written(call->ListTokens(ViewOf(trigger_id)), out,
                                     [](const auto& rows) { return MessagesJson("tokens", rows); });
                    });
}

routines_code routines_engine_check_token(routines_engine* engine, routines_string trigger_id,
                                          routines_string secret, routines_error** error) {
  return WithEngine(
      engine, nullptr, error, false, [&](const EngineCall& call, std::string*) -> Answer {
        ROUTINES_C_RETURN_IF_ERROR(CheckTexts({{trigger_id, "trigger_id"}, {secret, "secret"}}));
        return call->CheckToken(ViewOf(trigger_id), ViewOf(secret));
      });
}

// ---- events ----

routines_code routines_engine_deliver(routines_engine* engine, const routines_event* event,
                                      routines_text** json, routines_error** error) {
  return WithEngine(engine, json, error, false,
                    [&](const EngineCall& call, std::string* out) -> Answer {
                      routines_event read;
                      ROUTINES_C_RETURN_IF_ERROR(ReadEvent(event, &read));
                      return Written(call->Deliver(DeliverRequestOf(read)), out, DeliveredJson);
                    });
}

routines_code routines_engine_fire(routines_engine* engine, routines_string trigger_id,
                                   routines_string text, routines_string idempotency_key,
                                   routines_text** json, routines_error** error) {
  return WithEngine(
      engine, json, error, false, [&](const EngineCall& call, std::string* out) -> Answer {
        ROUTINES_C_RETURN_IF_ERROR(CheckTexts(
            {{trigger_id, "trigger_id"}, {text, "text"}, {idempotency_key, "idempotency_key"}}));
        return Written(call->Fire({std::string(ViewOf(trigger_id)), std::string(ViewOf(text)),
                                   std::string(ViewOf(idempotency_key))}),
                       out, FiredJson);
      });
}

routines_code routines_engine_run(routines_engine* engine, routines_string account,
                                  routines_string name, routines_string text, routines_text** json,
                                  routines_error** error) {
  return WithEngine(
      engine, json, error, false, [&](const EngineCall& call, std::string* out) -> Answer {
        ROUTINES_C_RETURN_IF_ERROR(
            CheckTexts({{account, "account"}, {name, "name"}, {text, "text"}}));
        return Written(call->Run(AccountOr(account), ViewOf(name), ViewOf(text)), out, FiredJson);
      });
}

routines_code routines_engine_get_event(routines_engine* engine, routines_string event_id,
                                        routines_text** json, routines_error** error) {
  return WithEngine(engine, json, error, true,
                    [&](const EngineCall& call, std::string* out) -> Answer {
                      ROUTINES_C_RETURN_IF_ERROR(CheckText(event_id, "event_id"));
                      if (event_id.size == 0)
                        return absl::InvalidArgumentError("event_id: must be given");
                      return Written(call->GetEvent(ViewOf(event_id)), out, EventJson);
                    });
}

routines_code routines_engine_list_events(routines_engine* engine, routines_string before_id,
                                          int32_t limit, routines_text** json,
                                          routines_error** error) {
  return WithEngine(
      engine, json, error, true, [&](const EngineCall& call, std::string* out) -> Answer {
        ROUTINES_C_RETURN_IF_ERROR(CheckText(before_id, "before_id"));
        const absl::StatusOr<int> rows = LimitOf(limit);
        if (!rows.ok()) return rows.status();
        const auto events =
            call->ListEvents({.before_id = std::string(ViewOf(before_id)), .limit = *rows});
        return Written(events, out, [](const auto& list) {
          return absl::StrCat("{\"events\":", JsonList(list, EventJson), "}");
        });
      });
}

routines_code routines_engine_explain_event(routines_engine* engine, routines_string event_id,
                                            routines_string account, routines_string routine,
                                            int64_t revision, routines_text** json,
                                            routines_error** error) {
  return WithEngine(
      engine, json, error, true, [&](const EngineCall& call, std::string* out) -> Answer {
        ROUTINES_C_RETURN_IF_ERROR(
            CheckTexts({{event_id, "event_id"}, {account, "account"}, {routine, "routine"}}));
        if (event_id.size == 0 || routine.size == 0 || revision < 0) {
          return absl::InvalidArgumentError(
              "event_id and routine: must be given, and a revision that is not negative");
        }
        return Written(
            call->ExplainEvent(ViewOf(event_id), AccountOr(account), ViewOf(routine), revision),
            out, ExplanationJson);
      });
}

routines_code routines_engine_list_decisions(routines_engine* engine, routines_string event_id,
                                             routines_string account, routines_string routine,
                                             int32_t limit, routines_text** json,
                                             routines_error** error) {
  return WithEngine(
      engine, json, error, true, [&](const EngineCall& call, std::string* out) -> Answer {
        ROUTINES_C_RETURN_IF_ERROR(
            CheckTexts({{event_id, "event_id"}, {account, "account"}, {routine, "routine"}}));
        if (event_id.size == 0 && routine.size == 0) {
          return absl::InvalidArgumentError("event_id or routine: one of them must be given");
        }
        const absl::StatusOr<int> rows = LimitOf(limit);
        if (!rows.ok()) return rows.status();
        DecisionQuery query;
        query.event_id = std::string(ViewOf(event_id));
        query.account = routine.size == 0 ? std::string(ViewOf(account)) : AccountOr(account);
        query.routine = std::string(ViewOf(routine));
        query.limit = *rows;
        return Written(call->ListDecisions(query), out,
                       [](const auto& list) { return MessagesJson("decisions", list); });
      });
}
