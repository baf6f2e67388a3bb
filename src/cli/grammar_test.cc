#include "src/cli/grammar.h"
#include "src/cli/checks.h"

namespace routines::cli {

void CommandLine::AddTestCommands() {
  CLI::App* command = nullptr;
  auto* test =
      AddCommand<TestOptions>(&app_, "test", "Run the cases of *.test.yaml files", Test, &command);
  command
      ->add_option("path", test->paths,
                   "Test files, or folders with test files in them or below them")
      ->type_name(kFile)
      ->check(CheckNotEmpty)
      ->required();
  command->add_option("--format", test->format, "human, tap (TAP 14) or junit (XML)")
      ->type_name("human|tap|junit")
      ->check(OneOf("human|tap|junit"))
      ->capture_default_str();
  command->add_option("--limits", test->limits, "File of the host's limits, as serve takes it")
      ->type_name(kFile);
  command->add_option("--limit", test->limit, "One limit; wins over the file; may be repeated")
      ->type_name("NAME=VALUE");
  AddJson(command, &test->json);

  auto* backtest = AddCommand<BacktestOptions>(
      &app_, "backtest", "Say what a change of routines would have changed", Backtest, &command);
  command
      ->add_option("--old", backtest->old_folder, "Routine files as they are, or a folder of them")
      ->type_name(kFolder)
      ->check(CheckNotEmpty)
      ->required();
  command->add_option("--new", backtest->new_folder, "Routine files as they shall be")
      ->type_name(kFolder)
      ->check(CheckNotEmpty)
      ->required();
  CLI::Option* events =
      command
          ->add_option("--events", backtest->events,
                       "Payloads that `routines record` wrote, or folders of them")
          ->type_name(kFile)
          ->check(CheckNotEmpty);
  command
      ->add_option("--state", backtest->state,
                   "The events of this state folder, whose server does not run")
      ->type_name(kFolder)
      ->check(CheckNotEmpty)
      ->excludes(events);
  CLI::Option* from = command->add_option("--from", backtest->from, "Schedules: from this instant")
                          ->type_name("TIME")
                          ->check(CheckTime);
  CLI::Option* to = command->add_option("--to", backtest->to, "Schedules: up to this instant")
                        ->type_name("TIME")
                        ->check(CheckTime);
  from->needs(to);
  to->needs(from);
  AddJson(command, &backtest->json);
}

}  // namespace routines::cli
