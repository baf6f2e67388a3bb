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

}  // namespace

absl::StatusOr<std::unique_ptr<Engine>> OpenEmbedded(EmbeddedOptions options) {
  const std::string& state = options.state_directory;
  if (state.empty()) return absl::InvalidArgumentError("state_directory: must not be empty");
  RETURN_IF_ERROR(MakeDirectory(state));
  EngineOptions engine = std::move(options.engine);
  engine.secrets = options.secrets != nullptr ? std::move(options.secrets)
                                              : NewDirectorySecretProvider(state + "/secrets");
  engine.executors = std::move(options.executors);
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
    engine.connectors = NewMcpConnectorProvider({.secrets = engine.secrets});
  }
#endif
  return Engine::Create(std::move(engine));
}

}  // namespace routines
