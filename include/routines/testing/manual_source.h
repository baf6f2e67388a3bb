// A TriggerSource that a test drives by hand: it emits what it is told to, and says what became of
// it.
//
//   auto source = std::make_shared<ManualSource>();
//   engine->AddSource("queue", source);  // of a TestEngine
//   engine.RunUntilIdle();               // starts it
//   auto taken = source->Emit(ManualSource::NewEvent("job", "1"));
//   EXPECT_EQ(taken->decisions[0].reason(), v1::DECISION_REASON_FIRED);
//
// Emit returns when the event is durable or refused. Send does not wait, so that a test sees what
// happens meanwhile; Wait then has the answer. What was answered with kUnavailable is the source's
// still: Retry sends it again, as a source must.
//
// Thread-safety: every method may be called from any thread.
// Ownership: answers that come after its end are dropped.
// Blocking: Send and Emit while max_source_backlog events of it are on their way; Emit and Wait
//   until there is an answer. With a TestEngine nothing waits.
// Errors: the engine's (EventSink); kFailedPrecondition: the engine has not started the source yet;
//   kCancelled: it has stopped it.
#ifndef ROUTINES_TESTING_MANUAL_SOURCE_H_
#define ROUTINES_TESTING_MANUAL_SOURCE_H_

#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "routines/trigger_source.h"

namespace routines::testing {

class ManualSource : public TriggerSource {
 public:
  ManualSource();
  ~ManualSource() override;

  // An event to emit. A second one with the same `external_id` is a duplicate; empty: never.
  static DeliverRequest NewEvent(std::string_view type, std::string_view external_id = "",
                                 std::string_view payload = "");

  absl::StatusOr<DeliverResult> Emit(DeliverRequest request);

  // Hands the event over; the number of this sending, from 0 up. One that the engine did not get,
  // because the source does not run, has its answer at once.
  int Send(DeliverRequest request);
  // What became of a sending. kDeadlineExceeded: no answer within `timeout`, which is real time;
  // kNotFound: there is no sending of that number.
  absl::StatusOr<DeliverResult> Wait(int number, absl::Duration timeout = absl::Seconds(60));
  // Whether the engine said that it is durable.
  bool acknowledged(int number) const;
  // Sends again, in their order and under their numbers, what was answered with kUnavailable; how
  // many that were. Emit's events too.
  int Retry();

  // From now on Start fails with this; OK: it does not.
  void FailStart(absl::Status status);
  int starts() const;    // calls of Start, also those that failed
  int stops() const;     // calls of Stop
  bool running() const;  // between a Start that went well and Stop

  absl::Status Start(std::shared_ptr<EventSink> sink) override;
  void Stop() override;

 private:
  struct State;
  void HandOver(int number);
  const std::shared_ptr<State> state_;  // shared with answers on their way
};

}  // namespace routines::testing

#endif  // ROUTINES_TESTING_MANUAL_SOURCE_H_
