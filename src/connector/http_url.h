// The URL of an MCP server, taken apart.
#ifndef ROUTINES_SRC_CONNECTOR_HTTP_URL_H_
#define ROUTINES_SRC_CONNECTOR_HTTP_URL_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace routines {

struct HttpUrl {
  bool tls = false;
  std::string host;    // in lower case, without brackets
  std::string port;    // always there
  std::string target;  // path and query

  std::string HostHeader() const;
  std::string ToString() const;
  bool SameOrigin(const HttpUrl& other) const;
};

// http and https only (T33: file, gopher and the like lead elsewhere); no user, no password; a
// fragment is dropped. kFailedPrecondition says what is wrong, in words that follow the connector's
// name.
absl::StatusOr<HttpUrl> ParseHttpUrl(std::string_view text);

// `location` as a redirect of `base` gives it: a whole URL or a path.
absl::StatusOr<HttpUrl> ResolveHttpUrl(const HttpUrl& base, std::string_view location);

}  // namespace routines

#endif  // ROUTINES_SRC_CONNECTOR_HTTP_URL_H_
