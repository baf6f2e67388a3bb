#include "src/connector/address_policy.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "src/base/status_macros.h"

namespace routines {
namespace {

struct Range4 {
  uint32_t base;
  int bits;
  AddressKind kind;
};

constexpr uint32_t Ip(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  return a << 24 | b << 16 | c << 8 | d;
}

// IANA's special-purpose registry (RFC 6890); the first that fits counts. Two metadata services
// stand outside the link-local range.
constexpr Range4 kRanges4[] = {
    {Ip(169, 254, 0, 0), 16, AddressKind::kForbidden},
    {Ip(100, 100, 100, 200), 32, AddressKind::kForbidden},
    {Ip(192, 0, 0, 192), 32, AddressKind::kForbidden},
    {Ip(224, 0, 0, 0), 3, AddressKind::kForbidden},  // multicast, reserved, broadcast
    {Ip(0, 0, 0, 0), 8, AddressKind::kPrivate},
    {Ip(10, 0, 0, 0), 8, AddressKind::kPrivate},
    {Ip(100, 64, 0, 0), 10, AddressKind::kPrivate},
    {Ip(127, 0, 0, 0), 8, AddressKind::kPrivate},
    {Ip(172, 16, 0, 0), 12, AddressKind::kPrivate},
    {Ip(192, 0, 0, 0), 24, AddressKind::kPrivate},
    {Ip(192, 168, 0, 0), 16, AddressKind::kPrivate},
    {Ip(198, 18, 0, 0), 15, AddressKind::kPrivate},
};

AddressKind Classify4(uint32_t address) {
  for (const Range4& range : kRanges4) {
    const uint32_t mask = ~uint32_t{0} << (32 - range.bits);
    if ((address & mask) == range.base) return range.kind;
  }
  return AddressKind::kPublic;
}

using Bytes6 = std::array<uint8_t, 16>;

uint32_t Embedded(const Bytes6& bytes, size_t at) {
  return Ip(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]);
}

bool BeginsWith(const Bytes6& bytes, std::initializer_list<uint8_t> prefix) {
  return std::equal(prefix.begin(), prefix.end(), bytes.begin());
}

AddressKind Classify6(const Bytes6& bytes) {
  const bool twelve_zeros = BeginsWith(bytes, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  if (twelve_zeros && Embedded(bytes, 12) <= 1) return AddressKind::kPrivate;  // :: and ::1
  if (twelve_zeros || BeginsWith(bytes, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}) ||
      BeginsWith(bytes, {0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0})) {
    return Classify4(Embedded(bytes, 12));
  }
  if (BeginsWith(bytes, {0x20, 0x02})) return Classify4(Embedded(bytes, 2));
  if (bytes[0] == 0xff) return AddressKind::kForbidden;
  if (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80) return AddressKind::kForbidden;  // fe80::/10
  if (BeginsWith(bytes, {0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54})) {
    return AddressKind::kForbidden;  // a metadata service among the private ones
  }
  if ((bytes[0] & 0xfe) == 0xfc) return AddressKind::kPrivate;                      // fc00::/7
  if (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0xc0) return AddressKind::kPrivate;  // fec0::/10
  if (BeginsWith(bytes, {0, 0x64, 0xff, 0x9b, 0, 1})) return AddressKind::kPrivate;
  return (bytes[0] & 0xe0) == 0x20 ? AddressKind::kPublic : AddressKind::kForbidden;  // 2000::/3
}

std::optional<std::string> NumericOf(const addrinfo& info) {
  char text[NI_MAXHOST];
  // With the scope of a link-local address, if it has one.
  if (getnameinfo(info.ai_addr, info.ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) !=
      0) {
    return std::nullopt;
  }
  return text;
}

absl::StatusOr<std::vector<std::string>> LookUp(const std::string& host) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (error != 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot be reached: host ", host, ": ", gai_strerror(error)));
  }
  std::vector<std::string> addresses;
  for (const addrinfo* info = found; info != nullptr; info = info->ai_next) {
    if (std::optional<std::string> text = NumericOf(*info)) addresses.push_back(*std::move(text));
  }
  freeaddrinfo(found);
  if (addresses.empty()) {
    return absl::UnavailableError(
        absl::StrCat("cannot be reached: host ", host, " has no address"));
  }
  return addresses;
}

}  // namespace

AddressKind ClassifyAddress(std::string_view address) {
  const std::string text(address.substr(0, address.find('%')));
  in_addr four;
  if (inet_pton(AF_INET, text.c_str(), &four) == 1) return Classify4(ntohl(four.s_addr));
  Bytes6 six;
  if (inet_pton(AF_INET6, text.c_str(), six.data()) == 1) return Classify6(six);
  return AddressKind::kForbidden;
}

absl::Status CheckAddress(std::string_view address, bool allow_private) {
  const std::string text(address);
  switch (ClassifyAddress(address)) {
    case AddressKind::kPublic:
      return absl::OkStatus();
    case AddressKind::kPrivate:
      if (allow_private) return absl::OkStatus();
      return absl::PermissionDeniedError(
          absl::StrCat("leads to ", text,
                       ", an address of this host or a private network, which the engine's "
                       "host does not allow connectors to reach"));
    case AddressKind::kForbidden:
      break;
  }
  return absl::PermissionDeniedError(
      absl::StrCat("leads to ", text,
                   ", a link-local, metadata, multicast or reserved address, which connectors may "
                   "never reach"));
}

absl::StatusOr<std::vector<std::string>> ResolveHost(const std::string& host,
                                                     const ChannelLimits& limits) {
  using Found = absl::StatusOr<std::vector<std::string>>;
  struct Shared {
    absl::Mutex mu;
    std::optional<Found> found ABSL_GUARDED_BY(mu);
  };
  auto shared = std::make_shared<Shared>();
  std::thread([shared, host] {
    Found found = LookUp(host);
    absl::MutexLock lock(&shared->mu);
    shared->found = std::move(found);
  }).detach();
  while (true) {
    absl::MutexLock lock(&shared->mu);
    const auto ready = [&]() ABSL_SHARED_LOCKS_REQUIRED(shared->mu) {
      return shared->found.has_value();
    };
    // A mutex cannot wait for a descriptor too, so the cancellation is looked at now and then.
    if (shared->mu.AwaitWithTimeout(absl::Condition(&ready), absl::Milliseconds(50))) {
      return *std::move(shared->found);
    }
    RETURN_IF_ERROR(limits.Check());
  }
}

absl::StatusOr<std::vector<std::string>> ResolveAllowed(const std::string& host, bool allow_private,
                                                        const AddressResolver& resolver,
                                                        const ChannelLimits& limits) {
  ASSIGN_OR_RETURN(std::vector<std::string> addresses, resolver(host, limits));
  for (const std::string& address : addresses) {
    RETURN_IF_ERROR(CheckAddress(address, allow_private));
  }
  return addresses;
}

}  // namespace routines
