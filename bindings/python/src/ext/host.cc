#include "host.h"

namespace routines::python {
namespace {

// ---- executors ----

struct ExecutorHost {
  std::shared_ptr<Executions> queue;
  int number;
};

void StartExecution(void* self, routines_execution* execution) {
  const auto* const host = static_cast<ExecutorHost*>(self);
  if (!host->queue->Push({host->number, execution})) (void)routines_execution_destroy(execution);
}

// ---- secrets ----

routines_code GetSecret(void* self, routines_string account, routines_string name,
                        routines_text** value) {
  const auto ask = std::make_shared<SecretAsk>(std::string(account.data, account.size),
                                               std::string(name.data, name.size));
  const auto& queue = *static_cast<std::shared_ptr<Secrets>*>(self);
  if (!queue->Push(ask)) return ROUTINES_UNAVAILABLE;
  std::string text;
  const routines_code code = ask->Wait(&text);
  return code == ROUTINES_OK ? routines_text_create(StringOf(text), value) : code;
}

// ---- what a session's executor has in hand ----

class Execution {
 public:
  explicit Execution(routines_execution* execution) : execution_(execution) {}
  // Not finished: the session fails, "abandoned".
  ~Execution() { (void)routines_execution_destroy(execution_); }
  Execution(const Execution&) = delete;
  Execution& operator=(const Execution&) = delete;

  py::str Request() const {
    routines_string json = {nullptr, 0};
    Check(routines_execution_request(execution_, &json));
    return py::str(json.data, json.size);
  }
  // Also where it is over.
  bool Cancelled() const {
    int cancelled = 0;
    return routines_execution_cancelled(execution_, &cancelled) != ROUTINES_OK || cancelled != 0;
  }
  int CancelFd() const {
    int fd = -1;
    (void)routines_execution_cancel_fd(execution_, &fd);
    return fd;
  }
  void Output(int stream, std::string_view text) {
    CallFreely([&](routines_error** error) {
      return routines_execution_output(execution_, stream, StringOf(text), error);
    });
  }
  void Assistant(std::string_view text) {
    CallFreely([&](routines_error** error) {
      return routines_execution_assistant(execution_, StringOf(text), error);
    });
  }
  void ToolCall(std::string_view call_id, std::string_view name, std::string_view input) {
    CallFreely([&](routines_error** error) {
      return routines_execution_tool_call(execution_, StringOf(call_id), StringOf(name),
                                          StringOf(input), error);
    });
  }
  void ToolResult(std::string_view call_id, bool is_error, std::string_view text) {
    CallFreely([&](routines_error** error) {
      return routines_execution_tool_result(execution_, StringOf(call_id), is_error ? 1 : 0,
                                            StringOf(text), error);
    });
  }
  void Result(bool is_error, std::string_view text) {
    CallFreely([&](routines_error** error) {
      return routines_execution_result(execution_, is_error ? 1 : 0, StringOf(text), error);
    });
  }
  void Usage(int64_t input, int64_t output, int64_t cache_read, int64_t cache_write,
             double cost_usd, int32_t turns) {
    routines_usage usage = ROUTINES_USAGE_INIT;
    usage.input_tokens = input;
    usage.output_tokens = output;
    usage.cache_read_tokens = cache_read;
    usage.cache_write_tokens = cache_write;
    usage.cost_usd = cost_usd;
    usage.turns = turns;
    CallFreely([&](routines_error** error) {
      return routines_execution_usage(execution_, &usage, error);
    });
  }
  void Finish(bool succeeded, std::string_view reason, std::string_view message) {
    routines_outcome outcome = ROUTINES_OUTCOME_INIT;
    outcome.succeeded = succeeded ? 1 : 0;
    outcome.reason = StringOf(reason);
    outcome.message = StringOf(message);
    CallFreely([&](routines_error** error) {
      return routines_execution_finish(execution_, &outcome, error);
    });
  }

 private:
  routines_execution* const execution_;
};

// ---- sinks ----

class Sink {
 public:
  explicit Sink(routines_sink* sink) : sink_(sink) {}

  py::str Emit(std::string_view type, std::string_view id, const py::bytes& payload,
               const py::object& attributes, std::string_view account) {
    routines_event event = EventOf("", type, ViewOf(payload));
    event.external_id = StringOf(id);
    event.account = StringOf(account);
    const Attributes list(attributes, &event);
    return TextFreely([&](routines_text** json, routines_error** error) {
      return routines_sink_emit(sink_, &event, json, error);
    });
  }
  // Also where its engine is gone.
  bool Stopping() const {
    int stopping = 0;
    return routines_sink_stopping(sink_, &stopping) != ROUTINES_OK || stopping != 0;
  }

 private:
  routines_sink* const sink_;
};

}  // namespace

routines_executor ExecutorOf(std::shared_ptr<Executions> queue, int number, bool keeps_to_sandbox) {
  routines_executor executor = ROUTINES_EXECUTOR_INIT;
  executor.self = new ExecutorHost{std::move(queue), number};
  executor.start = StartExecution;
  executor.destroy = [](void* self) { delete static_cast<ExecutorHost*>(self); };
  executor.flags =
      ROUTINES_EXECUTOR_START_INLINE | (keeps_to_sandbox ? ROUTINES_EXECUTOR_KEEPS_TO_SANDBOX : 0U);
  return executor;
}

routines_secrets SecretsOf(std::shared_ptr<Secrets> queue) {
  routines_secrets secrets = ROUTINES_SECRETS_INIT;
  secrets.self = new std::shared_ptr<Secrets>(std::move(queue));
  secrets.get = GetSecret;
  secrets.destroy = [](void* self) { delete static_cast<std::shared_ptr<Secrets>*>(self); };
  return secrets;
}

// ---- sources ----

routines_source SourceHost::Hand(std::shared_ptr<SourceHost> host) {
  routines_source source = ROUTINES_SOURCE_INIT;
  source.self = new std::shared_ptr<SourceHost>(std::move(host));
  source.start = Start;
  source.stop = Stop;
  source.destroy = Destroy;
  return source;
}

routines_code SourceHost::Start(void* self, routines_sink* sink) {
  const py::gil_scoped_acquire gil;
  SourceHost& host = **static_cast<std::shared_ptr<SourceHost>*>(self);
  try {
    host.start_(py::cast(Sink(sink)));
    return ROUTINES_OK;
  } catch (py::error_already_set& error) {
    host.error_.emplace(error);
    return ROUTINES_INTERNAL;
  }
}

void SourceHost::Stop(void* self) {
  const py::gil_scoped_acquire gil;
  SourceHost& host = **static_cast<std::shared_ptr<SourceHost>*>(self);
  try {
    host.stop_();
  } catch (py::error_already_set& error) {
    error.discard_as_unraisable("the stop of a source of events");
  }
}

void SourceHost::Destroy(void* self) {
  const py::gil_scoped_acquire gil;
  delete static_cast<std::shared_ptr<SourceHost>*>(self);
}

void DefineHost(py::module_& module) {
  py::class_<Execution>(module, "Execution")
      .def(py::init([](const std::pair<int, size_t>& job) {
             return std::make_unique<Execution>(reinterpret_cast<routines_execution*>(job.second));
           }),
           py::arg("job"))
      .def("request", &Execution::Request)
      .def("cancelled", &Execution::Cancelled)
      .def("cancel_fd", &Execution::CancelFd)
      .def("output", &Execution::Output, py::arg("stream"), py::arg("text"))
      .def("assistant", &Execution::Assistant, py::arg("text"))
      .def("tool_call", &Execution::ToolCall, py::arg("call_id"), py::arg("name"), py::arg("input"))
      .def("tool_result", &Execution::ToolResult, py::arg("call_id"), py::arg("is_error"),
           py::arg("text"))
      .def("result", &Execution::Result, py::arg("is_error"), py::arg("text"))
      .def("usage", &Execution::Usage, py::arg("input_tokens"), py::arg("output_tokens"),
           py::arg("cache_read_tokens"), py::arg("cache_write_tokens"), py::arg("cost_usd"),
           py::arg("turns"))
      .def("finish", &Execution::Finish, py::arg("succeeded"), py::arg("reason"),
           py::arg("message"));
  py::class_<Sink>(module, "Sink")
      .def("emit", &Sink::Emit, py::arg("type"), py::arg("id"), py::arg("payload"),
           py::arg("attributes"), py::arg("account"))
      .def("stopping", &Sink::Stopping);
  py::class_<SecretAsk, std::shared_ptr<SecretAsk>>(module, "SecretAsk")
      .def_property_readonly("account", [](const SecretAsk& ask) { return ask.account; })
      .def_property_readonly("name", [](const SecretAsk& ask) { return ask.name; })
      .def(
          "answer",
          [](SecretAsk& ask, const std::string& value) { ask.Answer(ROUTINES_OK, value); },
          py::arg("value"))
      .def(
          "refuse",
          [](SecretAsk& ask, bool again) {
            ask.Answer(again ? ROUTINES_UNAVAILABLE : ROUTINES_NOT_FOUND, "");
          },
          py::arg("again"));
}

}  // namespace routines::python
