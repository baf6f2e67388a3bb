#include "routines/session.h"

#include <utility>

#include "src/base/session_state.h"

namespace routines {

v1::SessionEvent OutputEvent(v1::SessionStep step, v1::Output::Stream stream,
                             std::string_view text) {
  v1::SessionEvent event;
  event.mutable_output()->set_step(step);
  event.mutable_output()->set_stream(stream);
  event.mutable_output()->set_text(text.data(), text.size());
  return event;
}

v1::SessionEvent NoteEvent(v1::Note::Severity severity, std::string_view text) {
  v1::SessionEvent event;
  event.mutable_note()->set_severity(severity);
  event.mutable_note()->set_text(text.data(), text.size());
  return event;
}

Outcome Outcome::Success(std::string_view message) {
  return {v1::SESSION_STATE_SUCCEEDED, v1::SESSION_STEP_UNSPECIFIED, "completed",
          std::string(message)};
}

Outcome Outcome::Failure(v1::SessionStep step, std::string_view reason, std::string_view message) {
  return {v1::SESSION_STATE_FAILED, step, std::string(reason), std::string(message)};
}

Outcome Outcome::Retryable(v1::SessionStep step, std::string_view reason,
                           std::string_view message) {
  Outcome outcome = Failure(step, reason, message);
  outcome.retryable = true;
  return outcome;
}

Outcome Outcome::Cancelled(std::string_view message) {
  return {v1::SESSION_STATE_CANCELLED, v1::SESSION_STEP_UNSPECIFIED, "cancelled",
          std::string(message)};
}

bool IsTerminal(v1::SessionState state) {
  return state >= v1::SESSION_STATE_SUCCEEDED;
}

v1::SessionState StateOfName(std::string_view name) {
  for (int state = v1::SESSION_STATE_QUEUED; state <= v1::SESSION_STATE_LOST; ++state) {
    if (StateName(static_cast<v1::SessionState>(state)) == name) {
      return static_cast<v1::SessionState>(state);
    }
  }
  return v1::SESSION_STATE_UNSPECIFIED;
}

std::string_view StateName(v1::SessionState state) {
  switch (state) {
    case v1::SESSION_STATE_QUEUED:
      return "queued";
    case v1::SESSION_STATE_PREPARING:
      return "preparing";
    case v1::SESSION_STATE_RUNNING:
      return "running";
    case v1::SESSION_STATE_SUCCEEDED:
      return "succeeded";
    case v1::SESSION_STATE_FAILED:
      return "failed";
    case v1::SESSION_STATE_CANCELLED:
      return "cancelled";
    case v1::SESSION_STATE_TIMED_OUT:
      return "timed_out";
    case v1::SESSION_STATE_LOST:
      return "lost";
    default:
      return "unspecified";
  }
}

std::string_view StepName(v1::SessionStep step) {
  switch (step) {
    case v1::SESSION_STEP_CLONE:
      return "clone";
    case v1::SESSION_STEP_SETUP:
      return "setup";
    case v1::SESSION_STEP_CONNECTOR:
      return "connector";
    case v1::SESSION_STEP_EXECUTOR:
      return "executor";
    case v1::SESSION_STEP_AGENT:
      return "agent";
    case v1::SESSION_STEP_PUSH:
      return "push";
    default:
      return "unspecified";
  }
}

}  // namespace routines
