// The webhook door on a simulated clock, with every payload at hand; tests/e2e/test_webhooks.py has
// the rest.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "routines/event.h"
#include "routines/signature.h"
#include "routines/testing/test_engine.h"
#include "src/server/api.h"
#include "tests/unit/match/github_payloads.h"

namespace routines::server {
namespace {

using ::routines::testing::AllPayloads;
using ::routines::testing::ExamplePayloads;
using ::routines::testing::GithubPayload;
using ::testing::HasSubstr;

constexpr char kSecret[] = "a-secret-of-the-tests-0123456789";

std::string TextOf(const GithubPayload& payload, std::string_view pointer) {
  const auto value =
      ReadField({.source = "github", .type = payload.event, .payload = payload.body}, pointer);
  const auto* text = value.ok() ? std::get_if<std::string>(&*value) : nullptr;
  return text == nullptr ? "" : *text;
}

// All repositories of all payloads, as "owner/*".
std::set<std::string> Owners() {
  std::set<std::string> owners;
  for (const GithubPayload& payload : AllPayloads()) {
    const std::string name = TextOf(payload, "/repository/full_name");
    owners.insert(absl::StrCat(name.substr(0, name.find('/')), "/*"));
  }
  return owners;
}

class WebhookTest : public ::testing::Test {
 protected:
  WebhookTest() {
    EXPECT_TRUE(api_.LoadHooks({{.name = "default", .secrets = {kSecret}}}).ok());
    // Whatever comes starts exactly one session.
    for (const GithubEventInfo& event : GithubEvents()) {
      const std::string name(event.event);
      engine_.PutYaml(absl::StrCat("name: ", absl::StrReplaceAll(name, {{"_", "-"}}),
                                   "\nprompt: go\ntriggers: [{id: t, github: {event: ", name,
                                   ", repositories: [", absl::StrJoin(Owners(), ", "),
                                   "], trust: anyone}}]\n"));
    }
  }

  Response Deliver(std::string_view event, const std::string& body, const std::string& id) {
    auto request = std::make_shared<Request>();
    request->method = "POST";
    request->target = "/v1/webhooks/github";
    request->headers = {{"content-type", "application/json"},
                        {"x-github-event", std::string(event)},
                        {"x-github-delivery", id},
                        {"x-hub-signature-256", SignGithubBody(kSecret, body)}};
    request->body = body;
    request->content_length = body.size();
    if (std::optional<Response> refused = api_.Begin(*request)) return *refused;
    std::optional<Response> answer;
    api_.Handle(request, [&](Response response) { answer = std::move(response); });
    EXPECT_TRUE(answer.has_value()) << "not answered";
    return answer.value_or(Response());
  }
  std::string FreshId() { return absl::StrCat("fresh-", ++ids_); }

  size_t Sessions() {
    const auto sessions = engine_->ListSessions({.limit = 1000});
    EXPECT_TRUE(sessions.ok()) << sessions.status();
    return sessions.ok() ? sessions->size() : 0;
  }

  routines::testing::TestEngine engine_;
  Metrics metrics_;
  Api api_{*engine_, {.base_url = "https://r.example"}, metrics_, [](auto job) { job(); }};
  int ids_ = 0;
};

bool IsDuplicate(const Response& response) {
  return response.body.find("\"duplicate\":true") != std::string::npos;
}

// What people may cause twice with the very same body; docs/github.md names them.
bool MayComeTwice(const GithubPayload& payload) {
  static const std::set<std::string> kDispatches = {"workflow_dispatch", "repository_dispatch"};
  if (kDispatches.count(payload.event) != 0) return true;
  if (payload.event != "check_run" && payload.event != "check_suite") return false;
  const std::string action = TextOf(payload, "/action");
  return action == "rerequested" || action == "requested_action";
}

TEST_F(WebhookTest, ReplaysOfEveryPayloadStartNothing) {
  if (ExamplePayloads().empty()) GTEST_SKIP() << routines::testing::kNoExamples;
  std::vector<GithubPayload> payloads;
  std::set<std::string> bodies;  // some examples are the same
  for (const GithubPayload& payload : AllPayloads()) {
    if (!MayComeTwice(payload) && bodies.insert(payload.body).second) payloads.push_back(payload);
  }
  ASSERT_GT(payloads.size(), 200u);
  std::vector<std::string> first;
  for (size_t i = 0; i < payloads.size(); ++i) {
    const Response response = Deliver(payloads[i].event, payloads[i].body, absl::StrCat("id-", i));
    ASSERT_EQ(response.status, 202) << payloads[i].name << response.body;
    EXPECT_FALSE(IsDuplicate(response)) << payloads[i].name;
    EXPECT_THAT(response.body, HasSubstr("\"reason\":\"fired\"")) << payloads[i].name;
    first.push_back(response.body.substr(0, response.body.find(',')));  // the event's id
  }
  EXPECT_EQ(Sessions(), payloads.size());
  const auto replay = [&](bool fresh) {
    for (size_t i = 0; i < payloads.size(); ++i) {
      const Response response =
          Deliver(payloads[i].event, payloads[i].body, fresh ? FreshId() : absl::StrCat("id-", i));
      ASSERT_EQ(response.status, 202) << payloads[i].name << response.body;
      EXPECT_TRUE(IsDuplicate(response)) << payloads[i].name;
      EXPECT_EQ(response.body.substr(0, response.body.find(',')), first[i]) << payloads[i].name;
    }
  };
  replay(/*fresh=*/false);
  engine_.clock().AdvanceTime(absl::Seconds(1));
  replay(true);
  engine_.clock().AdvanceTime(absl::Minutes(10));
  replay(true);
  replay(false);
  engine_.clock().AdvanceTime(absl::Hours(10 * 24));
  replay(true);
  EXPECT_EQ(Sessions(), payloads.size());
}

TEST_F(WebhookTest, DispatchesAreNewUnderEachId) {
  size_t dispatches = 0;
  for (const GithubPayload& payload : AllPayloads()) {
    if (!MayComeTwice(payload)) continue;
    ++dispatches;
    const std::string id = FreshId();
    EXPECT_FALSE(IsDuplicate(Deliver(payload.event, payload.body, id))) << payload.name;
    EXPECT_TRUE(IsDuplicate(Deliver(payload.event, payload.body, id))) << payload.name;
    EXPECT_FALSE(IsDuplicate(Deliver(payload.event, payload.body, FreshId()))) << payload.name;
  }
  EXPECT_GE(dispatches, 5u);
  EXPECT_EQ(Sessions(), 2 * dispatches);
}

TEST_F(WebhookTest, TakesEveryPayloadUnderItsOwnNameOnly) {
  for (const GithubPayload& payload : AllPayloads()) {
    for (const GithubEventInfo& event : GithubEvents()) {
      if (event.event == payload.event) continue;
      const Response response = Deliver(event.event, payload.body, FreshId());
      ASSERT_EQ(response.status, 400) << payload.name << " as " << event.event;
    }
  }
  const auto events = engine_.store()->Read(EventQuery{});
  ASSERT_TRUE(events.ok()) << events.status();
  EXPECT_TRUE(events->events.empty());
  EXPECT_EQ(Sessions(), 0u);
}

}  // namespace
}  // namespace routines::server
