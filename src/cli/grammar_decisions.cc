#include "src/cli/checks.h"
#include "src/cli/decisions_command.h"
#include "src/cli/grammar.h"

namespace routines::cli {

void CommandLine::AddDecisionCommands() {
  CLI::App* command = nullptr;
  auto* options = AddCommand<DecisionsOptions>(
      &app_, "decisions", "List what became of events, and why; the newest first", ListDecisions,
      &command);
  command->add_option("--routine", options->routine, "Of this routine only")
      ->type_name("[ACCOUNT/]NAME")
      ->check(CheckNotEmpty);
  command->add_option("--event", options->event, "Of this event only")
      ->type_name("EVENT_ID")
      ->check(CheckNotEmpty);
  command
      ->add_option("--since", options->since,
                   "Not older than this: a time, or how long ago, such as 2h")
      ->type_name("TIME")
      ->check(CheckNotEmpty);
  command->add_flag("--why", options->why, "Tell what made it so, with the numbers");
  command->add_option("-n,--limit", options->limit, "At most so many")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  AddClient(command, &options->client);
}

void CommandLine::AddLimits(CLI::App* command, std::string* file,
                            std::vector<std::string>* limits) {
  command
      ->add_option("--limits", *file,
                   "File of limits: lines of `name: value` (docs/limits_and_scale.md)")
      ->type_name(kFile)
      ->check(CheckNotEmpty);
  command->add_option("--limit", *limits, "One limit; wins over the file; may be repeated")
      ->type_name("NAME=VALUE")
      ->check(CheckNotEmpty);
}

void CommandLine::AddRetention(CLI::App* command, ServeOptions* options) {
  command
      ->add_option("--keep-events", options->keep_events,
                   "Delete events and their decisions that are older [never]")
      ->type_name("DURATION")
      ->check(CheckDuration);
  command
      ->add_option("--keep-sessions", options->keep_sessions,
                   "Delete sessions and logs that ended longer ago, 24h at least [never]")
      ->type_name("DURATION")
      ->check(CheckDuration);
  command
      ->add_option("--keep-megabytes", options->keep_megabytes,
                   "Delete the oldest earlier where the store is larger [never]")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000'000));
}

}  // namespace routines::cli
