#include "src/server/listen_address.h"

#include "absl/strings/str_cat.h"
#include "src/base/status_macros.h"
#include "src/server/query.h"

namespace routines::server {

std::string ListenAddress::HostForUrl() const {
  if (host.empty()) return "0.0.0.0";
  return host.find(':') == host.npos ? host : absl::StrCat("[", host, "]");
}

absl::StatusOr<ListenAddress> ParseListenAddress(std::string_view text) {
  const size_t colon = text.rfind(':');
  std::string_view host = text.substr(0, colon == text.npos ? 0 : colon);
  const std::string_view port = colon == text.npos ? "" : text.substr(colon + 1);
  const bool brackets = host.starts_with('[') && host.ends_with(']');
  if (brackets) host = host.substr(1, host.size() - 2);
  const bool colons = host.find(':') != host.npos;
  if (port.empty() || colons != brackets) {
    return absl::InvalidArgumentError(
        absl::StrCat("listen: must be host:port, such as 127.0.0.1:7433 or [::1]:7433, is \"",
                     std::string(text), "\""));
  }
  ListenAddress address;
  address.host = std::string(host);
  ASSIGN_OR_RETURN(address.port, ParseNumber("listen: the port", port, 0, 0, 65535));
  return address;
}

}  // namespace routines::server
