// Whatever a server says: taking it apart ends, with errors that fit a message or with parts that
// hold together; and what is made for the server can be read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include "src/base/utf8.h"
#include "src/connector/http_url.h"
#include "src/connector/json_rpc.h"

namespace routines {
namespace {

[[noreturn]] void Fail(std::string_view rule, std::string_view text) {
  std::cerr << "broken: " << rule << "\n" << text << "\n";
  std::abort();
}

void CheckError(const absl::Status& status) {
  const std::string message(status.message());
  if (status.code() != absl::StatusCode::kFailedPrecondition) Fail("one error code", message);
  if (message.empty() || message.back() == '.') Fail("a message without a dot", message);
  if (!CountCodePoints(message)) Fail("a message in UTF-8", message);
}

// An answer to a request of the server is itself a message, with the same id.
void CheckAnswer(const std::string& answer, const RpcMessage& request, RpcMessage::Kind kind) {
  const auto again = ParseRpc(answer);
  if (!again.ok() || again->size() != 1) Fail("an answer can be read", answer);
  if ((*again)[0].kind != kind) Fail("an answer is one", answer);
  if ((*again)[0].id != request.id) Fail("an answer keeps the id", answer);
}

void CheckMessage(const RpcMessage& message) {
  switch (message.kind) {
    case RpcMessage::Kind::kRequest:
      if (message.id.empty() || message.method.empty()) Fail("a request has both", message.method);
      CheckAnswer(RpcResult(message.id, "{}"), message, RpcMessage::Kind::kResult);
      return CheckAnswer(RpcMethodNotFound(message.id, message.method), message,
                         RpcMessage::Kind::kError);
    case RpcMessage::Kind::kNotification:
      if (!message.id.empty() && message.id != "null") Fail("a notification has no id", message.id);
      return;
    case RpcMessage::Kind::kError:
      return;
    case RpcMessage::Kind::kResult:
      break;
  }
  if (message.id.empty()) Fail("a result has an id", message.result);
  const auto initialized = ParseInitializeResult(message.result);
  if (!initialized.ok()) CheckError(initialized.status());
  if (initialized.ok() && initialized->protocol_version.empty()) Fail("a revision", "");
  const auto page = ParseToolsPage(message.result);
  if (!page.ok()) CheckError(page.status());
}

void CheckUrl(std::string_view text) {
  const auto url = ParseHttpUrl(text);
  if (!url.ok()) return CheckError(url.status());
  const auto again = ParseHttpUrl(url->ToString());
  if (!again.ok()) Fail("a URL can be read again", url->ToString());
  if (!again->SameOrigin(*url) || again->target != url->target) Fail("and is the same", text);
  for (const char c : url->HostHeader() + url->target) {
    if (c <= ' ' || c >= 0x7f) Fail("no line break comes into a request", text);
  }
}

}  // namespace
}  // namespace routines

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto messages = routines::ParseRpc(text);
  if (!messages.ok()) routines::CheckError(messages.status());
  if (messages.ok()) {
    for (const routines::RpcMessage& message : *messages) routines::CheckMessage(message);
  }
  routines::CheckUrl(text);
  return 0;
}
