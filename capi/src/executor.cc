// Executors of a host, and what they do with a session.
#include <cmath>
#include <set>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "capi/src/engine.h"
#include "capi/src/json_forms.h"
#include "routines/executor.h"

namespace routines::capi {
namespace {

class ExecutionObject : public Object {
 public:
  explicit ExecutionObject(std::shared_ptr<Execution> e) : execution(std::move(e)) {
    const ExecutionRequest& request = execution->request();
    json = absl::StrCat(
        "{\"session\":", ToJson(request.session), ",\"routine\":", ToJson(request.routine),
        ",\"prompt\":", JsonString(request.prompt),
        ",\"workspace\":", JsonString(request.workspace),
        ",\"working_directory\":", JsonString(request.working_directory), ",\"environment\":{");
    bool first = true;
    for (const auto& [name, value] : request.environment) {
      absl::StrAppend(&json, std::exchange(first, false) ? "" : ",", JsonString(name), ":",
                      JsonString(value));
    }
    json += "}}";
  }

  const std::shared_ptr<Execution> execution;
  std::string json;
};

}  // namespace

template <>
struct Named<ExecutionObject> {
  static constexpr Noun kNoun = Noun::kExecution;
  using Handle = routines_execution;
};

namespace {

// What the adapter and the threads of its sessions share; the last of them calls destroy.
struct Host {
  Host(const routines_executor& e, EngineId id) : executor(e), engine(std::move(id)) {}
  ~Host() {
    if (executor.destroy == nullptr) return;
    (void)CallOut(engine.get(), [&] { executor.destroy(executor.self); });
  }

  void Run(routines_execution* execution) {
    const absl::Status status =
        CallOut(engine.get(), [&] { executor.start(executor.self, execution); });
    if (status.ok()) return;
    // It threw. Where it kept the execution, this ends it.
    const Ref<ExecutionObject> object(execution);
    if (object.code() != ROUTINES_OK || End<ExecutionObject>(execution) != ROUTINES_OK) return;
    object->execution->Finish(
        Outcome::Failure(v1::SESSION_STEP_AGENT, "exception", std::string(status.message())));
  }

  const routines_executor executor;
  const EngineId engine;
  absl::Mutex mu;
  int running ABSL_GUARDED_BY(mu) = 0;
  std::set<routines_execution*> handles ABSL_GUARDED_BY(mu);  // some of them ended
};

class HostExecutor : public Executor {
 public:
  HostExecutor(const routines_executor& executor, EngineId id, absl::Duration grace)
      : host_(std::make_shared<Host>(executor, std::move(id))), grace_(grace) {}

  // The engine has cancelled every session. A start that does not return is left alone; what it has
  // in hand ends, and `self` lives on with it.
  ~HostExecutor() override {
    std::set<routines_execution*> handles;
    {
      absl::MutexLock lock(&host_->mu);
      handles.swap(host_->handles);
    }
    for (routines_execution* handle : handles) (void)End<ExecutionObject>(handle);
    absl::MutexLock lock(&host_->mu);
    host_->mu.AwaitWithTimeout(
        absl::Condition(
            +[](Host* host) ABSL_EXCLUSIVE_LOCKS_REQUIRED(host->mu) { return host->running == 0; },
            host_.get()),
        grace_);
  }

  bool KeepsToSandbox() const override {
    return (host_->executor.flags & ROUTINES_EXECUTOR_KEEPS_TO_SANDBOX) != 0;
  }

  void Start(std::shared_ptr<Execution> execution) override {
    const std::shared_ptr<Execution> kept = execution;
    try {
      routines_execution* const handle = Make<ExecutionObject>(std::move(execution));
      Remember(handle);
      if ((host_->executor.flags & ROUTINES_EXECUTOR_START_INLINE) != 0) return host_->Run(handle);
      {
        absl::MutexLock lock(&host_->mu);
        ++host_->running;
      }
      std::thread([host = host_, handle]() mutable {
        host->Run(handle);
        {
          absl::MutexLock lock(&host->mu);
          --host->running;
        }
      }).detach();
    } catch (...) {
      kept->Finish(
          Outcome::Failure(v1::SESSION_STEP_EXECUTOR, "start_failed", AnswerOfException().message));
    }
  }

 private:
  void Remember(routines_execution* handle) {
    absl::MutexLock lock(&host_->mu);
    // Those that ended are forgotten now and then, so that the set stays as small as what runs.
    if (host_->handles.size() >= prune_at_) {
      std::erase_if(host_->handles, [](routines_execution* each) {
        return Ref<ExecutionObject>(each).code() != ROUTINES_OK;
      });
      prune_at_ = 2 * host_->handles.size() + 16;
    }
    host_->handles.insert(handle);
  }

  const std::shared_ptr<Host> host_;
  const absl::Duration grace_;
  size_t prune_at_ = 16;  // guarded by host_->mu
};

// Appends the event that `fill` makes.
template <typename Fill>
routines_code Append(routines_execution* execution, routines_error** error,
                     std::initializer_list<NamedText> texts, Fill fill) {
  return Call(error, [&]() -> Answer {
    const Ref<ExecutionObject> object(execution);
    ROUTINES_C_RETURN_IF_ERROR(object.code());
    ROUTINES_C_RETURN_IF_ERROR(CheckTexts(texts));
    v1::SessionEvent event;
    ROUTINES_C_RETURN_IF_ERROR(fill(&event));
    object->execution->log().Append(std::move(event));
    return ROUTINES_OK;
  });
}

}  // namespace

std::shared_ptr<Executor> AdaptExecutor(const routines_executor& executor, EngineId engine,
                                        absl::Duration grace) {
  return std::make_shared<HostExecutor>(executor, std::move(engine), grace);
}

}  // namespace routines::capi

using namespace routines;        // NOLINT: what follows has C names
using namespace routines::capi;  // NOLINT

routines_code routines_execution_request(routines_execution* execution, routines_string* json) {
  if (json != nullptr) *json = {};
  return Call(nullptr, [&]() -> Answer {
    ROUTINES_C_RETURN_IF_ERROR(CheckOut(json, "json"));
    const Ref<ExecutionObject> object(execution);
    ROUTINES_C_RETURN_IF_ERROR(object.code());
    *json = StringOf(object->json);
    return ROUTINES_OK;
  });
}

routines_code routines_execution_cancelled(routines_execution* execution, int* cancelled) {
  if (cancelled != nullptr) *cancelled = 0;
  return Call(nullptr, [&]() -> Answer {
    ROUTINES_C_RETURN_IF_ERROR(CheckOut(cancelled, "cancelled"));
    const Ref<ExecutionObject> object(execution);
    ROUTINES_C_RETURN_IF_ERROR(object.code());
    *cancelled = object->execution->cancellation().IsCancelled() ? 1 : 0;
    return ROUTINES_OK;
  });
}

routines_code routines_execution_cancel_fd(routines_execution* execution, int* fd) {
  if (fd != nullptr) *fd = -1;
  return Call(nullptr, [&]() -> Answer {
    ROUTINES_C_RETURN_IF_ERROR(CheckOut(fd, "fd"));
    const Ref<ExecutionObject> object(execution);
    ROUTINES_C_RETURN_IF_ERROR(object.code());
    *fd = object->execution->cancellation().fd();
    return ROUTINES_OK;
  });
}

routines_code routines_execution_output(routines_execution* execution, int stream,
                                        routines_string text, routines_error** error) {
  return Append(execution, error, {{text, "text"}}, [&](v1::SessionEvent* event) -> absl::Status {
    if (stream != 1 && stream != 2) {
      return absl::InvalidArgumentError("stream: must be 1 (stdout) or 2 (stderr)");
    }
    *event = OutputEvent(v1::SESSION_STEP_AGENT,
                         stream == 1 ? v1::Output::STREAM_STDOUT : v1::Output::STREAM_STDERR,
                         ViewOf(text));
    return absl::OkStatus();
  });
}

routines_code routines_execution_assistant(routines_execution* execution, routines_string text,
                                           routines_error** error) {
  return Append(execution, error, {{text, "text"}}, [&](v1::SessionEvent* event) {
    event->mutable_assistant_text()->set_text(std::string(ViewOf(text)));
    return absl::OkStatus();
  });
}

routines_code routines_execution_tool_call(routines_execution* execution, routines_string call_id,
                                           routines_string name, routines_string input,
                                           routines_error** error) {
  return Append(execution, error, {{call_id, "call_id"}, {name, "name"}, {input, "input"}},
                [&](v1::SessionEvent* event) {
                  v1::ToolCall& call = *event->mutable_tool_call();
                  call.set_call_id(std::string(ViewOf(call_id)));
                  call.set_name(std::string(ViewOf(name)));
                  call.set_input_json(std::string(ViewOf(input)));
                  return absl::OkStatus();
                });
}

routines_code routines_execution_tool_result(routines_execution* execution, routines_string call_id,
                                             int is_error, routines_string text,
                                             routines_error** error) {
  return Append(execution, error, {{call_id, "call_id"}, {text, "text"}},
                [&](v1::SessionEvent* event) {
                  v1::ToolResult& result = *event->mutable_tool_result();
                  result.set_call_id(std::string(ViewOf(call_id)));
                  result.set_is_error(is_error != 0);
                  result.set_text(std::string(ViewOf(text)));
                  return absl::OkStatus();
                });
}

routines_code routines_execution_result(routines_execution* execution, int is_error,
                                        routines_string text, routines_error** error) {
  return Append(execution, error, {{text, "text"}}, [&](v1::SessionEvent* event) {
    event->mutable_result()->set_is_error(is_error != 0);
    event->mutable_result()->set_text(std::string(ViewOf(text)));
    return absl::OkStatus();
  });
}

routines_code routines_execution_usage(routines_execution* execution, const routines_usage* usage,
                                       routines_error** error) {
  return Append(execution, error, {}, [&](v1::SessionEvent* event) -> absl::Status {
    routines_usage read = ROUTINES_USAGE_INIT;
    absl::Status status =
        ReadStruct(usage, ROUTINES_C_SIZE_WITH(routines_usage, reserved), "usage", &read);
    if (!status.ok()) return status;
    if (!std::isfinite(read.cost_usd) || read.cost_usd < 0) {
      return absl::InvalidArgumentError("usage.cost_usd: must be a number that is not negative");
    }
    v1::Usage& out = *event->mutable_usage();
    out.set_input_tokens(read.input_tokens);
    out.set_output_tokens(read.output_tokens);
    out.set_cache_read_tokens(read.cache_read_tokens);
    out.set_cache_write_tokens(read.cache_write_tokens);
    out.set_cost_usd(read.cost_usd);
    out.set_turns(read.turns);
    return absl::OkStatus();
  });
}

routines_code routines_execution_finish(routines_execution* execution,
                                        const routines_outcome* outcome, routines_error** error) {
  return Call(error, [&]() -> Answer {
    const Ref<ExecutionObject> object(execution);
    ROUTINES_C_RETURN_IF_ERROR(object.code());
    routines_outcome read = ROUTINES_OUTCOME_INIT;
    ROUTINES_C_RETURN_IF_ERROR(
        ReadStruct(outcome, ROUTINES_C_SIZE_WITH(routines_outcome, message), "outcome", &read));
    ROUTINES_C_RETURN_IF_ERROR(
        CheckTexts({{read.reason, "outcome.reason"}, {read.message, "outcome.message"}}));
    const std::string message(ViewOf(read.message));
    const std::string reason =
        read.reason.size == 0 ? "agent_error" : std::string(ViewOf(read.reason));
    // Exactly one of those who finish at once gets through.
    ROUTINES_C_RETURN_IF_ERROR(End<ExecutionObject>(execution));
    object->execution->Finish(read.succeeded != 0
                                  ? Outcome::Success(message)
                                  : Outcome::Failure(v1::SESSION_STEP_AGENT, reason, message));
    return ROUTINES_OK;
  });
}

routines_code routines_execution_destroy(routines_execution* execution) {
  return Call(nullptr, [&]() -> Answer { return End<ExecutionObject>(execution); });
}
