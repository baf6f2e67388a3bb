// Runs an agent's command line that prints one JSON object per line: what claude and codex share.
//
// Every line of its standard output becomes at least one event of the session, in order. What is
// not such an object is kept as output. The bytes are redacted before anything else looks at them.
//
// Thread-safety: one thread for one run. Blocking: until everything of the program has ended.
#ifndef ROUTINES_SRC_EXECUTOR_AGENT_RUN_H_
#define ROUTINES_SRC_EXECUTOR_AGENT_RUN_H_

#include <simdjson.h>

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "routines/executor.h"

namespace routines {

inline constexpr size_t kMaxAgentLineBytes = size_t{16} << 20;

struct AgentCommand {
  std::string name;                  // for people: "claude"
  std::vector<std::string> command;  // argv
  std::map<std::string, std::string> environment;
  std::string directory;
  std::string stdin_data;
  Sandbox sandbox;
  std::vector<std::string> secrets;  // what the log must not show, beyond the session's own
  absl::Duration kill_grace = absl::Seconds(5);
};

// How the program ended, when it ended by itself.
struct AgentEnd {
  int exit_code = 0;
  std::string last_words;  // the end of its standard error, at most 1 KiB; "" where there was none
};

// What one agent's lines mean.
class AgentStream {
 public:
  virtual ~AgentStream() = default;

  // One line that is a JSON object with a `type`. Appends its events to the log.
  virtual void Line(std::string_view type, simdjson::dom::object object, std::string_view line) = 0;

  // Why the session must end now, if it must.
  virtual const std::optional<Outcome>& fatal() const = 0;

  // What the agent said, once it has ended.
  virtual Outcome Judge(const AgentEnd& end) const = 0;
};

Outcome RunAgent(const AgentCommand& command, AgentStream& stream, Execution& execution);

// An event that has no type of ours.
v1::SessionEvent AgentEventOf(std::string_view type, std::string_view json);

// The outcome of a program that could not be started.
Outcome AgentNotStarted(const absl::Status& status);

}  // namespace routines

#endif  // ROUTINES_SRC_EXECUTOR_AGENT_RUN_H_
