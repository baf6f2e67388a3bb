// Connectors: the MCP servers that a session's agent may call.
//
// While a session is prepared the engine asks a ConnectorProvider to open the routine's connectors.
// Each must answer `initialize` and `tools/list`, or the session fails naming it. What is returned
// is handed to the executor, which gives it to its agent as MCP configuration (docs/connectors.md).
//
// Thread-safety: Open may be called from several threads at once.
// Blocking: Open and the end of OpenedConnectors::keep block (processes, network); Open returns
//   soon after `cancellation` was cancelled.
// Errors: a connector that cannot be had is an Outcome; its reasons are in docs/sessions.md.
#ifndef ROUTINES_CONNECTOR_H_
#define ROUTINES_CONNECTOR_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "routines/cancellation.h"
#include "routines/sandbox.h"
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
  Sandbox sandbox;            // what it runs in
  SessionLog* log = nullptr;  // both outlive what Open returns; what is logged is redacted
  const Cancellation* cancellation = nullptr;
};

// What became of one connector, for people: `routines connectors check` prints it. Names and
// versions are the server's words and not to be trusted; secrets are redacted.
struct ConnectorReport {
  std::string name;
  Outcome outcome;
  std::string server_name, server_version;
  std::string protocol_version;
  std::vector<std::string> tools;         // that the agent may call
  std::vector<std::string> denied_tools;  // that it may not
  absl::Duration time;                    // until the tools were listed, or it had failed
};

// The open connectors of one session, until it ends.
struct OpenedConnectors {
  std::vector<ConnectorEndpoint> endpoints;  // in the order of the routine's; none where one failed
  std::vector<std::string> secret_values;    // that were filled in, to be redacted
  std::shared_ptr<void> keep;                // whatever must live as long as the session
  Outcome outcome;                           // not ok: which connector failed, and why
  std::vector<ConnectorReport> reports;      // one for each, in the order of the routine's
};

class ConnectorProvider {
 public:
  virtual ~ConnectorProvider() = default;
  virtual OpenedConnectors Open(const ConnectorRequest& request) = 0;
};

// MCP over stdio (`command`) and Streamable HTTP (`url`), revision 2025-11-25 down to 2024-11-05.
// Each server is started or reached once to learn that it works and which tools it has, and let go
// of; the agent then has its own connection. The connectors of a session are opened side by side.
struct McpConnectorOptions {
  std::shared_ptr<SecretProvider> secrets;  // values of `secrets:` and of ${NAME} in headers
  absl::Duration start_timeout = absl::Seconds(60);  // of one connector, until tools are listed
  int64_t max_answer_bytes = int64_t{8} << 20;       // of what a server says before that
  int max_tools = 1000;                              // of one connector
  // Whether `url` may lead to loopback and private addresses, where many servers run. Link-local
  // and metadata addresses are never reached.
  bool allow_private_addresses = true;
};
std::unique_ptr<ConnectorProvider> NewMcpConnectorProvider(McpConnectorOptions options);

}  // namespace routines

#endif  // ROUTINES_CONNECTOR_H_
