// GitHub events as GitHub sends them, made to order: all eighteen.
//
//   const v1::Event event =
//   PullRequestEvent().Author("mona").BaseBranch("main").Labels({"bug"}).Build();
//   EXPECT_THAT(routine, FiresOn(event));
//
// What is not said is that of an unremarkable event: in acme/api, by mona, a member, from a branch
// of the repository itself to main. Every field of the field table (`routines fields`) has a setter
// or can be Set by its name; anything else of the payload by an RFC 6901 pointer. What comes out
// has passed CheckGithubPayload for its event.
//
// Thread-safety: none; a builder is used by one thread. Ownership: everything is copied. Nothing
// blocks. Errors: the first thing that cannot be (a field that the event does not have, a value of
// the wrong type) is kept for TryBuild, kInvalidArgument; Build ends the test with it.
#ifndef ROUTINES_TESTING_GITHUB_EVENTS_H_
#define ROUTINES_TESTING_GITHUB_EVENTS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/struct.pb.h"
#include "routines/v1/event.pb.h"

namespace routines::testing {

class GithubEvent {
 public:
  // `event` as in X-GitHub-Event. The action is a usual one, such as opened.
  explicit GithubEvent(std::string_view event);

  GithubEvent& Action(std::string_view action);
  GithubEvent& Repository(std::string_view full_name);  // "owner/name"
  GithubEvent& DeliveryId(std::string_view id);         // X-GitHub-Delivery; absent: none

  // A field of the event, by its name in the field table or by a pointer.
  GithubEvent& Set(std::string_view field, const google::protobuf::Value& value);
  GithubEvent& Set(std::string_view field, std::string_view text);
  GithubEvent& Set(std::string_view field, const char* text);
  GithubEvent& Set(std::string_view field, bool boolean);
  GithubEvent& Set(std::string_view field, double number);
  GithubEvent& Set(std::string_view field, int number);
  GithubEvent& Set(std::string_view field, const std::vector<std::string>& texts);

  GithubEvent& Author(std::string_view login) { return Set("author", login); }
  GithubEvent& Sender(std::string_view login) { return Set("sender", login); }
  // OWNER, MEMBER, COLLABORATOR, CONTRIBUTOR, FIRST_TIME_CONTRIBUTOR, NONE …
  GithubEvent& AuthorAssociation(std::string_view word) { return Set("author_association", word); }
  GithubEvent& Title(std::string_view text) { return Set("title", text); }
  GithubEvent& Body(std::string_view text) { return Set("body", text); }
  GithubEvent& BaseBranch(std::string_view name) { return Set("base_branch", name); }
  GithubEvent& HeadBranch(std::string_view name) { return Set("head_branch", name); }
  GithubEvent& Labels(const std::vector<std::string>& names) { return Set("labels", names); }
  GithubEvent& Draft(bool draft = true) { return Set("is_draft", draft); }
  GithubEvent& Merged(bool merged = true) { return Set("is_merged", merged); }
  GithubEvent& FromFork(bool from_fork = true) { return Set("from_fork", from_fork); }
  GithubEvent& Tag(std::string_view name) { return Set("tag", name); }
  GithubEvent& Prerelease(bool prerelease = true) { return Set("is_prerelease", prerelease); }
  GithubEvent& Conclusion(std::string_view word) { return Set("conclusion", word); }
  GithubEvent& Status(std::string_view word) { return Set("status", word); }
  GithubEvent& Workflow(std::string_view name) { return Set("workflow", name); }
  GithubEvent& ChangedPaths(const std::vector<std::string>& paths) {
    return Set("changed_paths", paths);
  }
  GithubEvent& State(std::string_view word) { return Set("state", word); }

  // Replaces the payload: what GitHub sent, or part of it. Later setters change it.
  GithubEvent& Payload(const google::protobuf::Struct& payload);
  // Lays `payload` over what there is: objects member by member, everything else as a whole.
  GithubEvent& Merge(const google::protobuf::Struct& payload);

  // source "github", type, payload and external_id.
  absl::StatusOr<v1::Event> TryBuild() const;
  v1::Event Build() const;
  // What cannot be, so far.
  const absl::Status& status() const { return status_; }

 private:
  GithubEvent& Keep(const absl::Status& status);
  absl::Status SetField(std::string_view field, const google::protobuf::Value& value);

  std::string event_;
  std::string delivery_id_;
  google::protobuf::Value payload_;
  absl::Status status_;
};

inline GithubEvent PullRequestEvent() {
  return GithubEvent("pull_request");
}
inline GithubEvent PullRequestReviewEvent() {
  return GithubEvent("pull_request_review");
}
inline GithubEvent PullRequestReviewCommentEvent() {
  return GithubEvent("pull_request_review_comment");
}
inline GithubEvent PushEvent() {
  return GithubEvent("push");
}
inline GithubEvent ReleaseEvent() {
  return GithubEvent("release");
}
inline GithubEvent IssuesEvent() {
  return GithubEvent("issues");
}
inline GithubEvent IssueCommentEvent() {
  return GithubEvent("issue_comment");
}
inline GithubEvent SubIssuesEvent() {
  return GithubEvent("sub_issues");
}
inline GithubEvent CommitCommentEvent() {
  return GithubEvent("commit_comment");
}
inline GithubEvent DiscussionEvent() {
  return GithubEvent("discussion");
}
inline GithubEvent DiscussionCommentEvent() {
  return GithubEvent("discussion_comment");
}
inline GithubEvent CheckRunEvent() {
  return GithubEvent("check_run");
}
inline GithubEvent CheckSuiteEvent() {
  return GithubEvent("check_suite");
}
inline GithubEvent MergeGroupEvent() {
  return GithubEvent("merge_group");
}
inline GithubEvent WorkflowRunEvent() {
  return GithubEvent("workflow_run");
}
inline GithubEvent WorkflowJobEvent() {
  return GithubEvent("workflow_job");
}
inline GithubEvent WorkflowDispatchEvent() {
  return GithubEvent("workflow_dispatch");
}
inline GithubEvent RepositoryDispatchEvent() {
  return GithubEvent("repository_dispatch");
}

}  // namespace routines::testing

#endif  // ROUTINES_TESTING_GITHUB_EVENTS_H_
