// MCP's Streamable HTTP transport: each message is a POST, answered as JSON or as a stream of
// events.
//
// The name is looked up once; every request of the channel goes to the addresses that were allowed
// then (T33: a name that leads elsewhere the second time). Redirects within the origin are
// followed, others are errors.
#ifndef ROUTINES_SRC_CONNECTOR_HTTP_CHANNEL_H_
#define ROUTINES_SRC_CONNECTOR_HTTP_CHANNEL_H_

#include <map>
#include <memory>
#include <string>

#include "src/connector/address_policy.h"
#include "src/connector/channel.h"
#include "src/connector/http_url.h"

namespace routines {

struct HttpChannelOptions {
  HttpUrl url;
  std::map<std::string, std::string> headers;  // the protocol's own win
  bool allow_private_addresses = true;
  ChannelLimits limits;
  AddressResolver resolver = ResolveHost;
};

std::unique_ptr<Channel> NewHttpChannel(HttpChannelOptions options);

}  // namespace routines

#endif  // ROUTINES_SRC_CONNECTOR_HTTP_CHANNEL_H_
