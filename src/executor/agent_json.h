// Reads fields of an agent's JSON that may be absent or of another type than expected: then they
// are empty. An agent's next version must not be able to end a session by a changed field.
#ifndef ROUTINES_SRC_EXECUTOR_AGENT_JSON_H_
#define ROUTINES_SRC_EXECUTOR_AGENT_JSON_H_

#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace routines::agent_json {

namespace dom = simdjson::dom;

// nullopt: absent, null, or another type.
template <typename T>
std::optional<T> Get(dom::object object, std::string_view key) {
  T value;
  if (object[key].get(value) == simdjson::SUCCESS) return value;
  return std::nullopt;
}

inline std::string Text(dom::object object, std::string_view key) {
  return std::string(Get<std::string_view>(object, key).value_or(""));
}

inline bool Bool(dom::object object, std::string_view key) {
  return Get<bool>(object, key).value_or(false);
}

// Also of a number that is written with a fraction.
inline double Number(dom::object object, std::string_view key) {
  return Get<double>(object, key).value_or(0);
}

// 0 where it is negative.
inline int64_t Count(dom::object object, std::string_view key) {
  const int64_t value = Get<int64_t>(object, key).value_or(0);
  return value < 0 ? 0 : value;
}

// Of an array; none where it is no array.
inline std::vector<dom::element> Elements(dom::object object, std::string_view key) {
  dom::array array;
  if (object[key].get(array) != simdjson::SUCCESS) return {};
  return {array.begin(), array.end()};
}

inline std::string Minified(dom::object object, std::string_view key) {
  dom::element value;
  return object[key].get(value) == simdjson::SUCCESS ? std::string(simdjson::minify(value)) : "";
}

}  // namespace routines::agent_json

#endif  // ROUTINES_SRC_EXECUTOR_AGENT_JSON_H_
