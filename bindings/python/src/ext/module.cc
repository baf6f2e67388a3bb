// routines._core: the C ABI for Python, without manners. What users see is in src/routines.
#include <pybind11/stl.h>

#include "core.h"

namespace routines::python {
namespace {

// The function that makes an exception of (code, message, problems). Never freed: it is the
// module's.
PyObject* make_error = nullptr;

void Translate(std::exception_ptr thrown) {
  try {
    std::rethrow_exception(std::move(thrown));
  } catch (const Failure& failure) {
    if (make_error == nullptr) {
      PyErr_SetString(PyExc_RuntimeError, failure.message.c_str());
      return;
    }
    try {
      const py::object error = py::reinterpret_borrow<py::object>(make_error)(
          failure.code, failure.message, failure.problems);
      PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.ptr())), error.ptr());
    } catch (py::error_already_set& second) {
      second.restore();
    }
  }
}

}  // namespace
}  // namespace routines::python

PYBIND11_MODULE(_core, module) {
  using namespace routines::python;  // NOLINT: one function
  py::register_local_exception_translator(Translate);
  module.def(
      "set_error_maker", [](const py::object& maker) { make_error = maker.inc_ref().ptr(); },
      py::arg("maker"));
  DefineBasics(module);
  DefineMatcher(module);
  DefineHost(module);
  DefineEngine(module);
  DefineTesting(module);
}
