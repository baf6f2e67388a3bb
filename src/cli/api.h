// A server, as the commands talk to it: its routes, the admin token, errors as absl::Status.
#ifndef ROUTINES_SRC_CLI_API_H_
#define ROUTINES_SRC_CLI_API_H_

#include <map>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/cli/http_client.h"
#include "src/cli/json_value.h"
#include "src/cli/url.h"

namespace routines::cli {

// The options that every command that talks to a server has.
struct ClientOptions {
  std::string server;  // URL
  std::string state;   // state folder of a server on this machine
  std::string admin_token_file;
  bool json = false;
};

// `[account/]name` on the command line.
struct RoutineName {
  std::string account = "default";
  std::string name;
  std::string Path() const;  // "/v1/routines/<account>/<name>"
};
// A usage error: more than one slash, or a part that is empty.
absl::StatusOr<RoutineName> ParseRoutineName(std::string_view text);

class Api {
 public:
  // Finds out where the server is: `server`, server.json in `state`, the environment's
  // ROUTINES_SERVER and ROUTINES_STATE, else http://127.0.0.1:7433. Connects to nothing yet.
  static absl::StatusOr<Api> Open(const ClientOptions& options);

  // Management calls, with the admin token. An error answer becomes a Status with the server's
  // message; its code is what exit_codes.h expects, its body is kept as the payload kErrorPayload.
  absl::StatusOr<JsonValue> Get(const std::string& target);
  absl::StatusOr<JsonValue> Delete(const std::string& target);
  absl::StatusOr<JsonValue> Post(const std::string& target, const std::string& body = "");
  absl::StatusOr<JsonValue> Put(const std::string& target, const std::string& body);

  // Any request, with the headers it has. For calls that have a token of their own, and for
  // streams.
  absl::StatusOr<JsonValue> Send(const HttpRequest& request, const HttpBodySink& sink = nullptr);
  // kPermissionDenied: there is no admin token to be found.
  absl::Status Authorize(HttpRequest* request);

  // For completion, which must not keep anybody waiting.
  void set_timeouts(HttpTimeouts timeouts) { timeouts_ = timeouts; }

 private:
  Api(Url url, ClientOptions options) : url_(std::move(url)), options_(std::move(options)) {}
  absl::StatusOr<JsonValue> Call(const char* method, const std::string& target,
                                 const std::string& body);

  Url url_;
  ClientOptions options_;
  HttpTimeouts timeouts_;
};

inline constexpr char kErrorPayload[] = "routines/error";

// The trigger id that `text` means: itself, or the only API trigger of the routine of that name.
// kNotFound: the routine has none; kInvalidArgument: it has several, which the message names.
absl::StatusOr<std::string> ResolveTrigger(Api& api, std::string_view text);

// "?a=1&b=2" of the values that are not empty, or "".
std::string QueryString(const std::map<std::string, std::string>& values);

// Prints `status` for people on standard error, or as JSON on standard output, and returns its exit
// code.
int ReportError(const absl::Status& status, bool json);

}  // namespace routines::cli

#endif  // ROUTINES_SRC_CLI_API_H_
