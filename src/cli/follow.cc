#include "src/cli/follow.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "src/base/sse_parser.h"
#include "src/base/status_macros.h"

namespace routines::cli {
namespace {

constexpr absl::Duration kGiveUpAfter = absl::Seconds(30);
constexpr absl::Duration kFirstPause = absl::Milliseconds(200);
constexpr absl::Duration kLongestPause = absl::Seconds(3);

// Errors that another attempt may not meet.
bool IsPassing(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) ||
         absl::IsResourceExhausted(status);
}

// One connection's worth of the stream. True: the session has ended and its log is complete.
class Stream {
 public:
  Stream(Api& api, const std::string& session_path, const EventCallback& take)
      : api_(api), target_(absl::StrCat(session_path, "/events")), take_(take) {}

  absl::StatusOr<bool> ReadOnce() {
    HttpRequest request = {.target = target_, .headers = {{"Accept", "text/event-stream"}}};
    RETURN_IF_ERROR(api_.Authorize(&request));
    if (!parser_.last_event_id().empty()) {
      request.headers["Last-Event-ID"] = parser_.last_event_id();
    }
    parser_.Reconnect();
    progressed_ = false;
    const absl::Status status =
        api_.Send(request, [this](std::string_view piece) { return TakePiece(piece); }).status();
    if (ended_) return true;
    RETURN_IF_ERROR(status);
    return false;
  }

  bool progressed() const { return progressed_; }

 private:
  bool TakePiece(std::string_view piece) {
    progressed_ = true;
    for (const SseEvent& sse : parser_.Feed(piece)) {
      ended_ = ended_ || sse.type == "end";
      absl::StatusOr<JsonValue> event = JsonValue::Parse(sse.data);
      if (!event.ok() || (*event)["sequence"].IsNull()) continue;  // not of the log
      take_(*event);
      ended_ = ended_ || IsTerminalState((*event)["state_change"]["state"].Text());
    }
    return !ended_;
  }

  Api& api_;
  const std::string target_;
  const EventCallback& take_;
  SseParser parser_;
  bool ended_ = false;
  bool progressed_ = false;
};

}  // namespace

bool IsTerminalState(std::string_view state) {
  return state == "succeeded" || state == "failed" || state == "cancelled" ||
         state == "timed_out" || state == "lost";
}

absl::Status ReadLog(Api& api, const std::string& session_path, const EventCallback& take) {
  int64_t after = 0;
  while (true) {
    ASSIGN_OR_RETURN(const JsonValue page,
                     api.Get(absl::StrCat(session_path, "/events?after=", after)));
    if (page["events"].Items().empty()) return absl::OkStatus();
    for (const JsonValue& event : page["events"].Items()) {
      take(event);
      after = std::max(after, event["sequence"].Int());
    }
  }
}

absl::Status FollowLog(Api& api, const std::string& session_path, const EventCallback& take) {
  Stream stream(api, session_path, take);
  absl::Time give_up = absl::Now() + kGiveUpAfter;
  absl::Duration pause = kFirstPause;
  while (true) {
    const absl::StatusOr<bool> ended = stream.ReadOnce();
    if (ended.ok() && *ended) return absl::OkStatus();
    if (!ended.ok() && !IsPassing(ended.status())) return ended.status();
    if (stream.progressed()) {
      give_up = absl::Now() + kGiveUpAfter;
      pause = kFirstPause;
    }
    if (ended.ok()) {  // closed in good order: is there more to come?
      ASSIGN_OR_RETURN(const JsonValue session, api.Get(session_path));
      if (IsTerminalState(session["state"].Text())) return absl::OkStatus();
    } else if (absl::Now() >= give_up) {
      return ended.status();
    }
    absl::SleepFor(pause);
    pause = std::min(pause * 2, kLongestPause);
  }
}

}  // namespace routines::cli
