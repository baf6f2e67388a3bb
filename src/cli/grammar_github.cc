#include "src/cli/checks.h"
#include "src/cli/github_commands.h"
#include "src/cli/grammar.h"

namespace routines::cli {

void CommandLine::AddGithubCommands() {
  AddTriggerCommands();
  AddDeliveryCommands();
  AddEventCommands();
  CLI::App* github = app_.add_subcommand("github", "Webhooks at GitHub");
  github->require_subcommand(1);
  AddHookCommands(github);
  AddReconcile(github);
}

void CommandLine::AddTriggerCommands() {
  CLI::App* trigger = app_.add_subcommand("trigger", "Triggers of a saved routine");
  trigger->require_subcommand(1);
  CLI::App* add = trigger->add_subcommand("add", "Add a trigger, as a new revision");
  add->require_subcommand(1);
  CLI::App* command = nullptr;
  auto* options = AddCommand<GithubTriggerOptions>(
      add, "github", "A trigger for GitHub's events; `routines fields` lists what filters can say",
      AddGithubTrigger, &command);
  command->add_option("routine", options->routine, "[ACCOUNT/]NAME")
      ->type_name(kRoutine)
      ->required();
  command->add_option("--event", options->event, "Webhook event, such as pull_request")
      ->type_name("EVENT")
      ->required();
  const auto add_list = [&](const char* name, std::vector<std::string>* list, const char* help,
                            const char* type) {
    return command->add_option(name, *list, help)->type_name(type)->take_all()->expected(1);
  };
  add_list("--repository", &options->repositories,
           "owner/name, or owner/*; may be given several times", "REPOSITORY")
      ->required();
  add_list("--action", &options->actions, "Only this action; may be given several times [all]",
           "ACTION");
  add_list("--filter", &options->filters,
           "A condition, such as \"base_branch equals main\" or \"labels is_one_of a,b\"; may be "
           "given several times, and all must hold",
           "FILTER");
  command->add_option("--id", options->id, "The trigger's name in the routine [of the event]")
      ->type_name("ID");
  command->add_option("--trust", options->trust, "Who may start it [writers]")
      ->type_name("writers|anyone")
      ->check(OneOf("writers|anyone"));
  AddClient(command, &options->client);
}

void CommandLine::AddDeliveryCommands() {
  CLI::App* command = nullptr;
  auto* deliver = AddCommand<DeliverOptions>(
      &app_, "deliver", "Send payloads to a server as GitHub would: signed, with its headers",
      Deliver, &command);
  command
      ->add_option("--payload", deliver->payloads,
                   "File with a payload; - is standard input; may be given several times")
      ->type_name(kFile)
      ->take_all()
      ->expected(1)
      ->required();
  command
      ->add_option("--event", deliver->event,
                   "X-GitHub-Event [from the .headers file beside the payload]")
      ->type_name("EVENT");
  command
      ->add_option("--id", deliver->id,
                   "X-GitHub-Delivery [from the .headers file, else a new one]")
      ->type_name("ID");
  command->add_option("--hook", deliver->hook, "Name of the hook")
      ->type_name("NAME")
      ->capture_default_str();
  command
      ->add_option("--secret-file", deliver->secret_file,
                   "File with the hook's secret [ROUTINES_GITHUB_SECRET]")
      ->type_name(kFile);
  AddClient(command, &deliver->client);

  auto* record = AddCommand<RecordOptions>(
      &app_, "record", "Write the deliveries that a server has to files, for `deliver` and tests",
      Record, &command);
  command->add_option("--out", record->folder, "Folder for them")->type_name(kFolder)->required();
  command->add_option("--event", record->event, "Only of this event")->type_name("EVENT");
  command->add_option("--limit", record->limit, "At most so many, the newest")
      ->type_name("N")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  AddClient(command, &record->client);
}

void CommandLine::AddEventCommands() {
  CLI::App* event = app_.add_subcommand("event", "Events that the server took in");
  event->require_subcommand(1);
  CLI::App* command = nullptr;
  auto* list =
      AddCommand<EventOptions>(event, "list", "List events, newest first", ListEvents, &command);
  command->add_option("--limit", list->limit, "At most so many")
      ->type_name("N")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  AddClient(command, &list->client);
  const auto add = [&](const char* name, const char* help,
                       std::function<CommandResult(const EventOptions&)> run) {
    auto* options = AddCommand<EventOptions>(event, name, help, std::move(run), &command);
    command->add_option("event", options->id, "event_…")
        ->type_name("EVENT_ID")
        ->check(CheckNotEmpty)
        ->required();
    AddClient(command, &options->client);
    return options;
  };
  add("show", "Show an event and what was decided", ShowEvent);
  add("payload", "Print an event's payload as it came", EventPayload);
  auto* explain = add("explain",
                      "Say why an event starts a routine, or not: each condition and each gate; "
                      "exit code 0 only if it would start it",
                      ExplainStoredEvent);
  command->add_option("routine", explain->routine, "[ACCOUNT/]NAME")
      ->type_name(kRoutine)
      ->required();
  command->add_option("--revision", explain->revision, "An older revision")
      ->type_name("N")
      ->check(CheckRevision);
}

void CommandLine::AddHookCommands(CLI::App* github) {
  CLI::App* hook = github->add_subcommand("hook", "Hooks whose deliveries the server takes");
  hook->require_subcommand(1);
  CLI::App* command = nullptr;
  const auto add = [&](const char* name, const char* help,
                       std::function<CommandResult(const HookOptions&)> run) {
    auto* options = AddCommand<HookOptions>(hook, name, help, std::move(run), &command);
    AddClient(command, &options->client);
    return options;
  };
  const auto add_name = [&](HookOptions* options) {
    return command->add_option("name", options->name, "The hook's name")
        ->type_name("NAME")
        ->check(CheckNotEmpty);
  };
  const auto add_secret = [&](HookOptions* options) {
    command
        ->add_option("--secret-file", options->secret_file,
                     "File with the secret, where there is one already [made by the server]")
        ->type_name(kFile);
  };
  auto* made = add("add", "Add a hook; prints its secret once", AddHook);
  add_name(made)->capture_default_str();
  command
      ->add_option("--account", made->account, "Its deliveries start this account's routines only")
      ->type_name("NAME");
  add_secret(made);
  auto* rotate = add("rotate", "Make a secret; the older one ends after --overlap", RotateHook);
  add_name(rotate)->required();
  command->add_option("--overlap", rotate->overlap, "How long the older one still works")
      ->type_name("DURATION")
      ->check(CheckDuration)
      ->capture_default_str();
  add_secret(rotate);
  add_name(add("remove", "Take no more deliveries of a hook", RemoveHook))->required();
  add("list", "List the hooks", ListHooks);
}

void CommandLine::AddReconcile(CLI::App* github) {
  CLI::App* command = nullptr;
  auto* options = AddCommand<ReconcileCommandOptions>(
      github, "reconcile", "Have GitHub make those deliveries again that failed", ReconcileHook,
      &command);
  command->add_option("--repository", options->repository, "owner/name of a repository's hook")
      ->type_name("REPOSITORY");
  command->add_option("--organization", options->organization, "Name, for an organization's hook")
      ->type_name("NAME");
  command->add_flag("--app", options->app, "The hook of the app whose token is given");
  command->add_option("--hook", options->hook, "The hook's number at GitHub")->type_name("ID");
  command
      ->add_option("--token-file", options->token_file,
                   "File with a token of GitHub [GITHUB_TOKEN]")
      ->type_name(kFile);
  command->add_option("--since", options->since, "No older ones; GitHub itself keeps to 3 days")
      ->type_name("DURATION")
      ->check(CheckDuration)
      ->capture_default_str();
  command
      ->add_option("--state", options->state,
                   "Folder to remember in what is done, so that the next run is short")
      ->type_name(kFolder);
  command->add_option("--max-attempts", options->max_attempts, "Of one event, then it is given up")
      ->type_name("N")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  command->add_option("--api-url", options->api_url, "Where GitHub's API is")
      ->type_name("URL")
      ->capture_default_str();
  command->add_flag("--dry-run", options->dry_run, "Ask for nothing, only say what failed");
  AddJson(command, &options->json);
}

}  // namespace routines::cli
