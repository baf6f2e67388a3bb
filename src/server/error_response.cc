#include "src/server/error_response.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "routines/engine.h"
#include "routines/json.h"

namespace routines::server {
namespace {

std::string_view ErrorType(int http_status) {
  switch (http_status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 413:
    case 431:
      return "request_too_large";
    case 429:
      return "rate_limit_error";
    case 500:
      return "api_error";
    case 503:
      return "overloaded_error";
    default:
      return "invalid_request_error";
  }
}

int HttpStatus(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kOutOfRange:
      return 400;
    case absl::StatusCode::kUnauthenticated:
      return 401;
    case absl::StatusCode::kPermissionDenied:
      return 403;
    case absl::StatusCode::kNotFound:
      return 404;
    case absl::StatusCode::kResourceExhausted:
      return 429;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kDeadlineExceeded:
      return 503;
    default:
      return 500;
  }
}

}  // namespace

Response ErrorResponse(int http_status, std::string_view message) {
  Response response;
  response.status = http_status;
  response.body = absl::StrCat("{\"type\":\"error\",\"error\":{\"type\":\"",
                               std::string(ErrorType(http_status)),
                               "\",\"message\":", JsonString(message), "}}");
  return response;
}

Response StatusResponse(const absl::Status& status, absl::Time now) {
  const int http_status = HttpStatus(status.code());
  if (http_status == 401) return Unauthenticated();
  const std::string message = http_status == 500 ? "internal error" : std::string(status.message());
  Response response = ErrorResponse(http_status, message);
  // A store that is behind recovers in moments.
  if (http_status == 429) {
    const absl::Duration wait = RetryTime(status).value_or(now + absl::Minutes(1)) - now;
    const int64_t seconds = absl::ToInt64Seconds(absl::Ceil(wait, absl::Seconds(1)));
    response.headers.emplace_back("Retry-After", absl::StrCat(std::max<int64_t>(seconds, 1)));
  }
  if (http_status == 503) response.headers.emplace_back("Retry-After", "1");
  return response;
}

Response Unauthenticated() {
  Response response = ErrorResponse(401, "invalid bearer token");
  response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

Response BadSignature() {
  return ErrorResponse(401,
                       "x-hub-signature-256: is not that of the body under a secret of this hook");
}

}  // namespace routines::server
