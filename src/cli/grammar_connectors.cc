#include "src/cli/checks.h"
#include "src/cli/grammar.h"

namespace routines::cli {

void CommandLine::AddConnectorCommands() {
  CLI::App* connectors = app_.add_subcommand("connectors", "MCP servers that sessions may call");
  connectors->require_subcommand(1);
  CLI::App* command = nullptr;
  auto* check = AddCommand<CheckConnectorsOptions>(
      connectors, "check", "Start a routine's connectors on this machine and list their tools",
      CheckConnectors, &command);
  command->add_option("routine", check->routine, "A routine file, or [ACCOUNT/]NAME")
      ->type_name(kRoutine)
      ->required();
  command
      ->add_option("--secrets", check->secrets, "Folder with one file per secret [<state>/secrets]")
      ->type_name(kFolder);
  command->add_option("--timeout", check->timeout, "For each connector, until its tools are listed")
      ->type_name("DURATION")
      ->check(CheckDuration)
      ->capture_default_str();
  AddClient(command, &check->client);
}

}  // namespace routines::cli
