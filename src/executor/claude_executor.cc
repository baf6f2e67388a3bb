// The `claude` command line (npm @anthropic-ai/claude-code) as an executor.
//
// A clone is somebody else's: with `--setting-sources user` and `--strict-mcp-config` neither its
// settings (hooks, apiKeyHelper, environment, another API address) nor its .mcp.json take effect.
// What is wanted of it is added back: skills and commands as copies in the session's own
// configuration folder, CLAUDE.md by `--add-dir`. Hooks are off altogether, because a skill may
// bring some too.
#include <unistd.h>

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "routines/executor.h"
#include "routines/json.h"
#include "src/base/ids.h"
#include "src/base/status_macros.h"
#include "src/executor/agent_executor.h"
#include "src/executor/claude_stream.h"
#include "src/executor/mcp_config.h"

namespace routines {
namespace {

constexpr std::array<int, 3> kMinimumVersion = {2, 1, 0};
constexpr char kConnectorStartMs[] = "60000";  // before it asks the model for anything

// RFC 4122, version 4.
std::string RandomUuid() {
  std::string bytes = RandomBytes(16);
  bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);
  std::string uuid = absl::BytesToHexString(bytes);
  for (const size_t at : {20, 16, 12, 8}) uuid.insert(at, "-");
  return uuid;
}

// "mcp__slack__post_message" for each.
std::vector<std::string> ToolNames(const std::vector<ConnectorEndpoint>& connectors,
                                   std::vector<std::string> ConnectorEndpoint::*tools) {
  std::vector<std::string> names;
  for (const ConnectorEndpoint& connector : connectors) {
    for (const std::string& tool : connector.*tools) {
      names.push_back(absl::StrCat("mcp__", connector.name, "__", tool));
    }
  }
  return names;
}

// What the servers have and the routine does not give, and what it denies though they do not list
// it.
std::set<std::string> DeniedTools(const ExecutionRequest& request) {
  const std::vector<std::string> listed =
      ToolNames(request.connectors, &ConnectorEndpoint::denied_tools);
  std::set<std::string> names(listed.begin(), listed.end());
  for (const v1::Connector& connector : request.routine.connectors()) {
    for (const std::string& tool : connector.tools().deny()) {
      names.insert(absl::StrCat("mcp__", connector.name(), "__", tool));
    }
  }
  return names;
}

// A prompt that begins with "/" is a command, and everything after it its arguments: a command may
// put those into a shell. What an event brought must not be among them, so it goes in a block of
// its own, before the command. nullopt: an ordinary prompt.
std::optional<std::string> CommandInput(const ExecutionRequest& request) {
  const std::string& saved = request.routine.prompt();
  absl::string_view event = request.prompt;
  if (saved.empty() || saved[0] != '/' || !absl::ConsumePrefix(&event, saved)) return std::nullopt;
  std::vector<std::string> blocks;
  for (const absl::string_view text : {event, absl::string_view(saved)}) {
    if (text.empty()) continue;
    blocks.push_back(absl::StrCat(
        "{\"type\": \"text\", \"text\": ", JsonString({text.data(), text.size()}), "}"));
  }
  return absl::StrCat("{\"type\": \"user\", \"message\": {\"role\": \"user\", \"content\": [",
                      absl::StrJoin(blocks, ", "), "]}}\n");
}

class ClaudeKind : public AgentKind {
 public:
  explicit ClaudeKind(ClaudeExecutorOptions options) : options_(std::move(options)) {}

  absl::Status Fill(const AgentSession& session, AgentCommand& command) const override {
    RETURN_IF_ERROR(session.folder.Write("mcp.json", McpConfigJson(session.request.connectors)));
    RETURN_IF_ERROR(session.folder.Write("config/settings.json", "{\"disableAllHooks\": true}\n"));
    for (const std::string& repository : RepositoryFolders(session.request)) {
      GiveSkills(session, repository);
    }
    FillArguments(session, command.command);
    FillEnvironment(session, command.environment);
    if (const auto input = CommandInput(session.request)) {
      command.command.insert(command.command.end(), {"--input-format", "stream-json"});
      command.stdin_data = *input;
    } else {
      command.stdin_data = session.request.prompt;
    }
    return absl::OkStatus();
  }

  std::unique_ptr<AgentStream> NewStream(const ExecutionRequest& request,
                                         SessionLog& log) const override {
    return std::make_unique<ClaudeStream>(request, log);
  }

 private:
  static void GiveSkills(const AgentSession& session, const std::string& repository) {
    for (const char* const kind : {"skills", "commands"}) {
      const CopyResult copied = session.folder.Copy(repository, absl::StrCat(".claude/", kind),
                                                    absl::StrCat("config/", kind));
      if (copied.left_out == 0) continue;
      session.log.Append(NoteEvent(
          v1::Note::SEVERITY_WARNING,
          absl::StrCat(".claude/", kind, ": ", copied.left_out,
                       " entries were left out: links, devices, a second of the same name, or "
                       "more than 2000 files or 16 MiB")));
    }
  }

  void FillArguments(const AgentSession& session, std::vector<std::string>& arguments) const {
    const ExecutionRequest& request = session.request;
    arguments.insert(
        arguments.end(),
        {"-p", "--output-format", "stream-json", "--verbose", "--permission-mode",
         "bypassPermissions", "--setting-sources", "user", "--strict-mcp-config", "--mcp-config",
         session.folder.path() + "/mcp.json", "--session-id", RandomUuid()});
    const auto add = [&arguments](const char* option, const std::string& value) {
      // One argument, so that a value that begins with "-" stays a value.
      if (!value.empty()) arguments.push_back(absl::StrCat(option, "=", value));
    };
    add("--model", request.routine.model().empty() ? options_.model : request.routine.model());
    const v1::Limits& limits = request.routine.limits();
    if (limits.max_turns() > 0) add("--max-turns", absl::StrCat(limits.max_turns()));
    if (limits.max_cost_usd() > 0) {
      add("--max-budget-usd", absl::StrFormat("%.6f", limits.max_cost_usd()));
    }
    for (const std::string& folder : RepositoryFolders(request)) add("--add-dir", folder);
    add("--allowed-tools",
        absl::StrJoin(ToolNames(request.connectors, &ConnectorEndpoint::tools), ","));
    add("--disallowed-tools", absl::StrJoin(DeniedTools(request), ","));
  }

  void FillEnvironment(const AgentSession& session,
                       std::map<std::string, std::string>& environment) const {
    // Other ways to a key would go past the gateway.
    environment.erase("ANTHROPIC_AUTH_TOKEN");
    environment.erase("CLAUDE_CODE_OAUTH_TOKEN");
    environment["ANTHROPIC_BASE_URL"] = session.api_url;
    environment["ANTHROPIC_API_KEY"] = session.token;
    environment["CLAUDE_CONFIG_DIR"] = session.folder.path() + "/config";
    environment["CLAUDE_CODE_ADDITIONAL_DIRECTORIES_CLAUDE_MD"] = "1";
    environment["CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"] = "1";
    environment["CLAUDE_CODE_MAX_RETRIES"] = absl::StrCat(options_.max_retries);
    environment["DISABLE_AUTOUPDATER"] = "1";
    environment["MCP_CONNECTION_NONBLOCKING"] = "0";
    environment["MCP_CONNECT_TIMEOUT_MS"] = kConnectorStartMs;  // else it goes on after 5 s
    environment["MCP_TIMEOUT"] = kConnectorStartMs;
    for (const char* const name : {"NO_PROXY", "no_proxy"}) {
      environment[name] = NoProxyWithLoopback(environment[name]);
    }
    if (geteuid() == 0) environment["IS_SANDBOX"] = "1";  // else it refuses to work unasked as root
  }

  const ClaudeExecutorOptions options_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Executor>> NewClaudeExecutor(ClaudeExecutorOptions options) {
  if (options.program.empty()) return absl::InvalidArgumentError("claude: program is empty");
  AgentExecutorOptions agent;
  agent.name = "claude";
  agent.program = options.program;
  agent.minimum_version = kMinimumVersion;
  agent.secrets = options.secrets;
  agent.key_secret = "ANTHROPIC_API_KEY";
  agent.gateway.upstream = options.api_url;
  agent.gateway.allowed = {"POST /v1/messages", "POST /v1/messages/count_tokens"};
  agent.gateway.key_header = GatewayOptions::KeyHeader::kApiKey;
  agent.kill_grace = options.kill_grace;
  RETURN_IF_ERROR(CheckGatewayOptions(agent.gateway));
  return std::make_unique<AgentExecutor>(std::move(agent),
                                         std::make_unique<ClaudeKind>(std::move(options)));
}

}  // namespace routines
