// What workspaces, executors and the engine say to each other about one running session.
#ifndef ROUTINES_SESSION_H_
#define ROUTINES_SESSION_H_

#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "routines/v1/session.pb.h"

namespace routines {

// The log of one session, as its writers see it.
//
// Thread-safety: Append may be called from several threads at once.
// Blocking: Append blocks while more than the engine's `max_log_backlog_bytes` of this session are
// waiting to become durable, so that a flood slows its own session down and no other.
class SessionLog {
 public:
  virtual ~SessionLog() = default;

  // Takes one event. `sequence` and `time` are set by the engine; secrets in its texts are
  // redacted, also where two Output events of one stream share a secret between them, and terminal
  // control sequences (colours) are taken out. Past the session's log limit the event is dropped,
  // after one note that says so; the session's record still learns of usage, result, checkouts and
  // pushes. StateChange events are the engine's own and are ignored.
  virtual void Append(v1::SessionEvent event) = 0;
};

// Makes the commonest events.
v1::SessionEvent OutputEvent(v1::SessionStep step, v1::Output::Stream stream,
                             std::string_view text);
v1::SessionEvent NoteEvent(v1::Note::Severity severity, std::string_view text);

// How a session, or one step of it, ended.
struct Outcome {
  v1::SessionState state = v1::SESSION_STATE_SUCCEEDED;  // terminal
  v1::SessionStep step = v1::SESSION_STEP_UNSPECIFIED;
  std::string reason;   // one word of docs/sessions.md, e.g. "no_output"
  std::string message;  // for people
  bool retryable =
      false;  // true: infrastructure, before the agent started; the engine may try again

  static Outcome Success(std::string_view message = "");
  static Outcome Failure(v1::SessionStep step, std::string_view reason, std::string_view message);
  static Outcome Retryable(v1::SessionStep step, std::string_view reason, std::string_view message);
  static Outcome Cancelled(std::string_view message = "");

  bool ok() const { return state == v1::SESSION_STATE_SUCCEEDED; }
};

// True for succeeded, failed, cancelled, timed_out and lost.
bool IsTerminal(v1::SessionState state);

// "queued", "timed_out", …: the enum value as users see it.
std::string_view StateName(v1::SessionState state);
std::string_view StepName(v1::SessionStep step);

}  // namespace routines

#endif  // ROUTINES_SESSION_H_
