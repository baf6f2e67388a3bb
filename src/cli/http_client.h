// A small HTTP/1.1 client: one request, one connection, every wait with an end.
//
// Thread-safety: none. Blocking: yes, for at most the timeouts.
// Errors: kUnavailable: no connection, or it broke; kDeadlineExceeded: no answer in time. An answer
// with an error status is an answer, not an error.
#ifndef ROUTINES_SRC_CLI_HTTP_CLIENT_H_
#define ROUTINES_SRC_CLI_HTTP_CLIENT_H_

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "src/cli/url.h"

namespace routines::cli {

struct HttpRequest {
  std::string method = "GET";
  std::string target;  // after Url::base, from the slash
  std::map<std::string, std::string> headers;
  std::string body;
};

struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case; of several, the first
  std::string body;
};

struct HttpTimeouts {
  absl::Duration connect = absl::Seconds(10);
  absl::Duration progress = absl::Seconds(60);  // between two pieces of the answer
};

// Takes a piece of the answer's body; false ends the exchange.
using HttpBodySink = std::function<bool(std::string_view piece)>;

// Without `sink`, the body is gathered (at most 64 MiB). With it, the body of a 200 goes there as
// it comes, and only that of other answers is gathered.
absl::StatusOr<HttpResponse> SendHttp(const Url& server, const HttpRequest& request,
                                      const HttpTimeouts& timeouts = {},
                                      const HttpBodySink& sink = nullptr);

}  // namespace routines::cli

#endif  // ROUTINES_SRC_CLI_HTTP_CLIENT_H_
