// A session's connectors as agents read them.
#ifndef ROUTINES_SRC_EXECUTOR_MCP_CONFIG_H_
#define ROUTINES_SRC_EXECUTOR_MCP_CONFIG_H_

#include <string>
#include <vector>

#include "routines/connector.h"

namespace routines {

// {"mcpServers": {<name>: {"type": "stdio", "command", "args", "env"} or {"type": "http", "url",
// "headers"}}, "toolPolicy": {<name>: {"allow": [...], "deny": [...]}}}: what `claude --mcp-config`
// and many other agents take; the policy is ours, and every tool of a server is in one of its two
// lists. Holds secrets.
std::string McpConfigJson(const std::vector<ConnectorEndpoint>& connectors);

}  // namespace routines

#endif  // ROUTINES_SRC_EXECUTOR_MCP_CONFIG_H_
