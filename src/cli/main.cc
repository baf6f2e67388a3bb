// The program `routines`: the command line's grammar, and nothing else. What the commands do is in
// commands.h; only this file and command_words.h know CLI11.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "CLI/App.hpp"
#include "CLI/Config.hpp"
#include "CLI/Formatter.hpp"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "routines/json.h"
#include "routines/version.h"
#include "src/cli/checks.h"
#include "src/cli/command_words.h"
#include "src/cli/commands.h"
#include "src/cli/exit_codes.h"

namespace routines::cli {
namespace {

// What stands behind an option or argument in --help; completion goes by it too.
constexpr char kFile[] = "FILE";
constexpr char kFolder[] = "DIR";
constexpr char kRoutine[] = "ROUTINE";
constexpr char kTrigger[] = "TRIGGER|ROUTINE";
constexpr char kStates[] = "queued|preparing|running|succeeded|failed|cancelled|timed_out|lost";

constexpr char kFooter[] =
    "Exit codes: 0 done, 1 what was asked for failed, 2 wrong command line, 3 no server reached,\n"
    "4 not found, 5 not permitted, 6 try again later. More: docs/cli.md";

// The grammar, and what it found.
class CommandLine {
 public:
  CommandLine();

  CLI::App& app() { return app_; }
  CommandResult RunChosen() { return chosen_(); }
  bool json() const { return json_ != nullptr && *json_; }

 private:
  void AddFileCommands();
  void AddRoutineCommands();
  void AddFiring();
  void AddTokenCommands();
  void AddSessionCommands();
  void AddServe();
  void AddExecutors(CLI::App* command, ServeOptions* options);
  void AddCompletion();

  // A command whose work is `run(options)`; returns the options to be bound to the grammar.
  template <class Options>
  Options* AddCommand(CLI::App* parent, const char* name, const char* help,
                      std::function<CommandResult(const Options&)> run, CLI::App** command);
  void AddJson(CLI::App* command, bool* json);
  void AddClient(CLI::App* command, ClientOptions* client);
  void AddText(CLI::App* command, TextOptions* text);

  CLI::App app_{"Runs coding agents on schedules, API calls and events.", "routines"};
  std::function<CommandResult()> chosen_;
  const bool* json_ = nullptr;
};

// One of the words that `choices` has, separated by bars.
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
  AddCompletion();
}

template <class Options>
Options* CommandLine::AddCommand(CLI::App* parent, const char* name, const char* help,
                                 std::function<CommandResult(const Options&)> run,
                                 CLI::App** command) {
  auto options = std::make_shared<Options>();
  Options* bound = options.get();
  *command = parent->add_subcommand(name, help);
  (*command)->callback([this, run = std::move(run), options = std::move(options)] {
    chosen_ = [run, options] { return run(*options); };
  });
  return bound;
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
      ->add_option("--executor-prompt", options->executor_prompt,
                   "How executors get the prompt: on standard input, or in the file that "
                   "ROUTINES_PROMPT_FILE names")
      ->type_name("stdin|file")
      ->check(OneOf("stdin|file"))
      ->capture_default_str();
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
  command
      ->add_option("--secrets", options->secrets,
                   "Folder with one file per secret [<state>/secrets]")
      ->type_name(kFolder);
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

// ---- completion: what may stand at the end of the words typed so far ----

class Completer {
 public:
  explicit Completer(CLI::App& app) : app_(&app) {}

  std::vector<std::string> Complete(std::vector<std::string> words) {
    if (words.empty()) words.emplace_back();
    for (size_t i = 0; i + 1 < words.size(); ++i) Take(words[i]);
    const std::string& last = words.back();
    std::vector<std::string> found;
    for (std::string& candidate : Candidates(last)) {
      if (candidate == ":files" || candidate.starts_with(last))
        found.push_back(std::move(candidate));
    }
    return found;
  }

 private:
  // A word before the one to be completed.
  void Take(const std::string& word) {
    if (waiting_ != nullptr) {  // it is the value of the option before it
      if (waiting_->check_lname("server")) client_.server = word;
      if (waiting_->check_lname("state")) client_.state = word;
      if (waiting_->check_lname("admin-token-file")) client_.admin_token_file = word;
      waiting_ = nullptr;
    } else if (word.starts_with("-")) {
      const CLI::Option* option = app_->get_option_no_throw(word);
      if (option != nullptr && option->get_items_expected_max() > 0) waiting_ = option;
    } else if (CLI::App* command = FindCommand(*app_, word)) {
      app_ = command;
    } else {
      ++arguments_;
    }
  }

  std::vector<std::string> Candidates(const std::string& word) {
    if (waiting_ != nullptr) return Values(waiting_->get_type_name());
    std::vector<std::string> found;
    if (word.starts_with("-")) {
      for (const CLI::Option* option : app_->get_options()) {
        for (const std::string& name : option->get_lnames()) found.push_back("--" + name);
        for (const std::string& name : option->get_snames()) found.push_back("-" + name);
      }
      return found;
    }
    for (const CLI::App* command : Commands()) found.push_back(command->get_name());
    const CLI::Option* argument = NextArgument();
    return argument == nullptr ? found : Values(argument->get_type_name());
  }

  std::vector<CLI::App*> Commands() {
    return app_->get_subcommands([](CLI::App*) { return true; });
  }

  // The argument that the next word would be; the last one where it takes many.
  const CLI::Option* NextArgument() {
    const CLI::Option* last = nullptr;
    size_t index = 0;
    for (const CLI::Option* option : app_->get_options()) {
      if (!option->get_positional()) continue;
      last = option;
      if (index++ == arguments_) return option;
    }
    const bool many = last != nullptr && last->get_items_expected_max() > 1;
    return many ? last : nullptr;
  }

  std::vector<std::string> Values(const std::string& type) {
    if (type == kFile || type == kFolder) return {":files"};
    if (type == kRoutine || type == kTrigger) return RoutineNamesForCompletion(client_);
    if (type.find('|') != std::string::npos) return absl::StrSplit(type, '|');
    return {};
  }

  CLI::App* app_;
  const CLI::Option* waiting_ = nullptr;
  size_t arguments_ = 0;
  ClientOptions client_;
};

int PrintUsageError(const std::string& message, bool json) {
  if (json) {
    std::printf("{\"type\":\"error\",\"error\":{\"type\":\"usage_error\",\"message\":%s}}\n",
                JsonString(message).c_str());
  } else {
    std::fprintf(stderr, "routines: %s\nSee `routines --help` or `routines COMMAND --help`.\n",
                 message.c_str());
  }
  return kExitUsage;
}

int Main(int argc, char** argv) {
  CommandLine line;
  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  if (!words.empty() && words[0] == "__complete") {
    for (const std::string& candidate :
         Completer(line.app()).Complete({words.begin() + 1, words.end()})) {
      std::printf("%s\n", candidate.c_str());
    }
    return kExitOk;
  }
  if (words.empty()) {
    std::fputs(line.app().help().c_str(), stderr);
    return kExitUsage;
  }
  const bool json = std::find(words.begin(), words.end(), "--json") != words.end();
  if (words[0] == "help") {
    words.erase(words.begin());
    words.emplace_back("--help");
  }
  const std::string problem = ProblemOfCommand(line.app(), words);
  if (!problem.empty()) return PrintUsageError(problem, json);
  try {
    // CLI11 takes them from the back.
    line.app().parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::ParseError& error) {
    // --help and --version come as errors too.
    if (error.get_exit_code() == 0) return line.app().exit(error);
    return PrintUsageError(error.what(), json);
  }
  const CommandResult result = line.RunChosen();
  return result.ok() ? *result : ReportError(result.status(), line.json());
}

}  // namespace
}  // namespace routines::cli

int main(int argc, char** argv) {
  return routines::cli::Main(argc, argv);
}
