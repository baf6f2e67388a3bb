// An engine behind a handle, and who waits in it.
#ifndef ROUTINES_CAPI_SRC_ENGINE_H_
#define ROUTINES_CAPI_SRC_ENGINE_H_

#include <memory>
#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "capi/src/call.h"
#include "capi/src/clock.h"
#include "routines/engine.h"

namespace routines::capi {

inline constexpr int32_t kMostRows = 1000;  // of one answer

// Names an engine to CallbackScope; lives as long as anything of the engine.
using EngineId = std::shared_ptr<const int>;

class EngineObject : public Object {
 public:
  // A thread that waits for something of the engine, in real time.
  class Waiter {
   public:
    void Wake();
    // Until Wake, or the deadline.
    void Wait(absl::Time deadline);

   private:
    absl::Mutex mu_;
    bool woken_ ABSL_GUARDED_BY(mu_) = false;
  };

  EngineObject(EngineId id, std::shared_ptr<testing::SimulatedClock> clock,
               std::unique_ptr<Engine> engine, std::string default_executor, absl::Duration grace)
      : id(std::move(id)),
        clock(std::move(clock)),
        default_executor(std::move(default_executor)),
        grace(grace),
        engine(std::move(engine)) {}
  ~EngineObject() override;
  // The engine waits for its callbacks; one of them must not wait for itself.
  void Die() override;

  // kFailedPrecondition within a callback of this engine.
  absl::Status NotFromCallback() const;
  // One at a time, and never from within a callback.
  absl::Status Start();
  absl::Status Stop();
  absl::Status Step(absl::Time* next);
  absl::Status Advance(absl::Duration duration);

  // Calls in progress, which Drain waits for.
  void Enter();
  void Leave();
  void Drain();

  // False: the engine is being stopped.
  bool AddWaiter(std::shared_ptr<Waiter> waiter);
  void RemoveWaiter(const std::shared_ptr<Waiter>& waiter);
  bool stopping();

  const EngineId id;
  const std::shared_ptr<testing::SimulatedClock> clock;  // null: the system's
  const std::string default_executor;                    // wanted by the options
  const absl::Duration grace;
  std::unique_ptr<Engine> engine;

 private:
  absl::Mutex life_;
  absl::Mutex mu_;
  int calls_ ABSL_GUARDED_BY(mu_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::set<std::shared_ptr<Waiter>> waiters_ ABSL_GUARDED_BY(mu_);
};
template <>
struct Named<EngineObject> {
  static constexpr Noun kNoun = Noun::kEngine;
  using Handle = routines_engine;
};

// A Ref that is counted among the engine's calls.
class EngineCall {
 public:
  explicit EngineCall(const routines_engine* handle) : ref_(handle) {
    if (ref_.code() == ROUTINES_OK) ref_->Enter();
  }
  ~EngineCall() {
    if (ref_.code() == ROUTINES_OK) ref_->Leave();
  }

  routines_code code() const { return ref_.code(); }
  EngineObject& object() const { return *ref_; }
  Engine* operator->() const { return ref_->engine.get(); }

 private:
  Ref<EngineObject> ref_;
};

// Runs `body` with the engine of a handle; the answer's JSON, if it has one, goes to `json`.
template <typename Body>
routines_code WithEngine(routines_engine* engine, routines_text** json, routines_error** error,
                         bool json_needed, Body body) {
  if (json != nullptr) *json = nullptr;
  return Call(error, [&]() -> Answer {
    if (json_needed) ROUTINES_C_RETURN_IF_ERROR(CheckOut(json, "json"));
    const EngineCall call(engine);
    ROUTINES_C_RETURN_IF_ERROR(call.code());
    std::string text;
    ROUTINES_C_RETURN_IF_ERROR(Answer(body(call, &text)));
    GiveText(std::move(text), json);
    return ROUTINES_OK;
  });
}

std::string AccountOr(routines_string account);  // "default" where it is empty

// Adapters of what a host plugs in; see executor.cc and source.cc. The struct was read; from here
// on its destroy is called once, whatever happens.
std::shared_ptr<Executor> AdaptExecutor(const routines_executor& executor, EngineId engine,
                                        absl::Duration grace);
std::shared_ptr<TriggerSource> AdaptSource(const routines_source& source, EngineId engine);
std::shared_ptr<SecretProvider> AdaptSecrets(const routines_secrets& secrets, EngineId engine);

std::string DeliveredJson(const DeliverResult& result);

}  // namespace routines::capi

#endif  // ROUTINES_CAPI_SRC_ENGINE_H_
