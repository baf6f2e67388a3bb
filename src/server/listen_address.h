// "host:port" of --listen.
#ifndef ROUTINES_SRC_SERVER_LISTEN_ADDRESS_H_
#define ROUTINES_SRC_SERVER_LISTEN_ADDRESS_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace routines::server {

struct ListenAddress {
  std::string host;  // without brackets; "" means all addresses
  int port = 0;      // 0: any free one

  // As it stands in a URL: "127.0.0.1", "[::1]".
  std::string HostForUrl() const;
};

// "127.0.0.1:7433", "localhost:0", "[::1]:7433", ":7433". kInvalidArgument: anything else.
absl::StatusOr<ListenAddress> ParseListenAddress(std::string_view text);

}  // namespace routines::server

#endif  // ROUTINES_SRC_SERVER_LISTEN_ADDRESS_H_
