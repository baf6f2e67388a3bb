// Whatever the body is: checking it ends, at most one of the eighteen events takes it, its message
// has no control characters, and what was accepted can be read, the plain way and the fast one
// alike.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include "routines/event.h"

namespace {

[[noreturn]] void Fail(std::string_view rule) {
  std::cerr << "broken: " << rule << "\n";
  std::abort();
}

void CheckMessage(const absl::Status& status) {
  for (const char c : status.message()) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) Fail("no control characters");
  }
}

std::string Text(const routines::EventView& event, std::string_view field) {
  const auto value = routines::ReadField(event, field);
  if (!value.ok()) Fail("every field of an accepted body can be read");
  const auto* text = std::get_if<std::string>(&*value);
  return text == nullptr ? "" : *text;
}

void CheckAccepted(std::string_view event, std::string_view body) {
  const routines::EventView view{.source = "github", .type = event, .payload = body};
  for (const routines::FieldInfo& row : routines::GithubFields()) {
    if (row.event == event) Text(view, row.field);
  }
  const auto identity = routines::ReadGithubIdentity(event, body);
  if (!identity.ok()) Fail("an accepted body has an identity");
  if (identity->author != Text(view, "author") || identity->sender != Text(view, "sender")) {
    Fail("both ways read the same");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const absl::Status json = routines::CheckPayload(body);
  CheckMessage(json);
  int accepted = 0;
  for (const routines::GithubEventInfo& event : routines::GithubEvents()) {
    const absl::Status status = routines::CheckGithubPayload(event.event, body);
    CheckMessage(status);
    if (!status.ok()) continue;
    ++accepted;
    if (!json.ok()) Fail("an event's body is JSON");
    CheckAccepted(event.event, body);
  }
  if (accepted > 1) Fail("a body is one event's only");
  return 0;
}
