#include "src/executor/codex_stream.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "src/executor/agent_json.h"
#include "src/executor/event_lines.h"

namespace routines {
namespace {

namespace dom = simdjson::dom;
using agent_json::Count;
using agent_json::Get;
using agent_json::Minified;
using agent_json::Text;

constexpr size_t kMessageBytes = 1 << 10;
constexpr size_t kMaxOpenCalls = 10'000;
constexpr char kRequiredServers[] = "required MCP servers failed to initialize: ";

Outcome Failure(std::string_view reason, const std::string& message) {
  return Outcome::Failure(v1::SESSION_STEP_AGENT, reason, message);
}

std::string ErrorText(dom::object object) {
  if (const auto error = Get<dom::object>(object, "error")) return Text(*error, "message");
  return Text(object, "message");
}

bool IsTool(std::string_view type) {
  return type == "command_execution" || type == "mcp_tool_call" || type == "file_change";
}

// The texts of an MCP result's blocks.
std::string McpText(dom::object item) {
  const auto result = Get<dom::object>(item, "result");
  if (!result) return ErrorText(item);
  std::vector<std::string> parts;
  for (const dom::element part : agent_json::Elements(*result, "content")) {
    dom::object block;
    if (part.get(block) != simdjson::SUCCESS) continue;
    const std::string type = Text(block, "type");
    parts.push_back(type == "text" ? Text(block, "text") : absl::StrCat("[", type, "]"));
  }
  return absl::StrJoin(parts, "\n");
}

}  // namespace

void CodexStream::Line(std::string_view type, dom::object object, std::string_view line) {
  const auto item = Get<dom::object>(object, "item");
  if (type == "item.started" && item && Started(*item)) return;
  if (type == "item.completed" && item && Completed(*item)) return;
  if (type == "turn.completed") return TurnCompleted(object);
  if (type == "turn.failed") return AppendResult(/*is_error=*/true, ErrorText(object));
  if (type == "error" && !ErrorText(object).empty()) {
    log_.Append(NoteEvent(v1::Note::SEVERITY_WARNING, ErrorText(object)));
    return;
  }
  const std::string shown(type);
  log_.Append(AgentEventOf(item ? absl::StrCat(shown, "/", Text(*item, "type")) : shown, line));
}

bool CodexStream::Started(dom::object item) {
  if (!IsTool(Text(item, "type"))) return false;
  AppendCall(item);
  if (called_.size() < kMaxOpenCalls) called_.insert(Text(item, "id"));
  return true;
}

void CodexStream::AppendCall(dom::object item) {
  acted_ = true;
  const std::string type = Text(item, "type");
  v1::SessionEvent event;
  v1::ToolCall& call = *event.mutable_tool_call();
  call.set_call_id(Text(item, "id"));
  if (type == "command_execution") {
    call.set_name("command");
    call.set_input_json(absl::StrCat("{\"command\":", Minified(item, "command"), "}"));
  } else if (type == "mcp_tool_call") {
    call.set_name(absl::StrCat("mcp__", Text(item, "server"), "__", Text(item, "tool")));
    call.set_input_json(Minified(item, "arguments"));
  } else {
    call.set_name("file_change");
    call.set_input_json(Minified(item, "changes"));
  }
  log_.Append(std::move(event));
}

bool CodexStream::Completed(dom::object item) {
  const std::string type = Text(item, "type");
  if (type == "agent_message") {
    acted_ = true;
    last_text_ = Text(item, "text");
    v1::SessionEvent event;
    event.mutable_assistant_text()->set_text(last_text_);
    log_.Append(std::move(event));
    return true;
  }
  if (type == "error") {
    log_.Append(NoteEvent(v1::Note::SEVERITY_WARNING, Text(item, "message")));
    return true;
  }
  return IsTool(type) && CompletedTool(item);
}

bool CodexStream::CompletedTool(dom::object item) {
  const std::string id = Text(item, "id");
  if (called_.erase(id) == 0) AppendCall(item);  // its start was not told
  const std::string type = Text(item, "type");
  const std::string status = Text(item, "status");
  v1::SessionEvent event;
  v1::ToolResult& result = *event.mutable_tool_result();
  result.set_call_id(id);
  result.set_is_error(status != "completed" || Get<int64_t>(item, "exit_code").value_or(0) != 0);
  result.set_text(type == "command_execution" ? Text(item, "aggregated_output")
                  : type == "mcp_tool_call"   ? McpText(item)
                                              : status);
  log_.Append(std::move(event));
  return true;
}

void CodexStream::TurnCompleted(dom::object object) {
  if (const auto usage = Get<dom::object>(object, "usage")) {
    usage_.set_input_tokens(usage_.input_tokens() + Count(*usage, "input_tokens"));
    usage_.set_output_tokens(usage_.output_tokens() + Count(*usage, "output_tokens"));
    usage_.set_cache_read_tokens(usage_.cache_read_tokens() + Count(*usage, "cached_input_tokens"));
    usage_.set_cache_write_tokens(usage_.cache_write_tokens() +
                                  Count(*usage, "cache_write_input_tokens"));
  }
  usage_.set_turns(usage_.turns() + 1);
  v1::SessionEvent event;
  *event.mutable_usage() = usage_;
  log_.Append(std::move(event));
  AppendResult(/*is_error=*/false, last_text_);
}

void CodexStream::AppendResult(bool is_error, const std::string& text) {
  v1::SessionEvent event;
  event.mutable_result()->set_is_error(is_error);
  event.mutable_result()->set_text(text);
  result_ = event.result();
  log_.Append(std::move(event));
}

Outcome CodexStream::Judge(const AgentEnd& end) const {
  if (const size_t at = end.last_words.find(kRequiredServers);
      !result_ && end.exit_code != 0 && at != std::string::npos) {
    const std::string why = end.last_words.substr(at + sizeof kRequiredServers - 1);
    return Outcome::Failure(v1::SESSION_STEP_CONNECTOR, "connector_failed",
                            absl::StrCat("connector ", why.substr(0, why.find('\n'))));
  }
  if (result_ && result_->is_error()) {
    return Failure("agent_error", absl::StrCat("the agent reported an error: ",
                                               Shorten(result_->text(), kMessageBytes)));
  }
  if (end.exit_code != 0) {
    return Failure("exit_code", absl::StrCat("codex ended with exit code ", end.exit_code,
                                             end.last_words.empty() ? "" : ": ", end.last_words));
  }
  if (!result_) {
    return Failure("no_result", "codex ended with exit code 0, but its turn was not completed");
  }
  if (!acted_) return Failure("no_output", "the agent did nothing");
  return Outcome::Success();
}

}  // namespace routines
