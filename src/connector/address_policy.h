// Which network addresses a connector may have, whatever name or spelling led there (T33).
#ifndef ROUTINES_SRC_CONNECTOR_ADDRESS_POLICY_H_
#define ROUTINES_SRC_CONNECTOR_ADDRESS_POLICY_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/connector/channel.h"

namespace routines {

enum class AddressKind {
  kPublic,
  kPrivate,    // loopback, private and shared ranges, this host
  kForbidden,  // link-local, metadata services, multicast, broadcast, reserved; what is no address
};

// `address` is numeric, IPv4 or IPv6. An IPv6 address that carries an IPv4 address (mapped,
// compatible, NAT64, 6to4) is judged by it.
AddressKind ClassifyAddress(std::string_view address);

// kPermissionDenied names the address.
absl::Status CheckAddress(std::string_view address, bool allow_private);

// Numeric addresses of a host, by the system's resolver (which reads 0x7f.1 and 2130706433 too).
// kUnavailable: there are none. Returns soon after the limits say stop; the look-up itself, which
// nothing can interrupt, is then left to end by itself.
using AddressResolver = std::function<absl::StatusOr<std::vector<std::string>>(
    const std::string& host, const ChannelLimits& limits)>;
absl::StatusOr<std::vector<std::string>> ResolveHost(const std::string& host,
                                                     const ChannelLimits& limits);

// The addresses of `host`, each of which CheckAddress lets pass: one bad one is reason enough not
// to trust the name.
absl::StatusOr<std::vector<std::string>> ResolveAllowed(const std::string& host, bool allow_private,
                                                        const AddressResolver& resolver,
                                                        const ChannelLimits& limits);

}  // namespace routines

#endif  // ROUTINES_SRC_CONNECTOR_ADDRESS_POLICY_H_
