// MCP's stdio transport: one JSON text a line on a program's standard input and output.
#ifndef ROUTINES_SRC_CONNECTOR_STDIO_CHANNEL_H_
#define ROUTINES_SRC_CONNECTOR_STDIO_CHANNEL_H_

#include <memory>

#include "src/connector/channel.h"
#include "src/connector/interactive_process.h"

namespace routines {

// Starts the program. What it writes to standard error goes to `on_stderr`, and so do lines of its
// standard output that cannot be meant as messages: the protocol forbids them, and yet servers
// greet.
std::unique_ptr<Channel> NewStdioChannel(InteractiveProcess::Options options);

}  // namespace routines

#endif  // ROUTINES_SRC_CONNECTOR_STDIO_CHANNEL_H_
