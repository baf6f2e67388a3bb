// Matching.
#include <unordered_map>
#include <vector>

#include "core.h"

namespace routines::python {
namespace {

// From this size on other threads may run meanwhile; below it, handing over the GIL costs more than
// the match.
constexpr size_t kLargePayload = 64 * 1024;

class Room {
 public:
  Room() {
    Errors errors;
    errors.Check(routines_matches_create(&matches_, errors.out()));
  }
  ~Room() { (void)routines_matches_destroy(matches_); }
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;
  routines_matches* get() const { return matches_; }

 private:
  routines_matches* matches_ = nullptr;
};

class Matcher {
 public:
  Matcher() {
    Errors errors;
    errors.Check(routines_matcher_create(&matcher_, errors.out()));
  }
  ~Matcher() { Close(); }
  Matcher(const Matcher&) = delete;
  Matcher& operator=(const Matcher&) = delete;

  void Close() {
    if (matcher_ == nullptr) return;
    routines_matcher* const matcher = std::exchange(matcher_, nullptr);
    const WithoutGil free;
    (void)routines_matcher_destroy(matcher);
  }

  // All or none. `found[i]` is a list: what match answers with for each trigger of texts[i].
  std::vector<uint64_t> PutAll(const std::vector<std::string>& texts,
                               const std::vector<py::list>& found) {
    std::vector<routines_string> views;
    for (const std::string& text : texts) views.push_back(StringOf(text));
    std::vector<uint64_t> numbers(texts.size());
    CallFreely([&](routines_error** error) {
      return routines_matcher_put_all(matcher_, views.data(), views.size(), numbers.data(), error);
    });
    for (size_t i = 0; i < numbers.size(); ++i) found_[numbers[i]] = found[i];
    return numbers;
  }

  void Remove(std::string_view account, std::string_view name, uint64_t number) {
    CallFreely([&](routines_error** error) {
      return routines_matcher_remove(matcher_, StringOf(account), StringOf(name), error);
    });
    found_.erase(number);
  }

  py::list Match(std::string_view source, std::string_view type, const py::bytes& payload,
                 const py::object& attributes, bool check) {
    routines_event event = EventOf(source, type, ViewOf(payload));
    const Attributes list(attributes, &event);
    if (event.payload.size < kLargePayload) {
      Errors errors;  // nobody else is here: the GIL is held until the answer is taken
      errors.Check(Run(event, room_, check, errors.out()));
      return Answer(room_);
    }
    const Room room;
    CallFreely([&](routines_error** error) { return Run(event, room, check, error); });
    return Answer(room);
  }

 private:
  routines_code Run(const routines_event& event, const Room& room, bool check,
                    routines_error** error) const {
    const routines_code fits = check ? routines_event_check(&event, error) : ROUTINES_OK;
    if (fits != ROUTINES_OK) return fits;
    return routines_matcher_match(matcher_, &event, room.get(), error);
  }

  py::list Answer(const Room& room) const {
    const routines_match* matches = nullptr;
    size_t count = 0;
    Check(routines_matches_get(room.get(), &matches, &count));
    std::vector<py::object> answer;
    answer.reserve(count);
    for (size_t i = 0; i < count; ++i) {
      const auto found = found_.find(matches[i].routine);
      // Without: removed by another thread while this one matched.
      if (found == found_.end() || matches[i].trigger >= found->second.size()) continue;
      answer.push_back(found->second[matches[i].trigger]);
    }
    py::list list(answer.size());
    for (size_t i = 0; i < answer.size(); ++i) list[i] = std::move(answer[i]);
    return list;
  }

  routines_matcher* matcher_ = nullptr;
  const Room room_;
  std::unordered_map<uint64_t, py::list> found_;
};

}  // namespace

void DefineMatcher(py::module_& module) {
  py::class_<Matcher>(module, "Matcher")
      .def(py::init<>())
      .def("close", &Matcher::Close)
      .def("put_all", &Matcher::PutAll, py::arg("texts"), py::arg("found"))
      .def("remove", &Matcher::Remove, py::arg("account"), py::arg("name"), py::arg("number"))
      .def("match", &Matcher::Match, py::arg("source"), py::arg("type"), py::arg("payload"),
           py::arg("attributes"), py::arg("check"));
}

}  // namespace routines::python
