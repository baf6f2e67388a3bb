// What the parts of _core share: how calls of the C ABI become values and exceptions, and when the
// interpreter's lock is held.
//
// The rules of the lock (GIL). Calls that may block (the disk, waiting for a session, stopping) run
// without it; matching keeps it unless the payload is large. No thread of the library enters the
// interpreter: what an executor or a secret provider has to do waits in a queue for a thread of
// Python's own (host.h), so that none can hang, or be ended in the middle of C++, when the
// interpreter ends. Sources are started and stopped on the thread that starts and stops the engine.
#ifndef ROUTINES_BINDINGS_PYTHON_SRC_EXT_CORE_H_
#define ROUTINES_BINDINGS_PYTHON_SRC_EXT_CORE_H_

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "routines/c/routines.h"

namespace routines::python {

namespace py = pybind11;

// A call that failed; Python sees it as what routines._errors makes of it.
struct Failure {
  int code;
  std::string message, problems;
};

// Throws the failure of a call, if it is one.
class Errors {
 public:
  Errors() = default;
  ~Errors() {
    if (error_ != nullptr) (void)routines_error_destroy(error_);
  }
  Errors(const Errors&) = delete;
  Errors& operator=(const Errors&) = delete;

  routines_error** out() { return &error_; }
  void Check(routines_code code) const;

 private:
  routines_error* error_ = nullptr;
};

// Of a call without an error parameter.
void Check(routines_code code);

inline routines_string StringOf(std::string_view text) {
  return {text.data(), text.size()};
}
inline routines_bytes BytesOf(std::string_view bytes) {
  return {bytes.data(), bytes.size()};
}
// Not copied: `bytes` must outlive the view.
inline std::string_view ViewOf(const py::bytes& bytes) {
  return {PyBytes_AS_STRING(bytes.ptr()), static_cast<size_t>(PyBytes_GET_SIZE(bytes.ptr()))};
}

// A text that a call gave, and its end.
class Text {
 public:
  Text() = default;
  ~Text() {
    if (text_ != nullptr) (void)routines_text_destroy(text_);
  }
  Text(const Text&) = delete;
  Text& operator=(const Text&) = delete;

  routines_text** out() { return &text_; }
  py::str Get() const;

 private:
  routines_text* text_ = nullptr;
};

// Without the GIL while this lives. A thread that comes back after leave() (module.leave, called at
// the interpreter's exit) stays here for ever, as threads do from Python 3.14 on.
class WithoutGil {
 public:
  WithoutGil();
  ~WithoutGil();
  WithoutGil(const WithoutGil&) = delete;
  WithoutGil& operator=(const WithoutGil&) = delete;

 private:
  PyThreadState* const state_;
};

// A call without the GIL: function(error) → code.
template <typename Function>
void CallFreely(Function function) {
  Errors errors;
  routines_code code;
  {
    const WithoutGil free;
    code = function(errors.out());
  }
  errors.Check(code);
}

// The same with a text as its result: function(text, error) → code.
template <typename Function>
py::str TextFreely(Function function) {
  Text text;
  CallFreely([&](routines_error** error) { return function(text.out(), error); });
  return text.Get();
}

// An event of the caller's, in the form of the C ABI. Borrows everything.
routines_event EventOf(std::string_view source, std::string_view type, std::string_view payload);

// Attributes of a custom event: a dict of texts, or None.
class Attributes {
 public:
  Attributes(const py::object& dict, routines_event* event);

 private:
  std::vector<routines_attribute> list_;
};

// Whether this process is a fork of the one with this id.
inline bool IsForkOf(pid_t pid) {
  return getpid() != pid;
}

void DefineBasics(py::module_& module);
void DefineMatcher(py::module_& module);
void DefineEngine(py::module_& module);
void DefineHost(py::module_& module);
void DefineTesting(py::module_& module);

}  // namespace routines::python

#endif  // ROUTINES_BINDINGS_PYTHON_SRC_EXT_CORE_H_
