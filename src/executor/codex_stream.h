// The lines of `codex exec --json` as events of the session, and what they say about its outcome.
//
//   item.started        a tool call, for commands, MCP tools and file changes; else kept
//   item.completed      a text, a tool result, a warning for an error; else kept
//   turn.completed      usage, and the last text as the result
//   turn.failed         the error as the result
//   error               a warning: codex goes on, or turn.failed follows
//   anything else       kept
//
// Thread-safety: one thread.
#ifndef ROUTINES_SRC_EXECUTOR_CODEX_STREAM_H_
#define ROUTINES_SRC_EXECUTOR_CODEX_STREAM_H_

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "routines/executor.h"
#include "src/executor/agent_run.h"

namespace routines {

class CodexStream : public AgentStream {
 public:
  // `log` outlives this object.
  explicit CodexStream(SessionLog& log) : log_(log) {}

  void Line(std::string_view type, simdjson::dom::object object, std::string_view line) override;
  const std::optional<Outcome>& fatal() const override { return fatal_; }
  Outcome Judge(const AgentEnd& end) const override;

 private:
  // These return false where nothing was appended.
  bool Started(simdjson::dom::object item);
  bool Completed(simdjson::dom::object item);
  bool CompletedTool(simdjson::dom::object item);
  void AppendCall(simdjson::dom::object item);
  void TurnCompleted(simdjson::dom::object object);
  void AppendResult(bool is_error, const std::string& text);

  SessionLog& log_;
  std::optional<Outcome> fatal_;
  std::optional<v1::Result> result_;
  v1::Usage usage_;
  std::string last_text_;
  std::set<std::string, std::less<>> called_;  // items whose call was told and whose result was not
  bool acted_ = false;
};

}  // namespace routines

#endif  // ROUTINES_SRC_EXECUTOR_CODEX_STREAM_H_
