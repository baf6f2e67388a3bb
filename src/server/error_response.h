// The one form of all errors: {"type":"error","error":{"type":"…","message":"…"}}.
#ifndef ROUTINES_SRC_SERVER_ERROR_RESPONSE_H_
#define ROUTINES_SRC_SERVER_ERROR_RESPONSE_H_

#include <string_view>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "src/server/http_message.h"

namespace routines::server {

// The type word follows from the status; see docs/http_api.md, "Errors".
Response ErrorResponse(int http_status, std::string_view message);

// The answer to an error of the engine; a limit's says in Retry-After how long after `now` it lets
// the next one in.
Response StatusResponse(const absl::Status& status, absl::Time now = absl::Now());

// One and the same for no, wrong and revoked tokens, and for triggers that do not exist.
Response Unauthenticated();

// One and the same for no, malformed and wrong signatures, and for hooks that do not exist.
Response BadSignature();

}  // namespace routines::server

#endif  // ROUTINES_SRC_SERVER_ERROR_RESPONSE_H_
