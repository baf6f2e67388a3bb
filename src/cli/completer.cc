#include "src/cli/completer.h"

#include <utility>

#include "absl/strings/str_split.h"
#include "src/cli/command_words.h"
#include "src/cli/commands.h"
#include "src/cli/grammar.h"

namespace routines::cli {
namespace {

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

}  // namespace

std::vector<std::string> Complete(CLI::App& app, std::vector<std::string> words) {
  return Completer(app).Complete(std::move(words));
}

}  // namespace routines::cli
