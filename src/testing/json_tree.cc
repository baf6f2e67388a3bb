#include "src/testing/json_tree.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "google/protobuf/util/json_util.h"
#include "routines/json.h"
#include "src/base/words.h"

namespace routines::testing {
namespace {

constexpr double kLargestExact = 9007199254740992;  // 2^53

void Write(const Json& json, std::string& out);

void Write(const google::protobuf::Struct& object, std::string& out) {
  std::vector<const std::string*> keys;
  for (const auto& [key, value] : object.fields()) keys.push_back(&key);
  std::sort(keys.begin(), keys.end(),
            [](const std::string* a, const std::string* b) { return *a < *b; });
  char separator = '{';
  for (const std::string* key : keys) {
    absl::StrAppend(&out, std::string(1, std::exchange(separator, ',')), JsonString(*key), ":");
    Write(object.fields().at(*key), out);
  }
  out += keys.empty() ? "{}" : "}";
}

void Write(const Json& json, std::string& out) {
  switch (json.kind_case()) {
    case Json::kStructValue:
      return Write(json.struct_value(), out);
    case Json::kListValue: {
      char separator = '[';
      for (const Json& element : json.list_value().values()) {
        out.push_back(std::exchange(separator, ','));
        Write(element, out);
      }
      out += separator == '[' ? "[]" : "]";
      return;
    }
    case Json::kStringValue:
      out += JsonString(json.string_value());
      return;
    case Json::kBoolValue:
      out += json.bool_value() ? "true" : "false";
      return;
    case Json::kNumberValue: {
      const double number = json.number_value();
      if (std::floor(number) == number && std::abs(number) <= kLargestExact) {
        absl::StrAppend(&out, static_cast<int64_t>(number));
      } else {
        out += ToJson(json);
      }
      return;
    }
    default:
      out += "null";
  }
}

std::vector<std::string> Tokens(std::string_view pointer) {
  std::vector<std::string> tokens;
  if (pointer.empty()) return tokens;
  for (absl::string_view token :
       absl::StrSplit(absl::string_view(pointer.data() + 1, pointer.size() - 1), '/')) {
    tokens.push_back(absl::StrReplaceAll(absl::StrReplaceAll(token, {{"~1", "/"}}), {{"~0", "~"}}));
  }
  return tokens;
}

// The element of an array that `token` names; -1: none that could be.
int Index(const std::string& token) {
  int index = -1;
  return absl::SimpleAtoi(token, &index) && absl::StrCat(index) == token ? index : -1;
}

// The place of `token` in `here`, made where absent; null where it cannot be.
Json* Step(Json& here, const std::string& token) {
  const bool empty = here.kind_case() == Json::kNullValue || here.kind_case() == Json::KIND_NOT_SET;
  if (here.has_struct_value() || (empty && token != "0")) {
    return &(*here.mutable_struct_value()->mutable_fields())[token];
  }
  if (!here.has_list_value() && !empty) return nullptr;
  auto& values = *here.mutable_list_value()->mutable_values();
  const int index = Index(token);
  if (index < 0 || index > values.size()) return nullptr;
  if (index == values.size()) values.Add()->set_null_value(google::protobuf::NULL_VALUE);
  return &values[index];
}

}  // namespace

Json TextJson(std::string_view text) {
  Json json;
  json.set_string_value(std::string(text));
  return json;
}

Json BoolJson(bool boolean) {
  Json json;
  json.set_bool_value(boolean);
  return json;
}

absl::StatusOr<Json> ParseJson(std::string_view text) {
  Json json;
  const auto status = google::protobuf::util::JsonStringToMessage(
      google::protobuf::StringPiece(text.data(), text.size()), &json);
  if (status.ok()) return json;
  return absl::InvalidArgumentError(absl::StrCat("is not JSON: ", status.ToString()));
}

std::string WriteJson(const Json& json) {
  std::string out;
  Write(json, out);
  return out;
}

std::string WriteJson(const google::protobuf::Struct& object) {
  std::string out;
  Write(object, out);
  return out;
}

const Json* FindJson(const Json& root, std::string_view pointer) {
  const Json* here = &root;
  for (const std::string& token : Tokens(pointer)) {
    if (here->has_struct_value()) {
      const auto found = here->struct_value().fields().find(token);
      if (found == here->struct_value().fields().end()) return nullptr;
      here = &found->second;
    } else {
      const int index = here->has_list_value() ? Index(token) : -1;
      if (index < 0 || index >= here->list_value().values_size()) return nullptr;
      here = &here->list_value().values(index);
    }
  }
  return here;
}

absl::Status SetJson(Json& root, std::string_view pointer, Json value) {
  if (!pointer.empty() && pointer[0] != '/') {
    return absl::InvalidArgumentError(
        absl::StrCat(Quoted(pointer), " is no JSON pointer; begin it with /"));
  }
  Json* here = &root;
  for (const std::string& token : Tokens(pointer)) {
    here = Step(*here, token);
    if (here == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(
          Quoted(pointer), " leads nowhere: there is nothing that could hold ", Quoted(token)));
    }
  }
  *here = std::move(value);
  return absl::OkStatus();
}

}  // namespace routines::testing
