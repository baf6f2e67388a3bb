#include "src/testing/github_payloads.h"

#include <map>
#include <string>

namespace routines::testing {
namespace {

struct Text {
  std::string_view name, json;
};

// What several payloads have in common. A text "$name" stands for the part of that name. The shape
// is that of GitHub's documentation, "Webhook events and payloads"; the content is made up.
constexpr Text kParts[] = {
    {"user", R"({"login":"mona","id":583231,"node_id":"MDQ6VXNlcjU4MzIzMQ==","type":"User",
      "avatar_url":"https://avatars.githubusercontent.com/u/583231?v=4","gravatar_id":"",
      "url":"https://api.github.com/users/mona","html_url":"https://github.com/mona",
      "site_admin":false})"},
    {"repository", R"({"id":1296269,"node_id":"R_kgDOABPHzQ","name":"api","full_name":"acme/api",
      "private":false,"fork":false,"default_branch":"main","description":"Everything else asks this",
      "owner":{"login":"acme","id":9919,"type":"Organization","html_url":"https://github.com/acme"},
      "html_url":"https://github.com/acme/api","url":"https://api.github.com/repos/acme/api",
      "clone_url":"https://github.com/acme/api.git","ssh_url":"git@github.com:acme/api.git",
      "language":"C++","archived":false,"disabled":false,"visibility":"public","topics":[],
      "open_issues_count":12,"stargazers_count":80,"forks_count":9,
      "created_at":"2020-01-26T19:01:12Z","pushed_at":"2026-01-05T08:58:00Z"})"},
    {"label", R"({"id":208045946,"node_id":"MDU6TGFiZWwyMDgwNDU5NDY=","name":"bug","color":"d73a4a",
      "default":true,"description":"Something isn't working",
      "url":"https://api.github.com/repos/acme/api/labels/bug"})"},
    {"commit", R"({"id":"6dcb09b5b57875f334f61aebed695e2e4193db5e","message":"Round totals once",
      "tree_id":"f9d2a07e9488b91af2641b26b9407fe22a451433","distinct":true,
      "timestamp":"2026-01-05T09:58:00+01:00",
      "url":"https://github.com/acme/api/commit/6dcb09b5b57875f334f61aebed695e2e4193db5e",
      "author":{"name":"Mona","email":"mona@acme.example","username":"mona"},
      "committer":{"name":"Mona","email":"mona@acme.example","username":"mona"},
      "added":[],"removed":[],"modified":["src/totals.cc"]})"},
    {"pull_request", R"({"id":279147437,"node_id":"PR_kwDOABPHzc4Qo3Vt","number":42,"state":"open",
      "locked":false,"title":"Round totals once","body":"Rounding each line loses a cent.",
      "user":"$user","author_association":"MEMBER","draft":false,"merged":false,"mergeable":null,
      "labels":["$label"],"assignees":[],"requested_reviewers":[],"milestone":null,
      "created_at":"2026-01-05T08:59:58Z","updated_at":"2026-01-05T08:59:58Z","closed_at":null,
      "merged_at":null,"merge_commit_sha":null,
      "head":{"label":"acme:round-once","ref":"round-once","user":"$user","repo":"$repository",
        "sha":"6dcb09b5b57875f334f61aebed695e2e4193db5e"},
      "base":{"label":"acme:main","ref":"main","user":"$user","repo":"$repository",
        "sha":"9049f1265b7d61be4a8904a9a27120d2064dab3b"},
      "html_url":"https://github.com/acme/api/pull/42","diff_url":"https://github.com/acme/api/pull/42.diff",
      "url":"https://api.github.com/repos/acme/api/pulls/42",
      "commits":1,"additions":4,"deletions":4,"changed_files":1,"comments":0,"review_comments":0})"},
    {"issue", R"({"id":73464126,"node_id":"I_kwDOABPHzc4EYDMe","number":7,"state":"open",
      "title":"Totals are a cent short","body":"Three lines of 0.335 make 1.00.",
      "user":"$user","author_association":"MEMBER","labels":["$label"],"assignees":[],"milestone":null,
      "locked":false,"comments":0,"created_at":"2026-01-05T08:59:58Z",
      "updated_at":"2026-01-05T08:59:58Z","closed_at":null,
      "html_url":"https://github.com/acme/api/issues/7",
      "url":"https://api.github.com/repos/acme/api/issues/7"})"},
    {"issue_comment", R"({"id":1,"node_id":"IC_kwDOABPHzc4AAAAB","user":"$user",
      "author_association":"MEMBER","body":"The same happens with four lines.",
      "created_at":"2026-01-05T08:59:58Z","updated_at":"2026-01-05T08:59:58Z",
      "html_url":"https://github.com/acme/api/issues/7#issuecomment-1",
      "url":"https://api.github.com/repos/acme/api/issues/comments/1"})"},
    {"discussion", R"({"id":3297442,"node_id":"D_kwDOABPHzc4AMlOi","number":9,"state":"open",
      "title":"Which rounding?","body":"Half to even, or half up?","user":"$user",
      "author_association":"MEMBER","labels":["$label"],"locked":false,"comments":0,
      "category":{"id":5,"name":"Ideas","slug":"ideas","is_answerable":false},
      "answer_html_url":null,"created_at":"2026-01-05T08:59:58Z","updated_at":"2026-01-05T08:59:58Z",
      "html_url":"https://github.com/acme/api/discussions/9"})"},
    {"related_pull_request", R"({"id":279147437,"number":42,
      "url":"https://api.github.com/repos/acme/api/pulls/42",
      "head":{"ref":"round-once","sha":"6dcb09b5b57875f334f61aebed695e2e4193db5e",
        "repo":{"id":1296269,"name":"api","url":"https://api.github.com/repos/acme/api"}},
      "base":{"ref":"main","sha":"9049f1265b7d61be4a8904a9a27120d2064dab3b",
        "repo":{"id":1296269,"name":"api","url":"https://api.github.com/repos/acme/api"}}})"},
    {"app", R"({"id":15368,"slug":"github-actions","name":"GitHub Actions",
      "owner":{"login":"github","id":9919,"type":"Organization"},
      "html_url":"https://github.com/apps/github-actions"})"},
    {"workflow", R"({"id":161335,"node_id":"W_kwDOABPHzc4AAnYH","name":"CI","state":"active",
      "path":".github/workflows/ci.yml","html_url":"https://github.com/acme/api/actions/workflows/ci.yml"})"},
};

constexpr Text kPayloads[] = {
    {"pull_request", R"({"action":"opened","number":42,"pull_request":"$pull_request",
      "repository":"$repository","sender":"$user"})"},
    {"pull_request_review",
     R"({"action":"submitted","review":{"id":80,"node_id":"PRR_kwDOABPHzc4AAABQ",
        "user":"$user","author_association":"MEMBER","body":"Looks right.","state":"approved",
        "commit_id":"6dcb09b5b57875f334f61aebed695e2e4193db5e","submitted_at":"2026-01-05T08:59:58Z",
        "html_url":"https://github.com/acme/api/pull/42#pullrequestreview-80"},
      "pull_request":"$pull_request","repository":"$repository","sender":"$user"})"},
    {"pull_request_review_comment", R"({"action":"created","comment":{"id":10,
        "node_id":"PRRC_kwDOABPHzc4AAAAK","user":"$user","author_association":"MEMBER",
        "body":"Why not half to even?","path":"src/totals.cc","position":1,"line":12,"side":"RIGHT",
        "commit_id":"6dcb09b5b57875f334f61aebed695e2e4193db5e","pull_request_review_id":80,
        "diff_hunk":"@@ -10,3 +10,3 @@","created_at":"2026-01-05T08:59:58Z",
        "updated_at":"2026-01-05T08:59:58Z",
        "html_url":"https://github.com/acme/api/pull/42#discussion_r10"},
      "pull_request":"$pull_request","repository":"$repository","sender":"$user"})"},
    {"push", R"({"ref":"refs/heads/main","before":"9049f1265b7d61be4a8904a9a27120d2064dab3b",
      "after":"6dcb09b5b57875f334f61aebed695e2e4193db5e","created":false,"deleted":false,"forced":false,
      "base_ref":null,"compare":"https://github.com/acme/api/compare/9049f1265b7d...6dcb09b5b578",
      "commits":["$commit"],"head_commit":"$commit",
      "pusher":{"name":"mona","email":"mona@acme.example"},"repository":"$repository","sender":"$user"})"},
    {"release", R"({"action":"published","release":{"id":11248810,"node_id":"RE_kwDOABPHzc4Aq6Tq",
        "author":"$user","tag_name":"v1.4.0","target_commitish":"main","name":"1.4.0",
        "body":"Totals are right.","draft":false,"prerelease":false,"assets":[],
        "created_at":"2026-01-05T08:50:00Z","published_at":"2026-01-05T08:59:58Z",
        "html_url":"https://github.com/acme/api/releases/tag/v1.4.0"},
      "repository":"$repository","sender":"$user"})"},
    {"issues",
     R"({"action":"opened","issue":"$issue","repository":"$repository","sender":"$user"})"},
    {"issue_comment", R"({"action":"created","issue":"$issue","comment":"$issue_comment",
      "repository":"$repository","sender":"$user"})"},
    {"sub_issues", R"({"action":"sub_issue_added","sub_issue_id":73464126,"sub_issue":"$issue",
      "parent_issue_id":73464100,"parent_issue":"$issue","sub_issue_repo":"$repository",
      "repository":"$repository","sender":"$user"})"},
    {"commit_comment", R"({"action":"created","comment":{"id":33548674,
        "node_id":"CC_kwDOABPHzc4B_-WC","user":"$user","author_association":"MEMBER",
        "body":"This loses a cent.","commit_id":"6dcb09b5b57875f334f61aebed695e2e4193db5e",
        "path":"src/totals.cc","line":12,"position":null,"created_at":"2026-01-05T08:59:58Z",
        "updated_at":"2026-01-05T08:59:58Z",
        "html_url":"https://github.com/acme/api/commit/6dcb09b5b578#commitcomment-33548674"},
      "repository":"$repository","sender":"$user"})"},
    {"discussion", R"({"action":"created","discussion":"$discussion","repository":"$repository",
      "sender":"$user"})"},
    {"discussion_comment", R"({"action":"created","discussion":"$discussion","comment":{"id":544078,
        "node_id":"DC_kwDOABPHzc4ACE1O","user":"$user","author_association":"MEMBER",
        "body":"Half to even.","parent_id":null,"child_comment_count":0,
        "created_at":"2026-01-05T08:59:58Z","updated_at":"2026-01-05T08:59:58Z",
        "html_url":"https://github.com/acme/api/discussions/9#discussioncomment-544078"},
      "repository":"$repository","sender":"$user"})"},
    {"check_run", R"({"action":"completed","check_run":{"id":128620228,
        "node_id":"CR_kwDOABPHzc4HqpkE","name":"unit tests","status":"completed",
        "conclusion":"failure","head_sha":"6dcb09b5b57875f334f61aebed695e2e4193db5e",
        "external_id":"","started_at":"2026-01-05T08:55:00Z","completed_at":"2026-01-05T08:59:58Z",
        "output":{"title":"2 of 310 tests failed","summary":null,"text":null,"annotations_count":0},
        "check_suite":{"id":118578147,"head_branch":"round-once",
          "head_sha":"6dcb09b5b57875f334f61aebed695e2e4193db5e","status":"completed",
          "conclusion":"failure","pull_requests":["$related_pull_request"],"app":"$app"},
        "app":"$app","pull_requests":["$related_pull_request"],
        "html_url":"https://github.com/acme/api/runs/128620228"},
      "repository":"$repository","sender":"$user"})"},
    {"check_suite", R"({"action":"completed","check_suite":{"id":118578147,
        "node_id":"CS_kwDOABPHzc4HEWBj","head_branch":"round-once",
        "head_sha":"6dcb09b5b57875f334f61aebed695e2e4193db5e",
        "before":"9049f1265b7d61be4a8904a9a27120d2064dab3b",
        "after":"6dcb09b5b57875f334f61aebed695e2e4193db5e","status":"completed",
        "conclusion":"failure","app":"$app","pull_requests":["$related_pull_request"],
        "latest_check_runs_count":1,"created_at":"2026-01-05T08:55:00Z",
        "updated_at":"2026-01-05T08:59:58Z","head_commit":"$commit"},
      "repository":"$repository","sender":"$user"})"},
    {"merge_group", R"({"action":"checks_requested","merge_group":{
        "head_sha":"6dcb09b5b57875f334f61aebed695e2e4193db5e",
        "head_ref":"refs/heads/gh-readonly-queue/main/pr-42-9049f1265b7d61be4a8904a9a27120d2064dab3b",
        "base_sha":"9049f1265b7d61be4a8904a9a27120d2064dab3b","base_ref":"refs/heads/main",
        "head_commit":"$commit"},
      "repository":"$repository","sender":"$user"})"},
    {"workflow_run", R"({"action":"completed","workflow_run":{"id":289782451,
        "node_id":"WFR_kwDOABPHzc4RRa-T","name":"CI","display_title":"Round totals once",
        "head_branch":"round-once","head_sha":"6dcb09b5b57875f334f61aebed695e2e4193db5e",
        "path":".github/workflows/ci.yml","run_number":78,"run_attempt":1,"event":"push",
        "status":"completed","conclusion":"failure","workflow_id":161335,
        "check_suite_id":118578147,"pull_requests":["$related_pull_request"],
        "actor":"$user","triggering_actor":"$user","head_commit":"$commit",
        "repository":"$repository","head_repository":"$repository",
        "created_at":"2026-01-05T08:55:00Z","updated_at":"2026-01-05T08:59:58Z",
        "html_url":"https://github.com/acme/api/actions/runs/289782451"},
      "workflow":"$workflow","repository":"$repository","sender":"$user"})"},
    {"workflow_job", R"({"action":"completed","workflow_job":{"id":2832853555,
        "node_id":"CR_kwDOABPHzc6o2fEz","run_id":289782451,"run_attempt":1,"name":"unit tests",
        "workflow_name":"CI","head_branch":"round-once",
        "head_sha":"6dcb09b5b57875f334f61aebed695e2e4193db5e","status":"completed",
        "conclusion":"failure","labels":["ubuntu-latest"],"runner_id":1,"runner_name":"hosted 1",
        "steps":[{"name":"Build","number":1,"status":"completed","conclusion":"success"},
          {"name":"Test","number":2,"status":"completed","conclusion":"failure"}],
        "started_at":"2026-01-05T08:55:00Z","completed_at":"2026-01-05T08:59:58Z",
        "html_url":"https://github.com/acme/api/actions/runs/289782451/job/2832853555"},
      "repository":"$repository","sender":"$user"})"},
    {"workflow_dispatch", R"({"ref":"refs/heads/main","workflow":".github/workflows/deploy.yml",
      "inputs":{"environment":"staging"},"repository":"$repository","sender":"$user"})"},
    {"repository_dispatch", R"({"action":"deployed","branch":"main",
      "client_payload":{"environment":"production","version":"1.4.0"},
      "repository":"$repository","sender":"$user",
      "installation":{"id":2}})"},
};

using Parts = std::map<std::string, Json, std::less<>>;

// Puts the parts in the place of their names.
void FillIn(const Parts& parts, Json& json) {
  if (json.has_string_value() && json.string_value().starts_with('$')) {
    const auto part = parts.find(std::string_view(json.string_value()).substr(1));
    if (part != parts.end()) json = Json(part->second);
  } else if (json.has_list_value()) {
    for (Json& element : *json.mutable_list_value()->mutable_values()) FillIn(parts, element);
  } else if (json.has_struct_value()) {
    for (auto& member : *json.mutable_struct_value()->mutable_fields()) {
      FillIn(parts, member.second);
    }
  }
}

// A part may have those before it.
Parts MakePayloads() {
  Parts parts, payloads;
  for (const Text& text : kParts) {
    Json part = ParseJson(text.json).value_or(Json());
    FillIn(parts, part);
    parts.emplace(text.name, std::move(part));
  }
  for (const Text& text : kPayloads) {
    Json payload = ParseJson(text.json).value_or(Json());
    FillIn(parts, payload);
    payloads.emplace(text.name, std::move(payload));
  }
  return payloads;
}

}  // namespace

const Json* UsualPayload(std::string_view event) {
  static const Parts& payloads = *new Parts(MakePayloads());
  const auto found = payloads.find(event);
  return found == payloads.end() ? nullptr : &found->second;
}

}  // namespace routines::testing
