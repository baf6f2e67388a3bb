// One process of the simulated world: an engine on the common store, with a clock of its own that
// may be wrong, a store that may fail it, and a life that may end at any step.
#ifndef ROUTINES_TESTS_SIM_HOST_H_
#define ROUTINES_TESTS_SIM_HOST_H_

#include <functional>
#include <memory>
#include <utility>

#include "routines/engine.h"
#include "routines/testing/faulty_store.h"
#include "routines/testing/simulated_clock.h"
#include "tests/sim/mutations.h"

namespace routines::sim {

// The true time, and how far this clock is from it.
class SkewedClock : public Clock {
 public:
  explicit SkewedClock(testing::SimulatedClock& truth) : truth_(truth) {}

  absl::Time TimeNow() override { return truth_.TimeNow() + offset; }
  void Sleep(absl::Duration duration) override { truth_.Sleep(duration); }
  void SleepUntil(absl::Time time) override { truth_.SleepUntil(time - offset); }
  bool AwaitWithDeadline(absl::Mutex* mu, const absl::Condition& condition,
                         absl::Time deadline) override {
    return truth_.AwaitWithDeadline(mu, condition, deadline - offset);
  }

  absl::Duration offset = absl::ZeroDuration();

 private:
  testing::SimulatedClock& truth_;
};

// From one start of the process to its end; whoever was given it may look whether it lives.
struct Life {
  std::shared_ptr<testing::FaultyStore> store;
  std::unique_ptr<Engine> engine;
  bool dead() const { return store->cut(); }
};

class Host {
 public:
  using Plan = std::function<testing::FaultyStore::Fault(testing::FaultyStore::Operation)>;

  Host(testing::SimulatedClock& truth, std::shared_ptr<Store> disk, EngineOptions options,
       Mutation mutation, Plan plan, std::function<void()> at_crash_point)
      : clock_(truth),
        truth_(truth),
        disk_(std::move(disk)),
        options_(std::move(options)),
        mutation_(mutation),
        plan_(std::move(plan)),
        at_crash_point_(std::move(at_crash_point)) {}
  ~Host() { Bury(); }

  // False: it died while it started, or could not read its store.
  bool Start(std::shared_ptr<Executor> executor) {
    auto life = std::make_shared<Life>();
    life->store = std::make_shared<testing::FaultyStore>(Mutate(mutation_, disk_), plan_);
    EngineOptions options = options_;
    options.clock = &clock_;
    options.store = life->store;
    options.executors = {{"agent", std::move(executor)}};
    options.crash_point = [this](std::string_view) { at_crash_point_(); };
    life_ = life;
    auto engine = Engine::Create(std::move(options));
    if (!engine.ok() || life->dead()) {
      engine = absl::UnavailableError("died");
      life_ = nullptr;
      return false;
    }
    life->engine = *std::move(engine);
    due_ = absl::InfinitePast();
    return true;
  }

  // As kill -9 does: nothing of it reaches the store any more.
  void Kill() {
    if (life_ != nullptr) life_->store->Cut();
  }
  bool dying() const { return life_ != nullptr && life_->dead(); }
  // Lets go of an engine that was killed.
  void Bury() {
    if (life_ == nullptr) return;
    life_->store->Cut();
    life_->store->AnswerHeld();
    life_->engine.reset();
    life_ = nullptr;
  }
  // As SIGTERM does.
  void StopInPeace() {
    life_->store->AnswerHeld();
    life_->engine->Stop();
    Bury();
  }

  bool running() const { return life_ != nullptr && life_->engine != nullptr && !life_->dead(); }
  bool awake() const { return running() && truth_.TimeNow() >= frozen_until; }
  bool in_step() const { return in_step_; }
  const std::shared_ptr<Life>& life() const { return life_; }
  Engine& engine() { return *life_->engine; }
  SkewedClock& clock() { return clock_; }

  void Step() {
    if (!awake() || in_step_) return;
    in_step_ = true;
    due_ = life_->engine->Step();
    in_step_ = false;
  }
  // A call from outside that blocks: the engine makes no step of this thread meanwhile.
  template <typename Function>
  auto Call(Function function) {
    in_step_ = true;
    auto result = function(engine());
    in_step_ = false;
    return result;
  }
  // True time of the next step.
  absl::Time due() const {
    if (!running()) return absl::InfiniteFuture();
    return std::max(due_ - clock_.offset, frozen_until);
  }

  absl::Time frozen_until = absl::InfinitePast();  // suspended
  bool restarts = false;                           // its next start is on its way

 private:
  SkewedClock clock_;
  testing::SimulatedClock& truth_;
  const std::shared_ptr<Store> disk_;
  const EngineOptions options_;
  const Mutation mutation_;
  const Plan plan_;
  const std::function<void()> at_crash_point_;
  std::shared_ptr<Life> life_;
  absl::Time due_ = absl::InfinitePast();
  bool in_step_ = false;
};

}  // namespace routines::sim

#endif  // ROUTINES_TESTS_SIM_HOST_H_
