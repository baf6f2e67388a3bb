#include "routines/embedded.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "src/base/status_macros.h"
#include "src/embedded/upstream_credentials.h"

namespace routines {
namespace {

absl::Status MakeDirectory(const std::string& path) {
  if (mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("state directory ", path, " cannot be made: ", std::strerror(errno)));
}

// Adds the agents to `engine`, whose secrets are set, beside the host's executors.
absl::Status AddExecutors(EmbeddedOptions& options, EngineOptions& engine) {
  const auto is_free = [&options](const char* name) { return !options.executors.contains(name); };
  std::map<std::string, std::shared_ptr<Executor>> agents;
  if (options.claude && is_free("claude")) {
    if (options.claude->secrets == nullptr) options.claude->secrets = engine.secrets;
    ASSIGN_OR_RETURN(agents["claude"], NewClaudeExecutor(*options.claude));
  }
  if (options.codex && is_free("codex")) {
    if (options.codex->secrets == nullptr) options.codex->secrets = engine.secrets;
    ASSIGN_OR_RETURN(agents["codex"], NewCodexExecutor(*options.codex));
  }
  if (engine.default_executor.empty()) {
    const auto& candidates = options.executors.empty() ? agents : options.executors;
    if (options.executors.size() <= 1 && !candidates.empty()) {
      engine.default_executor = candidates.begin()->first;
    }
  }
  engine.executors = std::move(options.executors);
  engine.executors.merge(agents);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Engine>> OpenEmbedded(EmbeddedOptions options) {
  const std::string& state = options.state_directory;
  if (state.empty()) return absl::InvalidArgumentError("state_directory: must not be empty");
  RETURN_IF_ERROR(MakeDirectory(state));
  EngineOptions engine = std::move(options.engine);
  engine.secrets = options.secrets != nullptr ? std::move(options.secrets)
                                              : NewDirectorySecretProvider(state + "/secrets");
  RETURN_IF_ERROR(AddExecutors(options, engine));
  // The store first: its lock keeps a second engine away from the workspaces too.
  ASSIGN_OR_RETURN(engine.store, OpenSqliteStore({.path = state + "/state.db"}));
  GitWorkspaceOptions workspaces;
  workspaces.root = state + "/workspaces";
  workspaces.credentials = std::make_shared<UpstreamCredentials>(engine.secrets);
  options.sandbox.hidden.push_back(state);
  workspaces.sandbox = FindSandbox(options.sandbox);
  ASSIGN_OR_RETURN(engine.workspaces, NewGitWorkspaceProvider(std::move(workspaces)));
#ifdef ROUTINES_HAS_CONNECTOR
  if (engine.connectors == nullptr) {
    if (options.connectors.secrets == nullptr) options.connectors.secrets = engine.secrets;
    engine.connectors = NewMcpConnectorProvider(std::move(options.connectors));
  }
#endif
  return Engine::Create(std::move(engine));
}

}  // namespace routines
