#include "src/server/webhook_delivery.h"

#include <algorithm>
#include <variant>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "routines/event.h"
#include "src/base/status_macros.h"
#include "src/base/words.h"

namespace routines::server {
namespace {

constexpr std::string_view kScheme = "sha256=";
constexpr size_t kDigits = 64;
constexpr size_t kMaxEvent = 100, kMaxDelivery = 128;

bool IsLowerHex(char c) {
  return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f');
}

// The value of a header that must be there once.
absl::StatusOr<std::string> Single(const Request& request, std::string_view name) {
  const std::string* found = nullptr;
  for (const auto& [header, value] : request.headers) {
    if (header != name) continue;
    if (found != nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat(std::string(name), ": must not be given twice"));
    }
    found = &value;
  }
  if (found == nullptr || found->empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(std::string(name), ": is missing; GitHub sends it with every delivery"));
  }
  return *found;
}

absl::Status CheckContentType(const Request& request) {
  const std::string_view type = request.Header("content-type").value_or("");
  const absl::string_view media = absl::StripAsciiWhitespace(
      absl::string_view(type.data(), std::min(type.find(';'), type.size())));
  if (absl::AsciiStrToLower(media) == "application/json") return absl::OkStatus();
  return absl::InvalidArgumentError(
      "content-type: must be application/json; choose it in the webhook's settings at GitHub");
}

}  // namespace

std::string_view SignatureOf(const Request& request) {
  std::string_view found;
  for (const auto& [name, value] : request.headers) {
    if (name != "x-hub-signature-256") continue;
    if (!found.empty() || value.empty()) return "";
    found = value;
  }
  const bool fits = found.size() == kScheme.size() + kDigits && found.starts_with(kScheme) &&
                    std::all_of(found.begin() + kScheme.size(), found.end(), IsLowerHex);
  return fits ? found : "";
}

absl::StatusOr<DeliveryHeaders> ReadDeliveryHeaders(const Request& request) {
  DeliveryHeaders headers;
  ASSIGN_OR_RETURN(headers.event, Single(request, "x-github-event"));
  ASSIGN_OR_RETURN(headers.delivery, Single(request, "x-github-delivery"));
  const bool word = headers.event.size() <= kMaxEvent &&
                    std::all_of(headers.event.begin(), headers.event.end(), [](char c) {
                      return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '_';
                    });
  if (!word) {
    return absl::InvalidArgumentError(
        absl::StrCat("x-github-event: ", Quoted(headers.event), " is no event's name"));
  }
  if (headers.delivery.size() > kMaxDelivery ||
      !std::all_of(headers.delivery.begin(), headers.delivery.end(), absl::ascii_isgraph)) {
    return absl::InvalidArgumentError(absl::StrCat("x-github-delivery: must be at most ",
                                                   kMaxDelivery,
                                                   " printable ASCII characters without blanks"));
  }
  RETURN_IF_ERROR(CheckContentType(request));
  return headers;
}

absl::Duration ReplayWindow(std::string_view event, std::string_view body,
                            absl::Duration configured) {
  if (event == "workflow_dispatch" || event == "repository_dispatch") return absl::ZeroDuration();
  if (event != "check_run" && event != "check_suite") return configured;
  const absl::StatusOr<FieldValue> action =
      ReadField({.source = "github", .type = event, .payload = body}, "/action");
  const std::string* const word = action.ok() ? std::get_if<std::string>(&*action) : nullptr;
  if (word == nullptr) return configured;
  return *word == "rerequested" || *word == "requested_action" ? absl::ZeroDuration() : configured;
}

}  // namespace routines::server
