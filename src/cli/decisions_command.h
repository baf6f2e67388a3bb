// decisions, and explain of a stored event.
#ifndef ROUTINES_SRC_CLI_DECISIONS_COMMAND_H_
#define ROUTINES_SRC_CLI_DECISIONS_COMMAND_H_

#include <string>

#include "src/cli/commands.h"

namespace routines::cli {

struct DecisionsOptions {
  ClientOptions client;
  std::string routine;  // [ACCOUNT/]NAME; empty: all
  std::string event;    // id; empty: all
  std::string since;    // RFC 3339, or how long ago: "2h"; empty: ever
  bool why = false;
  int limit = 50;
};
// What became of events, newest first.
CommandResult ListDecisions(const DecisionsOptions& options);

}  // namespace routines::cli

#endif  // ROUTINES_SRC_CLI_DECISIONS_COMMAND_H_
