// Tests of configurations.
#include "core.h"

namespace routines::python {
namespace {

py::str TryEvent(const std::string& source, const std::string& type, const py::bytes& payload,
                 const py::object& attributes, const std::string& routine, int fires,
                 const std::string& because) {
  routines_event event = EventOf(source, type, ViewOf(payload));
  const Attributes list(attributes, &event);
  return TextFreely([&](routines_text** json, routines_error** error) {
    return routines_test_try(&event, StringOf(routine), fires, StringOf(because), json, error);
  });
}

// A function of one text that answers with one.
using Ask = routines_code (*)(routines_string, routines_text**, routines_error**);
auto Asking(Ask ask) {
  return [ask](const std::string& text) {
    return TextFreely([&](routines_text** json, routines_error** error) {
      return ask(StringOf(text), json, error);
    });
  };
}

}  // namespace

void DefineTesting(py::module_& module) {
  using namespace py::literals;  // NOLINT: "name"_a
  module.def("test_event", Asking(routines_test_event), "text"_a);
  module.def("test_list", Asking(routines_test_list), "path"_a);
  module.def("test_run", Asking(routines_test_run), "path"_a);
  module.def("test_try", &TryEvent, "source"_a, "type"_a, "payload"_a, "attributes"_a, "routine"_a,
             "fires"_a, "because"_a);
}

}  // namespace routines::python
