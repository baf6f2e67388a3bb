// JSON as protobuf's Value, to be looked at and changed by RFC 6901 pointers.
//
// Pure; any thread may call anything here. Numbers are binary64: a whole number of more than 2^53
// in a text that is read loses its last digits.
#ifndef ROUTINES_SRC_TESTING_JSON_TREE_H_
#define ROUTINES_SRC_TESTING_JSON_TREE_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/struct.pb.h"

namespace routines::testing {

using Json = google::protobuf::Value;

Json TextJson(std::string_view text);
Json BoolJson(bool boolean);

absl::StatusOr<Json> ParseJson(std::string_view text);
// Without white space; the members of an object by their key.
std::string WriteJson(const Json& json);
std::string WriteJson(const google::protobuf::Struct& object);

// Null: there is no such value.
const Json* FindJson(const Json& root, std::string_view pointer);
// Makes what is missing on the way: objects, or arrays where the pointer has the index 0. An array
// takes an index up to its size. kInvalidArgument: the way leads through a scalar, or beyond an
// array.
absl::Status SetJson(Json& root, std::string_view pointer, Json value);

}  // namespace routines::testing

#endif  // ROUTINES_SRC_TESTING_JSON_TREE_H_
