#include "src/cli/api.h"

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "routines/json.h"
#include "src/base/ids.h"
#include "src/base/status_macros.h"
#include "src/cli/exit_codes.h"
#include "src/cli/state_directory.h"
#include "src/cli/terminal.h"

namespace routines::cli {
namespace {

constexpr char kDefaultServer[] = "http://127.0.0.1:7433";

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// What the command line says comes before what the environment says.
absl::StatusOr<std::string> FindServer(const ClientOptions& options) {
  if (!options.server.empty()) return options.server;
  if (!options.state.empty()) return ReadServerUrl(options.state);
  if (const std::string server = Environment("ROUTINES_SERVER"); !server.empty()) return server;
  if (const std::string state = Environment("ROUTINES_STATE"); !state.empty()) {
    return ReadServerUrl(state);
  }
  return std::string(kDefaultServer);
}

absl::StatusOr<std::string> FindAdminToken(const ClientOptions& options) {
  std::string file = options.admin_token_file;
  if (file.empty()) {
    if (std::string token = Environment("ROUTINES_ADMIN_TOKEN"); !token.empty()) return token;
    const std::string state = options.state.empty() ? Environment("ROUTINES_STATE") : options.state;
    if (!state.empty()) file = absl::StrCat(state, "/admin-token");
  }
  if (file.empty()) {
    return absl::PermissionDeniedError(
        "no admin token: give --state, --admin-token-file, or set ROUTINES_ADMIN_TOKEN");
  }
  absl::StatusOr<std::string> token = ReadSecretFile(file);
  if (token.ok()) return token;
  return absl::PermissionDeniedError(
      absl::StrCat("no admin token: ", std::string(token.status().message())));
}

absl::StatusCode CodeOfHttp(int status) {
  switch (status) {
    case 400:
    case 413:
      return absl::StatusCode::kInvalidArgument;
    case 401:
      return absl::StatusCode::kUnauthenticated;
    case 403:
      return absl::StatusCode::kPermissionDenied;
    case 404:
      return absl::StatusCode::kNotFound;
    case 429:
    case 503:
      return absl::StatusCode::kResourceExhausted;
    default:
      return absl::StatusCode::kInternal;
  }
}

absl::Status ErrorOfHttp(const HttpResponse& response) {
  absl::StatusOr<JsonValue> body = JsonValue::Parse(response.body);
  const bool ours = body.ok() && (*body)["type"].Text() == "error";
  std::string message = ours ? (*body)["error"]["message"].Text()
                             : absl::StrCat("the server answered HTTP ", response.status);
  const JsonValue::Array no_problems;
  const JsonValue::Array& problems = ours ? (*body)["error"]["problems"].Items() : no_problems;
  if (problems.size() > 1) {  // one alone is the message already
    for (const JsonValue& problem : problems) {
      absl::StrAppend(&message, "\n", problem["path"].Text(), ": ", problem["message"].Text());
    }
  }
  absl::Status status(CodeOfHttp(response.status), message);
  if (ours) status.SetPayload(kErrorPayload, absl::Cord(body->Dump()));
  return status;
}

// The error type words of docs/http_api.md, for errors that no server sent.
const char* ErrorType(const absl::Status& status) {
  switch (ExitCodeOf(status)) {
    case kExitUsage:
      return "usage_error";
    case kExitUnreachable:
      return "connection_error";
    case kExitNotFound:
      return "not_found_error";
    case kExitPermission:
      return "permission_error";
    case kExitBusy:
      return "overloaded_error";
    default:
      return absl::IsInternal(status) ? "api_error" : "invalid_request_error";
  }
}

std::string ErrorJson(const absl::Status& status) {
  if (const auto payload = status.GetPayload(kErrorPayload)) return std::string(*payload);
  return absl::StrCat(
      "{\"type\":\"error\",\"error\":{\"type\":\"", ErrorType(status), "\",\"message\":",
      JsonString(std::string_view(status.message().data(), status.message().size())), "}}");
}

}  // namespace

std::string RoutineName::Path() const {
  return absl::StrCat("/v1/routines/", EncodeUrlPart(account), "/", EncodeUrlPart(name));
}

absl::StatusOr<RoutineName> ParseRoutineName(std::string_view text) {
  RoutineName name;
  const size_t slash = text.find('/');
  if (slash != text.npos) name.account = std::string(text.substr(0, slash));
  name.name = std::string(slash == text.npos ? text : text.substr(slash + 1));
  if (name.account.empty() || name.name.empty() || name.name.find('/') != std::string::npos) {
    return UsageError(
        absl::StrCat("routine \"", std::string(text), "\": write `name`, or `account/name`"));
  }
  return name;
}

absl::StatusOr<Api> Api::Open(const ClientOptions& options) {
  ASSIGN_OR_RETURN(const std::string server, FindServer(options));
  absl::StatusOr<Url> url = ParseUrl(server);
  if (!url.ok() && !options.server.empty()) return UsageError(std::string(url.status().message()));
  RETURN_IF_ERROR(url.status());
  return Api(*std::move(url), options);
}

absl::StatusOr<JsonValue> Api::Get(const std::string& target) {
  return Call("GET", target, "");
}

absl::StatusOr<JsonValue> Api::Delete(const std::string& target) {
  return Call("DELETE", target, "");
}

absl::StatusOr<JsonValue> Api::Post(const std::string& target, const std::string& body) {
  return Call("POST", target, body);
}

absl::StatusOr<JsonValue> Api::Put(const std::string& target, const std::string& body) {
  return Call("PUT", target, body);
}

absl::StatusOr<JsonValue> Api::Call(const char* method, const std::string& target,
                                    const std::string& body) {
  HttpRequest request = {.method = method, .target = target, .body = body};
  RETURN_IF_ERROR(Authorize(&request));
  return Send(request);
}

absl::Status Api::Authorize(HttpRequest* request) {
  ASSIGN_OR_RETURN(const std::string token, FindAdminToken(options_));
  request->headers["Authorization"] = absl::StrCat("Bearer ", token);
  return absl::OkStatus();
}

absl::StatusOr<JsonValue> Api::Send(const HttpRequest& request, const HttpBodySink& sink) {
  ASSIGN_OR_RETURN(const HttpResponse response, SendHttp(url_, request, timeouts_, sink));
  if (response.status / 100 != 2) return ErrorOfHttp(response);
  if (response.body.empty()) return JsonValue();  // 204, or all of it went to the sink
  absl::StatusOr<JsonValue> body = JsonValue::Parse(response.body);
  if (!body.ok())
    return absl::InternalError("the server's answer is no JSON; is it another program?");
  return body;
}

absl::StatusOr<std::string> ResolveTrigger(Api& api, std::string_view text) {
  if (IsTriggerId(text)) return std::string(text);
  ASSIGN_OR_RETURN(const RoutineName name, ParseRoutineName(text));
  ASSIGN_OR_RETURN(const JsonValue saved, api.Get(name.Path()));
  std::vector<std::string> ids;
  const JsonValue::Array& triggers = saved["routine"]["triggers"].Items();
  for (size_t i = 0; i < triggers.size() && i < saved["triggers"].Items().size(); ++i) {
    const bool is_api = !triggers[i]["api"].IsNull();
    if (is_api) ids.push_back(saved["triggers"].Items()[i]["trigger_id"].Text());
  }
  if (ids.empty()) {
    return absl::NotFoundError(absl::StrCat("routine ", std::string(text),
                                            " has no api trigger; add `- {id: fire, api: {}}`"));
  }
  if (ids.size() > 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("routine ", std::string(text),
                     " has several api triggers, name one of them: ", absl::StrJoin(ids, ", ")));
  }
  return ids[0];
}

std::string QueryString(const std::map<std::string, std::string>& values) {
  std::string out;
  for (const auto& [name, value] : values) {
    if (value.empty()) continue;
    absl::StrAppend(&out, out.empty() ? "?" : "&", name, "=", EncodeUrlPart(value));
  }
  return out;
}

int ReportError(const absl::Status& status, bool json) {
  if (json) {
    std::printf("%s\n", ErrorJson(status).c_str());
    return ExitCodeOf(status);
  }
  const std::string message(status.message());
  std::fprintf(stderr, "routines: %s\n", EscapeControls(message, /*keep_lines=*/true).c_str());
  return ExitCodeOf(status);
}

}  // namespace routines::cli
