// An executor of agents that are command lines: what is the same for each of them. It finds the
// key, opens a pass of the gateway, makes the session's own folder, checks the program's version,
// runs it and judges its end. What differs is behind AgentKind.
//
// Thread-safety: as Executor; an AgentKind is used by several threads at once and must not change.
#ifndef ROUTINES_SRC_EXECUTOR_AGENT_EXECUTOR_H_
#define ROUTINES_SRC_EXECUTOR_AGENT_EXECUTOR_H_

#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "routines/executor.h"
#include "src/executor/agent_folder.h"
#include "src/executor/agent_run.h"
#include "src/executor/gateway.h"
#include "src/executor/session_threads.h"

namespace routines {

// What a session's command is made of.
struct AgentSession {
  const ExecutionRequest& request;
  AgentFolder& folder;
  SessionLog& log;
  std::string api_url;  // of the gateway
  std::string token;    // the session's own; what the agent has in the place of a key
};

class AgentKind {
 public:
  virtual ~AgentKind() = default;

  // Completes `command`: its arguments after the program, environment and input; writes the files
  // that it needs. kInvalidArgument: the routine asks for what this agent cannot do.
  virtual absl::Status Fill(const AgentSession& session, AgentCommand& command) const = 0;
  virtual std::unique_ptr<AgentStream> NewStream(const ExecutionRequest& request,
                                                 SessionLog& log) const = 0;
};

struct AgentExecutorOptions {
  std::string name;     // for people
  std::string program;  // looked up as ProcessExecutorOptions::command
  std::array<int, 3> minimum_version = {};
  std::shared_ptr<SecretProvider> secrets;
  std::string key_secret;  // the name of the secret; also of the variable
  GatewayOptions gateway;
  absl::Duration kill_grace;
};

class AgentExecutor : public Executor {
 public:
  AgentExecutor(AgentExecutorOptions options, std::unique_ptr<AgentKind> kind);

  void Start(std::shared_ptr<Execution> execution) override;
  bool KeepsToSandbox() const override { return true; }

 private:
  Outcome Run(Execution& execution);
  absl::StatusOr<std::string> FindKey(const ExecutionRequest& request) const;
  absl::StatusOr<ApiGateway*> Gateway();
  // OK, or what is wrong with the program.
  Outcome CheckVersion(const AgentCommand& command, const Cancellation& cancellation);

  const AgentExecutorOptions options_;
  const std::unique_ptr<AgentKind> kind_;
  absl::Mutex mu_;
  std::unique_ptr<ApiGateway> gateway_ ABSL_GUARDED_BY(mu_);  // from the first session on
  bool version_checked_ ABSL_GUARDED_BY(mu_) = false;         // and found new enough
  SessionThreads threads_;                                    // last: ends first
};

// The folders of the session's repositories, in the order of the routine's.
std::vector<std::string> RepositoryFolders(const ExecutionRequest& request);

// `list` of a NO_PROXY variable with the loopback addresses: the way to the gateway leads through
// no proxy.
std::string NoProxyWithLoopback(std::string list);

}  // namespace routines

#endif  // ROUTINES_SRC_EXECUTOR_AGENT_EXECUTOR_H_
