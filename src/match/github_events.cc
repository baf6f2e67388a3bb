// The eighteen events and their documented actions.
// Source: GitHub's documentation, "Webhook events and payloads".
#include "routines/event.h"

namespace routines {
namespace {

constexpr std::string_view kPullRequest[] = {"assigned",
                                             "auto_merge_disabled",
                                             "auto_merge_enabled",
                                             "closed",
                                             "converted_to_draft",
                                             "demilestoned",
                                             "dequeued",
                                             "edited",
                                             "enqueued",
                                             "labeled",
                                             "locked",
                                             "milestoned",
                                             "opened",
                                             "ready_for_review",
                                             "reopened",
                                             "review_request_removed",
                                             "review_requested",
                                             "synchronize",
                                             "unassigned",
                                             "unlabeled",
                                             "unlocked"};
constexpr std::string_view kReview[] = {"dismissed", "edited", "submitted"};
constexpr std::string_view kComment[] = {"created", "deleted", "edited"};
constexpr std::string_view kRelease[] = {"created",   "deleted",  "edited",     "prereleased",
                                         "published", "released", "unpublished"};
constexpr std::string_view kIssues[] = {
    "assigned", "closed",     "deleted",   "demilestoned", "edited",   "labeled",
    "locked",   "milestoned", "opened",    "pinned",       "reopened", "transferred",
    "typed",    "unassigned", "unlabeled", "unlocked",     "unpinned", "untyped"};
constexpr std::string_view kSubIssues[] = {"parent_issue_added", "parent_issue_removed",
                                           "sub_issue_added", "sub_issue_removed"};
constexpr std::string_view kCommitComment[] = {"created"};
constexpr std::string_view kDiscussion[] = {
    "answered",    "category_changed", "closed",    "created",  "deleted",
    "edited",      "labeled",          "locked",    "pinned",   "reopened",
    "transferred", "unanswered",       "unlabeled", "unlocked", "unpinned"};
constexpr std::string_view kCheckRun[] = {"completed", "created", "requested_action",
                                          "rerequested"};
constexpr std::string_view kCheckSuite[] = {"completed", "requested", "rerequested"};
constexpr std::string_view kMergeGroup[] = {"checks_requested", "destroyed"};
constexpr std::string_view kWorkflowRun[] = {"completed", "in_progress", "requested"};
constexpr std::string_view kWorkflowJob[] = {"completed", "in_progress", "queued", "waiting"};

constexpr GithubEventInfo kEvents[] = {
    {"pull_request", "Pull request", true, kPullRequest},
    {"pull_request_review", "Pull request review", true, kReview},
    {"pull_request_review_comment", "Pull request review comment", true, kComment},
    {"push", "Push", false, {}},
    {"release", "Release", true, kRelease},
    {"issues", "Issues", true, kIssues},
    {"issue_comment", "Issue comment", true, kComment},
    {"sub_issues", "Sub issues", true, kSubIssues},
    {"commit_comment", "Commit comment", true, kCommitComment},
    {"discussion", "Discussion", true, kDiscussion},
    {"discussion_comment", "Discussion comment", true, kComment},
    {"check_run", "Check run", true, kCheckRun},
    {"check_suite", "Check suite", true, kCheckSuite},
    {"merge_group", "Merge queue entry", true, kMergeGroup},
    {"workflow_run", "Workflow run", true, kWorkflowRun},
    {"workflow_job", "Workflow job", true, kWorkflowJob},
    {"workflow_dispatch", "Workflow dispatch", false, {}},
    {"repository_dispatch", "Repository dispatch", true, {}},
};

}  // namespace

absl::Span<const GithubEventInfo> GithubEvents() {
  return kEvents;
}

const GithubEventInfo* FindGithubEvent(std::string_view event) {
  for (const GithubEventInfo& info : kEvents) {
    if (info.event == event) return &info;
  }
  return nullptr;
}

}  // namespace routines
