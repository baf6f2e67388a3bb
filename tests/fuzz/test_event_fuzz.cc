// Whatever the bytes are: ParseEvent ends, says what is wrong in words fit for a terminal, and what
// it makes of GitHub has passed what a delivery must pass.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include "routines/event.h"
#include "routines/testing/cases.h"

namespace {

[[noreturn]] void Fail(std::string_view rule, std::string_view text) {
  std::cerr << "broken: " << rule << "\n" << text << "\n";
  std::abort();
}

void CheckMessage(std::string_view message) {
  if (message.empty() || message.back() == '.') Fail("a message without a dot", message);
  for (const char c : message) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    if (control && c != '\n') Fail("no control characters", message);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (text.find("payload_file") != text.npos) return 0;  // it would read files
  const absl::StatusOr<routines::v1::Event> event = routines::testing::ParseEvent(text);
  if (!event.ok()) {
    if (!absl::IsInvalidArgument(event.status())) Fail("its own code", event.status().ToString());
    CheckMessage(std::string(event.status().message()));
  } else if (event->source() == "github") {
    const absl::Status fits = routines::CheckGithubPayload(event->type(), event->payload());
    if (!fits.ok()) Fail(fits.ToString(), event->payload());
  }
  return 0;
}
