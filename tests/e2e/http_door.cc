#include "tests/e2e/http_door.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "routines/json.h"
#include "routines/server.h"
#include "routines/signature.h"
#include "routines/testing/test_engine.h"
#include "src/base/status_macros.h"
#include "src/config/text_forms.h"
#include "src/testing/json_tree.h"
#include "tests/unit/server/socket_client.h"

namespace routines::testing {
namespace {

constexpr char kAdmin[] = "admin-token-of-the-doors";
constexpr char kSecret[] = "secret-of-the-doors-0123456789";

struct Answer {
  int status = 0;
  Json body;
};

std::string Text(const Json& json, std::string_view pointer) {
  const Json* const found = FindJson(json, pointer);
  return found == nullptr ? "" : found->string_value();
}

bool Truth(const Json& json, std::string_view pointer) {
  const Json* const found = FindJson(json, pointer);
  return found != nullptr && found->bool_value();
}

const google::protobuf::ListValue& List(const Json& json, std::string_view pointer) {
  const Json* const found = FindJson(json, pointer);
  return found == nullptr ? google::protobuf::ListValue::default_instance() : found->list_value();
}

v1::Decision DecisionOf(const Json& json) {
  v1::Decision decision;
  decision.set_event_id(Text(json, "/event_id"));
  decision.set_account(Text(json, "/account"));
  decision.set_routine(Text(json, "/routine"));
  decision.set_trigger_id(Text(json, "/trigger_id"));
  decision.set_detail(Text(json, "/detail"));
  decision.set_session_id(Text(json, "/session_id"));
  const auto* const reason = FindEnumWord(*v1::DecisionReason_descriptor(), Text(json, "/reason"));
  if (reason != nullptr) decision.set_reason(static_cast<v1::DecisionReason>(reason->number()));
  return decision;
}

ConditionExplanation ConditionOf(const Json& json) {
  ConditionExplanation condition;
  condition.path = Text(json, "/path");
  condition.field = Text(json, "/field");
  condition.op = Text(json, "/operator");
  condition.expected = Text(json, "/expected");
  condition.actual = Text(json, "/actual");
  condition.held = Truth(json, "/held");
  for (const Json& each : List(json, "/any_of").values()) {
    condition.any_of.push_back(ConditionOf(each));
  }
  return condition;
}

std::string NameOf(const v1::Routine& routine) {
  return absl::StrCat("account=", routine.account(), "&routine=", routine.name());
}

class HttpDoor : public CaseDoor {
 public:
  explicit HttpDoor(const CaseSetup& setup) : engine_(CaseEngineOptions(setup)) {
    engine_.clock().SetTime(setup.start);
    ServerOptions options;
    options.listen = "127.0.0.1:0";
    options.admin_token = kAdmin;
    options.threads = 1;
    options.github_hooks = {{.name = "default", .secrets = {kSecret}}};
    // Earlier events of a case have the body of the one that it is about.
    options.github_replay_window = absl::ZeroDuration();
    absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(*engine_, std::move(options));
    started_ = server.status();
    if (!server.ok()) return;
    server_ = *std::move(server);
    client_ = std::make_unique<server::SocketClient>(server_->port());
  }

  absl::StatusOr<v1::SavedRoutine> Put(const v1::Routine& routine, bool paused) override {
    RETURN_IF_ERROR(started_);
    ASSIGN_OR_RETURN(const Answer answer, Manage("PUT", "/v1/routines", ToJson(routine)));
    v1::SavedRoutine saved;
    *saved.mutable_routine() = routine;
    for (const Json& trigger : List(answer.body, "/triggers").values()) {
      v1::SavedTrigger& copy = *saved.add_triggers();
      copy.set_id(Text(trigger, "/id"));
      copy.set_trigger_id(Text(trigger, "/trigger_id"));
    }
    if (paused) {
      RETURN_IF_ERROR(Manage("POST", absl::StrCat("/v1/routines/", routine.account(), "/",
                                                  routine.name(), "/pause"))
                          .status());
    }
    return saved;
  }

  absl::StatusOr<Sent> Send(const v1::Event& event) override {
    if (event.source() == "api") return Fire(event);
    if (event.source() != "github") {
      ASSIGN_OR_RETURN(DeliverResult result, engine_->Deliver({.event = event}));
      return Sent{result.event_id, result.duplicate, std::move(result.decisions)};
    }
    ASSIGN_OR_RETURN(
        const Answer answer,
        Ask("POST", "/v1/webhooks/github",
            absl::StrCat(
                "X-GitHub-Event: ", event.type(), "\r\nX-GitHub-Delivery: ", event.external_id(),
                "\r\nX-Hub-Signature-256: ", SignGithubBody(kSecret, event.payload()), "\r\n"),
            event.payload()));
    if (answer.status != 202) return Refused(answer);
    Sent sent{Text(answer.body, "/event_id"), Truth(answer.body, "/duplicate"), {}};
    for (const Json& decision : List(answer.body, "/decisions").values()) {
      sent.decisions.push_back(DecisionOf(decision));
    }
    return sent;
  }

  absl::Status MoveTo(absl::Time time, bool asleep) override {
    if (asleep) {
      engine_.RunUntilIdle();
      engine_.clock().SetTime(time);
      engine_.RunUntilIdle();
    } else {
      engine_.AdvanceTime(time - engine_.clock().TimeNow());
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<DecidedInstant>> Instants(const v1::Routine& routine) override {
    ASSIGN_OR_RETURN(const Answer answer,
                     Manage("GET", absl::StrCat("/v1/decisions?", NameOf(routine), "&limit=1000")));
    std::vector<DecidedInstant> instants;
    for (const Json& decision : List(answer.body, "/decisions").values()) {
      ASSIGN_OR_RETURN(const Answer event,
                       Manage("GET", "/v1/events/" + Text(decision, "/event_id")));
      if (Text(event.body, "/source") != "schedule") continue;
      instants.push_back({DecisionOf(decision), Text(event.body, "/external_id")});
    }
    std::reverse(instants.begin(), instants.end());
    return instants;
  }

  absl::StatusOr<Explanation> Explain(std::string_view event_id,
                                      const v1::Routine& routine) override {
    ASSIGN_OR_RETURN(const Answer answer,
                     Manage("GET", absl::StrCat("/v1/events/", std::string(event_id), "/explain?",
                                                NameOf(routine))));
    Explanation why;
    for (const Json& trigger : List(answer.body, "/triggers").values()) {
      TriggerExplanation& copy = why.triggers.emplace_back();
      copy.index = static_cast<int>(why.triggers.size()) - 1;
      copy.trigger = Text(trigger, "/trigger");
      copy.matched = Truth(trigger, "/matched");
      for (const Json& each : List(trigger, "/conditions").values()) {
        copy.conditions.push_back(ConditionOf(each));
      }
      why.matched = why.matched || copy.matched;
    }
    return why;
  }

 private:
  absl::StatusOr<Sent> Fire(const v1::Event& event) {
    std::string& token = tokens_[event.trigger_id()];
    if (token.empty()) {
      ASSIGN_OR_RETURN(
          const Answer made,
          Manage("POST", absl::StrCat("/v1/triggers/", event.trigger_id(), "/tokens")));
      token = Text(made.body, "/secret");
    }
    std::string headers = absl::StrCat("Authorization: Bearer ", token, "\r\n");
    if (!event.external_id().empty()) {
      absl::StrAppend(&headers, "Idempotency-Key: ", event.external_id(), "\r\n");
    }
    ASSIGN_OR_RETURN(
        const Answer fired,
        Ask("POST", absl::StrCat("/v1/claude_code/routines/", event.trigger_id(), "/fire"), headers,
            absl::StrCat("{\"text\":", JsonString(event.text()), "}")));
    // 400 and 429: refused, with a decision.
    if (fired.status != 200 && fired.status != 400 && fired.status != 429) return Refused(fired);
    Sent sent;
    const std::string session = Text(fired.body, "/claude_code_session_id");
    sent.duplicate = !session.empty() && !fired_.insert(session).second;
    ASSIGN_OR_RETURN(const Answer decisions,
                     Manage("GET", absl::StrCat("/v1/decisions?account=", event.account(),
                                                "&routine=", event.type(), "&limit=1")));
    for (const Json& decision : List(decisions.body, "/decisions").values()) {
      sent.decisions.push_back(DecisionOf(decision));
    }
    return sent;
  }

  // A management call that has to succeed.
  absl::StatusOr<Answer> Manage(const std::string& method, const std::string& target,
                                const std::string& body = "") {
    ASSIGN_OR_RETURN(
        Answer answer,
        Ask(method, target, absl::StrCat("Authorization: Bearer ", kAdmin, "\r\n"), body));
    if (answer.status / 100 != 2) return Refused(answer);
    return answer;
  }

  absl::StatusOr<Answer> Ask(const std::string& method, const std::string& target,
                             const std::string& headers, const std::string& body) {
    const std::string length =
        method == "GET" ? "" : absl::StrCat("Content-Length: ", body.size(), "\r\n");
    client_->Send(absl::StrCat(method, " ", target, " HTTP/1.1\r\nHost: doors\r\n", headers,
                               body.empty() ? "" : "Content-Type: application/json\r\n", length,
                               "\r\n", body));
    const std::string response = client_->ReadResponse();
    Answer answer;
    answer.status = server::StatusOf(response);
    const size_t end = response.find("\r\n\r\n");
    if (answer.status == 0 || end == response.npos) {
      return absl::UnavailableError(absl::StrCat("no answer to ", method, " ", target));
    }
    const std::string text = response.substr(end + 4);
    if (!text.empty()) {
      ASSIGN_OR_RETURN(answer.body, ParseJson(text));
    }
    return answer;
  }

  // The engine's own words come after "line N: " and before what else there is.
  static absl::Status Refused(const Answer& answer) {
    return absl::InvalidArgumentError(Text(answer.body, "/error/message"));
  }

  TestEngine engine_;
  absl::Status started_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<server::SocketClient> client_;
  std::map<std::string, std::string> tokens_;  // by trigger id
  std::set<std::string> fired_;                // sessions
};

}  // namespace

std::unique_ptr<CaseDoor> NewHttpDoor(const CaseSetup& setup) {
  return std::make_unique<HttpDoor>(setup);
}

}  // namespace routines::testing
