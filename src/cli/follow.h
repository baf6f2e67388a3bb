// Reads a session's log from the server, once or as it grows.
#ifndef ROUTINES_SRC_CLI_FOLLOW_H_
#define ROUTINES_SRC_CLI_FOLLOW_H_

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "src/cli/api.h"

namespace routines::cli {

using EventCallback = std::function<void(const JsonValue& event)>;

bool IsTerminalState(std::string_view state);

// Calls `take` with each event that there is now, in order. `session_path`: "/v1/sessions/<id>".
absl::Status ReadLog(Api& api, const std::string& session_path, const EventCallback& take);

// Goes on until the session has ended. A connection that breaks is made again, from the event after
// the last one taken; a server that stays away for half a minute is kUnavailable.
absl::Status FollowLog(Api& api, const std::string& session_path, const EventCallback& take);

}  // namespace routines::cli

#endif  // ROUTINES_SRC_CLI_FOLLOW_H_
