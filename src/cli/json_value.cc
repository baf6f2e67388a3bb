#include "src/cli/json_value.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "routines/json.h"
#include "simdjson.h"

namespace routines::cli {
namespace {

// The parser limits the depth (1,024), so this recursion is bounded.
JsonValue Convert(simdjson::dom::element element) {
  switch (element.type()) {
    case simdjson::dom::element_type::ARRAY: {
      JsonValue::Array items;
      const simdjson::dom::array array = element.get_array().value_unsafe();
      for (const simdjson::dom::element item : array) {
        items.push_back(Convert(item));
      }
      return items;
    }
    case simdjson::dom::element_type::OBJECT: {
      JsonValue::Object members;
      const simdjson::dom::object object = element.get_object().value_unsafe();
      for (const auto& [key, value] : object) {
        members.emplace_back(std::string(key), Convert(value));
      }
      return members;
    }
    case simdjson::dom::element_type::STRING:
      return std::string(element.get_string().value_unsafe());
    case simdjson::dom::element_type::INT64:
      return static_cast<int64_t>(element.get_int64().value_unsafe());
    case simdjson::dom::element_type::UINT64:
    case simdjson::dom::element_type::DOUBLE:
      return element.get_double().value_unsafe();
    case simdjson::dom::element_type::BOOL:
      return element.get_bool().value_unsafe();
    case simdjson::dom::element_type::NULL_VALUE:
      break;
  }
  return {};
}

const JsonValue kNull;
const std::string kNoText;
const JsonValue::Array kNoItems;
const JsonValue::Object kNoMembers;

}  // namespace

absl::StatusOr<JsonValue> JsonValue::Parse(std::string_view text) {
  simdjson::dom::parser parser;
  simdjson::dom::element element;
  const simdjson::error_code error = parser.parse(text.data(), text.size()).get(element);
  if (error != simdjson::SUCCESS) {
    return absl::InvalidArgumentError(absl::StrCat("not JSON: ", simdjson::error_message(error)));
  }
  return Convert(element);
}

const JsonValue& JsonValue::operator[](std::string_view key) const {
  for (const auto& [name, value] : Members()) {
    if (name == key) return value;
  }
  return kNull;
}

const std::string& JsonValue::Text() const {
  const auto* text = std::get_if<std::string>(&value_);
  return text == nullptr ? kNoText : *text;
}

int64_t JsonValue::Int() const {
  const auto* number = std::get_if<int64_t>(&value_);
  return number == nullptr ? 0 : *number;
}

double JsonValue::Number() const {
  const auto* number = std::get_if<double>(&value_);
  return number == nullptr ? static_cast<double>(Int()) : *number;
}

bool JsonValue::Bool() const {
  const auto* truth = std::get_if<bool>(&value_);
  return truth != nullptr && *truth;
}

const JsonValue::Array& JsonValue::Items() const {
  const auto* items = std::get_if<Array>(&value_);
  return items == nullptr ? kNoItems : *items;
}

const JsonValue::Object& JsonValue::Members() const {
  const auto* members = std::get_if<Object>(&value_);
  return members == nullptr ? kNoMembers : *members;
}

std::string JsonValue::Dump() const {
  if (const auto* truth = std::get_if<bool>(&value_)) return *truth ? "true" : "false";
  if (const auto* number = std::get_if<int64_t>(&value_)) return absl::StrCat(*number);
  if (const auto* number = std::get_if<double>(&value_)) return absl::StrFormat("%.17g", *number);
  if (const auto* text = std::get_if<std::string>(&value_)) return JsonString(*text);
  std::string out;
  if (const auto* items = std::get_if<Array>(&value_)) {
    for (const JsonValue& item : *items) {
      absl::StrAppend(&out, out.empty() ? "[" : ",", item.Dump());
    }
    return out.empty() ? "[]" : out + "]";
  }
  if (const auto* members = std::get_if<Object>(&value_)) {
    for (const auto& [key, value] : *members) {
      absl::StrAppend(&out, out.empty() ? "{" : ",", JsonString(key), ":", value.Dump());
    }
    return out.empty() ? "{}" : out + "}";
  }
  return "null";
}

}  // namespace routines::cli
