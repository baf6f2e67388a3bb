// The program `routines`.
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "CLI/App.hpp"
#include "routines/json.h"
#include "src/cli/command_words.h"
#include "src/cli/completer.h"
#include "src/cli/exit_codes.h"
#include "src/cli/grammar.h"

namespace routines::cli {
namespace {

int PrintUsageError(const std::string& message, bool json) {
  if (json) {
    std::printf("{\"type\":\"error\",\"error\":{\"type\":\"usage_error\",\"message\":%s}}\n",
                JsonString(message).c_str());
  } else {
    std::fprintf(stderr, "routines: %s\nSee `routines --help` or `routines COMMAND --help`.\n",
                 message.c_str());
  }
  return kExitUsage;
}

int Main(int argc, char** argv) {
  CommandLine line;
  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  if (!words.empty() && words[0] == "__complete") {
    for (const std::string& candidate : Complete(line.app(), {words.begin() + 1, words.end()})) {
      std::printf("%s\n", candidate.c_str());
    }
    return kExitOk;
  }
  if (words.empty()) {
    std::fputs(line.app().help().c_str(), stderr);
    return kExitUsage;
  }
  const bool json = std::find(words.begin(), words.end(), "--json") != words.end();
  if (words[0] == "help") {
    words.erase(words.begin());
    words.emplace_back("--help");
  }
  const std::string problem = ProblemOfCommand(line.app(), words);
  if (!problem.empty()) return PrintUsageError(problem, json);
  try {
    // CLI11 takes them from the back.
    line.app().parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::ParseError& error) {
    // --help and --version come as errors too.
    if (error.get_exit_code() == 0) return line.app().exit(error);
    return PrintUsageError(error.what(), json);
  }
  const CommandResult result = line.RunChosen();
  return result.ok() ? *result : ReportError(result.status(), line.json());
}

}  // namespace
}  // namespace routines::cli

int main(int argc, char** argv) {
  return routines::cli::Main(argc, argv);
}
