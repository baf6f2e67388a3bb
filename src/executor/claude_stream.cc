#include "src/executor/claude_stream.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "src/executor/agent_json.h"
#include "src/executor/event_lines.h"

namespace routines {
namespace {

namespace dom = simdjson::dom;
using agent_json::Bool;
using agent_json::Count;
using agent_json::Get;
using agent_json::Minified;
using agent_json::Number;
using agent_json::Text;

constexpr size_t kMessageBytes = 1 << 10;
constexpr size_t kMaxDenials = 20;  // told one by one
// What the CLI says itself, without having asked a model.
constexpr std::string_view kSyntheticModel = "<synthetic>";

Outcome Failure(std::string_view reason, const std::string& message) {
  return Outcome::Failure(v1::SESSION_STEP_AGENT, reason, message);
}

v1::SessionEvent Warning(const std::string& text) {
  return NoteEvent(v1::Note::SEVERITY_WARNING, text);
}

// A tool result's content is a text, or a list of blocks.
std::string ContentText(dom::object block) {
  if (const auto text = Get<std::string_view>(block, "content")) return std::string(*text);
  std::vector<std::string> parts;
  for (const dom::element part : agent_json::Elements(block, "content")) {
    dom::object object;
    if (part.get(object) != simdjson::SUCCESS) continue;
    const std::string type = Text(object, "type");
    parts.push_back(type == "text" ? Text(object, "text") : absl::StrCat("[", type, "]"));
  }
  return absl::StrJoin(parts, "\n");
}

std::string RetryText(dom::object object) {
  const int64_t status = Count(object, "error_status");
  return absl::StrFormat("the API %s; retry %d of %d in %.1f s",
                         status == 0
                             ? absl::StrCat("could not be reached (", Text(object, "error"), ")")
                             : absl::StrCat("answered ", status, " (", Text(object, "error"), ")"),
                         Count(object, "attempt"), Count(object, "max_retries"),
                         Number(object, "retry_delay_ms") / 1000);
}

int32_t Turns(int64_t count) {
  return static_cast<int32_t>(std::min<int64_t>(count, std::numeric_limits<int32_t>::max()));
}

}  // namespace

void ClaudeStream::Line(std::string_view type, dom::object object, std::string_view line) {
  const bool understood = type == "system"      ? System(object, line)
                          : type == "assistant" ? Message(object, /*assistant=*/true)
                          : type == "user"      ? Message(object, /*assistant=*/false)
                          : type == "result"    ? Result(object)
                                                : false;
  if (!understood) log_.Append(AgentEventOf(type, line));
}

bool ClaudeStream::System(dom::object object, std::string_view line) {
  const std::string subtype = Text(object, "subtype");
  if (subtype == "api_retry") {
    log_.Append(Warning(RetryText(object)));
    return true;
  }
  if (subtype.empty()) return false;
  log_.Append(AgentEventOf(absl::StrCat("system/", subtype), line));
  if (subtype == "init") CheckConnectors(object);
  return true;
}

// A server that could not be started is told here and nowhere else.
void ClaudeStream::CheckConnectors(dom::object init) {
  std::map<std::string, std::string> states;
  for (const dom::element element : agent_json::Elements(init, "mcp_servers")) {
    dom::object server;
    if (element.get(server) == simdjson::SUCCESS) {
      states[Text(server, "name")] = Text(server, "status");
    }
  }
  for (const ConnectorEndpoint& connector : request_.connectors) {
    const auto state = states.extract(connector.name);
    const std::string status = state.empty() ? "missing" : state.mapped();
    if (status == "connected") continue;
    FailConnector(connector.name, absl::StrCat("claude could not use it (", status, ")"));
  }
  for (const dom::element element : agent_json::Elements(init, "tools")) {
    std::string_view tool;
    if (element.get(tool) == simdjson::SUCCESS) CheckTool(tool);
  }
  for (const auto& [name, status] : states) {
    if (status == "connected" || status == "pending") continue;
    log_.Append(Warning(absl::StrCat("MCP server ", name, ": ", status)));
  }
}

// A server may show the agent tools that it did not show before. Where the routine says which it
// gives, these are none of them, and nothing else keeps the agent from them.
void ClaudeStream::CheckTool(std::string_view tool) {
  for (const v1::Connector& connector : request_.routine.connectors()) {
    const std::string prefix = absl::StrCat("mcp__", connector.name(), "__");
    const v1::ToolPolicy& policy = connector.tools();
    if (policy.allow().empty() || tool.substr(0, prefix.size()) != prefix) continue;
    const std::string name(tool.substr(prefix.size()));
    const auto has = [&name](const auto& tools) {
      return std::find(tools.begin(), tools.end(), name) != tools.end();
    };
    if (has(policy.allow()) || has(policy.deny()) || IsDenied(connector.name(), name)) continue;
    FailConnector(connector.name(),
                  absl::StrCat("the agent has its tool ", name,
                               ", which tools.allow does not have and the server did not list "
                               "before; name it in tools.deny, too"));
  }
}

bool ClaudeStream::IsDenied(const std::string& connector, const std::string& tool) const {
  return std::any_of(
      request_.connectors.begin(), request_.connectors.end(), [&](const auto& known) {
        return known.name == connector &&
               std::find(known.denied_tools.begin(), known.denied_tools.end(), tool) !=
                   known.denied_tools.end();
      });
}

void ClaudeStream::FailConnector(const std::string& name, const std::string& why) {
  if (fatal_) return;
  fatal_ = Outcome::Failure(v1::SESSION_STEP_CONNECTOR, "connector_failed",
                            absl::StrCat("connector ", name, ": ", why));
}

bool ClaudeStream::Message(dom::object object, bool assistant) {
  const auto message = Get<dom::object>(object, "message");
  if (!message) return false;
  const auto content = Get<dom::array>(*message, "content");
  if (!content || content->size() == 0) return false;
  for (const dom::element element : *content) {
    if (!element.is_object()) return false;  // before anything is appended
  }
  if (assistant && Text(*message, "model") != kSyntheticModel) {
    acted_ = true;
    CountUsage(*message, /*turn=*/Text(object, "parent_tool_use_id").empty());
  }
  for (const dom::element element : *content) {
    const dom::object block(element);
    if (!Block(block, assistant)) {
      log_.Append(
          AgentEventOf(absl::StrCat(assistant ? "assistant/" : "user/", Text(block, "type")),
                       std::string(simdjson::minify(element))));
    }
  }
  return true;
}

bool ClaudeStream::Block(dom::object block, bool assistant) {
  const std::string type = Text(block, "type");
  v1::SessionEvent event;
  if (assistant && type == "text") {
    event.mutable_assistant_text()->set_text(Text(block, "text"));
  } else if (assistant && type == "tool_use") {
    event.mutable_tool_call()->set_call_id(Text(block, "id"));
    event.mutable_tool_call()->set_name(Text(block, "name"));
    event.mutable_tool_call()->set_input_json(Minified(block, "input"));
    CheckTool(event.tool_call().name());
  } else if (!assistant && type == "tool_result") {
    event.mutable_tool_result()->set_call_id(Text(block, "tool_use_id"));
    event.mutable_tool_result()->set_is_error(Bool(block, "is_error"));
    event.mutable_tool_result()->set_text(ContentText(block));
  } else {
    return false;
  }
  log_.Append(std::move(event));
  return true;
}

// One answer of the model comes as several lines, each with the answer's usage at its beginning. A
// subagent's is no turn of the session's.
void ClaudeStream::CountUsage(dom::object message, bool turn) {
  const std::string id = Text(message, "id");
  const auto usage = Get<dom::object>(message, "usage");
  if (!usage || id.empty() || id == last_message_) return;
  last_message_ = id;
  usage_.set_input_tokens(usage_.input_tokens() + Count(*usage, "input_tokens"));
  usage_.set_output_tokens(usage_.output_tokens() + Count(*usage, "output_tokens"));
  usage_.set_cache_read_tokens(usage_.cache_read_tokens() +
                               Count(*usage, "cache_read_input_tokens"));
  usage_.set_cache_write_tokens(usage_.cache_write_tokens() +
                                Count(*usage, "cache_creation_input_tokens"));
  if (turn) usage_.set_turns(Turns(int64_t{usage_.turns()} + 1));
  AppendUsage();
}

void ClaudeStream::AppendUsage() {
  v1::SessionEvent event;
  *event.mutable_usage() = usage_;
  log_.Append(std::move(event));
}

bool ClaudeStream::Result(dom::object object) {
  Verdict verdict;
  verdict.is_error = Get<bool>(object, "is_error").value_or(true);  // what does not say so failed
  verdict.subtype = Text(object, "subtype");
  verdict.text = Text(object, "result");
  verdict.turns = Count(object, "num_turns");
  if (verdict.text.empty()) {
    std::vector<std::string> errors;
    for (const dom::element error : agent_json::Elements(object, "errors")) {
      std::string_view text;
      if (error.get(text) == simdjson::SUCCESS) errors.emplace_back(text);
    }
    verdict.text = absl::StrJoin(errors, "; ");
  }
  if (const auto usage = Get<dom::object>(object, "usage")) {
    usage_.set_input_tokens(Count(*usage, "input_tokens"));
    usage_.set_output_tokens(Count(*usage, "output_tokens"));
    usage_.set_cache_read_tokens(Count(*usage, "cache_read_input_tokens"));
    usage_.set_cache_write_tokens(Count(*usage, "cache_creation_input_tokens"));
  }
  usage_.set_turns(Turns(verdict.turns));
  usage_.set_cost_usd(std::max(0.0, Number(object, "total_cost_usd")));
  AppendUsage();
  for (const dom::element element : agent_json::Elements(object, "permission_denials")) {
    dom::object denial;
    if (element.get(denial) != simdjson::SUCCESS) continue;
    verdict.denied_tools.push_back(Text(denial, "tool_name"));
    if (verdict.denied_tools.size() > kMaxDenials) continue;
    log_.Append(
        Warning(absl::StrCat("the agent was not allowed to use ", Text(denial, "tool_name"), ": ",
                             Shorten(Minified(denial, "tool_input"), kMessageBytes))));
  }
  v1::SessionEvent event;
  event.mutable_result()->set_is_error(verdict.is_error);
  event.mutable_result()->set_text(verdict.text);
  const int64_t milliseconds = Count(object, "duration_ms");
  event.mutable_result()->mutable_duration()->set_seconds(milliseconds / 1000);
  event.mutable_result()->mutable_duration()->set_nanos(
      static_cast<int32_t>(milliseconds % 1000 * 1'000'000));
  log_.Append(std::move(event));
  verdict_ = std::move(verdict);
  return true;
}

Outcome ClaudeStream::Judge(const AgentEnd& end) const {
  if (verdict_) return JudgeResult(end);
  if (end.exit_code != 0) {
    return Failure("exit_code",
                   absl::StrCat("claude ended with exit code ", end.exit_code, " and no result",
                                end.last_words.empty() ? "" : ": ", end.last_words));
  }
  return Failure("no_result",
                 "claude ended with exit code 0, but without a result: it was cut off");
}

// `subtype` says "success" also when the API failed: it only names which limit was reached.
Outcome ClaudeStream::JudgeResult(const AgentEnd& end) const {
  const std::string said = Shorten(verdict_->text, kMessageBytes);
  if (verdict_->is_error && verdict_->subtype == "error_max_turns") {
    return Failure("max_turns",
                   absl::StrCat("the agent was not done after ",
                                request_.routine.limits().max_turns(), " turns: ", said));
  }
  if (verdict_->is_error && verdict_->subtype == "error_max_budget_usd") {
    return Failure("cost_limit",
                   absl::StrCat("the agent cost more than ",
                                request_.routine.limits().max_cost_usd(), " USD: ", said));
  }
  if (verdict_->is_error) {
    return Failure("agent_error", absl::StrCat("the agent reported an error: ", said));
  }
  if (end.exit_code != 0) {
    return Failure("exit_code", absl::StrCat("claude ended with exit code ", end.exit_code,
                                             " after its result: ", end.last_words));
  }
  for (const std::string& tool : verdict_->denied_tools) {
    if (!IsNeeded(tool)) continue;
    return Failure("permission_denied", absl::StrCat("the agent was not allowed to use ", tool,
                                                     ", which the routine gives it"));
  }
  if (verdict_->turns == 0 || !acted_) {  // "/nothing-of-this-name" ends so, with exit code 0
    return Failure("no_output", absl::StrCat("the agent did nothing: ", said));
  }
  return Outcome::Success();
}

bool ClaudeStream::IsNeeded(std::string_view tool) const {
  return std::any_of(request_.connectors.begin(), request_.connectors.end(),
                     [tool](const auto& connector) {
                       const std::string prefix = absl::StrCat("mcp__", connector.name, "__");
                       return tool.substr(0, prefix.size()) == prefix &&
                              std::find(connector.tools.begin(), connector.tools.end(),
                                        tool.substr(prefix.size())) != connector.tools.end();
                     });
}

}  // namespace routines
