// JSON as the command line reads it: a small tree, so that one file alone knows the parser.
#ifndef ROUTINES_SRC_CLI_JSON_VALUE_H_
#define ROUTINES_SRC_CLI_JSON_VALUE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"

namespace routines::cli {

class JsonValue {
 public:
  using Array = std::vector<JsonValue>;
  using Object = std::vector<std::pair<std::string, JsonValue>>;  // in the order of the text

  // kInvalidArgument: not JSON.
  static absl::StatusOr<JsonValue> Parse(std::string_view text);

  JsonValue() = default;  // null
  // NOLINTBEGIN(google-explicit-constructor): so that a tree of values reads like JSON.
  JsonValue(std::string text) : value_(std::move(text)) {}
  JsonValue(const char* text) : value_(std::string(text)) {}  // else it would become a bool
  JsonValue(Array items) : value_(std::move(items)) {}
  JsonValue(Object members) : value_(std::move(members)) {}
  JsonValue(int64_t number) : value_(number) {}
  JsonValue(double number) : value_(number) {}
  JsonValue(bool truth) : value_(truth) {}
  // NOLINTEND(google-explicit-constructor)

  bool IsNull() const { return std::holds_alternative<std::monostate>(value_); }

  // A member; null where there is none, or where this is no object. So chains need no checks.
  const JsonValue& operator[](std::string_view key) const;

  // The value where it has that type, else the type's empty value.
  const std::string& Text() const;
  int64_t Int() const;
  double Number() const;
  bool Bool() const;
  const Array& Items() const;
  const Object& Members() const;

  // Compact JSON.
  std::string Dump() const;

 private:
  std::variant<std::monostate, bool, int64_t, double, std::string, Array, Object> value_;
};

}  // namespace routines::cli

#endif  // ROUTINES_SRC_CLI_JSON_VALUE_H_
