// Reads the JSON bodies of requests: an object of which single string fields matter.
#ifndef ROUTINES_SRC_SERVER_TEXT_BODY_H_
#define ROUTINES_SRC_SERVER_TEXT_BODY_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace routines::server {

inline constexpr size_t kMaxTextCharacters = 65'536;

// The string `field` of the JSON object `body`; nullopt where the body is empty or lacks the field.
// Other fields are ignored. kInvalidArgument: not UTF-8, not one JSON object, nested deeper than
// 128 levels, or the field is no string, comes twice, holds a NUL, half of a surrogate pair, or
// more than 65,536 characters.
absl::StatusOr<std::optional<std::string>> ParseStringField(std::string_view body,
                                                            std::string_view field);

// How long an older secret goes on, of the object's "overlap": 24 hours where it is absent.
// kInvalidArgument: it is no duration of 0 to 30 days.
absl::StatusOr<absl::Duration> ParseOverlap(std::string_view body);

}  // namespace routines::server

#endif  // ROUTINES_SRC_SERVER_TEXT_BODY_H_
