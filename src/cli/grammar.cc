#include "src/cli/grammar.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "routines/version.h"
#include "src/cli/checks.h"

namespace routines::cli {
namespace {

constexpr char kFooter[] =
    "Exit codes: 0 done, 1 what was asked for failed, 2 wrong command line, 3 no server reached,\n"
    "4 not found, 5 not permitted, 6 try again later. More: docs/cli.md";

}  // namespace

CLI::Validator OneOf(const char* choices) {
  const std::string all = choices;
  return CLI::Validator(
      [all](std::string& text) -> std::string {
        const std::vector<std::string> words = absl::StrSplit(all, '|');
        if (std::find(words.begin(), words.end(), text) != words.end()) return "";
        return absl::StrCat("\"", text, "\" is none of ", all);
      },
      "");
}

CommandLine::CommandLine() {
  app_.set_version_flag("--version", absl::StrCat("routines ", kVersion));
  app_.require_subcommand(1);
  app_.footer(kFooter);
  AddServe();
  AddFileCommands();
  AddRoutineCommands();
  AddFiring();
  AddTokenCommands();
  AddSessionCommands();
  AddScheduleCommands();
  AddMatchCommands();
  AddTestCommands();
  AddDecisionCommands();
  AddConnectorCommands();
  AddGithubCommands();
  AddCompletion();
}

void CommandLine::AddJson(CLI::App* command, bool* json) {
  command->add_flag("--json", *json, "Print JSON on standard output, errors too");
  command->parse_complete_callback([this, json] { json_ = json; });
}

void CommandLine::AddClient(CLI::App* command, ClientOptions* client) {
  command
      ->add_option("--server", client->server,
                   "The server's URL [ROUTINES_SERVER, else from the state folder, else "
                   "http://127.0.0.1:7433]")
      ->type_name("URL");
  command
      ->add_option("--state", client->state,
                   "State folder of a server on this machine [ROUTINES_STATE]")
      ->type_name(kFolder);
  command
      ->add_option("--admin-token-file", client->admin_token_file,
                   "File with the admin token [ROUTINES_ADMIN_TOKEN, else from the state folder]")
      ->type_name(kFile);
  AddJson(command, &client->json);
}

void CommandLine::AddText(CLI::App* command, TextOptions* text) {
  CLI::Option* inline_text = command->add_option_function<std::string>(
      "--text", [text](const std::string& value) { *text = {.text = value, .given = true}; },
      "Text for the agent; it is treated as untrusted data");
  inline_text->type_name("TEXT");
  command->add_option("--text-file", text->text_file, "The text from a file; - is standard input")
      ->type_name(kFile)
      ->excludes(inline_text);
}

void CommandLine::AddExecutors(CLI::App* command, ServeOptions* options) {
  command
      ->add_option("--executor", options->executors,
                   "What runs agents: NAME=COMMAND, split into words as a shell does, run without "
                   "one; may be given several times")
      ->type_name("NAME=COMMAND")
      ->take_all()
      ->expected(1)
      ->check(CheckExecutor);
  command
      ->add_option("--default-executor", options->default_executor,
                   "Executor of routines that name none; not needed where there is only one")
      ->type_name("NAME");
  command
      ->add_option(
          "--claude", options->claude,
          "Program of the executor claude; default: claude of PATH; none: no such executor")
      ->type_name("PROGRAM");
  command
      ->add_option("--claude-api-url", options->claude_api_url,
                   "Where claude's requests go [ANTHROPIC_BASE_URL]")
      ->type_name("URL")
      ->envname("ANTHROPIC_BASE_URL");
  command->add_option("--codex", options->codex, "The same for the executor codex")
      ->type_name("PROGRAM");
  command
      ->add_option("--codex-api-url", options->codex_api_url,
                   "Where codex's requests go [OPENAI_BASE_URL]")
      ->type_name("URL")
      ->envname("OPENAI_BASE_URL");
  command
      ->add_option("--executor-prompt", options->executor_prompt,
                   "How executors get the prompt: on standard input, or in the file that "
                   "ROUTINES_PROMPT_FILE names")
      ->type_name("stdin|file")
      ->check(OneOf("stdin|file"))
      ->capture_default_str();
}

void CommandLine::AddSandbox(CLI::App* command, ServeOptions* options) {
  command
      ->add_option("--sandbox", options->sandbox,
                   "Whether agents and setup scripts are kept apart by bubblewrap: where it works, "
                   "always (sessions fail without it), or never")
      ->type_name("auto|require|off")
      ->check(OneOf("auto|require|off"))
      ->capture_default_str();
  command
      ->add_option("--sandbox-hide", options->sandbox_hide,
                   "File or folder that sessions do not see; may be given several times")
      ->type_name("PATH")
      ->take_all()
      ->expected(1);
  command
      ->add_option("--sandbox-write", options->sandbox_write,
                   "Folder that sessions may write besides their own; may be given several times")
      ->type_name(kFolder)
      ->take_all()
      ->expected(1);
}

void CommandLine::AddServe() {
  CLI::App* command = nullptr;
  auto* options = AddCommand<ServeOptions>(&app_, "serve", "Run the engine and its HTTP server",
                                           Serve, &command);
  command->add_option("--state", options->state, "Folder for everything that is kept")
      ->type_name(kFolder)
      ->envname("ROUTINES_STATE")
      ->required();
  command->add_option("--listen", options->listen, "HOST:PORT; port 0 is any free one")
      ->type_name("ADDRESS")
      ->capture_default_str();
  command->add_option("--routines", options->routines, "Routine files to apply at start")
      ->type_name(kFolder);
  AddExecutors(command, options);
  AddSandbox(command, options);
  command
      ->add_option("--secrets", options->secrets,
                   "Folder with one file per secret [<state>/secrets]")
      ->type_name(kFolder);
  command->add_flag("--connectors-public-only", options->connectors_public_only,
                    "Let no connector's URL lead to this machine or a private network");
  command->add_option("--public-url", options->public_url, "What session URLs begin with")
      ->type_name("URL");
  CLI::Option* certificate =
      command->add_option("--tls-certificate", options->tls_certificate, "PEM file; serves HTTPS")
          ->type_name(kFile);
  CLI::Option* key =
      command->add_option("--tls-key", options->tls_key, "PEM file of its key")->type_name(kFile);
  certificate->needs(key);
  key->needs(certificate);
  command
      ->add_option("--max-concurrent-sessions", options->max_concurrent_sessions,
                   "Sessions that run at a time; others wait")
      ->type_name("N")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  AddLimits(command, &options->limits, &options->limit);
  AddRetention(command, options);
  AddJson(command, &options->json);
}

void CommandLine::AddFileCommands() {
  CLI::App* command = nullptr;
  auto* validate = AddCommand<ValidateOptions>(
      &app_, "validate", "Check routine files; needs no server", Validate, &command);
  command->add_option("files", validate->files, "Routine files, or folders of them")
      ->type_name(kFile)
      ->required();
  AddJson(command, &validate->json);

  auto* lint = AddCommand<ValidateOptions>(
      &app_, "lint", "Say what is valid in routine files and hardly meant; needs no server", Lint,
      &command);
  command->add_option("files", lint->files, "Routine files, or folders of them")
      ->type_name(kFile)
      ->required();
  AddJson(command, &lint->json);

  auto* apply = AddCommand<ApplyOptions>(
      &app_, "apply", "Save routine files in the server; none unless all are valid", Apply,
      &command);
  command->add_option("files", apply->files, "Routine files, or folders of them")
      ->type_name(kFile)
      ->required();
  AddClient(command, &apply->client);
}

void CommandLine::AddRoutineCommands() {
  CLI::App* command = nullptr;
  auto* list = AddCommand<ListOptions>(&app_, "list", "List routines", List, &command);
  command->add_option("--account", list->account, "Only of this account")->type_name("NAME");
  AddClient(command, &list->client);

  const auto add = [&](const char* name, const char* help,
                       std::function<CommandResult(const RoutineOptions&)> run) {
    auto* options = AddCommand<RoutineOptions>(&app_, name, help, std::move(run), &command);
    command->add_option("routine", options->routine, "[ACCOUNT/]NAME")
        ->type_name(kRoutine)
        ->required();
    AddClient(command, &options->client);
    return options;
  };
  auto* show = add("show", "Show a routine and its triggers", Show);
  command->add_option("--revision", show->revision, "An older revision")
      ->type_name("N")
      ->check(CheckRevision);
  add("pause", "Let a routine's triggers start nothing",
      [](const RoutineOptions& options) { return SetPaused(options, true); });
  add("resume", "Undo pause",
      [](const RoutineOptions& options) { return SetPaused(options, false); });
  add("delete", "Delete a routine; its tokens end with it", Delete);
}

void CommandLine::AddFiring() {
  CLI::App* command = nullptr;
  auto* run = AddCommand<RunOptions>(
      &app_, "run", "Start a session of a routine now, paused or not", Run, &command);
  command->add_option("routine", run->routine, "[ACCOUNT/]NAME")->type_name(kRoutine)->required();
  AddText(command, &run->text);
  AddClient(command, &run->client);

  auto* fire = AddCommand<FireOptions>(
      &app_, "fire", "Fire an API trigger with its token, as a POST from elsewhere would", Fire,
      &command);
  command->add_option("target", fire->target, "trig_…, or a routine that has one API trigger")
      ->type_name(kTrigger)
      ->required();
  AddText(command, &fire->text);
  command
      ->add_option("--token-file", fire->token_file,
                   "File with the trigger's token [ROUTINES_TOKEN]")
      ->type_name(kFile);
  command
      ->add_option("--idempotency-key", fire->idempotency_key,
                   "The same key within 24 hours starts no second session")
      ->type_name("KEY")
      ->check(CheckIdempotencyKey);
  AddClient(command, &fire->client);
}

void CommandLine::AddTokenCommands() {
  CLI::App* token = app_.add_subcommand("token", "Tokens of API triggers");
  token->require_subcommand(1);
  CLI::App* command = nullptr;
  const auto add = [&](const char* name, const char* help,
                       std::function<CommandResult(const TokenOptions&)> run) {
    auto* options = AddCommand<TokenOptions>(token, name, help, std::move(run), &command);
    AddClient(command, &options->client);
    return options;
  };
  const auto add_target = [&](TokenOptions* options) {
    command->add_option("target", options->target, "trig_…, or a routine that has one API trigger")
        ->type_name(kTrigger)
        ->required();
  };
  add_target(add("create", "Make a token; prints it once", CreateToken));
  auto* rotate = add("rotate", "Make a token; the older ones end after --overlap", RotateToken);
  add_target(rotate);
  command->add_option("--overlap", rotate->overlap, "How long the older ones still work")
      ->type_name("DURATION")
      ->check(CheckDuration)
      ->capture_default_str();
  add_target(add("list", "List a trigger's tokens", ListTokens));
  auto* revoke = add("revoke", "End a token at once", RevokeToken);
  command->add_option("token", revoke->target, "token_…, as list shows it")
      ->type_name("TOKEN_ID")
      ->check(CheckNotEmpty)
      ->required();
}

void CommandLine::AddSessionCommands() {
  CLI::App* command = nullptr;
  auto* list = AddCommand<SessionsOptions>(&app_, "sessions", "List sessions, newest first",
                                           Sessions, &command);
  command->add_option("--account", list->account, "Only of this account")->type_name("NAME");
  command->add_option("--routine", list->routine, "Only of the routine of this name")
      ->type_name(kRoutine);
  command->add_option("--status", list->status, "Only in this state")
      ->type_name(kStates)
      ->check(OneOf(kStates));
  command->add_option("--before", list->before, "Only older than this session")
      ->type_name("SESSION_ID");
  command->add_option("--limit", list->limit, "At most so many")
      ->type_name("N")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  AddClient(command, &list->client);

  CLI::App* session = app_.add_subcommand("session", "Look at one session, or end it");
  session->require_subcommand(1);
  const auto add = [&](const char* name, const char* help,
                       std::function<CommandResult(const SessionOptions&)> run) {
    auto* options = AddCommand<SessionOptions>(session, name, help, std::move(run), &command);
    command->add_option("session", options->id, "session_…")
        ->type_name("SESSION_ID")
        ->check(CheckNotEmpty)
        ->required();
    AddClient(command, &options->client);
    return options;
  };
  add("show", "Show a session", ShowSession);
  auto* logs = add("logs", "Print a session's log; with --json one event a line", SessionLogs);
  command->add_flag("-f,--follow", logs->follow, "Go on until the session has ended");
  add("cancel", "End a session with everything it started", CancelSession);
  auto* wait =
      add("wait", "Wait for a session's end; exit code 0 only if it succeeded", WaitForSession);
  command
      ->add_option_function<std::string>(
          "--timeout",
          [wait](const std::string& text) { absl::ParseDuration(text, &wait->timeout); },
          "Give up after this long; the session goes on")
      ->type_name("DURATION")
      ->check(CheckDuration);
}

void CommandLine::AddCompletion() {
  CLI::App* command = nullptr;
  auto* shell = AddCommand<std::string>(
      &app_, "completion", "Print the completion script of a shell", PrintCompletion, &command);
  command->add_option("shell", *shell, "bash or zsh")
      ->type_name("bash|zsh")
      ->check(OneOf("bash|zsh"))
      ->required();
}

}  // namespace routines::cli
