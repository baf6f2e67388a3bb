#include "src/connector/json_rpc.h"

#include <simdjson.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "routines/json.h"
#include "src/base/status_macros.h"

namespace routines {
namespace {

namespace dom = simdjson::dom;

absl::Status Wrong(std::string_view what) {
  return absl::FailedPreconditionError(absl::string_view(what.data(), what.size()));
}

absl::string_view ToAbsl(std::string_view text) {
  return {text.data(), text.size()};
}

// A text member, or nothing where it is absent or something else.
std::string TextOf(dom::object object, std::string_view key) {
  std::string_view text;
  return object[key].get(text) == simdjson::SUCCESS ? std::string(text) : "";
}

absl::StatusOr<dom::object> ParseObject(dom::parser& parser, std::string_view text,
                                        std::string_view what) {
  dom::element document;
  dom::object object;
  if (parser.parse(text.data(), text.size()).get(document) != simdjson::SUCCESS ||
      document.get(object) != simdjson::SUCCESS) {
    return Wrong(absl::StrCat(ToAbsl(what), " is not a JSON object"));
  }
  return object;
}

// An id is a text or a whole number; null stands in errors about what could not be read.
bool IsId(dom::element id) {
  return id.is_string() || id.is_int64() || id.is_uint64();
}

absl::Status ReadError(dom::element error, RpcMessage& message) {
  dom::object object;
  if (error.get(object) != simdjson::SUCCESS) return Wrong("sent an error that is not an object");
  message.kind = RpcMessage::Kind::kError;
  if (object["code"].get(message.error_code) != simdjson::SUCCESS) {
    return Wrong("sent an error without a code");
  }
  message.error_message = TextOf(object, "message");
  return absl::OkStatus();
}

absl::StatusOr<RpcMessage> ReadMessage(dom::element element) {
  dom::object object;
  if (element.get(object) != simdjson::SUCCESS) return Wrong("sent JSON that is not an object");
  if (TextOf(object, "jsonrpc") != "2.0") return Wrong("sent JSON that is not JSON-RPC 2.0");
  RpcMessage message;
  dom::element id, result, error;
  const bool has_id = object["id"].get(id) == simdjson::SUCCESS;
  if (has_id && (IsId(id) || id.is_null())) message.id = simdjson::minify(id);
  message.method = TextOf(object, "method");
  if (!message.method.empty()) {
    if (has_id && !IsId(id)) return Wrong("sent a request whose id is no text or whole number");
    message.kind = has_id ? RpcMessage::Kind::kRequest : RpcMessage::Kind::kNotification;
    return message;
  }
  if (object["error"].get(error) == simdjson::SUCCESS) {
    RETURN_IF_ERROR(ReadError(error, message));
    return message;
  }
  if (object["result"].get(result) != simdjson::SUCCESS) {
    return Wrong("sent a message without method, result and error");
  }
  if (!has_id || !IsId(id)) return Wrong("sent an answer without an id");
  message.kind = RpcMessage::Kind::kResult;
  message.result = simdjson::minify(result);
  return message;
}

std::string Answer(std::string_view id, std::string_view rest) {
  return absl::StrCat(R"({"jsonrpc":"2.0","id":)", ToAbsl(id), ",", ToAbsl(rest), "}");
}

}  // namespace

absl::StatusOr<std::vector<RpcMessage>> ParseRpc(std::string_view text) {
  dom::parser parser;
  dom::element document;
  // simdjson refuses what is not UTF-8, and depths of more than 1,024.
  const simdjson::error_code error = parser.parse(text.data(), text.size()).get(document);
  if (error == simdjson::UTF8_ERROR) return Wrong("sent text that is not UTF-8");
  if (error == simdjson::DEPTH_ERROR) return Wrong("sent JSON that is nested too deeply");
  if (error != simdjson::SUCCESS) return Wrong("sent text that is not JSON");
  std::vector<RpcMessage> messages;
  dom::array batch;
  if (document.get(batch) != simdjson::SUCCESS) {
    ASSIGN_OR_RETURN(messages.emplace_back(), ReadMessage(document));
    return messages;
  }
  for (const dom::element element : batch) {
    ASSIGN_OR_RETURN(messages.emplace_back(), ReadMessage(element));
  }
  return messages;
}

std::string RpcRequest(int64_t id, std::string_view method, std::string_view params) {
  return absl::StrCat(R"({"jsonrpc":"2.0","id":)", id, R"(,"method":)", JsonString(method),
                      R"(,"params":)", ToAbsl(params), "}");
}

std::string RpcNotification(std::string_view method) {
  return absl::StrCat(R"({"jsonrpc":"2.0","method":)", JsonString(method), "}");
}

std::string RpcResult(std::string_view id, std::string_view result) {
  return Answer(id, absl::StrCat(R"("result":)", ToAbsl(result)));
}

std::string RpcMethodNotFound(std::string_view id, std::string_view method) {
  const std::string message = absl::StrCat("this client has no method ", ToAbsl(method));
  return Answer(id, absl::StrCat(R"("error":{"code":-32601,"message":)", JsonString(message), "}"));
}

absl::StatusOr<InitializeResult> ParseInitializeResult(std::string_view result) {
  dom::parser parser;
  ASSIGN_OR_RETURN(const dom::object object,
                   ParseObject(parser, result, "its answer to initialize"));
  InitializeResult parsed;
  parsed.protocol_version = TextOf(object, "protocolVersion");
  if (parsed.protocol_version.empty()) {
    return Wrong("its answer to initialize has no protocolVersion");
  }
  dom::object part;
  if (object["serverInfo"].get(part) == simdjson::SUCCESS) {
    parsed.server_name = TextOf(part, "name");
    parsed.server_version = TextOf(part, "version");
  }
  dom::element tools;
  parsed.has_tools = object["capabilities"].get(part) == simdjson::SUCCESS &&
                     part["tools"].get(tools) == simdjson::SUCCESS && tools.is_object();
  return parsed;
}

absl::StatusOr<ToolsPage> ParseToolsPage(std::string_view result) {
  dom::parser parser;
  ASSIGN_OR_RETURN(const dom::object object,
                   ParseObject(parser, result, "its answer to tools/list"));
  dom::array tools;
  if (object["tools"].get(tools) != simdjson::SUCCESS) {
    return Wrong("its answer to tools/list has no list of tools");
  }
  ToolsPage page;
  for (const dom::element tool : tools) {
    std::string_view name;
    if (tool["name"].get(name) != simdjson::SUCCESS) return Wrong("lists a tool without a name");
    page.names.emplace_back(name);
  }
  page.next_cursor = TextOf(object, "nextCursor");
  return page;
}

}  // namespace routines
