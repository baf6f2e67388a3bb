// What a push asks for, and whether a session may have it.
#ifndef ROUTINES_SRC_WORKSPACE_PUSH_COMMAND_H_
#define ROUTINES_SRC_WORKSPACE_PUSH_COMMAND_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace routines {

// One line of the request: make `ref`, which the client believes to be at `old_commit`, be
// `new_commit`.
struct PushCommand {
  std::string old_commit;  // 40 hex digits; zeros: create
  std::string new_commit;  // zeros: delete
  std::string ref;         // as it came: any bytes but NUL
};

struct PushRequest {
  std::vector<PushCommand> commands;  // none: the client only asks whether it is let in
  bool report_status = false;
  bool side_band = false;
  bool atomic = false;
  size_t size = 0;  // bytes of the command list; what follows is the pack
};

inline constexpr size_t kMaxCommandListBytes = size_t{1} << 20;
inline constexpr size_t kMaxCommands = 1000;
// What the gate offers a pushing client; never push-options or push-cert. delete-refs only so that
// a deletion comes here and is refused with a reason, and recorded.
inline constexpr std::string_view kPushCapabilities =
    "report-status report-status-v2 delete-refs side-band-64k atomic ofs-delta "
    "object-format=sha1 agent=routines";

// Parses the command list at the beginning of a git-receive-pack request (gitprotocol-pack,
// "Reference Update Request"). With `size` 0 in the answer, `input` does not hold all of it yet.
// kInvalidArgument: it is not one, or uses what was not offered.
absl::StatusOr<PushRequest> ParsePushRequest(std::string_view input);

// Why each command may not be carried out, in their order; empty: it may. What needs the objects
// (is it a fast-forward?) is not judged here. Without `unrestricted` only
// refs/heads/claude/<something> may be created or changed; with it every branch, and tags may be
// created.
std::vector<std::string> JudgePush(const std::vector<PushCommand>& commands, bool unrestricted);

// The answer to a push: `unpack` is "ok" or what went wrong, `reasons` as above.
std::string ReportStatus(const PushRequest& request, std::string_view unpack,
                         const std::vector<std::string>& reasons);

}  // namespace routines

#endif  // ROUTINES_SRC_WORKSPACE_PUSH_COMMAND_H_
