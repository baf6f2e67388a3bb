// Source: GitHub's documentation of webhook payloads and of the checks and actions APIs.
#include "src/match/filter_words.h"

namespace routines {

namespace {

constexpr std::string_view kAssociations[] = {
    "OWNER",       "MEMBER",    "COLLABORATOR", "CONTRIBUTOR", "FIRST_TIME_CONTRIBUTOR",
    "FIRST_TIMER", "MANNEQUIN", "NONE"};
constexpr std::string_view kReviewStates[] = {"approved", "changes_requested", "commented",
                                              "dismissed", "pending"};
constexpr std::string_view kStates[] = {"open", "closed"};
constexpr std::string_view kStatuses[] = {"requested", "queued",      "pending",
                                          "waiting",   "in_progress", "completed"};
constexpr std::string_view kConclusions[] = {"success",         "failure",   "neutral",
                                             "cancelled",       "skipped",   "stale",
                                             "action_required", "timed_out", "startup_failure"};

constexpr WrongBeginning kWrongBranches[] = {
    {"refs/heads/", "branches are compared without refs/heads/"}};
constexpr WrongBeginning kWrongLogins[] = {{"@", "logins are compared without @"}};
constexpr WrongBeginning kWrongPaths[] = {
    {"/", "paths begin at the top of the repository, without /"},
    {"./", "paths begin at the top of the repository, without ./"}};
constexpr WrongBeginning kWrongTags[] = {{"refs/tags/", "tags are compared without refs/tags/"}};

}  // namespace

absl::Span<const std::string_view> WordsOfField(std::string_view event, std::string_view field) {
  if (field == "author_association") return kAssociations;
  if (field == "state") {
    if (event == "pull_request_review") return kReviewStates;
    return kStates;
  }
  if (field == "status") return kStatuses;
  if (field == "conclusion") return kConclusions;
  return {};
}

absl::Span<const WrongBeginning> WrongBeginnings(FieldType type, std::string_view field) {
  switch (type) {
    case FieldType::kBranch:
      return kWrongBranches;
    case FieldType::kLogin:
      return kWrongLogins;
    case FieldType::kPaths:
      return kWrongPaths;
    default:
      if (field != "tag") return {};
      return kWrongTags;
  }
}

}  // namespace routines
