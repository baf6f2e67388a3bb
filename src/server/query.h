// Typed parameters of a query.
#ifndef ROUTINES_SRC_SERVER_QUERY_H_
#define ROUTINES_SRC_SERVER_QUERY_H_

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "src/server/http_message.h"

namespace routines::server {

// The parameter, or "" where it is absent.
std::string Parameter(const Request& request, std::string_view name);

// `text` as a whole number of `min` to `max`; `fallback` where it is empty. `name` is for the
// message.
absl::StatusOr<int64_t> ParseNumber(std::string_view name, std::string_view text, int64_t fallback,
                                    int64_t min = 0,
                                    int64_t max = std::numeric_limits<int64_t>::max());

}  // namespace routines::server

#endif  // ROUTINES_SRC_SERVER_QUERY_H_
