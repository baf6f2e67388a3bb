// Sessions of an engine: looked at, waited for, cancelled.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "capi/src/engine.h"
#include "capi/src/json_forms.h"
#include "routines/session.h"
#include "src/base/session_state.h"

namespace routines::capi {
namespace {

// Another process may end a session, too, and tells nobody here.
constexpr absl::Duration kLookAgain = absl::Seconds(1);

absl::StatusOr<std::vector<v1::SessionState>> ParseStates(std::string_view text) {
  std::vector<v1::SessionState> states;
  for (const absl::string_view word :
       absl::StrSplit(absl::string_view(text.data(), text.size()), ',', absl::SkipEmpty())) {
    states.push_back(StateOfName(std::string_view(word.data(), word.size())));
    if (states.back() == v1::SESSION_STATE_UNSPECIFIED) {
      return absl::InvalidArgumentError(
          absl::StrCat("query.states: there is no state \"", word.substr(0, 40), "\""));
    }
  }
  return states;
}

// Watches one session until it has ended; stands in the engine's list of waiters meanwhile.
class Watch {
 public:
  Watch(const EngineCall& call, std::string session_id, int64_t timeout_ns)
      : call_(call),
        session_id_(std::move(session_id)),
        deadline_(timeout_ns == ROUTINES_NEVER ? absl::InfiniteFuture()
                                               : absl::Now() + absl::Nanoseconds(timeout_ns)),
        waiter_(std::make_shared<EngineObject::Waiter>()),
        added_(call.object().AddWaiter(waiter_)),
        subscription_(call->Subscribe(session_id_, [waiter = waiter_] { waiter->Wake(); })) {}
  ~Watch() {
    call_->Unsubscribe(subscription_);
    call_.object().RemoveWaiter(waiter_);
  }

  // Calls `tell` for each change; then the session as it ended.
  template <typename Tell>
  absl::StatusOr<v1::Session> Run(Tell tell) {
    while (true) {
      absl::StatusOr<v1::Session> session = call_->GetSession(session_id_);
      if (!session.ok()) return session;
      if (absl::Status status = tell(); !status.ok()) return status;
      if (IsTerminal(session->state())) return session;
      if (!added_ || call_.object().stopping()) {
        return absl::CancelledError("the engine is being stopped");
      }
      const absl::Time now = absl::Now();
      if (now >= deadline_) {
        return absl::DeadlineExceededError(absl::StrCat("session ", session_id_, " is still ",
                                                        std::string(StateName(session->state()))));
      }
      waiter_->Wait(std::min(deadline_, now + kLookAgain));
    }
  }

 private:
  const EngineCall& call_;
  const std::string session_id_;
  const absl::Time deadline_;
  const std::shared_ptr<EngineObject::Waiter> waiter_;
  const bool added_;
  const int64_t subscription_;
};

// Tells the log from `after` on, as far as there is one now.
absl::Status TellLog(const EngineCall& call, const std::string& session_id, int64_t* after,
                     routines_log_callback callback, void* self) {
  while (true) {
    const auto events = call->ReadLog({.session_id = session_id, .after = *after});
    if (!events.ok()) return events.status();
    if (events->empty()) return absl::OkStatus();
    for (const v1::SessionEvent& event : *events) {
      const std::string json = ToJson(event);
      int enough = 0;
      const absl::Status status =
          CallOut(call.object().id.get(), [&] { enough = callback(self, StringOf(json)); });
      if (!status.ok()) return status;
      if (enough != 0) return absl::CancelledError("the callback had enough");
      *after = event.sequence();
    }
  }
}

Answer CheckWait(routines_string session_id, int64_t timeout_ns) {
  ROUTINES_C_RETURN_IF_ERROR(CheckText(session_id, "session_id"));
  if (session_id.size == 0) return absl::InvalidArgumentError("session_id: must be given");
  if (timeout_ns < 0) return absl::InvalidArgumentError("timeout_ns: must not be negative");
  return ROUTINES_OK;
}

}  // namespace
}  // namespace routines::capi

using namespace routines;        // NOLINT: what follows has C names
using namespace routines::capi;  // NOLINT

routines_code routines_engine_get_session(routines_engine* engine, routines_string session_id,
                                          routines_text** json, routines_error** error) {
  return WithEngine(
      engine, json, error, true, [&](const EngineCall& call, std::string* out) -> Answer {
        ROUTINES_C_RETURN_IF_ERROR(CheckWait(session_id, 0));
        const absl::StatusOr<v1::Session> session = call->GetSession(ViewOf(session_id));
        if (!session.ok()) return session.status();
        *out = ToJson(*session);
        return ROUTINES_OK;
      });
}

routines_code routines_engine_list_sessions(routines_engine* engine,
                                            const routines_session_query* query,
                                            routines_text** json, routines_error** error) {
  return WithEngine(
      engine, json, error, true, [&](const EngineCall& call, std::string* out) -> Answer {
        routines_session_query read = ROUTINES_SESSION_QUERY_INIT;
        ROUTINES_C_RETURN_IF_ERROR(ReadStruct(
            query, ROUTINES_C_SIZE_WITH(routines_session_query, reserved), "query", &read));
        ROUTINES_C_RETURN_IF_ERROR(CheckTexts({{read.account, "query.account"},
                                               {read.routine, "query.routine"},
                                               {read.states, "query.states"},
                                               {read.before_id, "query.before_id"}}));
        if (read.limit < 0 || read.limit > kMostRows) {
          return absl::InvalidArgumentError("query.limit: must be 1 to 1,000, or 0 for 100");
        }
        absl::StatusOr<std::vector<v1::SessionState>> states = ParseStates(ViewOf(read.states));
        if (!states.ok()) return states.status();
        SessionQuery wanted;
        wanted.account = std::string(ViewOf(read.account));
        wanted.routine = std::string(ViewOf(read.routine));
        wanted.states = *std::move(states);
        wanted.before_id = std::string(ViewOf(read.before_id));
        wanted.limit = read.limit == 0 ? 100 : read.limit;
        const auto sessions = call->ListSessions(wanted);
        if (!sessions.ok()) return sessions.status();
        *out = MessagesJson("sessions", *sessions);
        return ROUTINES_OK;
      });
}

routines_code routines_engine_read_log(routines_engine* engine, routines_string session_id,
                                       int64_t after, int32_t limit, routines_text** json,
                                       routines_error** error) {
  return WithEngine(
      engine, json, error, true, [&](const EngineCall& call, std::string* out) -> Answer {
        ROUTINES_C_RETURN_IF_ERROR(CheckWait(session_id, 0));
        if (after < 0 || limit < 0 || limit > kMostRows) {
          return absl::InvalidArgumentError(
              "after: must not be negative; limit: must be 1 to 1,000, or 0 for 1,000");
        }
        const auto events = call->ReadLog({.session_id = std::string(ViewOf(session_id)),
                                           .after = after,
                                           .limit = limit == 0 ? kMostRows : limit});
        if (!events.ok()) return events.status();
        const int64_t next = events->empty() ? after : events->back().sequence();
        *out = absl::StrCat(
            "{\"events\":", JsonList(*events, [](const auto& event) { return ToJson(event); }),
            ",\"next_after\":", next, "}");
        return ROUTINES_OK;
      });
}

routines_code routines_engine_follow_session(routines_engine* engine, routines_string session_id,
                                             int64_t after, int64_t timeout_ns,
                                             routines_log_callback callback, void* self,
                                             routines_error** error) {
  return WithEngine(engine, nullptr, error, false,
                    [&](const EngineCall& call, std::string*) -> Answer {
                      ROUTINES_C_RETURN_IF_ERROR(CheckWait(session_id, timeout_ns));
                      if (callback == nullptr)
                        return absl::InvalidArgumentError("callback: must not be NULL");
                      if (after < 0)
                        return absl::InvalidArgumentError("after: must not be negative");
                      const std::string id(ViewOf(session_id));
                      return Watch(call, id, timeout_ns)
                          .Run([&] { return TellLog(call, id, &after, callback, self); })
                          .status();
                    });
}

routines_code routines_engine_cancel_session(routines_engine* engine, routines_string session_id,
                                             routines_error** error) {
  return WithEngine(engine, nullptr, error, false,
                    [&](const EngineCall& call, std::string*) -> Answer {
                      ROUTINES_C_RETURN_IF_ERROR(CheckWait(session_id, 0));
                      return call->Cancel(ViewOf(session_id));
                    });
}

routines_code routines_engine_wait_session(routines_engine* engine, routines_string session_id,
                                           int64_t timeout_ns, routines_text** json,
                                           routines_error** error) {
  return WithEngine(engine, json, error, false,
                    [&](const EngineCall& call, std::string* out) -> Answer {
                      ROUTINES_C_RETURN_IF_ERROR(CheckWait(session_id, timeout_ns));
                      const absl::StatusOr<v1::Session> session =
                          Watch(call, std::string(ViewOf(session_id)), timeout_ns).Run([] {
                            return absl::OkStatus();
                          });
                      if (!session.ok()) return session.status();
                      *out = ToJson(*session);
                      return ROUTINES_OK;
                    });
}
