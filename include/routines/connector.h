// Connectors: the MCP servers that a session's agent may call.
//
// While a session is prepared the engine asks a ConnectorProvider to open the routine's connectors.
// Each must answer `initialize` and `tools/list`, or the session fails naming it. What is returned
// is handed to the executor, which gives it to its agent as MCP configuration.
//
// Thread-safety: Open may be called from several threads at once.
// Blocking: Open and the destructor of OpenConnectors block (processes, network); Open returns soon
//   after `cancellation` was cancelled.
#ifndef ROUTINES_CONNECTOR_H_
#define ROUTINES_CONNECTOR_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "routines/cancellation.h"
#include "routines/secrets.h"
#include "routines/session.h"
#include "routines/v1/routine.pb.h"
#include "routines/v1/session.pb.h"

namespace routines {

// How an agent reaches one connector. Secrets are filled in: never log it.
struct ConnectorEndpoint {
  std::string name;
  std::vector<std::string> command;                // stdio: the agent starts it; absolute program
  std::map<std::string, std::string> environment;  // with command: beyond the session's own
  std::string url;                                 // Streamable HTTP
  std::map<std::string, std::string> headers;      // with url
  std::vector<std::string> tools;         // what the agent may call: tools/list under the policy
  std::vector<std::string> denied_tools;  // what the server has and the agent may not call
};

struct ConnectorRequest {
  v1::Session session;
  v1::Routine routine;
  // The session's environment and directory, where a stdio server runs.
  std::map<std::string, std::string> environment;
  std::string working_directory;
  SessionLog* log = nullptr;  // both outlive what Open returns
  const Cancellation* cancellation = nullptr;
};

// The open connectors of one session, until it ends.
struct OpenedConnectors {
  std::vector<ConnectorEndpoint> endpoints;  // in the order of the routine's
  std::vector<std::string> secret_values;    // that were filled in, to be redacted
  std::shared_ptr<void> keep;                // whatever must live as long as the session
  Outcome outcome;                           // not ok: which connector failed, and why
};

class ConnectorProvider {
 public:
  virtual ~ConnectorProvider() = default;
  virtual OpenedConnectors Open(const ConnectorRequest& request) = 0;
};

// MCP over stdio (`command`) and Streamable HTTP (`url`), revision 2025-11-25 down to 2024-11-05.
struct McpConnectorOptions {
  std::shared_ptr<SecretProvider> secrets;  // values of `secrets:` and of ${NAME} in headers
  absl::Duration start_timeout = absl::Seconds(60);  // of one connector, until tools are listed
  int64_t max_answer_bytes = int64_t{8} << 20;       // of what a server says before that
  int max_tools = 1000;                              // of one connector
};
std::unique_ptr<ConnectorProvider> NewMcpConnectorProvider(McpConnectorOptions options);

}  // namespace routines

#endif  // ROUTINES_CONNECTOR_H_
