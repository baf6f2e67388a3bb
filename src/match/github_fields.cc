#include "src/match/github_fields.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace routines {
namespace {

using D = Derivation;
using T = FieldType;

constexpr std::string_view kDocumentation =
    "https://docs.github.com/en/webhooks/webhook-events-and-payloads#";

// Where an event has no object with an author of its own, the author is who caused it.
constexpr FieldRecipe kRecipes[] = {
    {"pull_request", "author", T::kLogin, D::kFirst, {"/pull_request/user/login"}},
    {"pull_request", "sender", T::kLogin, D::kFirst, {"/sender/login"}},
    {"pull_request",
     "author_association",
     T::kWord,
     D::kFirst,
     {"/pull_request/author_association"}},
    {"pull_request", "title", T::kText, D::kFirst, {"/pull_request/title"}},
    {"pull_request", "body", T::kText, D::kFirst, {"/pull_request/body"}},
    {"pull_request", "base_branch", T::kBranch, D::kBranch, {"/pull_request/base/ref"}},
    {"pull_request", "head_branch", T::kBranch, D::kBranch, {"/pull_request/head/ref"}},
    {"pull_request", "labels", T::kLabels, D::kUnion, {"/pull_request/labels/*/name"}},
    {"pull_request", "is_draft", T::kBoolean, D::kFirst, {"/pull_request/draft"}},
    {"pull_request", "is_merged", T::kBoolean, D::kFirst, {"/pull_request/merged"}},
    {"pull_request",
     "from_fork",
     T::kBoolean,
     D::kDiffer,
     {"/pull_request/head/repo/full_name", "/pull_request/base/repo/full_name"}},
    {"pull_request", "state", T::kText, D::kFirst, {"/pull_request/state"}},

    {"pull_request_review", "author", T::kLogin, D::kFirst, {"/review/user/login"}},
    {"pull_request_review", "sender", T::kLogin, D::kFirst, {"/sender/login"}},
    {"pull_request_review",
     "author_association",
     T::kWord,
     D::kFirst,
     {"/review/author_association"}},
    {"pull_request_review", "body", T::kText, D::kFirst, {"/review/body"}},
    {"pull_request_review", "base_branch", T::kBranch, D::kBranch, {"/pull_request/base/ref"}},
    {"pull_request_review", "head_branch", T::kBranch, D::kBranch, {"/pull_request/head/ref"}},
    {"pull_request_review", "labels", T::kLabels, D::kUnion, {"/pull_request/labels/*/name"}},
    {"pull_request_review", "is_draft", T::kBoolean, D::kFirst, {"/pull_request/draft"}},
    {"pull_request_review", "is_merged", T::kBoolean, D::kPresent, {"/pull_request/merged_at"}},
    {"pull_request_review",
     "from_fork",
     T::kBoolean,
     D::kDiffer,
     {"/pull_request/head/repo/full_name", "/pull_request/base/repo/full_name"}},
    {"pull_request_review", "state", T::kText, D::kFirst, {"/review/state"}},

    {"pull_request_review_comment", "author", T::kLogin, D::kFirst, {"/comment/user/login"}},
    {"pull_request_review_comment", "sender", T::kLogin, D::kFirst, {"/sender/login"}},
    {"pull_request_review_comment",
     "author_association",
     T::kWord,
     D::kFirst,
     {"/comment/author_association"}},
    {"pull_request_review_comment", "body", T::kText, D::kFirst, {"/comment/body"}},
    {"pull_request_review_comment",
     "base_branch",
     T::kBranch,
     D::kBranch,
     {"/pull_request/base/ref"}},
    {"pull_request_review_comment",
     "head_branch",
     T::kBranch,
     D::kBranch,
     {"/pull_request/head/ref"}},
    {"pull_request_review_comment",
     "labels",
     T::kLabels,
     D::kUnion,
     {"/pull_request/labels/*/name"}},
    {"pull_request_review_comment", "is_draft", T::kBoolean, D::kFirst, {"/pull_request/draft"}},
    {"pull_request_review_comment",
     "is_merged",
     T::kBoolean,
     D::kPresent,
     {"/pull_request/merged_at"}},
    {"pull_request_review_comment",
     "from_fork",
     T::kBoolean,
     D::kDiffer,
     {"/pull_request/head/repo/full_name", "/pull_request/base/repo/full_name"}},

    {"push", "author", T::kLogin, D::kFirst, {"/pusher/name"}},
    {"push", "sender", T::kLogin, D::kFirst, {"/sender/login"}},
    {"push", "head_branch", T::kBranch, D::kBranchOnly, {"/ref"}},
    {"push", "tag", T::kText, D::kTagOnly, {"/ref"}},
    {"push",
     "changed_paths",
     T::kPaths,
     D::kUnion,
     {"/commits/*/added/*", "/commits/*/removed/*", "/commits/*/modified/*"}},

    {"release", "author", T::kLogin, D::kFirst, {"/release/author/login"}},
    {"release", "sender", T::kLogin, D::kFirst, {"/sender/login"}},
    {"release", "title", T::kText, D::kFirst, {"/release/name"}},
    {"release", "body", T::kText, D::kFirst, {"/release/body"}},
    {"release", "is_draft", T::kBoolean, D::kFirst, {"/release/draft"}},
    {"release", "tag", T::kText, D::kFirst, {"/release/tag_name"}},
    {"release", "is_prerelease", T::kBoolean, D::kFirst, {"/release/prerelease"}},

    {"issues", "author", T::kLogin, D::kFirst, {"/issue/user/login"}},
    {"issues", "sender", T::kLogin, D::kFirst, {"/sender/login"}},
    {"issues", "author_association", T::kWord, D::kFirst, {"/issue/author_association"}},
    {"issues", "title", T::kText, D::kFirst, {"/issue/title"}},
    {"issues", "body", T::kText, D::kFirst, {"/issue/body"}},
    {"issues", "labels", T::kLabels, D::kUnion, {"/issue/labels/*/name"}},
    {"issues", "state", T::kText, D::kFirst, {"/issue/state"}},

    {"issue_comment", "author", T::kLogin, D::kFirst, {"/comment/user/login"}},
    {"issue_comment", "sender", T::kLogin, D::kFirst, {"/sender/login"}},
    {"issue_comment", "author_association", T::kWord, D::kFirst, {"/comment/author_association"}},
    {"issue_comment", "body", T::kText, D::kFirst, {"/comment/body"}},
    {"issue_comment", "labels", T::kLabels, D::kUnion, {"/issue/labels/*/name"}},

    {"sub_issues", "author", T::kLogin, D::kFirst, {"/sub_issue/user/login"}},
    {"sub_issues", "sender", T::kLogin, D::kFirst, {"/sender/login"}},
    {"sub_issues", "author_association", T::kWord, D::kFirst, {"/sub_issue/author_association"}},
    {"sub_issues", "title", T::kText, D::kFirst, {"/sub_issue/title"}},
    {"sub_issues", "body", T::kText, D::kFirst, {"/sub_issue/body"}},
    {"sub_issues", "labels", T::kLabels, D::kUnion, {"/sub_issue/labels/*/name"}},
    {"sub_issues", "state", T::kText, D::kFirst, {"/sub_issue/state"}},

    {"commit_comment", "author", T::kLogin, D::kFirst, {"/comment/user/login"}},
    {"commit_comment", "sender", T::kLogin, D::kFirst, {"/sender/login"}},
    {"commit_comment", "author_association", T::kWord, D::kFirst, {"/comment/author_association"}},
    {"commit_comment", "body", T::kText, D::kFirst, {"/comment/body"}},

    {"discussion", "author", T::kLogin, D::kFirst, {"/discussion/user/login"}},
    {"discussion", "sender", T::kLogin, D::kFirst, {"/sender/login"}},
    {"discussion", "author_association", T::kWord, D::kFirst, {"/discussion/author_association"}},
    {"discussion", "title", T::kText, D::kFirst, {"/discussion/title"}},
    {"discussion", "body", T::kText, D::kFirst, {"/discussion/body"}},
    {"discussion", "labels", T::kLabels, D::kUnion, {"/discussion/labels/*/name"}},

    {"discussion_comment", "author", T::kLogin, D::kFirst, {"/comment/user/login"}},
    {"discussion_comment", "sender", T::kLogin, D::kFirst, {"/sender/login"}},
    {"discussion_comment",
     "author_association",
     T::kWord,
     D::kFirst,
     {"/comment/author_association"}},
    {"discussion_comment", "body", T::kText, D::kFirst, {"/comment/body"}},
    {"discussion_comment", "labels", T::kLabels, D::kUnion, {"/discussion/labels/*/name"}},

    {"check_run", "author", T::kLogin, D::kFirst, {"/sender/login"}},
    {"check_run", "sender", T::kLogin, D::kFirst, {"/sender/login"}},
    {"check_run", "title", T::kText, D::kFirst, {"/check_run/output/title", "/check_run/name"}},
    {"check_run", "base_branch", T::kBranch, D::kBranch, {"/check_run/pull_requests/0/base/ref"}},
    {"check_run", "head_branch", T::kBranch, D::kBranch, {"/check_run/check_suite/head_branch"}},
    {"check_run", "conclusion", T::kText, D::kFirst, {"/check_run/conclusion"}},
    {"check_run", "status", T::kText, D::kFirst, {"/check_run/status"}},
    {"check_run", "workflow", T::kText, D::kFirst, {"/check_run/name"}},

    {"check_suite", "author", T::kLogin, D::kFirst, {"/sender/login"}},
    {"check_suite", "sender", T::kLogin, D::kFirst, {"/sender/login"}},
    {"check_suite",
     "base_branch",
     T::kBranch,
     D::kBranch,
     {"/check_suite/pull_requests/0/base/ref"}},
    {"check_suite", "head_branch", T::kBranch, D::kBranch, {"/check_suite/head_branch"}},
    {"check_suite", "conclusion", T::kText, D::kFirst, {"/check_suite/conclusion"}},
    {"check_suite", "status", T::kText, D::kFirst, {"/check_suite/status"}},
    {"check_suite", "workflow", T::kText, D::kFirst, {"/check_suite/app/name"}},

    {"merge_group", "author", T::kLogin, D::kFirst, {"/sender/login"}},
    {"merge_group", "sender", T::kLogin, D::kFirst, {"/sender/login"}},
    {"merge_group", "base_branch", T::kBranch, D::kBranch, {"/merge_group/base_ref"}},
    {"merge_group", "head_branch", T::kBranch, D::kBranch, {"/merge_group/head_ref"}},

    {"workflow_run",
     "author",
     T::kLogin,
     D::kFirst,
     {"/workflow_run/triggering_actor/login", "/workflow_run/actor/login", "/sender/login"}},
    {"workflow_run", "sender", T::kLogin, D::kFirst, {"/sender/login"}},
    {"workflow_run",
     "title",
     T::kText,
     D::kFirst,
     {"/workflow_run/display_title", "/workflow_run/name"}},
    {"workflow_run",
     "base_branch",
     T::kBranch,
     D::kBranch,
     {"/workflow_run/pull_requests/0/base/ref"}},
    {"workflow_run", "head_branch", T::kBranch, D::kBranch, {"/workflow_run/head_branch"}},
    {"workflow_run", "conclusion", T::kText, D::kFirst, {"/workflow_run/conclusion"}},
    {"workflow_run", "status", T::kText, D::kFirst, {"/workflow_run/status"}},
    {"workflow_run", "workflow", T::kText, D::kFirst, {"/workflow/name", "/workflow_run/name"}},

    {"workflow_job", "author", T::kLogin, D::kFirst, {"/sender/login"}},
    {"workflow_job", "sender", T::kLogin, D::kFirst, {"/sender/login"}},
    {"workflow_job", "head_branch", T::kBranch, D::kBranch, {"/workflow_job/head_branch"}},
    {"workflow_job", "conclusion", T::kText, D::kFirst, {"/workflow_job/conclusion"}},
    {"workflow_job", "status", T::kText, D::kFirst, {"/workflow_job/status"}},
    {"workflow_job", "workflow", T::kText, D::kFirst, {"/workflow_job/workflow_name"}},

    {"workflow_dispatch", "author", T::kLogin, D::kFirst, {"/sender/login"}},
    {"workflow_dispatch", "sender", T::kLogin, D::kFirst, {"/sender/login"}},
    {"workflow_dispatch", "head_branch", T::kBranch, D::kBranchOnly, {"/ref"}},

    {"repository_dispatch", "author", T::kLogin, D::kFirst, {"/sender/login"}},
    {"repository_dispatch", "sender", T::kLogin, D::kFirst, {"/sender/login"}},
    {"repository_dispatch", "head_branch", T::kBranch, D::kBranch, {"/branch"}},
};

// What is said after the paths.
std::string_view DerivationText(Derivation derivation) {
  switch (derivation) {
    case D::kFirst:
    case D::kUnion:
      return "";
    case D::kBranch:
      return ": without refs/heads/";
    case D::kBranchOnly:
      return ": what follows refs/heads/";
    case D::kTagOnly:
      return ": what follows refs/tags/";
    case D::kPresent:
      return ": whether it is there";
    case D::kDiffer:
      return ": whether the two differ, or the first is gone";
  }
  return "";
}

// The printed form of the table, and the texts that it points to.
struct PrintedTable {
  std::vector<std::string> texts;
  std::vector<FieldInfo> rows;
};

const PrintedTable& Printed() {
  static const PrintedTable& table = *[] {
    auto* made = new PrintedTable;
    made->texts.reserve(2 * std::size(kRecipes));  // views into it must stay
    for (const FieldRecipe& recipe : kRecipes) {
      std::string path;
      for (const std::string_view one : recipe.used_paths()) {
        path += path.empty() ? "" : " | ";
        path += one;
      }
      path += DerivationText(recipe.derivation);
      made->texts.push_back(std::move(path));
      made->texts.push_back(std::string(kDocumentation) + std::string(recipe.event));
      made->rows.push_back({.event = recipe.event,
                            .field = recipe.field,
                            .type = recipe.type,
                            .path = made->texts[made->texts.size() - 2],
                            .source = made->texts.back()});
    }
    return made;
  }();
  return table;
}

}  // namespace

absl::Span<const std::string_view> FieldRecipe::used_paths() const {
  size_t count = 0;
  while (count < paths.size() && !paths[count].empty()) ++count;
  return {paths.data(), count};
}

absl::Span<const FieldRecipe> FieldRecipes() {
  return kRecipes;
}

absl::Span<const FieldRecipe> FieldRecipesOf(std::string_view event) {
  // Where each event's rows are.
  static const std::vector<absl::Span<const FieldRecipe>>& events = *[] {
    auto* made = new std::vector<absl::Span<const FieldRecipe>>;
    for (const FieldRecipe& recipe : kRecipes) {
      if (made->empty() || made->back().data()->event != recipe.event)
        made->push_back({&recipe, 0});
      made->back() = {made->back().data(), made->back().size() + 1};
    }
    return made;
  }();
  for (const auto& rows : events) {
    if (rows[0].event == event) return rows;
  }
  return {};
}

const FieldRecipe* FindFieldRecipe(std::string_view event, std::string_view field) {
  for (const FieldRecipe& recipe : FieldRecipesOf(event)) {
    if (recipe.field == field) return &recipe;
  }
  return nullptr;
}

absl::Span<const FieldInfo> GithubFields() {
  return Printed().rows;
}

const FieldInfo* FindGithubField(std::string_view event, std::string_view field) {
  const FieldRecipe* const recipe = FindFieldRecipe(event, field);
  return recipe == nullptr ? nullptr : &Printed().rows[recipe - kRecipes];
}

}  // namespace routines
