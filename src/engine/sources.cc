#include "src/engine/sources.h"

#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "src/engine/delivery.h"

namespace routines {

// May outlive the engine, in the hands of its source; closed, it refuses everything.
class SourceSink : public EventSink, public std::enable_shared_from_this<SourceSink> {
 public:
  SourceSink(std::string name, int max_backlog, Sources::Deliver deliver)
      : name_(std::move(name)), max_backlog_(max_backlog), deliver_(std::move(deliver)) {}

  void EmitAsync(DeliverRequest request, Done done) override {
    if (!Enter()) return done(absl::CancelledError("the engine is stopping; emit it to the next"));
    request.event.set_source(name_);
    deliver_(std::move(request), [self = shared_from_this(), done = std::move(done)](auto result) {
      done(std::move(result));
      self->Leave();
    });
  }

  const Cancellation& stopping() const override { return stopping_; }

  // Lets nobody in any more.
  void Close() {
    absl::MutexLock lock(&mu_);
    closed_ = true;
    stopping_.Cancel();
  }

  void WaitUntilEmpty() {
    absl::MutexLock lock(&mu_);
    mu_.Await(absl::Condition(
        +[](SourceSink* self)
             ABSL_EXCLUSIVE_LOCKS_REQUIRED(self->mu_) { return self->in_flight_ == 0; },
        this));
  }

 private:
  // Waits for room; false: closed.
  bool Enter() {
    absl::MutexLock lock(&mu_);
    mu_.Await(absl::Condition(
        +[](SourceSink* self) ABSL_EXCLUSIVE_LOCKS_REQUIRED(self->mu_) {
          return self->closed_ || self->in_flight_ < self->max_backlog_;
        },
        this));
    if (closed_) return false;
    ++in_flight_;
    return true;
  }

  void Leave() {
    absl::MutexLock lock(&mu_);
    --in_flight_;
  }

  const std::string name_;
  const int max_backlog_;
  const Sources::Deliver deliver_;
  Cancellation stopping_;
  absl::Mutex mu_;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  int in_flight_ ABSL_GUARDED_BY(mu_) = 0;
};

absl::StatusOr<DeliverResult> EventSink::Emit(DeliverRequest request) {
  struct State {
    absl::Notification ready;
    absl::StatusOr<DeliverResult> result = absl::UnknownError("no answer");
  };
  const auto state = std::make_shared<State>();
  EmitAsync(std::move(request), [state](absl::StatusOr<DeliverResult> result) {
    state->result = std::move(result);
    state->ready.Notify();
  });
  state->ready.WaitForNotification();
  return std::move(state->result);
}

Sources::~Sources() {
  Stop();
}

absl::Status Sources::Add(std::string name, std::shared_ptr<TriggerSource> source) {
  if (source == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("source \"", name, "\": must not be null"));
  }
  DeliverRequest probe;
  probe.event.set_source(name);
  if (name == kGithubSource) {
    return absl::InvalidArgumentError(
        "source: \"github\" is the webhook's own; use another name, or Deliver");
  }
  if (absl::Status status = CheckDelivery(probe); !status.ok()) return status;
  const bool added = sources_.try_emplace(name, std::move(source)).second;
  if (added) return absl::OkStatus();
  return absl::AlreadyExistsError(absl::StrCat("source \"", name, "\" is registered already"));
}

absl::Status Sources::Start(const Deliver& deliver) {
  for (const auto& [name, source] : sources_) {
    auto sink = std::make_shared<SourceSink>(name, max_backlog_, deliver);
    if (const absl::Status status = source->Start(sink); !status.ok()) {
      sink->Close();
      sink->WaitUntilEmpty();
      Stop();
      return absl::Status(status.code(),
                          absl::StrCat("source \"", name, "\" does not start: ", status.message()));
    }
    running_.push_back({source, std::move(sink)});
  }
  return absl::OkStatus();
}

void Sources::Stop() {
  for (const Running& each : running_) each.sink->Close();
  for (const Running& each : running_) each.source->Stop();
  for (const Running& each : running_) each.sink->WaitUntilEmpty();
  running_.clear();
}

}  // namespace routines
