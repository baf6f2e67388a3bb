// The project's JSON form of its messages: what the command line prints with --json and the server
// answers.
//
// Keys are snake_case; enum values are lower-case words without their prefix ("timed_out");
// integers of 64 bits are numbers; times are RFC 3339 in UTC; durations are "1h30m5s"; bytes are
// base64. Fields that are not set are left out. Invalid UTF-8 becomes U+FFFD. Session.read_key and
// Token.sha256 are never printed.
#ifndef ROUTINES_JSON_H_
#define ROUTINES_JSON_H_

#include <string>
#include <string_view>

#include "google/protobuf/message.h"

namespace routines::v1 {
class Event;
}

namespace routines {

struct JsonOptions {
  bool pretty = false;  // two spaces of indentation
};

std::string ToJson(const google::protobuf::Message& message, JsonOptions options = {});

// An event without its payload, which may be large; its size is "payload_bytes", the last key.
std::string EventJson(const v1::Event& event);

// `text` as a JSON string, quotes included; every control character and <, >, & are escaped, so
// that the result may also stand inside an HTML script element.
std::string JsonString(std::string_view text);

}  // namespace routines

#endif  // ROUTINES_JSON_H_
