#include "src/cli/command_words.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "routines/routine.h"

namespace routines::cli {
namespace {

std::vector<CLI::App*> Commands(CLI::App& app) {
  return app.get_subcommands([](CLI::App*) { return true; });
}

std::vector<std::string> CommandNames(CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : Commands(app)) names.push_back(command->get_name());
  return names;
}

std::string UnknownCommand(CLI::App& app, const std::string& path, const std::string& word) {
  const std::vector<std::string> names = CommandNames(app);
  const std::string nearest = NearestWord(word, names);
  return absl::StrCat("there is no command `", path, " ", word, "`; ",
                      nearest.empty() ? absl::StrCat("there are: ", absl::StrJoin(names, ", "))
                                      : absl::StrCat("did you mean `", path, " ", nearest, "`?"));
}

}  // namespace

CLI::App* FindCommand(CLI::App& app, const std::string& name) {
  for (CLI::App* command : Commands(app)) {
    if (command->get_name() == name) return command;
  }
  return nullptr;
}

std::string ProblemOfCommand(CLI::App& app, const std::vector<std::string>& words) {
  CLI::App* command = &app;
  std::string path = app.get_name();
  for (const std::string& word : words) {
    if (Commands(*command).empty()) return "";  // the rest is its arguments
    if (word.starts_with("-")) {
      if (command->get_option_no_throw(word) != nullptr) return "";
      return absl::StrCat(word, ": options go after the command: `", path, " COMMAND ", word,
                          " …`");
    }
    CLI::App* next = FindCommand(*command, word);
    if (next == nullptr) return UnknownCommand(*command, path, word);
    absl::StrAppend(&path, " ", word);
    command = next;
  }
  const std::vector<std::string> names = CommandNames(*command);
  if (names.empty()) return "";
  return absl::StrCat("`", path, "` needs a command: ", absl::StrJoin(names, ", "));
}

}  // namespace routines::cli
