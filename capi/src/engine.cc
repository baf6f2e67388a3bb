#include "capi/src/engine.h"

#include <algorithm>
#include <optional>
#include <thread>

#include "absl/base/internal/sysinfo.h"
#include "absl/strings/str_cat.h"
#include "capi/src/json_forms.h"
#ifdef ROUTINES_HAS_EMBEDDED
#include "routines/embedded.h"
#endif

namespace routines::capi {

// ---- waiting ----

void EngineObject::Waiter::Wake() {
  absl::MutexLock lock(&mu_);
  woken_ = true;
}

void EngineObject::Waiter::Wait(absl::Time deadline) {
  absl::MutexLock lock(&mu_);
  mu_.AwaitWithDeadline(absl::Condition(&woken_), deadline);
  woken_ = false;
}

bool EngineObject::AddWaiter(std::shared_ptr<Waiter> waiter) {
  absl::MutexLock lock(&mu_);
  if (stopping_) return false;
  waiters_.insert(std::move(waiter));
  return true;
}

void EngineObject::RemoveWaiter(const std::shared_ptr<Waiter>& waiter) {
  absl::MutexLock lock(&mu_);
  waiters_.erase(waiter);
}

bool EngineObject::stopping() {
  absl::MutexLock lock(&mu_);
  return stopping_;
}

// ---- life ----

EngineObject::~EngineObject() {
  if (engine != nullptr) engine->Stop();
}

void EngineObject::Die() {
  if (InCallbackOf(id.get())) {
    std::thread([this] { delete this; }).detach();
  } else {
    delete this;
  }
}

void EngineObject::Enter() {
  absl::MutexLock lock(&mu_);
  ++calls_;
}

void EngineObject::Leave() {
  absl::MutexLock lock(&mu_);
  --calls_;
}

// One is the caller's own.
void EngineObject::Drain() {
  absl::MutexLock lock(&mu_);
  mu_.AwaitWithTimeout(absl::Condition(
                           +[](EngineObject* self) ABSL_EXCLUSIVE_LOCKS_REQUIRED(self->mu_) {
                             return self->calls_ <= 1;
                           },
                           this),
                       grace);
}

absl::Status EngineObject::NotFromCallback() const {
  if (!InCallbackOf(id.get())) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "a callback of the engine cannot start, stop, step or destroy it, nor register anything with "
      "it; do so on another thread");
}

absl::Status EngineObject::Start() {
  if (absl::Status status = NotFromCallback(); !status.ok()) return status;
  absl::MutexLock lock(&life_);
  return engine->Start();
}

absl::Status EngineObject::Stop() {
  if (absl::Status status = NotFromCallback(); !status.ok()) return status;
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
    for (const std::shared_ptr<Waiter>& waiter : waiters_) waiter->Wake();
  }
  absl::MutexLock lock(&life_);
  engine->Stop();
  return absl::OkStatus();
}

absl::Status EngineObject::Step(absl::Time* next) {
  if (absl::Status status = NotFromCallback(); !status.ok()) return status;
  absl::MutexLock lock(&life_);
  if (absl::Status status = engine->StartSources(); !status.ok()) return status;
  *next = engine->Step();
  return absl::OkStatus();
}

absl::Status EngineObject::Advance(absl::Duration duration) {
  if (absl::Status status = NotFromCallback(); !status.ok()) return status;
  if (clock == nullptr) {
    return absl::FailedPreconditionError(
        "the engine has the system's clock; open it with a simulated one");
  }
  absl::MutexLock lock(&life_);
  if (absl::Status status = engine->StartSources(); !status.ok()) return status;
  const absl::Time end = clock->TimeNow() + duration;
  for (absl::Time next = engine->Step(); next <= end; next = engine->Step()) {
    if (next > clock->TimeNow()) clock->SetTime(next);
  }
  clock->SetTime(end);
  while (engine->Step() <= clock->TimeNow()) {
  }
  return absl::OkStatus();
}

std::string AccountOr(routines_string account) {
  return account.size == 0 ? "default" : std::string(ViewOf(account));
}

namespace {

// What the options say, checked.
struct Opening {
  EngineOptions engine;
  std::string state_directory;
  std::string default_executor;
  std::shared_ptr<testing::SimulatedClock> clock;
};

void SetDuration(int64_t ns, absl::Duration* duration) {
  if (ns > 0) *duration = absl::Nanoseconds(ns);
}

Answer ReadOptions(const routines_engine_options& options, Opening* opening) {
  ROUTINES_C_RETURN_IF_ERROR(CheckTexts({{options.state_directory, "options.state_directory"},
                                         {options.default_executor, "options.default_executor"}}));
  if (options.min_schedule_interval_ns < 0 || options.default_max_duration_ns < 0 ||
      options.cancel_grace_ns < 0 || options.max_concurrent_sessions < 0) {
    return absl::InvalidArgumentError("options: a duration or number is negative");
  }
  opening->state_directory = std::string(ViewOf(options.state_directory));
  if (opening->state_directory.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError("options.state_directory: has a NUL in it");
  }
  opening->default_executor = std::string(ViewOf(options.default_executor));
  if (options.clock != nullptr) {
    const Ref<ClockObject> clock(options.clock);
    ROUTINES_C_RETURN_IF_ERROR(clock.code());
    opening->clock = clock->clock;
    opening->engine.clock = opening->clock.get();
  }
  SetDuration(options.min_schedule_interval_ns, &opening->engine.min_schedule_interval);
  SetDuration(options.default_max_duration_ns, &opening->engine.default_max_duration);
  SetDuration(options.cancel_grace_ns, &opening->engine.cancel_grace);
  if (options.max_concurrent_sessions > 0) {
    opening->engine.max_concurrent_sessions = options.max_concurrent_sessions;
  }
  return ROUTINES_OK;
}

absl::StatusOr<std::unique_ptr<Engine>> Open(Opening opening) {
  if (opening.state_directory.empty()) return Engine::Create(std::move(opening.engine));
#ifdef ROUTINES_HAS_EMBEDDED
  EmbeddedOptions embedded;
  embedded.state_directory = opening.state_directory;
  embedded.secrets = std::move(opening.engine.secrets);
  embedded.engine = std::move(opening.engine);
  return OpenEmbedded(std::move(embedded));
#else
  return absl::UnimplementedError("state_directory: this library was built without such engines");
#endif
}

}  // namespace
}  // namespace routines::capi

using namespace routines;        // NOLINT: what follows has C names
using namespace routines::capi;  // NOLINT

routines_code routines_engine_open(const routines_engine_options* options, routines_engine** engine,
                                   routines_error** error) {
  if (engine != nullptr) *engine = nullptr;
  return Call(error, [&]() -> Answer {
    // Abseil measures the processor once, where two threads first meet at a mutex. A fork in the
    // middle of that would leave the child waiting for it for ever.
    (void)absl::base_internal::NominalCPUFrequency();
    const EngineId id = std::make_shared<int>();
    routines_engine_options read = ROUTINES_ENGINE_OPTIONS_INIT;
    ROUTINES_C_RETURN_IF_ERROR(ReadStruct(
        options, ROUTINES_C_SIZE_WITH(routines_engine_options, reserved), "options", &read));
    Opening opening;
    if (read.secrets != nullptr) {
      routines_secrets secrets = ROUTINES_SECRETS_INIT;
      ROUTINES_C_RETURN_IF_ERROR(ReadStruct(read.secrets,
                                            ROUTINES_C_SIZE_WITH(routines_secrets, destroy),
                                            "options.secrets", &secrets));
      opening.engine.secrets = AdaptSecrets(secrets, id);
      if (secrets.get == nullptr) {
        return absl::InvalidArgumentError("options.secrets.get: must not be NULL");
      }
    }
    ROUTINES_C_RETURN_IF_ERROR(CheckOut(engine, "engine"));
    ROUTINES_C_RETURN_IF_ERROR(ReadOptions(read, &opening));
    const auto clock = opening.clock;
    const std::string wanted = opening.default_executor;
    const absl::Duration grace = opening.engine.cancel_grace;
    absl::StatusOr<std::unique_ptr<Engine>> opened = Open(std::move(opening));
    if (!opened.ok()) return opened.status();
    *engine = Make<EngineObject>(id, clock, *std::move(opened), wanted, grace);
    return ROUTINES_OK;
  });
}

routines_code routines_engine_destroy(routines_engine* engine) {
  return Call(nullptr, [&]() -> Answer {
    const EngineCall call(engine);
    ROUTINES_C_RETURN_IF_ERROR(call.code());
    if (InCallbackOf(call.object().id.get())) {
      return absl::FailedPreconditionError("a callback of the engine cannot destroy it");
    }
    if (const routines_code code = End<EngineObject>(engine); code != ROUTINES_OK) return code;
    ROUTINES_C_RETURN_IF_ERROR(call.object().Stop());
    call.object().Drain();
    return ROUTINES_OK;
  });
}

routines_code routines_engine_start(routines_engine* engine, routines_error** error) {
  return WithEngine(engine, nullptr, error, false,
                    [&](const EngineCall& call, std::string*) { return call.object().Start(); });
}

routines_code routines_engine_stop(routines_engine* engine, routines_error** error) {
  return WithEngine(engine, nullptr, error, false,
                    [&](const EngineCall& call, std::string*) { return call.object().Stop(); });
}

routines_code routines_engine_step(routines_engine* engine, int64_t* next_ns,
                                   routines_error** error) {
  if (next_ns != nullptr) *next_ns = 0;
  return WithEngine(engine, nullptr, error, false, [&](const EngineCall& call, std::string*) {
    absl::Time next;
    const absl::Status status = call.object().Step(&next);
    if (status.ok() && next_ns != nullptr) *next_ns = Nanoseconds(next);
    return status;
  });
}

routines_code routines_engine_advance(routines_engine* engine, int64_t duration_ns,
                                      routines_error** error) {
  return WithEngine(engine, nullptr, error, false, [&](const EngineCall& call, std::string*) {
    if (duration_ns < 0 || duration_ns == ROUTINES_NEVER) {
      return absl::InvalidArgumentError("duration_ns: must be a duration that is not negative");
    }
    return call.object().Advance(absl::Nanoseconds(duration_ns));
  });
}

routines_code routines_engine_register_executor(routines_engine* engine, routines_string name,
                                                const routines_executor* executor,
                                                routines_error** error) {
  return Call(error, [&]() -> Answer {
    routines_executor read = ROUTINES_EXECUTOR_INIT;
    ROUTINES_C_RETURN_IF_ERROR(
        ReadStruct(executor, ROUTINES_C_SIZE_WITH(routines_executor, reserved), "executor", &read));
    const EngineCall call(engine);
    const bool valid = call.code() == ROUTINES_OK;
    // Before anything can fail, so that destroy is called.
    const std::shared_ptr<Executor> adapted =
        AdaptExecutor(read, valid ? call.object().id : std::make_shared<int>(),
                      valid ? call.object().grace : absl::ZeroDuration());
    ROUTINES_C_RETURN_IF_ERROR(call.code());
    ROUTINES_C_RETURN_IF_ERROR(call.object().NotFromCallback());
    if (read.start == nullptr) {
      return absl::InvalidArgumentError("executor.start: must not be NULL");
    }
    if ((read.flags & ~(ROUTINES_EXECUTOR_KEEPS_TO_SANDBOX | ROUTINES_EXECUTOR_START_INLINE)) !=
        0) {
      return absl::InvalidArgumentError("executor.flags: has a flag that there is not");
    }
    ROUTINES_C_RETURN_IF_ERROR(CheckText(name, "name"));
    return call->RegisterExecutor(ViewOf(name), adapted,
                                  call.object().default_executor == ViewOf(name));
  });
}

routines_code routines_engine_register_program(routines_engine* engine, routines_string name,
                                               const routines_string* arguments, size_t count,
                                               routines_error** error) {
  return WithEngine(
      engine, nullptr, error, false, [&](const EngineCall& call, std::string*) -> Answer {
        ROUTINES_C_RETURN_IF_ERROR(call.object().NotFromCallback());
        ROUTINES_C_RETURN_IF_ERROR(CheckText(name, "name"));
        if (count == 0 || count > 10'000 || arguments == nullptr) {
          return absl::InvalidArgumentError("arguments: must hold 1 to 10,000");
        }
#ifdef ROUTINES_HAS_EXECUTORS
        ProcessExecutorOptions options;
        for (size_t i = 0; i < count; ++i) {
          ROUTINES_C_RETURN_IF_ERROR(CheckText(arguments[i], "arguments"));
          options.command.emplace_back(ViewOf(arguments[i]));
          if (options.command.back().find('\0') != std::string::npos) {
            return absl::InvalidArgumentError("arguments: one has a NUL in it");
          }
        }
        absl::StatusOr<std::unique_ptr<Executor>> executor = NewProcessExecutor(std::move(options));
        if (!executor.ok()) return executor.status();
        return call->RegisterExecutor(ViewOf(name), *std::move(executor),
                                      call.object().default_executor == ViewOf(name));
#else
    return absl::UnimplementedError("this library was built without executors");
#endif
      });
}

routines_code routines_engine_add_source(routines_engine* engine, routines_string name,
                                         const routines_source* source, routines_error** error) {
  return Call(error, [&]() -> Answer {
    routines_source read = ROUTINES_SOURCE_INIT;
    ROUTINES_C_RETURN_IF_ERROR(
        ReadStruct(source, ROUTINES_C_SIZE_WITH(routines_source, destroy), "source", &read));
    const EngineCall call(engine);
    const std::shared_ptr<TriggerSource> adapted =
        AdaptSource(read, call.code() == ROUTINES_OK ? call.object().id : std::make_shared<int>());
    ROUTINES_C_RETURN_IF_ERROR(call.code());
    ROUTINES_C_RETURN_IF_ERROR(call.object().NotFromCallback());
    if (read.start == nullptr || read.stop == nullptr) {
      return absl::InvalidArgumentError("source.start and source.stop: must not be NULL");
    }
    ROUTINES_C_RETURN_IF_ERROR(CheckText(name, "name"));
    return call->AddSource(ViewOf(name), adapted);
  });
}

routines_code routines_engine_stats(routines_engine* engine, routines_text** json,
                                    routines_error** error) {
  return WithEngine(engine, json, error, true, [](const EngineCall& call, std::string* out) {
    const EngineStats stats = call->Stats();
    const auto counts = [](const std::map<std::string, int64_t>& map) {
      std::string list = "{";
      for (const auto& [name, count] : map) {
        absl::StrAppend(&list, list.size() == 1 ? "" : ",", JsonString(name), ":", count);
      }
      return list + "}";
    };
    *out = absl::StrCat(
        "{\"events_admitted\":", stats.events_admitted,
        ",\"events_duplicate\":", stats.events_duplicate, ",\"admit_errors\":", stats.admit_errors,
        ",\"sessions_ended\":", counts(stats.sessions_ended),
        ",\"decisions\":", counts(stats.decisions),
        ",\"decisions_deferred\":", stats.decisions_deferred, ",\"lease_lost\":", stats.lease_lost,
        ",\"heartbeats_late\":", stats.heartbeats_late,
        ",\"sessions_active\":", stats.sessions_active,
        ",\"sessions_running\":", stats.sessions_running,
        ",\"routines_unmatched\":", stats.routines_unmatched, "}");
    return absl::OkStatus();
  });
}
