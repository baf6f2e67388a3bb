// Completion: what may stand at the end of the words typed so far.
#ifndef ROUTINES_SRC_CLI_COMPLETER_H_
#define ROUTINES_SRC_CLI_COMPLETER_H_

#include <string>
#include <vector>

#include "CLI/App.hpp"

namespace routines::cli {

// The candidates for the last of `words`; ":files" stands for the shell's own completion of paths.
std::vector<std::string> Complete(CLI::App& app, std::vector<std::string> words);

}  // namespace routines::cli

#endif  // ROUTINES_SRC_CLI_COMPLETER_H_
