#include "src/cli/checks.h"
#include "src/cli/github_commands.h"
#include "src/cli/grammar.h"

namespace routines::cli {
namespace {

void AddEvent(CLI::App* command, MatchOptions* options) {
  CLI::Option* event =
      command
          ->add_option("--event", options->event, "GitHub's name of the event, as X-GitHub-Event")
          ->type_name("NAME")
          ->check(CheckNotEmpty);
  CLI::Option* source =
      command->add_option("--source", options->source, "Or a custom event's source")
          ->type_name("NAME")
          ->check(CheckNotEmpty)
          ->excludes(event);
  command->add_option("--type", options->type, "The custom event's type")
      ->type_name("TYPE")
      ->needs(source);
  command->add_option("--attribute", options->attributes, "The custom event's attributes")
      ->type_name("NAME=VALUE")
      ->needs(source);
  command->add_option("--payload", options->payload, "The event's body, JSON; - is standard input")
      ->type_name(kFile)
      ->check(CheckNotEmpty);
  command
      ->add_option("--routines", options->routines,
                   "Routine files, or folders of them (*.yaml, *.yml, *.json)")
      ->type_name(kFolder)
      ->check(CheckNotEmpty);
}

}  // namespace

void CommandLine::AddMatchCommands() {
  CLI::App* command = nullptr;
  auto* match = AddCommand<MatchOptions>(
      &app_, "match", "List the triggers that an event would start", Match, &command);
  AddEvent(command, match);
  command->get_option("--routines")->required();
  AddJson(command, &match->json);

  auto* explain = AddCommand<ExplainOptions>(&app_, "explain",
                                             "Say why an event starts a routine, or not: EVENT_ID "
                                             "and ROUTINE of a server, with its gates; "
                                             "or an event and routines of files",
                                             ExplainAny, &command);
  AddEvent(command, &explain->files);
  CLI::Option* event =
      command->add_option("event_id", explain->stored.id, "A stored event, event_…")
          ->type_name("EVENT_ID")
          ->check(CheckNotEmpty);
  for (const char* file : {"--event", "--source", "--payload", "--routines"}) {
    event->excludes(command->get_option(file));
  }
  command->add_option("routine", explain->stored.routine, "[ACCOUNT/]NAME")
      ->type_name(kRoutine)
      ->needs(event);
  command
      ->add_option("--revision", explain->stored.revision, "An older revision, of a stored event")
      ->type_name("N")
      ->needs(event)
      ->check(CheckRevision);
  command->add_option("--routine", explain->files.routine, "Of this routine only, of files")
      ->type_name("[ACCOUNT/]NAME")
      ->check(CheckNotEmpty);
  AddClient(command, &explain->stored.client);

  auto* fields = AddCommand<FieldsOptions>(
      &app_, "fields", "Print the fields that filters can look at", Fields, &command);
  command->add_option("event", fields->event, "Of this GitHub event only")->type_name("EVENT");
  AddJson(command, &fields->json);
}

}  // namespace routines::cli
