// Source: GitHub's documentation of webhook payloads and of the checks and actions APIs.
#include "src/match/filter_words.h"

namespace routines {

std::vector<std::string> WordsOfField(std::string_view event, std::string_view field) {
  if (field == "author_association") {
    return {"OWNER",       "MEMBER",    "COLLABORATOR", "CONTRIBUTOR", "FIRST_TIME_CONTRIBUTOR",
            "FIRST_TIMER", "MANNEQUIN", "NONE"};
  }
  if (field == "state") {
    if (event == "pull_request_review") {
      return {"approved", "changes_requested", "commented", "dismissed", "pending"};
    }
    return {"open", "closed"};
  }
  if (field == "status") {
    return {"requested", "queued", "pending", "waiting", "in_progress", "completed"};
  }
  if (field == "conclusion") {
    return {"success", "failure",         "neutral",   "cancelled",      "skipped",
            "stale",   "action_required", "timed_out", "startup_failure"};
  }
  return {};
}

}  // namespace routines
