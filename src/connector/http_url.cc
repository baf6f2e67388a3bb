#include "src/connector/http_url.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "src/base/words.h"

namespace routines {
namespace {

// RFC 3986: letters, digits, "-._~" and what a literal IPv6 address has. Names beyond ASCII come as
// punycode.
bool IsHost(std::string_view host) {
  return !host.empty() && host.size() <= 255 && std::all_of(host.begin(), host.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           std::string_view("-._~:").find(c) != std::string_view::npos;
  });
}

bool IsTarget(std::string_view target) {
  return std::all_of(target.begin(), target.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

std::string HttpUrl::HostHeader() const {
  const std::string name = host.find(':') == host.npos ? host : absl::StrCat("[", host, "]");
  return port == (tls ? "443" : "80") ? name : absl::StrCat(name, ":", port);
}

std::string HttpUrl::ToString() const {
  return absl::StrCat(tls ? "https://" : "http://", HostHeader(), target);
}

bool HttpUrl::SameOrigin(const HttpUrl& other) const {
  return tls == other.tls && host == other.host && port == other.port;
}

absl::StatusOr<HttpUrl> ParseHttpUrl(std::string_view text) {
  const auto wrong = [&](const char* why) {
    return absl::FailedPreconditionError(
        absl::StrCat("has the URL ", Quoted(text), ", ", why, "; write https://host/path"));
  };
  HttpUrl url;
  const size_t colon = text.find("://");
  const std::string scheme =
      absl::AsciiStrToLower(std::string(text.substr(0, colon == text.npos ? 0 : colon)));
  if (scheme != "http" && scheme != "https") return wrong("which is neither http nor https");
  url.tls = scheme == "https";
  std::string_view rest = text.substr(colon + 3);
  rest = rest.substr(0, rest.find('#'));
  // A backslash is a slash to some readers and a letter of the name to others.
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?\\"));
  url.target = std::string(rest.substr(authority.size()));
  if (!absl::StartsWith(url.target, "/")) url.target.insert(0, "/");
  if (!IsTarget(url.target) || url.target.find('\\') != url.target.npos) {
    return wrong("which has characters that must be percent-encoded");
  }
  if (authority.find('@') != authority.npos) return wrong("which has a user in it");

  const size_t bracket = authority.rfind(']');
  const size_t port = authority.find(':', bracket == authority.npos ? 0 : bracket);
  std::string_view host = authority.substr(0, port);
  const bool literal = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (literal) host = host.substr(1, host.size() - 2);
  if (!IsHost(host) || (!literal && host.find(':') != host.npos)) return wrong("which has no host");
  url.host = absl::AsciiStrToLower(std::string(host));
  int number = url.tls ? 443 : 80;
  if (port != authority.npos) {
    const std::string digits(authority.substr(port + 1));
    const bool plain = !digits.empty() && digits.find_first_not_of("0123456789") == digits.npos;
    if (!plain || !absl::SimpleAtoi(digits, &number) || number < 1 || number > 65535) {
      return wrong("which has no usable port");
    }
  }
  url.port = absl::StrCat(number);
  return url;
}

absl::StatusOr<HttpUrl> ResolveHttpUrl(const HttpUrl& base, std::string_view location) {
  const bool path = location.substr(0, 1) == "/" && location.substr(0, 2) != "//";
  if (!path) return ParseHttpUrl(location);
  HttpUrl origin = base;
  origin.target.clear();
  return ParseHttpUrl(absl::StrCat(origin.ToString(), std::string(location)));
}

}  // namespace routines
