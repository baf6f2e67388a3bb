#include "src/server/query.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace routines::server {

std::string Parameter(const Request& request, std::string_view name) {
  const auto found = request.query.find(std::string(name));
  return found == request.query.end() ? "" : found->second;
}

absl::StatusOr<int64_t> ParseNumber(std::string_view name, std::string_view text, int64_t fallback,
                                    int64_t min, int64_t max) {
  if (text.empty()) return fallback;
  int64_t number = 0;
  if (!absl::SimpleAtoi(absl::string_view(text.data(), text.size()), &number) || number < min ||
      number > max) {
    return absl::InvalidArgumentError(
        absl::StrCat(std::string(name), ": must be a whole number from ", min, " to ", max,
                     ", is \"", std::string(text.substr(0, 40)), "\""));
  }
  return number;
}

}  // namespace routines::server
