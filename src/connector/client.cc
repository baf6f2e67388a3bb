#include "src/connector/client.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "routines/json.h"
#include "routines/version.h"
#include "src/base/status_macros.h"
#include "src/base/words.h"

namespace routines {
namespace {

// Newest first: that one is offered.
constexpr std::array<std::string_view, 4> kRevisions = {"2025-11-25", "2025-06-18", "2025-03-26",
                                                        "2024-11-05"};
constexpr size_t kMaxToolName = 128;

absl::string_view ToAbsl(std::string_view text) {
  return {text.data(), text.size()};
}

// Agents write tool names into lists, permission rules and command lines; what could mean something
// else there does not pass.
bool IsToolName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxToolName && name[0] != '-' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
                  std::string_view("_-./").find(c) != std::string_view::npos;
         });
}

std::string KnownRevisions() {
  return absl::StrJoin(kRevisions, ", ",
                       [](std::string* out, std::string_view revision) { out->append(revision); });
}

}  // namespace

absl::StatusOr<InitializeResult> McpClient::Initialize() {
  const std::string params =
      absl::StrCat(R"({"protocolVersion":)", JsonString(kRevisions[0]),
                   R"(,"capabilities":{"elicitation":{},"roots":{}},)",
                   R"("clientInfo":{"name":"routines","version":)", JsonString(kVersion), "}}");
  ASSIGN_OR_RETURN(const std::string answer, Call("initialize", params));
  ASSIGN_OR_RETURN(InitializeResult result, ParseInitializeResult(answer));
  if (std::find(kRevisions.begin(), kRevisions.end(), result.protocol_version) ==
      kRevisions.end()) {
    return absl::FailedPreconditionError(
        absl::StrCat("speaks revision ", Quoted(result.protocol_version),
                     " of the protocol; this client speaks ", KnownRevisions()));
  }
  channel_.SetProtocolVersion(result.protocol_version);
  RETURN_IF_ERROR(channel_.Send(RpcNotification("notifications/initialized"), false));
  return result;
}

absl::StatusOr<std::vector<std::string>> McpClient::ListTools() {
  std::vector<std::string> tools;
  std::string cursor;
  // As many pages as tools: a server that goes on with empty pages comes to an end too.
  for (int pages = 0; pages <= max_tools_; ++pages) {
    const std::string params =
        cursor.empty() ? "{}" : absl::StrCat(R"({"cursor":)", JsonString(cursor), "}");
    ASSIGN_OR_RETURN(const std::string answer, Call("tools/list", params));
    ASSIGN_OR_RETURN(const ToolsPage page, ParseToolsPage(answer));
    RETURN_IF_ERROR(AddTools(page, tools));
    if (page.next_cursor.empty()) return tools;
    if (page.next_cursor == cursor) {
      return absl::FailedPreconditionError("lists the same page of tools again and again");
    }
    cursor = page.next_cursor;
  }
  return absl::FailedPreconditionError("lists its tools on pages without end");
}

absl::Status McpClient::AddTools(const ToolsPage& page, std::vector<std::string>& tools) const {
  for (const std::string& name : page.names) {
    if (!IsToolName(name)) {
      return absl::FailedPreconditionError(
          absl::StrCat("has a tool named ", Quoted(name),
                       "; agents take 1 to 128 letters, digits, _, -, . and /, and no - in front"));
    }
    if (std::find(tools.begin(), tools.end(), name) != tools.end()) {
      return absl::FailedPreconditionError(absl::StrCat("lists the tool ", Quoted(name), " twice"));
    }
    if (static_cast<int>(tools.size()) >= max_tools_) {
      return absl::FailedPreconditionError(absl::StrCat("has more than ", max_tools_, " tools"));
    }
    tools.push_back(name);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> McpClient::Call(std::string_view method, std::string_view params) {
  const int64_t id = ++last_id_;
  RETURN_IF_ERROR(channel_.Send(RpcRequest(id, method, params), true));
  while (true) {
    ASSIGN_OR_RETURN(const std::string text, channel_.Receive());
    ASSIGN_OR_RETURN(const std::vector<RpcMessage> messages, ParseRpc(text));
    for (const RpcMessage& message : messages) {
      if (message.kind == RpcMessage::Kind::kNotification) continue;
      if (message.kind == RpcMessage::Kind::kRequest) {
        RETURN_IF_ERROR(AnswerRequest(message));
        continue;
      }
      const bool error = message.kind == RpcMessage::Kind::kError;
      if (message.id != absl::StrCat(id) &&
          !(error && (message.id.empty() || message.id == "null"))) {
        return absl::FailedPreconditionError(absl::StrCat(
            "answered ", ToAbsl(method), " with the id ", Quoted(message.id), " instead of ", id));
      }
      if (!error) return message.result;
      return absl::FailedPreconditionError(absl::StrCat("answered ", ToAbsl(method), " with error ",
                                                        message.error_code, ": ",
                                                        Abbreviated(message.error_message)));
    }
  }
}

// Offers what agents offer, because some servers have tools for such clients only; but there is no
// user to ask, and no folder to tell of.
absl::Status McpClient::AnswerRequest(const RpcMessage& request) {
  std::string answer = RpcMethodNotFound(request.id, request.method);
  if (request.method == "ping") answer = RpcResult(request.id, "{}");
  if (request.method == "roots/list") answer = RpcResult(request.id, R"({"roots":[]})");
  if (request.method == "elicitation/create") {
    answer = RpcResult(request.id, R"({"action":"decline"})");
  }
  return channel_.Send(answer, false);
}

}  // namespace routines
