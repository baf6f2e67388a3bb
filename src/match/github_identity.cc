// ReadGithubIdentity: where each event has what it is about, as data.
#include <array>
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

// Reads one recipe after the other, each with a plan of its own: it is done once for an event that
// starts something.
class IdentityReader {
 public:
  explicit IdentityReader(std::string_view payload) { extraction_.Open(payload); }

  const absl::Status& status() const { return status_; }

  DerivedField Recipe(const FieldRecipe* recipe) {
    if (recipe == nullptr || !Read(recipe->used_paths())) return {};
    return DeriveField(*recipe, extraction_, 0);
  }

  DerivedField Pointer(std::string_view path) {
    if (path.empty() || !Read({path})) return {};
    return PointerField(extraction_.values(0));
  }

  std::string Text(std::string_view path) { return TextOf(Pointer(path)); }

  static std::string TextOf(const DerivedField& field) {
    return field.kind == DerivedField::Kind::kText ? std::string(field.text) : std::string();
  }

 private:
  bool Read(absl::Span<const std::string_view> paths) {
    const auto plan = ExtractionPlan::Compile(paths);
    absl::Status status = plan.ok() ? extraction_.Read(*plan, plan->all()) : plan.status();
    if (!status.ok()) status_ = std::move(status);
    return status_.ok();
  }

  Extraction extraction_;
  absl::Status status_;
};

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
  IdentityReader reader(payload);
  const auto field = [&](std::string_view name) {
    return reader.Recipe(FindFieldRecipe(event, name));
  };
  const auto text = [&](std::string_view name) { return IdentityReader::TextOf(field(name)); };
  GithubIdentity identity;
  identity.action = reader.Text(kActionPath);
  identity.repository = reader.Text(kRepositoryPath);
  identity.sender = reader.Text("/sender/login");
  identity.sender_is_bot = reader.Text("/sender/type") == "Bot";
  identity.author = text("author");
  identity.author_association = text("author_association");
  identity.base_branch = text("base_branch");
  identity.head_branch = text("head_branch");
  identity.tag = text("tag");
  identity.from_fork =
      (event == kRunFromFork.event ? reader.Recipe(&kRunFromFork) : field("from_fork")).boolean;
  if (const IdentityPaths* const paths = FindPaths(event); paths != nullptr) {
    identity.number = ToInt(reader.Pointer(paths->number));
    identity.title = reader.Text(paths->title);
    identity.head_sha = CommitId(reader.Text(paths->head_sha));
    identity.url = reader.Text(paths->url);
  }
  if (!reader.status().ok()) return reader.status();
  return identity;
}

}  // namespace routines
