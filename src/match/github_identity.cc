// ReadGithubIdentity: where each event has what it is about, as data.
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "routines/event.h"
#include "src/match/derive.h"
#include "src/match/extract.h"
#include "src/match/github_fields.h"

namespace routines {
namespace {

// What no filter reads by name. Pointers; empty: the event has no such thing.
struct IdentityPaths {
  std::string_view event;
  std::string_view number;
  std::string_view title;
  std::string_view head_sha;
  std::string_view url;
};

constexpr IdentityPaths kPaths[] = {
    {"pull_request", "/pull_request/number", "/pull_request/title", "/pull_request/head/sha",
     "/pull_request/html_url"},
    {"pull_request_review", "/pull_request/number", "/pull_request/title", "/pull_request/head/sha",
     "/review/html_url"},
    {"pull_request_review_comment", "/pull_request/number", "/pull_request/title",
     "/pull_request/head/sha", "/comment/html_url"},
    {"push", "", "", "/after", "/compare"},
    {"release", "", "/release/name", "", "/release/html_url"},
    {"issues", "/issue/number", "/issue/title", "", "/issue/html_url"},
    {"issue_comment", "/issue/number", "/issue/title", "", "/comment/html_url"},
    {"sub_issues", "/sub_issue/number", "/sub_issue/title", "", "/sub_issue/html_url"},
    {"commit_comment", "", "", "/comment/commit_id", "/comment/html_url"},
    {"discussion", "/discussion/number", "/discussion/title", "", "/discussion/html_url"},
    {"discussion_comment", "/discussion/number", "/discussion/title", "", "/comment/html_url"},
    {"check_run", "/check_run/pull_requests/0/number", "/check_run/name", "/check_run/head_sha",
     "/check_run/html_url"},
    {"check_suite", "/check_suite/pull_requests/0/number", "/check_suite/app/name",
     "/check_suite/head_sha", ""},
    {"merge_group", "", "", "/merge_group/head_sha", ""},
    {"workflow_run", "/workflow_run/pull_requests/0/number", "/workflow_run/display_title",
     "/workflow_run/head_sha", "/workflow_run/html_url"},
    {"workflow_job", "", "/workflow_job/name", "/workflow_job/head_sha", "/workflow_job/html_url"},
    {"workflow_dispatch", "", "", "", ""},
    {"repository_dispatch", "", "", "", ""},
};

const IdentityPaths* FindPaths(std::string_view event) {
  for (const IdentityPaths& paths : kPaths) {
    if (paths.event == event) return &paths;
  }
  return nullptr;
}

// A run of a workflow on a fork: a field of no filter, but of trust.
constexpr FieldRecipe kRunFromFork = {
    "workflow_run",
    "from_fork",
    FieldType::kBoolean,
    Derivation::kDiffer,
    {"/workflow_run/head_repository/full_name", "/repository/full_name"}};

// Where the parts of an identity are among the targets of one plan.
struct IdentityPlan {
  struct Part {
    const FieldRecipe* recipe = nullptr;  // null: the target is a plain pointer
    int first = -1;                       // target; -1: the event has no such thing
  };

  explicit IdentityPlan(std::string_view event);

  Part action, repository, sender, sender_type, author, author_association, base_branch,
      head_branch, tag, from_fork, number, title, head_sha, url;
  ExtractionPlan plan;
};

IdentityPlan::IdentityPlan(std::string_view event) {
  std::vector<std::string_view> paths;
  const auto pointer = [&](std::string_view path) {
    if (path.empty()) return Part{};
    paths.push_back(path);
    return Part{.first = static_cast<int>(paths.size()) - 1};
  };
  const auto derived = [&](const FieldRecipe* recipe) {
    if (recipe == nullptr) return Part{};
    const Part part{.recipe = recipe, .first = static_cast<int>(paths.size())};
    const auto used = recipe->used_paths();
    paths.insert(paths.end(), used.begin(), used.end());
    return part;
  };
  const auto field = [&](std::string_view name) { return derived(FindFieldRecipe(event, name)); };
  action = pointer(kActionPath);
  repository = pointer(kRepositoryPath);
  sender = pointer("/sender/login");
  sender_type = pointer("/sender/type");
  author = field("author");
  author_association = field("author_association");
  base_branch = field("base_branch");
  head_branch = field("head_branch");
  tag = field("tag");
  from_fork = event == kRunFromFork.event ? derived(&kRunFromFork) : field("from_fork");
  if (const IdentityPaths* const own = FindPaths(event); own != nullptr) {
    number = pointer(own->number);
    title = pointer(own->title);
    head_sha = pointer(own->head_sha);
    url = pointer(own->url);
  }
  plan = *ExtractionPlan::Compile(paths);  // the tables have pointers only
}

// The last one is that of events which have no row.
const IdentityPlan& PlanOf(std::string_view event) {
  static const auto& plans = *[] {
    auto* const all = new std::vector<IdentityPlan>;
    for (const IdentityPaths& row : kPaths) all->emplace_back(row.event);
    all->emplace_back("");
    return all;
  }();
  const IdentityPaths* const row = FindPaths(event);
  return row == nullptr ? plans.back() : plans[static_cast<size_t>(row - kPaths)];
}

int64_t ToInt(const DerivedField& field) {
  int64_t value = 0;
  if (field.kind != DerivedField::Kind::kNumber ||
      !absl::SimpleAtoi(absl::string_view(field.text.data(), field.text.size()), &value)) {
    return 0;
  }
  return value;
}

// A commit's id; empty for anything else, and for the zeros that a deleted branch has.
std::string CommitId(std::string text) {
  bool zeros = true;
  for (const char c : text) {
    if (!absl::ascii_isxdigit(static_cast<unsigned char>(c))) return "";
    zeros &= c == '0';
  }
  return text.size() == 40 && !zeros ? text : "";
}

}  // namespace

absl::StatusOr<GithubIdentity> ReadGithubIdentity(std::string_view event,
                                                  std::string_view payload) {
  const IdentityPlan& plan = PlanOf(event);
  thread_local Extraction extraction;
  extraction.Open(payload);
  if (absl::Status status = extraction.Read(plan.plan, plan.plan.all()); !status.ok()) {
    return status;
  }
  const auto field = [&](const IdentityPlan::Part& part) {
    if (part.first < 0) return DerivedField{};
    if (part.recipe != nullptr) return DeriveField(*part.recipe, extraction, part.first);
    return PointerField(extraction.values(part.first));
  };
  const auto text = [&](const IdentityPlan::Part& part) {
    const DerivedField value = field(part);
    return value.kind == DerivedField::Kind::kText ? std::string(value.text) : std::string();
  };
  GithubIdentity identity;
  identity.action = text(plan.action);
  identity.repository = text(plan.repository);
  identity.sender = text(plan.sender);
  identity.sender_is_bot = text(plan.sender_type) == "Bot";
  identity.author = text(plan.author);
  identity.author_association = text(plan.author_association);
  identity.base_branch = text(plan.base_branch);
  identity.head_branch = text(plan.head_branch);
  identity.tag = text(plan.tag);
  identity.from_fork = field(plan.from_fork).boolean;
  identity.number = ToInt(field(plan.number));
  identity.title = text(plan.title);
  identity.head_sha = CommitId(text(plan.head_sha));
  identity.url = text(plan.url);
  return identity;
}

}  // namespace routines
