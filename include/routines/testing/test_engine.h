// A whole engine on the caller's thread: simulated time, memory store, fake executor, no waiting.
//
//   TestEngine engine;
//   engine.PutYaml("name: alert\nprompt: look\ntriggers: [{id: trig_alert0001, api: {}}]\n");
//   auto fired = engine->Fire({.trigger_id = "trig_alert0001", .text = "SEN-4521"});
//   engine.RunUntilIdle();
//   EXPECT_EQ(engine->GetSession(fired->session_id)->state(), v1::SESSION_STATE_SUCCEEDED);
//
// Thread-safety: none; one thread. Nothing blocks. Destroy it before what it borrowed.
#ifndef ROUTINES_TESTING_TEST_ENGINE_H_
#define ROUTINES_TESTING_TEST_ENGINE_H_

#include <memory>
#include <string_view>

#include "absl/time/time.h"
#include "routines/engine.h"
#include "routines/testing/fake_executor.h"
#include "routines/testing/simulated_clock.h"

namespace routines::testing {

class TestEngine {
 public:
  // With `options`, what it leaves open is filled in: clock, store, and the executor "fake".
  TestEngine();
  explicit TestEngine(EngineOptions options);
  ~TestEngine();

  Engine* operator->() { return engine_.get(); }
  Engine& operator*() { return *engine_; }
  SimulatedClock& clock() { return clock_; }
  FakeExecutor& executor() { return *executor_; }
  std::shared_ptr<Store> store() { return store_; }

  // Loads and saves; a routine that does not load ends the test with its problems.
  v1::SavedRoutine PutYaml(std::string_view yaml);

  // Does everything that is due now.
  void RunUntilIdle();
  // Moves the clock in steps, stopping at each instant at which something is due.
  void AdvanceTime(absl::Duration duration);
  // Forgets the engine without Stop, as kill -9 would, and makes another on the same store.
  void CrashAndRestart();

 private:
  void Open();

  SimulatedClock clock_;
  std::shared_ptr<FakeExecutor> executor_;
  std::shared_ptr<Store> store_;
  EngineOptions options_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace routines::testing

#endif  // ROUTINES_TESTING_TEST_ENGINE_H_
