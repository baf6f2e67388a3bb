#include "routines/testing/manual_source.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"

namespace routines::testing {

struct ManualSource::State {
  struct Sending {
    DeliverRequest request;
    std::optional<absl::StatusOr<DeliverResult>> answer;
  };

  absl::Mutex mu;
  std::vector<Sending> sent ABSL_GUARDED_BY(mu);
  std::shared_ptr<EventSink> sink ABSL_GUARDED_BY(mu);
  absl::Status start_answer ABSL_GUARDED_BY(mu);
  int starts ABSL_GUARDED_BY(mu) = 0;
  int stops ABSL_GUARDED_BY(mu) = 0;
};

ManualSource::ManualSource() : state_(std::make_shared<State>()) {}
ManualSource::~ManualSource() = default;

DeliverRequest ManualSource::NewEvent(std::string_view type, std::string_view external_id,
                                      std::string_view payload) {
  DeliverRequest request;
  request.event.set_type(std::string(type));
  request.event.set_external_id(std::string(external_id));
  request.event.set_payload(std::string(payload));
  return request;
}

absl::StatusOr<DeliverResult> ManualSource::Emit(DeliverRequest request) {
  return Wait(Send(std::move(request)), absl::InfiniteDuration());
}

int ManualSource::Send(DeliverRequest request) {
  int number;
  {
    absl::MutexLock lock(&state_->mu);
    number = static_cast<int>(state_->sent.size());
    state_->sent.push_back({std::move(request), std::nullopt});
  }
  HandOver(number);
  return number;
}

void ManualSource::HandOver(int number) {
  std::shared_ptr<EventSink> sink;
  DeliverRequest request;
  {
    absl::MutexLock lock(&state_->mu);
    State::Sending& sending = state_->sent[number];
    if (state_->sink == nullptr) {
      sending.answer = state_->stops > 0
                           ? absl::CancelledError("the engine has stopped the source")
                           : absl::FailedPreconditionError(
                                 "the engine has not started the source yet; start it, or step it");
      return;
    }
    sending.answer.reset();
    sink = state_->sink;
    request = sending.request;
  }
  sink->EmitAsync(std::move(request),
                  [state = state_, number](absl::StatusOr<DeliverResult> answer) {
                    absl::MutexLock lock(&state->mu);
                    state->sent[number].answer = std::move(answer);
                  });
}

absl::StatusOr<DeliverResult> ManualSource::Wait(int number, absl::Duration timeout) {
  State* state = state_.get();
  absl::MutexLock lock(&state->mu);
  if (number < 0 || number >= static_cast<int>(state->sent.size())) {
    return absl::NotFoundError(absl::StrCat("nothing was sent under the number ", number));
  }
  const auto answered = [state, number]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(state->mu) {
    return state->sent[number].answer.has_value();
  };
  if (!state->mu.AwaitWithTimeout(absl::Condition(&answered), timeout)) {
    return absl::DeadlineExceededError(absl::StrCat("sending ", number, " has no answer yet"));
  }
  return *state->sent[number].answer;
}

bool ManualSource::acknowledged(int number) const {
  absl::MutexLock lock(&state_->mu);
  if (number < 0 || number >= static_cast<int>(state_->sent.size())) return false;
  const auto& answer = state_->sent[number].answer;
  return answer.has_value() && answer->ok();
}

int ManualSource::Retry() {
  std::vector<int> again;
  {
    absl::MutexLock lock(&state_->mu);
    for (size_t i = 0; i < state_->sent.size(); ++i) {
      const auto& answer = state_->sent[i].answer;
      if (answer.has_value() && absl::IsUnavailable(answer->status())) {
        again.push_back(static_cast<int>(i));
      }
    }
  }
  for (const int number : again) HandOver(number);
  return static_cast<int>(again.size());
}

void ManualSource::FailStart(absl::Status status) {
  absl::MutexLock lock(&state_->mu);
  state_->start_answer = std::move(status);
}

int ManualSource::starts() const {
  absl::MutexLock lock(&state_->mu);
  return state_->starts;
}

int ManualSource::stops() const {
  absl::MutexLock lock(&state_->mu);
  return state_->stops;
}

bool ManualSource::running() const {
  absl::MutexLock lock(&state_->mu);
  return state_->sink != nullptr;
}

absl::Status ManualSource::Start(std::shared_ptr<EventSink> sink) {
  absl::MutexLock lock(&state_->mu);
  ++state_->starts;
  if (!state_->start_answer.ok()) return state_->start_answer;
  state_->sink = std::move(sink);
  return absl::OkStatus();
}

void ManualSource::Stop() {
  absl::MutexLock lock(&state_->mu);
  ++state_->stops;
  state_->sink = nullptr;
}

}  // namespace routines::testing
