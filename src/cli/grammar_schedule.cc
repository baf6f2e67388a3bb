#include "absl/time/time.h"
#include "src/cli/checks.h"
#include "src/cli/grammar.h"

namespace routines::cli {

void CommandLine::AddScheduleCommands() {
  CLI::App* command = nullptr;
  auto* next = AddCommand<NextOptions>(
      &app_, "next", "Say when a routine or a cron expression fires next, in UTC", Next, &command);
  CLI::Option* routine =
      command->add_option("routine", next->routine, "A routine file, or [ACCOUNT/]NAME")
          ->type_name(kRoutine);
  CLI::Option* cron =
      command->add_option("--cron", next->cron, "Five fields or a macro, such as \"7 2 * * 1-5\"")
          ->type_name("EXPR")
          ->check(CheckNotEmpty)
          ->excludes(routine);
  command->add_option("--tz", next->time_zone, "IANA time zone of --cron")
      ->type_name("ZONE")
      ->needs(cron)
      ->capture_default_str();
  command
      ->add_option_function<std::string>(
          "--from",
          [next](const std::string& text) {
            absl::Time time;
            if (absl::ParseTime(absl::RFC3339_full, text, &time, nullptr)) next->from = time;
          },
          "Only after this instant [now]")
      ->type_name("TIME")
      ->check(CheckTime);
  command->add_option("-n", next->count, "So many instants")
      ->type_name("N")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  AddClient(command, &next->client);
}

}  // namespace routines::cli
