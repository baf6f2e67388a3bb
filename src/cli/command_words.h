// The words before the options: which command they name, and what is wrong where they name none.
#ifndef ROUTINES_SRC_CLI_COMMAND_WORDS_H_
#define ROUTINES_SRC_CLI_COMMAND_WORDS_H_

#include <string>
#include <vector>

#include "CLI/App.hpp"

namespace routines::cli {

// The command of that name right below `app`, or null.
CLI::App* FindCommand(CLI::App& app, const std::string& name);

// What is wrong with the words that should name a command of `app`, or nothing. The grammar itself
// would only say that a command is missing.
std::string ProblemOfCommand(CLI::App& app, const std::vector<std::string>& words);

}  // namespace routines::cli

#endif  // ROUTINES_SRC_CLI_COMMAND_WORDS_H_
