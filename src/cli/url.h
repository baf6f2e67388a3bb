#ifndef ROUTINES_SRC_CLI_URL_H_
#define ROUTINES_SRC_CLI_URL_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace routines::cli {

// Where a server is.
struct Url {
  bool tls = false;
  std::string host;  // without brackets
  std::string port;
  std::string base;  // path before every route; "" or "/prefix"

  std::string HostHeader() const;
};

// http[s]://host[:port][/base]. kInvalidArgument says what is wrong with it.
absl::StatusOr<Url> ParseUrl(std::string_view text);

// One path segment or query value, percent-encoded.
std::string EncodeUrlPart(std::string_view text);

}  // namespace routines::cli

#endif  // ROUTINES_SRC_CLI_URL_H_
