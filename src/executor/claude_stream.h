// The lines of `claude --output-format stream-json` as events of the session, and what they say
// about its outcome.
//
//   system/init           kept; a connector that failed ends the session
//   system/api_retry      a warning
//   assistant             a text, a tool call, or kept, for each block; usage so far
//   user                  a tool result, or kept, for each block
//   result                usage, a warning for each denied permission, the result
//   anything else         kept
//
// Thread-safety: one thread.
#ifndef ROUTINES_SRC_EXECUTOR_CLAUDE_STREAM_H_
#define ROUTINES_SRC_EXECUTOR_CLAUDE_STREAM_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "routines/executor.h"
#include "src/executor/agent_run.h"

namespace routines {

class ClaudeStream : public AgentStream {
 public:
  // Both outlive this object.
  ClaudeStream(const ExecutionRequest& request, SessionLog& log) : request_(request), log_(log) {}

  void Line(std::string_view type, simdjson::dom::object object, std::string_view line) override;
  const std::optional<Outcome>& fatal() const override { return fatal_; }
  Outcome Judge(const AgentEnd& end) const override;

 private:
  struct Verdict {
    bool is_error = false;
    std::string subtype;
    std::string text;
    int64_t turns = 0;
    std::vector<std::string> denied_tools;  // by name
  };

  // These return false where the line is not of the expected shape and nothing was appended.
  bool System(simdjson::dom::object object, std::string_view line);
  bool Message(simdjson::dom::object object, bool assistant);
  bool Block(simdjson::dom::object block, bool assistant);
  bool Result(simdjson::dom::object object);

  void CheckConnectors(simdjson::dom::object init);
  void CheckTool(std::string_view tool);
  bool IsDenied(const std::string& connector, const std::string& tool) const;
  void FailConnector(const std::string& name, const std::string& why);
  void CountUsage(simdjson::dom::object message, bool turn);
  void AppendUsage();
  bool IsNeeded(std::string_view tool) const;
  Outcome JudgeResult(const AgentEnd& end) const;

  const ExecutionRequest& request_;
  SessionLog& log_;
  std::optional<Outcome> fatal_;
  std::optional<Verdict> verdict_;
  v1::Usage usage_;           // totals so far
  std::string last_message_;  // whose usage was counted last
  bool acted_ = false;        // the model said something or called a tool
};

}  // namespace routines

#endif  // ROUTINES_SRC_EXECUTOR_CLAUDE_STREAM_H_
