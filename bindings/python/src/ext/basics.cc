// Errors, routines, schedules, signatures, and a clock that moves when told.
#include <pthread.h>

#include <array>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "core.h"

namespace routines::python {
namespace {

std::string TextOfError(const routines_error* error,
                        routines_code (*get)(const routines_error*, routines_string*)) {
  routines_string text = {nullptr, 0};
  if (error == nullptr || get(error, &text) != ROUTINES_OK) return "";
  return std::string(text.data, text.size);
}

}  // namespace

void Errors::Check(routines_code code) const {
  if (code == ROUTINES_OK) return;
  throw Failure{code, TextOfError(error_, routines_error_message),
                TextOfError(error_, routines_error_problems)};
}

void Check(routines_code code) {
  if (code != ROUTINES_OK) throw Failure{code, "", ""};
}

py::str Text::Get() const {
  routines_string text = {nullptr, 0};
  routines::python::Check(routines_text_get(text_, &text));
  return py::str(text.data, text.size);
}

namespace {

bool InterpreterEnds() {
#if PY_VERSION_HEX >= 0x030d0000
  return Py_IsFinalizing() != 0;
#else
  return _Py_IsFinalizing() != 0;
#endif
}

// Set by the thread that ends the interpreter, before it does so.
std::atomic<bool> leaving{false};
std::thread::id leaver;
// Threads that are on their way back to the GIL.
std::atomic<int> returning{0};

// Before 3.14 a thread that waits for the GIL when the interpreter ends is unwound in the middle of
// C++, which aborts the process. After this none waits for it here, and none comes any more.
void Leave() {
  leaver = std::this_thread::get_id();
  leaving = true;
  PyThreadState* const state = PyEval_SaveThread();
  while (returning > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  PyEval_RestoreThread(state);
}

}  // namespace

// A thread that has the GIL while the interpreter ends is the one that ends it, and keeps it.
WithoutGil::WithoutGil() : state_(InterpreterEnds() ? nullptr : PyEval_SaveThread()) {}

WithoutGil::~WithoutGil() {
  if (state_ == nullptr) return;
  ++returning;
  if (leaving && std::this_thread::get_id() != leaver) {
    --returning;
    while (true) pause();
  }
  PyEval_RestoreThread(state_);
  --returning;
}

routines_event EventOf(std::string_view source, std::string_view type, std::string_view payload) {
  routines_event event = ROUTINES_EVENT_INIT;
  event.source = StringOf(source);
  event.type = StringOf(type);
  event.payload = BytesOf(payload);
  return event;
}

Attributes::Attributes(const py::object& dict, routines_event* event) {
  if (dict.is_none()) return;
  const auto view = [](const py::handle& text) {
    Py_ssize_t size = 0;
    const char* const data = PyUnicode_AsUTF8AndSize(text.ptr(), &size);
    if (data == nullptr) throw py::error_already_set();
    return routines_string{data, static_cast<size_t>(size)};
  };
  for (const auto& [name, value] : dict.cast<py::dict>()) {
    list_.push_back({view(name), view(value)});
  }
  event->attributes = list_.data();
  event->attribute_count = list_.size();
}

namespace {

class Schedule {
 public:
  Schedule(std::string_view cron, std::string_view time_zone) {
    Errors errors;
    errors.Check(
        routines_schedule_parse(StringOf(cron), StringOf(time_zone), &schedule_, errors.out()));
  }
  ~Schedule() { (void)routines_schedule_destroy(schedule_); }
  Schedule(const Schedule&) = delete;
  Schedule& operator=(const Schedule&) = delete;

  // Nanoseconds; None: never.
  py::object Next(int64_t after) const {
    int64_t next = 0;
    Check(routines_schedule_next(schedule_, after, &next));
    return next == ROUTINES_NEVER ? py::object(py::none()) : py::object(py::int_(next));
  }
  py::object Previous(int64_t before) const {
    int64_t previous = 0;
    Check(routines_schedule_previous(schedule_, before, &previous));
    if (previous == ROUTINES_BEFORE_TIME) return py::none();
    return py::int_(previous);
  }
  py::list Between(int64_t from, int64_t to, size_t most) const {
    std::vector<int64_t> instants(most);
    size_t count = 0;
    {
      const WithoutGil free;
      if (routines_schedule_between(schedule_, from, to, instants.data(), most, &count) !=
          ROUTINES_OK) {
        count = 0;
      }
    }
    py::list list(count);
    for (size_t i = 0; i < count; ++i) list[i] = py::int_(instants[i]);
    return list;
  }
  py::str Describe() const {
    Text text;
    Errors errors;
    errors.Check(routines_schedule_describe(schedule_, text.out(), errors.out()));
    return text.Get();
  }

 private:
  routines_schedule* schedule_ = nullptr;
};

class Clock {
 public:
  explicit Clock(int64_t start) {
    Errors errors;
    errors.Check(routines_clock_create_simulated(start, &clock_, errors.out()));
  }
  ~Clock() { (void)routines_clock_destroy(clock_); }
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;

  int64_t Now() const {
    int64_t now = 0;
    Check(routines_clock_now(clock_, &now));
    return now;
  }
  void Advance(int64_t duration) {
    CallFreely(
        [&](routines_error** error) { return routines_clock_advance(clock_, duration, error); });
  }
  size_t handle() const { return reinterpret_cast<size_t>(clock_); }

 private:
  routines_clock* clock_ = nullptr;
};

py::str LoadRoutine(const py::bytes& text, std::string_view file) {
  const std::string_view view = ViewOf(text);
  return TextFreely([&](routines_text** json, routines_error** error) {
    return routines_routine_load(StringOf(view), StringOf(file), json, error);
  });
}

py::str Explain(std::string_view source, std::string_view type, const py::bytes& payload,
                const py::object& attributes, std::string_view routine) {
  routines_event event = EventOf(source, type, ViewOf(payload));
  const Attributes list(attributes, &event);
  return TextFreely([&](routines_text** json, routines_error** error) {
    return routines_event_explain(&event, StringOf(routine), json, error);
  });
}

bool VerifySignature(const py::bytes& secret, const py::bytes& body, const py::bytes& header) {
  const std::array<std::string_view, 3> views = {ViewOf(secret), ViewOf(body), ViewOf(header)};
  int valid = 0;
  routines_code code;
  {
    const WithoutGil free;
    code = routines_github_verify_signature(BytesOf(views[0]), BytesOf(views[1]), BytesOf(views[2]),
                                            &valid);
  }
  Check(code);
  return valid != 0;
}

py::str SignBody(const py::bytes& secret, const py::bytes& body) {
  const std::string_view key = ViewOf(secret), text = ViewOf(body);
  return TextFreely([&](routines_text** header, routines_error** error) {
    return routines_github_sign_body(BytesOf(key), BytesOf(text), header, error);
  });
}

}  // namespace

void DefineBasics(py::module_& module) {
  // In a fork none of those threads is left to come back.
  (void)pthread_atfork(nullptr, nullptr, [] { returning = 0; });
  module.def("leave", &Leave);
  module.def("version", [] { return routines_version(); });
  module.def("abi_version", [] { return routines_abi_version(); });
  module.def("code_name", [](int code) { return routines_code_name(code); });
  module.def("load_routine", &LoadRoutine, py::arg("text"), py::arg("file"));
  module.def("explain", &Explain, py::arg("source"), py::arg("type"), py::arg("payload"),
             py::arg("attributes"), py::arg("routine"));
  module.def("verify_signature", &VerifySignature, py::arg("secret"), py::arg("body"),
             py::arg("header"));
  module.def("sign_body", &SignBody, py::arg("secret"), py::arg("body"));
  py::class_<Schedule>(module, "Schedule")
      .def(py::init<std::string_view, std::string_view>(), py::arg("cron"), py::arg("time_zone"))
      .def("next", &Schedule::Next, py::arg("after"))
      .def("previous", &Schedule::Previous, py::arg("before"))
      .def("between", &Schedule::Between, py::arg("start"), py::arg("end"), py::arg("most"))
      .def("describe", &Schedule::Describe);
  py::class_<Clock>(module, "Clock")
      .def(py::init<int64_t>(), py::arg("start"))
      .def("now", &Clock::Now)
      .def("advance", &Clock::Advance, py::arg("duration"))
      .def_property_readonly("handle", &Clock::handle);
}

}  // namespace routines::python
