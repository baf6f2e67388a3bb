// The command line's grammar: every command with its options, and which of them was chosen.
//
// What the commands do is in commands.h. Only grammar*.cc, completer.cc, command_words.cc and
// main.cc know CLI11.
#ifndef ROUTINES_SRC_CLI_GRAMMAR_H_
#define ROUTINES_SRC_CLI_GRAMMAR_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "CLI/App.hpp"
#include "CLI/Config.hpp"
#include "CLI/Formatter.hpp"
#include "src/cli/commands.h"

namespace routines::cli {

// What stands behind an option or argument in --help; completion goes by it too.
inline constexpr char kFile[] = "FILE";
inline constexpr char kFolder[] = "DIR";
inline constexpr char kRoutine[] = "ROUTINE";
inline constexpr char kTrigger[] = "TRIGGER|ROUTINE";
inline constexpr char kStates[] =
    "queued|preparing|running|succeeded|failed|cancelled|timed_out|lost";

// One of the words that `choices` has, separated by bars.
CLI::Validator OneOf(const char* choices);

// The grammar, and what it found.
class CommandLine {
 public:
  CommandLine();

  CLI::App& app() { return app_; }
  CommandResult RunChosen() { return chosen_(); }
  bool json() const { return json_ != nullptr && *json_; }

 private:
  // One function for each group of commands; each group in a file of its own where it is large.
  void AddFileCommands();
  void AddRoutineCommands();
  void AddFiring();
  void AddTokenCommands();
  void AddSessionCommands();
  void AddScheduleCommands();
  void AddPlan();
  void AddMatchCommands();
  void AddDecisionCommands();
  void AddTestCommands();
  void AddConnectorCommands();
  void AddGithubCommands();
  void AddTriggerCommands();
  void AddDeliveryCommands();
  void AddEventCommands();
  void AddHookCommands(CLI::App* github);
  void AddReconcile(CLI::App* github);
  void AddServe();
  void AddExecutors(CLI::App* command, ServeOptions* options);
  void AddSandbox(CLI::App* command, ServeOptions* options);
  void AddLimits(CLI::App* command, std::string* file, std::vector<std::string>* limits);
  void AddRetention(CLI::App* command, ServeOptions* options);
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

}  // namespace routines::cli

#endif  // ROUTINES_SRC_CLI_GRAMMAR_H_
