// JSON-RPC 2.0 as MCP uses it: what is sent is made here, what comes is taken apart and checked.
//
// Thread-safety: functions without state.
// Errors: kFailedPrecondition says what is wrong with a text; it comes from a server that does not
// speak the protocol, so trying again does not help.
#ifndef ROUTINES_SRC_CONNECTOR_JSON_RPC_H_
#define ROUTINES_SRC_CONNECTOR_JSON_RPC_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace routines {

struct RpcMessage {
  enum class Kind { kResult, kError, kRequest, kNotification };
  Kind kind = Kind::kNotification;
  std::string id;      // as JSON; kResult, kError (there it may be null), kRequest
  std::string method;  // kRequest, kNotification
  std::string result;  // kResult, as JSON
  int64_t error_code = 0;
  std::string error_message;
};

// The messages of one text: one, or those of a batch (revision 2025-03-26 has them).
absl::StatusOr<std::vector<RpcMessage>> ParseRpc(std::string_view text);

// `params` is JSON.
std::string RpcRequest(int64_t id, std::string_view method, std::string_view params);
std::string RpcNotification(std::string_view method);
// Answers to a request of the server; `id` as it came, `result` is JSON.
std::string RpcResult(std::string_view id, std::string_view result);
std::string RpcMethodNotFound(std::string_view id, std::string_view method);

// What `initialize` is answered with.
struct InitializeResult {
  std::string protocol_version;
  std::string server_name;
  std::string server_version;
  bool has_tools = false;
};
absl::StatusOr<InitializeResult> ParseInitializeResult(std::string_view result);

// One page of `tools/list`.
struct ToolsPage {
  std::vector<std::string> names;
  std::string next_cursor;  // empty: the last page
};
absl::StatusOr<ToolsPage> ParseToolsPage(std::string_view result);

}  // namespace routines

#endif  // ROUTINES_SRC_CONNECTOR_JSON_RPC_H_
