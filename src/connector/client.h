// The client's side of an MCP session, as far as a routine needs it: initialize, and the list of
// tools. Revisions 2025-11-25, 2025-06-18, 2025-03-26 and 2024-11-05 (modelcontextprotocol.io).
//
// Whatever the server sends meanwhile is answered (ping), refused (everything else that it asks
// for) or dropped (notifications). Descriptions and instructions are not even read.
//
// Thread-safety, blocking, errors: those of its channel.
#ifndef ROUTINES_SRC_CONNECTOR_CLIENT_H_
#define ROUTINES_SRC_CONNECTOR_CLIENT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "src/connector/channel.h"
#include "src/connector/json_rpc.h"

namespace routines {

class McpClient {
 public:
  // `channel` is borrowed.
  McpClient(Channel& channel, int max_tools) : channel_(channel), max_tools_(max_tools) {}

  absl::StatusOr<InitializeResult> Initialize();
  // The names of all tools, in the server's order: each once, of letters, digits and "_-./".
  absl::StatusOr<std::vector<std::string>> ListTools();

 private:
  absl::StatusOr<std::string> Call(std::string_view method, std::string_view params);
  absl::Status AnswerRequest(const RpcMessage& request);
  absl::Status AddTools(const ToolsPage& page, std::vector<std::string>& tools) const;

  Channel& channel_;
  const int max_tools_;
  int64_t last_id_ = 0;
};

}  // namespace routines

#endif  // ROUTINES_SRC_CONNECTOR_CLIENT_H_
