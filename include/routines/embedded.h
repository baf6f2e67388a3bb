// An engine on a folder: SQLite store, git workspaces, secrets and executors as `routines serve`
// has them.
//
//   auto engine = routines::OpenEmbedded({.state_directory = "state",
//                                         .executors = {{"agent",
//                                         routines::NewCallbackExecutor(Run)}}});
//
// Errors: those of OpenSqliteStore, NewGitWorkspaceProvider and Engine::Create.
#ifndef ROUTINES_EMBEDDED_H_
#define ROUTINES_EMBEDDED_H_

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "routines/engine.h"
#include "routines/sandbox.h"

namespace routines {

struct EmbeddedOptions {
  std::string state_directory;  // made where absent, mode 0700
  std::map<std::string, std::shared_ptr<Executor>> executors;
  // Where given, the executors "claude" and "codex", unless `executors` has one of that name. Their
  // keys come from `secrets` where they have no provider of their own.
  std::optional<ClaudeExecutorOptions> claude;
  std::optional<CodexExecutorOptions> codex;
  // Absent: the files of <state_directory>/secrets. Also asked for the credential of an https
  // upstream: that of github.com is the secret GIT_TOKEN_GITHUB_COM, "user:password" or a token
  // alone.
  std::shared_ptr<SecretProvider> secrets;
  // Of setup scripts, agents and connectors; the state directory is hidden in any case.
  SandboxOptions sandbox;
  // Of the MCP servers that routines name, unless `engine` has a provider of its own. Their secrets
  // come from `secrets` where they have no provider of their own.
  McpConnectorOptions connectors;
  // Starting point for everything else; its store, workspaces, secrets and executors are replaced,
  // and connectors where it has none.
  EngineOptions engine;
};

// The engine is not started yet.
absl::StatusOr<std::unique_ptr<Engine>> OpenEmbedded(EmbeddedOptions options);

}  // namespace routines

#endif  // ROUTINES_EMBEDDED_H_
