#include "src/cli/url.h"

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace routines::cli {

std::string Url::HostHeader() const {
  const std::string name = host.find(':') == host.npos ? host : absl::StrCat("[", host, "]");
  return port == (tls ? "443" : "80") ? name : absl::StrCat(name, ":", port);
}

absl::StatusOr<Url> ParseUrl(std::string_view text) {
  const auto wrong = [&](const char* why) {
    return absl::InvalidArgumentError(
        absl::StrCat("server URL \"", std::string(text), "\": ", why,
                     "; write http://host:port or https://host:port"));
  };
  Url url;
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    url.tls = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return wrong("it does not begin with http:// or https://");
  }
  const std::string_view authority = rest.substr(0, rest.find('/'));
  url.base = std::string(rest.substr(authority.size()));
  while (url.base.ends_with('/')) url.base.pop_back();
  if (rest.find_first_of("@?# ") != rest.npos) return wrong("it has more than host, port and path");

  // An IPv6 address stands in brackets, so its colons are not the port's.
  const size_t bracket = authority.rfind(']');
  const size_t colon = authority.find(':', bracket == authority.npos ? 0 : bracket);
  std::string_view host = authority.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty()) return wrong("it has no host");
  url.host = std::string(host);
  url.port =
      colon == authority.npos ? (url.tls ? "443" : "80") : std::string(authority.substr(colon + 1));
  int port = 0;
  if (!absl::SimpleAtoi(url.port, &port) || port < 1 || port > 65535)
    return wrong("the port is no port");
  return url;
}

std::string EncodeUrlPart(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (absl::ascii_isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
    } else {
      absl::StrAppendFormat(&out, "%%%02X", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace routines::cli
