// Where events come from that are neither GitHub's nor an HTTP call's: a queue, a folder, a
// database.
//
//   class Ticker : public routines::TriggerSource {
//     absl::Status Start(std::shared_ptr<routines::EventSink> sink) override {
//       thread_ = std::thread([sink] { while (!sink->stopping().IsCancelled()) Tell(*sink); });
//       return absl::OkStatus();
//     }
//     void Stop() override { thread_.join(); }
//   };
//   engine->AddSource("ticker", std::make_shared<Ticker>());
//   // In a routine: triggers: [{id: tick, custom: {source: ticker}}]
//
// Contract, checked by testing::TriggerSourceConformanceTest:
//  - Start does not block; it is called once. Where it returns an error, Stop is not called. After
//    one that failed, a later Start of the engine calls it again.
//  - When Stop returns, the source emits no more and holds no thread. Emit ends soon once
//    stopping() is cancelled, so Stop may wait for it.
//  - An event is the source's own until its Emit was OK: after kUnavailable it is emitted again,
//    with the same external_id, so that none is lost and none counted twice. After
//    kInvalidArgument never: nothing will ever take it.
//  - A source may keep its sink for ever: after Stop, Emit says kCancelled.
//
// Thread-safety: Start and Stop are called one after the other, and must not call the engine's
// Start, Stop, AddSource or RegisterExecutor; all of EventSink may be called from any thread.
// Ownership: sources are shared with the engine; a sink is shared with its source.
#ifndef ROUTINES_TRIGGER_SOURCE_H_
#define ROUTINES_TRIGGER_SOURCE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "routines/cancellation.h"
#include "routines/v1/event.pb.h"

namespace routines {

// Something that happened outside: a GitHub delivery whose signature was checked, or an event of a
// custom source.
struct DeliverRequest {
  // source ("github", or a custom one's name), type, external_id (delivery id, or the source's
  // own), payload and attributes are the caller's; the rest is the engine's. account: only that
  // account's routines; empty: everybody's. A second event of the same source, account and
  // external_id within 8 days is a duplicate.
  v1::Event event;
  // Where set, a second event of that source and account with the same is a duplicate too, for
  // `replay_window`: the hash of a signed body, since its delivery id is not signed.
  std::string body_key;
  absl::Duration replay_window = absl::ZeroDuration();
  // Whose doing it is, where a session fires; empty: nobody's. A GitHub event's is found by the
  // commits pushed.
  std::string session_id;
};

struct DeliverResult {
  std::string event_id;
  bool duplicate = false;  // seen before: the first event's id and decisions
  // One for each trigger that matched, by account, routine and trigger; where none did, one without
  // a routine that says why (no_match, unknown_event).
  std::vector<v1::Decision> decisions;
};

// The engine's side of a source.
class EventSink {
 public:
  using Done = std::function<void(absl::StatusOr<DeliverResult>)>;

  virtual ~EventSink() = default;

  // Takes an event in; the engine sets its source to the name under which it has the source. `done`
  // runs once, when the event is durable or refused, inline or on another thread, and must not
  // block. Blocks while `max_source_backlog` events of this source are on their way, so that a
  // flood waits in the source. Errors: as Engine::Deliver; kCancelled: the engine stops.
  virtual void EmitAsync(DeliverRequest request, Done done) = 0;

  // Cancelled when the engine stops, before Stop is called.
  virtual const Cancellation& stopping() const = 0;

  // The same as EmitAsync, but returns when `done` would have run.
  absl::StatusOr<DeliverResult> Emit(DeliverRequest request);
};

class TriggerSource {
 public:
  virtual ~TriggerSource() = default;
  virtual absl::Status Start(std::shared_ptr<EventSink> sink) = 0;
  virtual void Stop() = 0;
};

}  // namespace routines

#endif  // ROUTINES_TRIGGER_SOURCE_H_
