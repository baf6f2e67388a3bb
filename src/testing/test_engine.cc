#include "routines/testing/test_engine.h"

#include <cstdlib>
#include <iostream>
#include <utility>

#include "routines/routine.h"
#include "routines/testing/faulty_store.h"

namespace routines::testing {
TestEngine::TestEngine() : TestEngine(EngineOptions()) {}

TestEngine::TestEngine(EngineOptions options)
    : executor_(std::make_shared<FakeExecutor>()),
      store_(options.store != nullptr ? options.store : std::shared_ptr<Store>(NewMemoryStore())),
      options_(std::move(options)) {
  options_.clock = &clock_;
  if (options_.executors.empty()) options_.executors["fake"] = executor_;
  for (const auto& [name, executor] : options_.executors) {
    if (auto fake = std::dynamic_pointer_cast<FakeExecutor>(executor)) executor_ = fake;
  }
  Open();
}

TestEngine::~TestEngine() = default;

void TestEngine::Open() {
  options_.store = std::make_shared<FaultyStore>(store_);
  absl::StatusOr<std::unique_ptr<Engine>> engine = Engine::Create(options_);
  if (!engine.ok()) {
    std::cerr << "TestEngine: " << engine.status() << std::endl;
    std::abort();
  }
  engine_ = *std::move(engine);
}

v1::SavedRoutine TestEngine::PutYaml(std::string_view yaml) {
  const LoadResult loaded = LoadRoutine(yaml, "test.yaml");
  for (const Problem& problem : loaded.problems) std::cerr << problem.ToString() << std::endl;
  if (!loaded.ok()) std::abort();
  const absl::StatusOr<v1::SavedRoutine> saved = engine_->Put(loaded.routine);
  if (!saved.ok()) {
    std::cerr << "TestEngine: " << saved.status() << std::endl;
    std::abort();
  }
  return *saved;
}

void TestEngine::RunUntilIdle() {
  const absl::Status status = engine_->StartSources();
  if (!status.ok() && !absl::IsFailedPrecondition(status)) {  // it may have been stopped
    std::cerr << "TestEngine: " << status << std::endl;
    std::abort();
  }
  while (engine_->Step() <= clock_.TimeNow()) {
  }
}

void TestEngine::AdvanceTime(absl::Duration duration) {
  const absl::Time end = clock_.TimeNow() + duration;
  RunUntilIdle();
  while (true) {
    const absl::Time next = engine_->Step();
    if (next > end) break;
    clock_.SetTime(std::max(next, clock_.TimeNow()));
  }
  clock_.SetTime(end);
  RunUntilIdle();
}

void TestEngine::CrashAndRestart() {
  static_cast<FaultyStore&>(*options_.store).Cut();
  engine_.reset();
  Open();
}

}  // namespace routines::testing
