#include "absl/time/time.h"
#include "src/cli/checks.h"
#include "src/cli/grammar.h"

namespace routines::cli {
namespace {

void AddFrom(CLI::App* command, std::optional<absl::Time>* from) {
  command
      ->add_option_function<std::string>(
          "--from",
          [from](const std::string& text) {
            absl::Time time;
            if (absl::ParseTime(absl::RFC3339_full, text, &time, nullptr)) *from = time;
          },
          "Only after this instant [now]")
      ->type_name("TIME")
      ->check(CheckTime);
}

}  // namespace

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
      ->check(CheckNotEmpty)
      ->needs(cron)
      ->capture_default_str();
  AddFrom(command, &next->from);
  command->add_option("-n", next->count, "So many instants")
      ->type_name("N")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  AddClient(command, &next->client);
  AddPlan();
}

void CommandLine::AddPlan() {
  CLI::App* command = nullptr;
  auto* plan = AddCommand<PlanOptions>(&app_, "plan",
                                       "Say what schedules will start, and where limits will bite",
                                       ShowPlan, &command);
  CLI::Option* files =
      command
          ->add_option("files", plan->files,
                       "Routine files, or folders of them [the routines of the server]")
          ->type_name(kFile);
  command->add_option("--account", plan->account, "Only this account's, of the server's routines")
      ->type_name("NAME")
      ->excludes(files);
  command->add_option("--days", plan->days, "So many days, of 24 hours")
      ->type_name("N")
      ->check(CLI::Range(1, 366))
      ->capture_default_str();
  AddFrom(command, &plan->from);
  command->add_option("--duration", plan->duration, "How long each session is taken to last")
      ->type_name("DURATION")
      ->check(CheckDuration)
      ->capture_default_str();
  command->add_option("--cost", plan->cost_usd, "What each session is taken to cost, in USD")
      ->type_name("USD")
      ->check(CLI::Range(0.0, 1e9))
      ->capture_default_str();
  AddLimits(command, &plan->limits, &plan->limit);
  command
      ->add_option("--max-concurrent-sessions", plan->max_concurrent_sessions,
                   "Sessions that the server runs at a time")
      ->type_name("N")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  command->add_flag("--each", plan->each, "Print every instant, too");
  AddClient(command, &plan->client);
}

}  // namespace routines::cli
