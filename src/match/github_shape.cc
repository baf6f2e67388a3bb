// What makes a body that of one event and no other. Only the body of a delivery is signed; its
// event name is not, so a body that was sent once could come back under another name.
//
// Source: GitHub's documentation, "Webhook events and payloads". Real payloads often lack
// documented keys and have others, so that only the keys are asked for that an event cannot be
// without.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "routines/event.h"
#include "src/match/payload.h"

namespace routines {
namespace {

// What a value may begin with.
constexpr std::string_view kText = "\"";
constexpr std::string_view kObject = "{";
constexpr std::string_view kArray = "[";
constexpr std::string_view kNumber = "-0123456789";
constexpr std::string_view kObjectOrNull = "{n";

struct RequiredKey {
  std::string_view key;
  std::string_view begins;
};

// Keys at the top that name what an event is about. An event has those that its row requires or
// allows; any other shows that the body is another event's.
constexpr std::string_view kSubjects[] = {"action",
                                          "pull_request",
                                          "review",
                                          "comment",
                                          "thread",
                                          "release",
                                          "issue",
                                          "sub_issue",
                                          "parent_issue",
                                          "discussion",
                                          "check_run",
                                          "check_suite",
                                          "merge_group",
                                          "workflow_run",
                                          "workflow_job",
                                          "workflow",
                                          "commits",
                                          "pusher",
                                          "client_payload",
                                          "inputs",
                                          "deployment",
                                          "deployment_status",
                                          "workflow_job_run",
                                          "alert",
                                          "hook",
                                          "ref_type",
                                          "pusher_type",
                                          "forkee",
                                          "blocked_issue",
                                          "blocking_issue"};

constexpr size_t kMostRequired = 6;

struct Shape {
  std::string_view event;
  RequiredKey required[kMostRequired];  // unused ones are empty; `repository` beside them
  std::string_view allowed[2];          // subjects that it may have, too
};

constexpr Shape kShapes[] = {
    {"pull_request", {{"action", kText}, {"number", kNumber}, {"pull_request", kObject}}, {}},
    {"pull_request_review",
     {{"action", kText}, {"review", kObject}, {"pull_request", kObject}},
     {}},
    {"pull_request_review_comment",
     {{"action", kText}, {"comment", kObject}, {"pull_request", kObject}},
     {}},
    {"push",
     {{"ref", kText},
      {"before", kText},
      {"after", kText},
      {"commits", kArray},
      {"pusher", kObject}},
     {}},
    {"release", {{"action", kText}, {"release", kObject}}, {}},
    {"issues", {{"action", kText}, {"issue", kObject}}, {}},
    {"issue_comment", {{"action", kText}, {"comment", kObject}, {"issue", kObject}}, {}},
    {"sub_issues", {{"action", kText}, {"sub_issue", kObject}, {"parent_issue", kObject}}, {}},
    {"commit_comment", {{"action", kText}, {"comment", kObject}}, {}},
    {"discussion", {{"action", kText}, {"discussion", kObject}}, {}},
    {"discussion_comment", {{"action", kText}, {"comment", kObject}, {"discussion", kObject}}, {}},
    {"check_run", {{"action", kText}, {"check_run", kObject}}, {}},
    {"check_suite", {{"action", kText}, {"check_suite", kObject}}, {}},
    {"merge_group", {{"action", kText}, {"merge_group", kObject}}, {}},
    {"workflow_run", {{"action", kText}, {"workflow_run", kObject}}, {"workflow"}},
    {"workflow_job", {{"action", kText}, {"workflow_job", kObject}}, {"deployment"}},
    {"workflow_dispatch", {{"ref", kText}, {"workflow", kText}, {"inputs", kObjectOrNull}}, {}},
    {"repository_dispatch",
     {{"action", kText}, {"branch", kText}, {"client_payload", kObjectOrNull}},
     {}},
};

const Shape* FindShape(std::string_view event) {
  for (const Shape& shape : kShapes) {
    if (shape.event == event) return &shape;
  }
  return nullptr;
}

bool Has(const Shape& shape, std::string_view subject) {
  for (const RequiredKey& required : shape.required) {
    if (required.key == subject) return true;
  }
  return std::find(std::begin(shape.allowed), std::end(shape.allowed), subject) !=
         std::end(shape.allowed);
}

bool IsSubject(std::string_view key) {
  return std::find(std::begin(kSubjects), std::end(kSubjects), key) != std::end(kSubjects);
}

absl::Status DoesNotFit(std::string_view event, std::string_view what, std::string_view key) {
  return absl::InvalidArgumentError(absl::StrCat(
      "the payload is not one of a ", std::string(event), " event: it ", std::string(what), " \"",
      std::string(key), "\"; send it under the name of the event that it was made for"));
}

absl::Status CheckRequired(std::string_view event, const RequiredKey& required,
                           const std::vector<TopLevelKey>& keys) {
  for (const TopLevelKey& key : keys) {
    if (key.key != required.key) continue;
    return required.begins.find(key.first) == required.begins.npos
               ? DoesNotFit(event, "has another kind of", required.key)
               : absl::OkStatus();
  }
  return DoesNotFit(event, "has no", required.key);
}

}  // namespace

absl::Status CheckGithubPayload(std::string_view event, std::string_view payload) {
  std::vector<TopLevelKey> keys;
  if (absl::Status status = CheckPayload(payload, &keys); !status.ok()) return status;
  const Shape* const shape = FindShape(event);
  if (shape == nullptr) return absl::OkStatus();
  for (const RequiredKey& required : shape->required) {
    if (required.key.empty()) break;
    if (absl::Status status = CheckRequired(event, required, keys); !status.ok()) return status;
  }
  if (absl::Status status = CheckRequired(event, {"repository", kObject}, keys); !status.ok()) {
    return status;
  }
  for (const TopLevelKey& key : keys) {
    if (IsSubject(key.key) && !Has(*shape, key.key)) return DoesNotFit(event, "has", key.key);
  }
  return absl::OkStatus();
}

}  // namespace routines
