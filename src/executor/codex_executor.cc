// The `codex` command line (npm @openai/codex) as an executor: the same seam as claude's.
//
// Its configuration is a file in the session's own CODEX_HOME, so that no secret is in an argument.
// codex reads AGENTS.md and .agents/skills of the repository by itself; the repository's
// .codex/config.toml has no effect, because a fresh CODEX_HOME trusts no folder.
#include <utility>

#include "absl/strings/str_cat.h"
#include "routines/executor.h"
#include "src/base/status_macros.h"
#include "src/executor/agent_executor.h"
#include "src/executor/codex_stream.h"
#include "src/executor/toml.h"

namespace routines {
namespace {

constexpr std::array<int, 3> kMinimumVersion = {0, 169, 0};
constexpr char kKeyName[] = "OPENAI_API_KEY";

std::string ServerConfig(const ConnectorEndpoint& connector) {
  std::string config = absl::StrCat("\n[mcp_servers.", TomlString(connector.name), "]\n");
  if (connector.command.empty()) {
    absl::StrAppend(&config, "url = ", TomlString(connector.url),
                    "\nhttp_headers = ", TomlTable(connector.headers), "\n");
  } else {
    absl::StrAppend(&config, "command = ", TomlString(connector.command[0]), "\nargs = ",
                    TomlArray({connector.command.begin() + 1, connector.command.end()}),
                    "\nenv = ", TomlTable(connector.environment), "\n");
  }
  absl::StrAppend(&config, "enabled_tools = ", TomlArray(connector.tools),
                  "\ndisabled_tools = ", TomlArray(connector.denied_tools),
                  "\nrequired = true\nstartup_timeout_sec = 60\n");
  return config;
}

std::string Config(const AgentSession& session, int max_retries) {
  std::string config = absl::StrCat(
      "model_provider = \"routines\"\ncheck_for_update_on_startup = false\n"
      "[model_providers.routines]\nname = \"routines\"\nwire_api = \"responses\"\nbase_url = ",
      TomlString(session.api_url), "\nenv_key = ", TomlString(kKeyName),
      "\nrequest_max_retries = ", max_retries, "\nstream_max_retries = ", max_retries,
      // The routine decides what is in the environment; only codex itself needs the token.
      "\n[shell_environment_policy]\ninherit = \"all\"\nignore_default_excludes = true\n"
      "exclude = [",
      TomlString(kKeyName), "]\n");
  for (const ConnectorEndpoint& connector : session.request.connectors) {
    config += ServerConfig(connector);
  }
  return config;
}

class CodexKind : public AgentKind {
 public:
  explicit CodexKind(CodexExecutorOptions options) : options_(std::move(options)) {}

  absl::Status Fill(const AgentSession& session, AgentCommand& command) const override {
    const v1::Routine& routine = session.request.routine;
    RETURN_IF_ERROR(
        session.folder.Write("config/config.toml", Config(session, options_.max_retries)));
    command.command.insert(command.command.end(),
                           {"exec", "--json", "--skip-git-repo-check", "--ephemeral",
                            "--color=never", "--dangerously-bypass-approvals-and-sandbox"});
    const std::string& model = routine.model().empty() ? options_.model : routine.model();
    if (!model.empty()) command.command.push_back(absl::StrCat("--model=", model));
    command.command.push_back("-");
    command.stdin_data = session.request.prompt;
    command.environment["CODEX_HOME"] = session.folder.path() + "/config";
    command.environment[kKeyName] = session.token;
    for (const char* const name : {"NO_PROXY", "no_proxy"}) {
      command.environment[name] = NoProxyWithLoopback(command.environment[name]);
    }
    if (routine.limits().max_cost_usd() > 0 || routine.limits().max_turns() > 0) {
      session.log.Append(NoteEvent(v1::Note::SEVERITY_WARNING,
                                   "codex tells neither cost nor turns: limits.max_cost_usd and "
                                   "limits.max_turns are not enforced"));
    }
    return absl::OkStatus();
  }

  std::unique_ptr<AgentStream> NewStream(const ExecutionRequest& request,
                                         SessionLog& log) const override {
    return std::make_unique<CodexStream>(log);
  }

 private:
  const CodexExecutorOptions options_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Executor>> NewCodexExecutor(CodexExecutorOptions options) {
  if (options.program.empty()) return absl::InvalidArgumentError("codex: program is empty");
  AgentExecutorOptions agent;
  agent.name = "codex";
  agent.program = options.program;
  agent.minimum_version = kMinimumVersion;
  agent.secrets = options.secrets;
  agent.key_secret = kKeyName;
  agent.gateway.upstream = options.api_url;
  agent.gateway.allowed = {"POST /responses", "POST /responses/compact"};
  agent.gateway.key_header = GatewayOptions::KeyHeader::kBearer;
  agent.kill_grace = options.kill_grace;
  RETURN_IF_ERROR(CheckGatewayOptions(agent.gateway));
  return std::make_unique<AgentExecutor>(std::move(agent),
                                         std::make_unique<CodexKind>(std::move(options)));
}

}  // namespace routines
