#include "src/server/api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "routines/testing/test_engine.h"
#include "src/server/event_stream.h"

namespace routines::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using Headers = std::vector<std::pair<std::string, std::string>>;

constexpr char kTrigger[] = "trig_alert0001";
constexpr char kRoutine[] =
    "name: alert\nprompt: look\ntriggers: [{id: trig_alert0001, api: {}}]\n";
constexpr char kAdmin[] = "admin-secret";

// Says what it is told to Admit and to Read, once told.
class FailingStore : public Store {
 public:
  absl::Status admit, read;

  void Admit(Admission admission, AdmitDone done) override {
    if (!admit.ok()) return done(admit);
    store_->Admit(std::move(admission), std::move(done));
  }
  absl::StatusOr<std::vector<v1::Session>> Lease(const LeaseRequest& request) override {
    return store_->Lease(request);
  }
  void Update(SessionUpdate update, UpdateDone done) override {
    store_->Update(std::move(update), std::move(done));
  }
  absl::Status Save(const Change& change) override { return store_->Save(change); }
  absl::StatusOr<Rows> Read(const Query& query) override {
    if (!read.ok()) return read;
    return store_->Read(query);
  }

 private:
  std::unique_ptr<Store> store_ = NewMemoryStore();
};

class ApiTest : public ::testing::Test {
 protected:
  ApiTest() {
    engine_.PutYaml(kRoutine);
    token_ = engine_->CreateToken(kTrigger)->secret;
  }

  static EngineOptions Options(std::shared_ptr<Store> store) {
    EngineOptions options;
    options.store = std::move(store);
    return options;
  }

  Response Call(const std::string& method, const std::string& target, Headers headers = {},
                const std::string& body = "") {
    auto request = std::make_shared<Request>();
    request->method = method;
    request->target = target;
    request->headers = std::move(headers);
    request->body = body;
    request->content_length = body.size();
    if (std::optional<Response> refused = api_.Begin(*request)) return *refused;
    std::optional<Response> answer;
    api_.Handle(request, [&](Response response) {
      EXPECT_FALSE(answer.has_value()) << "answered twice";
      answer = std::move(response);
    });
    EXPECT_TRUE(answer.has_value()) << "not answered";
    return answer.value_or(Response());
  }

  Response Fire(const std::string& body = "", Headers headers = {}) {
    headers.emplace_back("authorization", "Bearer " + token_);
    headers.emplace_back("content-type", "application/json");
    return Call("POST", absl::StrCat("/v1/claude_code/routines/", kTrigger, "/fire"), headers,
                body);
  }

  Response Manage(const std::string& method, const std::string& target,
                  const std::string& body = "") {
    return Call(method, target, {{"authorization", absl::StrCat("Bearer ", kAdmin)}}, body);
  }

  // Of a fire's answer.
  static std::string Between(const std::string& text, const std::string& from, char to) {
    const size_t begin = text.find(from);
    if (begin == text.npos) return "";
    return text.substr(begin + from.size(),
                       text.find(to, begin + from.size()) - begin - from.size());
  }
  std::string FiredSession(const Response& fired) {
    return Between(fired.body, "\"claude_code_session_id\":\"", '"');
  }
  std::string ReadKey(const std::string& session) {
    return engine_->GetSession(session)->read_key();
  }

  std::shared_ptr<FailingStore> store_ = std::make_shared<FailingStore>();
  routines::testing::TestEngine engine_{Options(store_)};
  Metrics metrics_;
  Api api_{*engine_, {kAdmin, "https://r.example", 1 << 20}, metrics_, [](auto job) { job(); }};
  std::string token_;
};

void ExpectError(const Response& response, int status, const std::string& type,
                 const std::string& message) {
  EXPECT_EQ(response.status, status) << response.body;
  EXPECT_THAT(response.body,
              StartsWith(absl::StrCat("{\"type\":\"error\",\"error\":{\"type\":\"", type, "\",")));
  EXPECT_THAT(response.body, HasSubstr(message));
}

std::string HeaderOf(const Response& response, const std::string& name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return "";
}

// ---- fire ----

TEST_F(ApiTest, FireAnswersWithTheSession) {
  const Response response = Fire(R"({"text":"SEN-4521"})");
  ASSERT_EQ(response.status, 200) << response.body;
  const std::string session = FiredSession(response);
  EXPECT_EQ(response.body,
            absl::StrCat("{\"type\":\"routine_fire\",\"claude_code_session_id\":\"", session,
                         "\",\"claude_code_session_url\":\"https://r.example/sessions/", session,
                         "?key=", ReadKey(session), "\"}"));
  EXPECT_EQ(engine_->GetEvent(engine_->GetSession(session)->event_id())->text(), "SEN-4521");
}

TEST_F(ApiTest, FireNeedsNoBody) {
  EXPECT_EQ(Fire().status, 200);
}

TEST_F(ApiTest, FireWithTheSameKeyGivesTheFirstAnswer) {
  const Response first = Fire("", {{"idempotency-key", "k1"}});
  EXPECT_EQ(Fire("", {{"idempotency-key", "k1"}}).body, first.body);
  EXPECT_NE(Fire("", {{"idempotency-key", "k2"}}).body, first.body);
  ExpectError(Fire("", {{"idempotency-key", ""}}), 400, "invalid_request_error", "idempotency-key");
  ExpectError(Fire("", {{"idempotency-key", std::string(256, 'k')}}), 400, "invalid_request_error",
              "255");
}

TEST_F(ApiTest, FireRefusesAllWrongTokensAlike) {
  engine_.PutYaml("name: other\nprompt: x\ntriggers: [{id: trig_other0001, api: {}}]\n");
  const std::string foreign = engine_->CreateToken("trig_other0001")->secret;
  const std::string target = absl::StrCat("/v1/claude_code/routines/", kTrigger, "/fire");
  const Response none = Call("POST", target);
  ExpectError(none, 401, "authentication_error", "invalid bearer token");
  EXPECT_EQ(HeaderOf(none, "WWW-Authenticate"), "Bearer");
  for (const std::string& value :
       {std::string("Bearer wrong"), "Bearer " + foreign, std::string("Bearer"),
        std::string("Bearer "), "Basic " + token_, token_, absl::StrCat("Bearer ", kAdmin)}) {
    EXPECT_EQ(Call("POST", target, {{"authorization", value}}).body, none.body) << value;
  }
  EXPECT_EQ(Call("POST", target + "?token=" + token_).body, none.body);
  EXPECT_EQ(Call("POST", target, {}, absl::StrCat(R"({"token":")", token_, "\"}")).body, none.body);
  const Headers good = {{"authorization", "Bearer " + token_}};
  EXPECT_EQ(Call("POST", "/v1/claude_code/routines/trig_nobody01/fire", good).body, none.body);
  EXPECT_EQ(Call("POST", "/v1/claude_code/routines/..%2F/fire", good).body, none.body);
}

TEST_F(ApiTest, FireJudgesTheContentType) {
  const auto with = [&](const std::string& type) {
    return Call("POST", absl::StrCat("/v1/claude_code/routines/", kTrigger, "/fire"),
                {{"authorization", "Bearer " + token_}, {"content-type", type}}, "{}");
  };
  EXPECT_EQ(with("application/json").status, 200);
  EXPECT_EQ(with("Application/JSON; charset=UTF-8").status, 200);
  EXPECT_EQ(with("application/json;charset=\"utf-8\"").status, 200);
  ExpectError(with("application/json; charset=utf-16"), 400, "invalid_request_error", "charset");
  ExpectError(with("text/plain"), 400, "invalid_request_error", "content-type");
  ExpectError(with("application/jsonp"), 400, "invalid_request_error", "content-type");
  ExpectError(with(""), 400, "invalid_request_error", "content-type");
}

TEST_F(ApiTest, FireKnowsOneBeta) {
  constexpr char kBeta[] = "experimental-cc-routine-2026-04-01";
  EXPECT_EQ(Fire("", {{"anthropic-beta", kBeta}, {"anthropic-version", "2023-06-01"}}).status, 200);
  EXPECT_EQ(Fire("", {{"anthropic-beta", absl::StrCat(kBeta, " , ", kBeta)}}).status, 200);
  ExpectError(Fire("", {{"anthropic-beta", "future"}}), 400, "invalid_request_error", "future");
  ExpectError(Fire("", {{"anthropic-beta", absl::StrCat(kBeta, ",future")}}), 400,
              "invalid_request_error", "anthropic-beta");
  ExpectError(Fire("", {{"anthropic-beta", kBeta}, {"anthropic-beta", "future"}}), 400,
              "invalid_request_error", "anthropic-beta");
}

TEST_F(ApiTest, FireRefusesBadBodies) {
  ExpectError(Fire("[]"), 400, "invalid_request_error", "object");
  ExpectError(Fire(R"({"text":null})"), 400, "invalid_request_error", "text: must be a string");
  ExpectError(Fire(absl::StrCat("{\"text\":\"", std::string(65'537, 'x'), "\"}")), 400,
              "invalid_request_error", "65,536");
  EXPECT_EQ(Fire(absl::StrCat("{\"text\":\"", std::string(65'536, 'x'), "\"}")).status, 200);
  ExpectError(Fire(std::string((1 << 20) + 1, ' ')), 413, "request_too_large", "1048576 bytes");
  ExpectError(Fire("{}", {{"content-encoding", "gzip"}}), 415, "invalid_request_error",
              "compressed");
  ExpectError(Fire("{}", {{"expect", "the-unexpected"}}), 417, "invalid_request_error", "expect");
}

TEST_F(ApiTest, FireOfAPausedRoutineIsRefused) {
  ASSERT_TRUE(engine_->SetRoutinePaused("default", "alert", true).ok());
  ExpectError(Fire(), 400, "invalid_request_error", "paused");
}

TEST_F(ApiTest, FireTellsWhatTheStoreSaid) {
  store_->admit = absl::UnavailableError("the disk is full");
  const Response unavailable = Fire();
  ExpectError(unavailable, 503, "overloaded_error", "the disk is full");
  EXPECT_EQ(HeaderOf(unavailable, "Retry-After"), "1");
  store_->admit = absl::ResourceExhaustedError("30 fires an hour are allowed");
  const Response limited = Fire();
  ExpectError(limited, 429, "rate_limit_error", "30 fires");
  EXPECT_EQ(HeaderOf(limited, "Retry-After"), "60");
  store_->admit = absl::InternalError("secret details");
  const Response broken = Fire();
  ExpectError(broken, 500, "api_error", "internal error");
  EXPECT_THAT(broken.body, Not(HasSubstr("secret details")));
  store_->admit = absl::OkStatus();
  EXPECT_EQ(Fire().status, 200);
}

TEST_F(ApiTest, PathsAndMethodsThatAreNotThere) {
  ExpectError(Call("GET", "/"), 404, "not_found_error", "path");
  ExpectError(Call("GET", "/v1/claude_code/routines/x/y"), 404, "not_found_error", "path");
  const Response response =
      Call("GET", absl::StrCat("/v1/claude_code/routines/", kTrigger, "/fire"));
  ExpectError(response, 405, "invalid_request_error", "POST");
  EXPECT_EQ(HeaderOf(response, "Allow"), "POST");
  ExpectError(Call("OPTIONS", "*"), 400, "invalid_request_error", "slash");
  ExpectError(Call("GET", "/healthz?a=%"), 400, "invalid_request_error", "%");
  EXPECT_EQ(Call("GET", "http://elsewhere/healthz").status, 200);
}

// ---- sessions ----

TEST_F(ApiTest, SessionIsSeenWithItsKeyOrAsAdmin) {
  const std::string id = FiredSession(Fire());
  const std::string key = ReadKey(id);
  const std::string target = "/v1/sessions/" + id;
  const Response response = Call("GET", target + "?key=" + key);
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_THAT(response.body,
              StartsWith(absl::StrCat("{\"url\":\"https://r.example/sessions/", id)));
  EXPECT_THAT(response.body, HasSubstr("\"state\":\"queued\""));
  EXPECT_EQ(Call("GET", target, {{"authorization", "Bearer " + key}}).body, response.body);
  EXPECT_EQ(Manage("GET", target).body, response.body);
}

TEST_F(ApiTest, SessionIsHiddenFromEverybodyElse) {
  const std::string id = FiredSession(Fire());
  const std::string other = ReadKey(FiredSession(Fire()));
  const Response hidden = Call("GET", "/v1/sessions/session_nobody?key=x");
  ExpectError(hidden, 404, "not_found_error", "no session with this id and key");
  for (const std::string& suffix : {std::string(""), std::string("?key="), "?key=" + other}) {
    for (const char* path : {"/v1/sessions/", "/sessions/"}) {
      EXPECT_EQ(Call("GET", absl::StrCat(path, id, suffix)).body, hidden.body) << path << suffix;
    }
    EXPECT_EQ(Call("GET", absl::StrCat("/v1/sessions/", id, "/events", suffix)).body, hidden.body);
  }
  EXPECT_EQ(Manage("GET", "/v1/sessions/session_nobody").body, hidden.body);
}

TEST_F(ApiTest, EventsComeInPages) {
  const std::string id = FiredSession(Fire());
  engine_.RunUntilIdle();
  const int64_t last = engine_->GetSession(id)->last_sequence();
  ASSERT_GE(last, 2);
  const std::string target = absl::StrCat("/v1/sessions/", id, "/events?key=", ReadKey(id));
  EXPECT_THAT(Call("GET", target).body, HasSubstr(absl::StrCat("\"next_after\":", last)));
  const Response one = Call("GET", target + "&after=1&limit=1");
  EXPECT_THAT(one.body, StartsWith("{\"events\":[{\"sequence\":2,"));
  EXPECT_THAT(one.body, HasSubstr("\"next_after\":2}"));
  EXPECT_EQ(Call("GET", target + "&after=999").body, "{\"events\":[],\"next_after\":999}");
  ExpectError(Call("GET", target + "&after=x"), 400, "invalid_request_error", "after");
  ExpectError(Call("GET", target + "&limit=0"), 400, "invalid_request_error", "limit");
}

TEST_F(ApiTest, EventsComeAsStreamWhereAskedFor) {
  const std::string id = FiredSession(Fire());
  engine_.RunUntilIdle();
  const std::string target = absl::StrCat("/v1/sessions/", id, "/events?key=", ReadKey(id));
  const Response response =
      Call("GET", target, {{"accept", "text/event-stream"}, {"last-event-id", "1"}});
  ASSERT_NE(response.stream, nullptr);
  EXPECT_EQ(response.content_type, "text/event-stream");
  EXPECT_THAT(response.stream->Next()->bytes, StartsWith("id: 2\n"));
  EXPECT_EQ(Call("HEAD", target, {{"accept", "text/event-stream"}}).stream, nullptr);
  ExpectError(Call("GET", target, {{"accept", "text/event-stream"}, {"last-event-id", "x"}}), 400,
              "invalid_request_error", "last-event-id");
}

TEST_F(ApiTest, PageIsGuardedByHeaders) {
  const std::string id = FiredSession(Fire());
  const Response response = Call("GET", absl::StrCat("/sessions/", id, "?key=", ReadKey(id)));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "text/html; charset=utf-8");
  const std::string policy = HeaderOf(response, "Content-Security-Policy");
  EXPECT_THAT(policy, HasSubstr("default-src 'none'"));
  EXPECT_THAT(policy, HasSubstr("frame-ancestors 'none'"));
  EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
  EXPECT_EQ(HeaderOf(response, "Referrer-Policy"), "no-referrer");
}

TEST_F(ApiTest, CancelNeedsTheAdminToken) {
  const std::string id = FiredSession(Fire());
  const std::string target = absl::StrCat("/v1/sessions/", id, "/cancel");
  const Headers form = {{"content-type", "application/x-www-form-urlencoded"}};
  ExpectError(Call("POST", target), 401, "authentication_error", "bearer");
  ExpectError(Call("POST", target, form, "admin_token=wrong"), 401, "authentication_error",
              "bearer");
  ExpectError(Call("POST", target, {{"authorization", "Bearer " + ReadKey(id)}}), 401,
              "authentication_error", "bearer");
  EXPECT_EQ(engine_->GetSession(id)->state(), v1::SESSION_STATE_QUEUED);
  EXPECT_THAT(Manage("POST", target).body, HasSubstr("\"state\":\"cancelled\""));
  ExpectError(Manage("POST", "/v1/sessions/session_nobody/cancel"), 404, "not_found_error",
              "session_nobody");
}

TEST_F(ApiTest, CancelFromThePageLeadsBackToIt) {
  const std::string id = FiredSession(Fire());
  const Response response = Call("POST", absl::StrCat("/v1/sessions/", id, "/cancel"),
                                 {{"content-type", "application/x-www-form-urlencoded"}},
                                 absl::StrCat("admin_token=", kAdmin, "&key=a%26b%0d%0aX:y"));
  EXPECT_EQ(response.status, 303);
  EXPECT_EQ(HeaderOf(response, "Location"),
            absl::StrCat("../../../sessions/", id, "?key=a%26b%0d%0aX%3ay"));
  EXPECT_EQ(engine_->GetSession(id)->state(), v1::SESSION_STATE_CANCELLED);
}

TEST_F(ApiTest, SessionsAreListedNewestFirst) {
  const std::string first = FiredSession(Fire());
  const std::string second = FiredSession(Fire());
  const Response page = Manage("GET", "/v1/sessions?limit=1&state=queued,running");
  EXPECT_THAT(page.body, HasSubstr(absl::StrCat("\"id\":\"", second, "\"")));
  EXPECT_THAT(page.body, HasSubstr(absl::StrCat("\"next_before\":\"", second, "\"")));
  const Response rest = Manage("GET", "/v1/sessions?before=" + second);
  EXPECT_THAT(rest.body, HasSubstr(absl::StrCat("\"id\":\"", first, "\"")));
  EXPECT_THAT(rest.body, Not(HasSubstr("next_before")));
  EXPECT_EQ(Manage("GET", "/v1/sessions?state=lost").body, "{\"sessions\":[]}");
  ExpectError(Manage("GET", "/v1/sessions?state=asleep"), 400, "invalid_request_error", "asleep");
}

TEST_F(ApiTest, DecisionsOfARoutineOrAnEvent) {
  const std::string id = FiredSession(Fire());
  const std::string event = engine_->GetSession(id)->event_id();
  EXPECT_THAT(Manage("GET", "/v1/decisions?routine=alert").body, HasSubstr("\"reason\":\"fired\""));
  EXPECT_THAT(Manage("GET", "/v1/decisions?event=" + event).body, HasSubstr(id));
  EXPECT_EQ(Manage("GET", "/v1/decisions?routine=alert&since=2100-01-01T00:00:00Z").body,
            "{\"decisions\":[]}");
  EXPECT_THAT(Manage("GET", "/v1/decisions").body, HasSubstr(id));
  ExpectError(Manage("GET", "/v1/decisions?routine=a&since=soon"), 400, "invalid_request_error",
              "since");
}

// ---- management ----

TEST_F(ApiTest, ManagementNeedsTheAdminToken) {
  const std::pair<const char*, const char*> calls[] = {
      {"GET", "/v1/routines"},
      {"PUT", "/v1/routines"},
      {"GET", "/v1/routines/default/alert"},
      {"DELETE", "/v1/routines/default/alert"},
      {"POST", "/v1/routines/default/alert/pause"},
      {"POST", "/v1/routines/default/alert/resume"},
      {"POST", "/v1/routines/default/alert/run"},
      {"GET", "/v1/triggers/trig_alert0001/tokens"},
      {"POST", "/v1/triggers/trig_alert0001/tokens"},
      {"POST", "/v1/triggers/trig_alert0001/tokens/rotate"},
      {"DELETE", "/v1/tokens/token_1"},
      {"GET", "/v1/sessions"},
      {"GET", "/v1/decisions"}};
  Api closed(*engine_, {"", "https://r.example", 1 << 20}, metrics_, [](auto job) { job(); });
  for (const auto& [method, target] : calls) {
    ExpectError(Call(method, target), 401, "authentication_error", "bearer");
    ExpectError(Call(method, target, {{"authorization", "Bearer " + token_}}), 401,
                "authentication_error", "bearer");
    Request request;
    request.method = method;
    request.target = target;
    request.headers = {{"authorization", "Bearer "}};
    const std::optional<Response> refused = closed.Begin(request);
    ASSERT_TRUE(refused.has_value());
    ExpectError(*refused, 403, "permission_error", "admin token");
  }
}

TEST_F(ApiTest, PutSavesARoutine) {
  const Response saved = Manage("PUT", "/v1/routines", "name: new\nprompt: do it\n");
  ASSERT_EQ(saved.status, 200) << saved.body;
  EXPECT_THAT(saved.body, HasSubstr("\"revision\":1"));
  EXPECT_THAT(Manage("PUT", "/v1/routines", R"({"name":"new","prompt":"do more"})").body,
              HasSubstr("\"revision\":2"));
  EXPECT_THAT(Manage("GET", "/v1/routines/default/new?revision=1").body, HasSubstr("do it"));
  EXPECT_THAT(Manage("GET", "/v1/routines").body, HasSubstr("\"name\":\"alert\""));
  EXPECT_EQ(Manage("GET", "/v1/routines?account=nobody").body, "{\"routines\":[]}");
}

TEST_F(ApiTest, PutReportsAllProblems) {
  const Response response =
      Manage("PUT", "/v1/routines", "name: new\npromt: do it\nlimits: {max_turns: x}\n");
  ExpectError(response, 400, "invalid_request_error", "more)");
  EXPECT_THAT(response.body, HasSubstr("\"problems\":[{\"line\":"));
  EXPECT_THAT(response.body, HasSubstr("prompt"));
  const Response engine =
      Manage("PUT", "/v1/routines", "name: new\nprompt: do it\nexecutor: nobody\n");
  ExpectError(engine, 400, "invalid_request_error", "nobody");
  EXPECT_THAT(engine.body, HasSubstr("\"problems\":[{\"path\":\"executor\","));
  ExpectError(Manage("PUT", "/v1/routines",
                     "name: thief\nprompt: x\ntriggers: [{id: trig_alert0001, api: {}}]\n"),
              400, "invalid_request_error", "trig_alert0001");
}

TEST_F(ApiTest, RoutinesArePausedRunAndDeleted) {
  EXPECT_THAT(Manage("POST", "/v1/routines/default/alert/pause").body,
              HasSubstr("\"paused\":true"));
  EXPECT_THAT(Manage("POST", "/v1/routines/default/alert/run", R"({"text":"now"})").body,
              HasSubstr("routine_fire"));
  EXPECT_EQ(Manage("POST", "/v1/routines/default/alert/run").status, 200);
  EXPECT_THAT(Manage("POST", "/v1/routines/default/alert/resume").body,
              Not(HasSubstr("\"paused\":true")));
  EXPECT_EQ(Manage("DELETE", "/v1/routines/default/alert").status, 204);
  for (const char* method : {"GET", "DELETE"}) {
    ExpectError(Manage(method, "/v1/routines/default/alert"), 404, "not_found_error", "alert");
  }
  ExpectError(Fire(), 401, "authentication_error", "bearer");  // its tokens died with it
}

TEST_F(ApiTest, TokensAreMadeRotatedAndRevoked) {
  const std::string target = absl::StrCat("/v1/triggers/", kTrigger, "/tokens");
  const Response listed = Manage("GET", target);
  EXPECT_THAT(listed.body, Not(HasSubstr("sha256")));
  const Response second = Manage("POST", target);
  EXPECT_THAT(second.body, HasSubstr("\"secret\":\""));
  ExpectError(Manage("POST", target), 400, "invalid_request_error", "rotate");
  const Response rotated = Manage("POST", target + "/rotate", R"({"overlap":"0s"})");
  ASSERT_EQ(rotated.status, 200) << rotated.body;
  EXPECT_EQ(Fire().status, 401);
  token_ = Between(rotated.body, "\"secret\":\"", '"');
  EXPECT_EQ(Fire().status, 200);
  EXPECT_EQ(Manage("DELETE", "/v1/tokens/" + Between(rotated.body, "{\"id\":\"", '"')).status, 204);
  EXPECT_EQ(Fire().status, 401);
  ExpectError(Manage("DELETE", "/v1/tokens/token_nobody"), 404, "not_found_error", "token_nobody");
  ExpectError(Manage("POST", target + "/rotate", R"({"overlap":"soon"})"), 400,
              "invalid_request_error", "overlap");
  ExpectError(Manage("POST", target + "/rotate", R"({"overlap":"-1s"})"), 400,
              "invalid_request_error", "overlap");
}

// ---- health, metrics, assets ----

TEST_F(ApiTest, HealthFollowsTheStore) {
  EXPECT_EQ(Call("GET", "/healthz").body, "{\"status\":\"ok\"}");
  store_->read = absl::UnavailableError("gone");
  EXPECT_EQ(Call("GET", "/healthz").status, 503);
}

TEST_F(ApiTest, MetricsCountRoutesNotWhatClientsSend) {
  Fire();
  Call("GET", "/v1/made-up/by-a-client");
  const Response response = Call("GET", "/metrics");
  EXPECT_THAT(response.body,
              HasSubstr("route=\"/v1/claude_code/routines/{trigger_id}/fire\",status=\"200\"} 1"));
  EXPECT_THAT(response.body, HasSubstr("route=\"none\",status=\"404\"} 1"));
  EXPECT_THAT(response.body, Not(HasSubstr("made-up")));
  EXPECT_THAT(response.body, HasSubstr("routines_events_admitted_total 1"));
}

TEST_F(ApiTest, AssetsHaveTheirTypes) {
  EXPECT_EQ(Call("GET", "/assets/session.css").content_type, "text/css; charset=utf-8");
  EXPECT_EQ(Call("GET", "/assets/session.js").content_type, "text/javascript; charset=utf-8");
  ExpectError(Call("GET", "/assets/..%2FREADME.md"), 404, "not_found_error", "file");
}

}  // namespace
}  // namespace routines::server
