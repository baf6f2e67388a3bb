#include "src/engine/trust.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <variant>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "src/base/words.h"

namespace routines {
namespace {

// What tells that somebody with write access stands behind an event.
enum class Ground {
  kAuthor,  // the object's author_association, and that it comes from no fork
  kWriter,  // GitHub lets only those with write access cause it
  kRun,     // what the workflow ran for, and that it ran for no fork
  kSuite,   // that the checked commit is on a branch of the repository itself
  kNone,    // the payload does not tell
};

struct Rule {
  std::string_view event;
  Ground ground;
};

constexpr std::array<Rule, 18> kRules = {{
    {"pull_request", Ground::kAuthor},
    {"pull_request_review", Ground::kAuthor},
    {"pull_request_review_comment", Ground::kAuthor},
    {"push", Ground::kWriter},
    {"release", Ground::kWriter},
    {"issues", Ground::kAuthor},
    {"issue_comment", Ground::kAuthor},
    {"sub_issues", Ground::kAuthor},
    {"commit_comment", Ground::kAuthor},
    {"discussion", Ground::kAuthor},
    {"discussion_comment", Ground::kAuthor},
    {"check_run", Ground::kSuite},
    {"check_suite", Ground::kSuite},
    {"merge_group", Ground::kWriter},
    {"workflow_run", Ground::kRun},
    {"workflow_job", Ground::kNone},
    {"workflow_dispatch", Ground::kWriter},
    {"repository_dispatch", Ground::kWriter},
}};

// What only those with write access can make a workflow run for; `pull_request` because the forks
// are seen apart.
constexpr std::array<std::string_view, 12> kRunsOfWriters = {
    "create",    "delete",           "deployment", "deployment_status", "merge_group",
    "milestone", "pull_request",     "push",       "release",           "repository_dispatch",
    "schedule",  "workflow_dispatch"};

constexpr std::array<std::string_view, 3> kWriteAssociations = {"OWNER", "MEMBER", "COLLABORATOR"};

bool IsWriter(std::string_view association) {
  return std::any_of(
      kWriteAssociations.begin(), kWriteAssociations.end(), [&](std::string_view word) {
        return absl::EqualsIgnoreCase(absl::string_view(word.data(), word.size()),
                                      absl::string_view(association.data(), association.size()));
      });
}

Ground GroundOf(std::string_view event) {
  const auto* const rule = std::find_if(kRules.begin(), kRules.end(),
                                        [&](const Rule& each) { return each.event == event; });
  return rule == kRules.end() ? Ground::kNone : rule->ground;
}

std::string Who(const GithubIdentity& who) {
  if (who.author.empty()) return "an author who is gone";
  return absl::StrCat("author ", Abbreviated(who.author));
}

TrustVerdict Untrusted(std::string_view why) {
  return {false, absl::StrCat(std::string(why),
                              "; write trust: anyone in the trigger to let everybody start it")};
}

TrustVerdict JudgeAuthor(const GithubIdentity& who) {
  const std::string association =
      who.author_association.empty()
          ? "no association"
          : absl::StrCat("association ", Abbreviated(who.author_association));
  if (who.from_fork) return Untrusted(absl::StrCat(Who(who), " (", association, "), from a fork"));
  if (IsWriter(who.author_association)) return {true, ""};
  return Untrusted(absl::StrCat(Who(who), " has ", association,
                                ", which is none of OWNER, MEMBER, COLLABORATOR"));
}

TrustVerdict JudgeRun(const EventView& event, const GithubIdentity& who) {
  if (who.from_fork) return Untrusted(absl::StrCat(Who(who), " ran the workflow from a fork"));
  const absl::StatusOr<FieldValue> cause = ReadField(event, "/workflow_run/event");
  const std::string* const word = cause.ok() ? std::get_if<std::string>(&*cause) : nullptr;
  if (word == nullptr) return Untrusted("the workflow run does not say what it ran for");
  if (std::find(kRunsOfWriters.begin(), kRunsOfWriters.end(), *word) != kRunsOfWriters.end()) {
    return {true, ""};
  }
  return Untrusted(absl::StrCat("the workflow ran for ", Abbreviated(*word),
                                ", which does not need write access"));
}

}  // namespace

TrustVerdict JudgeTrust(const EventView& event, const GithubIdentity& who) {
  switch (GroundOf(event.type)) {
    case Ground::kWriter:
      return {true, ""};
    case Ground::kAuthor:
      return JudgeAuthor(who);
    case Ground::kRun:
      return JudgeRun(event, who);
    case Ground::kSuite:
      if (who.from_fork) return Untrusted("the checked commit comes from a fork");
      if (!who.head_branch.empty()) return {true, ""};
      return Untrusted("the checked commit is on no branch of the repository, as with a fork");
    case Ground::kNone:
      return Untrusted(absl::StrCat("a ", Abbreviated(event.type),
                                    " event does not tell whether a fork is behind it"));
  }
  return Untrusted("nothing tells who is behind the event");
}

}  // namespace routines
