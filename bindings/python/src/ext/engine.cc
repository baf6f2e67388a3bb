// Engines.
#include <atomic>
#include <string>
#include <vector>

#include "host.h"

namespace routines::python {
namespace {

// What became of waiting for a log.
enum Waited { kEntry = 0, kEnded = 1, kTimeout = 2, kStopping = 3 };

class Engine {
 public:
  Engine(const std::string& state_directory, size_t clock, bool secrets,
         const std::string& default_executor, const std::vector<int64_t>& durations,
         int max_concurrent_sessions)
      : pid_(getpid()),
        executions_(std::make_shared<Executions>()),
        secrets_(std::make_shared<Secrets>()) {
    routines_engine_options options = ROUTINES_ENGINE_OPTIONS_INIT;
    options.state_directory = StringOf(state_directory);
    options.clock = reinterpret_cast<routines_clock*>(clock);
    options.default_executor = StringOf(default_executor);
    options.min_schedule_interval_ns = durations.at(0);
    options.default_max_duration_ns = durations.at(1);
    options.cancel_grace_ns = durations.at(2);
    options.max_concurrent_sessions = max_concurrent_sessions;
    const routines_secrets provider = secrets ? SecretsOf(secrets_) : routines_secrets{};
    if (secrets) options.secrets = &provider;
    routines_engine* engine = nullptr;
    CallFreely(
        [&](routines_error** error) { return routines_engine_open(&options, &engine, error); });
    engine_ = engine;
  }

  ~Engine() {
    if (IsForkOf(pid_)) {
      // Another thread may have held what is in them.
      new auto(std::move(executions_));  // NOLINT: given up on purpose
      new auto(std::move(secrets_));     // NOLINT
      return;
    }
    Close();
  }
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  void Close() {
    routines_engine* const engine = IsForkOf(pid_) ? nullptr : engine_.exchange(nullptr);
    if (engine == nullptr) return;
    const WithoutGil free;
    (void)routines_engine_stop(engine, nullptr);
    executions_->Close();
    secrets_->Close();
    open_ = false;
    while (auto left = executions_->Pop(std::chrono::milliseconds(0))) {
      (void)routines_execution_destroy(left->execution);
    }
    while (auto left = secrets_->Pop(std::chrono::milliseconds(0))) {
      (*left)->Answer(ROUTINES_UNAVAILABLE, "");
    }
    (void)routines_engine_destroy(engine);
  }

  // ---- what is plugged in ----

  void RegisterExecutor(std::string_view name, int number, bool keeps_to_sandbox) {
    const routines_executor executor = ExecutorOf(executions_, number, keeps_to_sandbox);
    CallFreely([&](routines_error** error) {
      return routines_engine_register_executor(engine_, StringOf(name), &executor, error);
    });
  }
  void RegisterProgram(std::string_view name, const std::vector<std::string>& arguments) {
    std::vector<routines_string> views;
    for (const std::string& argument : arguments) views.push_back(StringOf(argument));
    CallFreely([&](routines_error** error) {
      return routines_engine_register_program(engine_, StringOf(name), views.data(), views.size(),
                                              error);
    });
  }
  void AddSource(std::string_view name, py::object start, py::object stop) {
    const auto host = std::make_shared<SourceHost>(std::move(start), std::move(stop));
    const routines_source source = SourceHost::Hand(host);
    CallFreely([&](routines_error** error) {
      return routines_engine_add_source(engine_, StringOf(name), &source, error);
    });
    sources_.push_back(host);
  }

  // Whether there may be more to do for the threads that serve the queues.
  bool Open() const { return open_; }
  // (executor, execution), or None when the time is over.
  py::object NextExecution(int milliseconds) {
    std::optional<Execute> job;
    {
      const std::shared_ptr<Executions> queue = executions_;
      const WithoutGil free;
      job = queue->Pop(std::chrono::milliseconds(milliseconds));
    }
    if (!job) return py::none();
    return py::make_tuple(job->executor, reinterpret_cast<size_t>(job->execution));
  }
  py::object NextSecret(int milliseconds) {
    std::optional<std::shared_ptr<SecretAsk>> ask;
    {
      const std::shared_ptr<Secrets> queue = secrets_;
      const WithoutGil free;
      ask = queue->Pop(std::chrono::milliseconds(milliseconds));
    }
    return ask ? py::cast(*ask) : py::object(py::none());
  }

  // ---- life ----

  void Start() {
    CallWithSources([&](routines_error** error) { return routines_engine_start(engine_, error); });
  }
  void Stop() {
    CallFreely([&](routines_error** error) { return routines_engine_stop(engine_, error); });
  }
  // Nanoseconds; None: nothing is due.
  py::object Step() {
    int64_t next = 0;
    CallWithSources(
        [&](routines_error** error) { return routines_engine_step(engine_, &next, error); });
    return next == ROUTINES_NEVER ? py::object(py::none()) : py::object(py::int_(next));
  }
  py::str Stats() {
    return TextFreely([&](routines_text** json, routines_error** error) {
      return routines_engine_stats(engine_, json, error);
    });
  }

  // ---- routines and tokens ----

  py::str PutRoutine(const std::string& text, const std::string& file) {
    return TextFreely([&](routines_text** json, routines_error** error) {
      return routines_engine_put_routine(engine_, StringOf(text), StringOf(file), json, error);
    });
  }
  py::str GetRoutine(const std::string& account, const std::string& name, int64_t revision) {
    return TextFreely([&](routines_text** json, routines_error** error) {
      return routines_engine_get_routine(engine_, StringOf(account), StringOf(name), revision, json,
                                         error);
    });
  }
  py::str ListRoutines(const std::string& account) {
    return TextFreely([&](routines_text** json, routines_error** error) {
      return routines_engine_list_routines(engine_, StringOf(account), json, error);
    });
  }
  void PauseRoutine(const std::string& account, const std::string& name, bool paused) {
    CallFreely([&](routines_error** error) {
      return routines_engine_pause_routine(engine_, StringOf(account), StringOf(name),
                                           paused ? 1 : 0, error);
    });
  }
  void DeleteRoutine(const std::string& account, const std::string& name) {
    CallFreely([&](routines_error** error) {
      return routines_engine_delete_routine(engine_, StringOf(account), StringOf(name), error);
    });
  }
  py::str CreateToken(const std::string& trigger_id) {
    return TextFreely([&](routines_text** json, routines_error** error) {
      return routines_engine_create_token(engine_, StringOf(trigger_id), json, error);
    });
  }
  void RevokeToken(const std::string& token_id) {
    CallFreely([&](routines_error** error) {
      return routines_engine_revoke_token(engine_, StringOf(token_id), error);
    });
  }
  bool CheckToken(const std::string& trigger_id, const std::string& secret) {
    Errors errors;
    routines_code code;
    {
      const WithoutGil free;
      code = routines_engine_check_token(engine_, StringOf(trigger_id), StringOf(secret),
                                         errors.out());
    }
    if (code == ROUTINES_UNAUTHENTICATED) return false;
    errors.Check(code);
    return true;
  }

  // ---- events ----

  py::str Deliver(const std::string& source, const std::string& type, const py::bytes& payload,
                  const py::object& attributes, const std::string& id, const std::string& account) {
    routines_event event = EventOf(source, type, ViewOf(payload));
    event.external_id = StringOf(id);
    event.account = StringOf(account);
    const Attributes list(attributes, &event);
    return TextFreely([&](routines_text** json, routines_error** error) {
      return routines_engine_deliver(engine_, &event, json, error);
    });
  }
  py::str Fire(const std::string& trigger_id, const std::string& text, const std::string& key) {
    return TextFreely([&](routines_text** json, routines_error** error) {
      return routines_engine_fire(engine_, StringOf(trigger_id), StringOf(text), StringOf(key),
                                  json, error);
    });
  }
  py::str Run(const std::string& account, const std::string& name, const std::string& text) {
    return TextFreely([&](routines_text** json, routines_error** error) {
      return routines_engine_run(engine_, StringOf(account), StringOf(name), StringOf(text), json,
                                 error);
    });
  }
  py::str GetEvent(const std::string& event_id) {
    return TextFreely([&](routines_text** json, routines_error** error) {
      return routines_engine_get_event(engine_, StringOf(event_id), json, error);
    });
  }
  py::str ListEvents(const std::string& before_id, int32_t limit) {
    return TextFreely([&](routines_text** json, routines_error** error) {
      return routines_engine_list_events(engine_, StringOf(before_id), limit, json, error);
    });
  }
  py::str ExplainEvent(const std::string& event_id, const std::string& account,
                       const std::string& routine, int64_t revision) {
    return TextFreely([&](routines_text** json, routines_error** error) {
      return routines_engine_explain_event(engine_, StringOf(event_id), StringOf(account),
                                           StringOf(routine), revision, json, error);
    });
  }
  py::str ListDecisions(const std::string& event_id, const std::string& account,
                        const std::string& routine, int32_t limit) {
    return TextFreely([&](routines_text** json, routines_error** error) {
      return routines_engine_list_decisions(engine_, StringOf(event_id), StringOf(account),
                                            StringOf(routine), limit, json, error);
    });
  }

  // ---- sessions ----

  py::str GetSession(const std::string& session_id) {
    return TextFreely([&](routines_text** json, routines_error** error) {
      return routines_engine_get_session(engine_, StringOf(session_id), json, error);
    });
  }
  py::str ListSessions(const std::string& account, const std::string& routine,
                       const std::string& states, const std::string& before_id, int32_t limit) {
    routines_session_query query = ROUTINES_SESSION_QUERY_INIT;
    query.account = StringOf(account);
    query.routine = StringOf(routine);
    query.states = StringOf(states);
    query.before_id = StringOf(before_id);
    query.limit = limit;
    return TextFreely([&](routines_text** json, routines_error** error) {
      return routines_engine_list_sessions(engine_, &query, json, error);
    });
  }
  py::str ReadLog(const std::string& session_id, int64_t after, int32_t limit) {
    return TextFreely([&](routines_text** json, routines_error** error) {
      return routines_engine_read_log(engine_, StringOf(session_id), after, limit, json, error);
    });
  }
  void CancelSession(const std::string& session_id) {
    CallFreely([&](routines_error** error) {
      return routines_engine_cancel_session(engine_, StringOf(session_id), error);
    });
  }
  // Until there is an entry after `after`, or there will be none. Signals are not seen meanwhile:
  // the caller waits in small slices.
  int WaitLog(const std::string& session_id, int64_t after, int64_t timeout) {
    bool entry = false;
    Errors errors;
    routines_code code;
    {
      const WithoutGil free;
      code = routines_engine_follow_session(
          engine_, StringOf(session_id), after, timeout,
          [](void* self, routines_string) {
            *static_cast<bool*>(self) = true;
            return 1;
          },
          &entry, errors.out());
    }
    if (entry) return kEntry;
    if (code == ROUTINES_DEADLINE_EXCEEDED) return kTimeout;
    if (code == ROUTINES_CANCELLED) return kStopping;
    errors.Check(code);
    return kEnded;
  }

 private:
  // Of a source that did not start, its own exception is what the caller sees.
  template <typename Function>
  void CallWithSources(Function function) {
    try {
      CallFreely(function);
    } catch (const Failure&) {
      for (const std::shared_ptr<SourceHost>& source : sources_) {
        if (std::optional<py::error_already_set> error = source->TakeError()) throw *error;
      }
      throw;
    }
  }

  const pid_t pid_;
  std::atomic<bool> open_ = true;
  std::atomic<routines_engine*> engine_ = nullptr;
  std::shared_ptr<Executions> executions_;
  std::shared_ptr<Secrets> secrets_;
  std::vector<std::shared_ptr<SourceHost>> sources_;
};

}  // namespace

void DefineEngine(py::module_& module) {
  module.attr("ENTRY") = static_cast<int>(kEntry);
  module.attr("ENDED") = static_cast<int>(kEnded);
  module.attr("TIMEOUT") = static_cast<int>(kTimeout);
  module.attr("STOPPING") = static_cast<int>(kStopping);
  using namespace py::literals;  // NOLINT: "name"_a
  py::class_<Engine>(module, "Engine")
      .def(py::init<const std::string&, size_t, bool, const std::string&,
                    const std::vector<int64_t>&, int>(),
           "state_directory"_a, "clock"_a, "secrets"_a, "default_executor"_a, "durations"_a,
           "max_concurrent_sessions"_a)
      .def("close", &Engine::Close)
      .def("open", &Engine::Open)
      .def("register_executor", &Engine::RegisterExecutor, "name"_a, "number"_a,
           "keeps_to_sandbox"_a)
      .def("register_program", &Engine::RegisterProgram, "name"_a, "arguments"_a)
      .def("add_source", &Engine::AddSource, "name"_a, "start"_a, "stop"_a)
      .def("next_execution", &Engine::NextExecution, "milliseconds"_a)
      .def("next_secret", &Engine::NextSecret, "milliseconds"_a)
      .def("start", &Engine::Start)
      .def("stop", &Engine::Stop)
      .def("step", &Engine::Step)
      .def("stats", &Engine::Stats)
      .def("put_routine", &Engine::PutRoutine, "text"_a, "file"_a)
      .def("get_routine", &Engine::GetRoutine, "account"_a, "name"_a, "revision"_a)
      .def("list_routines", &Engine::ListRoutines, "account"_a)
      .def("pause_routine", &Engine::PauseRoutine, "account"_a, "name"_a, "paused"_a)
      .def("delete_routine", &Engine::DeleteRoutine, "account"_a, "name"_a)
      .def("create_token", &Engine::CreateToken, "trigger_id"_a)
      .def("revoke_token", &Engine::RevokeToken, "token_id"_a)
      .def("check_token", &Engine::CheckToken, "trigger_id"_a, "secret"_a)
      .def("deliver", &Engine::Deliver, "source"_a, "type"_a, "payload"_a, "attributes"_a, "id"_a,
           "account"_a)
      .def("fire", &Engine::Fire, "trigger_id"_a, "text"_a, "key"_a)
      .def("run", &Engine::Run, "account"_a, "name"_a, "text"_a)
      .def("get_event", &Engine::GetEvent, "event_id"_a)
      .def("list_events", &Engine::ListEvents, "before_id"_a, "limit"_a)
      .def("explain_event", &Engine::ExplainEvent, "event_id"_a, "account"_a, "routine"_a,
           "revision"_a)
      .def("list_decisions", &Engine::ListDecisions, "event_id"_a, "account"_a, "routine"_a,
           "limit"_a)
      .def("get_session", &Engine::GetSession, "session_id"_a)
      .def("list_sessions", &Engine::ListSessions, "account"_a, "routine"_a, "states"_a,
           "before_id"_a, "limit"_a)
      .def("read_log", &Engine::ReadLog, "session_id"_a, "after"_a, "limit"_a)
      .def("cancel_session", &Engine::CancelSession, "session_id"_a)
      .def("wait_log", &Engine::WaitLog, "session_id"_a, "after"_a, "timeout"_a);
}

}  // namespace routines::python
