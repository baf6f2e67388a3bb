// From a routine's connector to what is started or reached: the program found, secrets filled in.
#ifndef ROUTINES_SRC_CONNECTOR_FILL_ENDPOINT_H_
#define ROUTINES_SRC_CONNECTOR_FILL_ENDPOINT_H_

#include <string>
#include <vector>

#include "routines/connector.h"

namespace routines {

struct FilledEndpoint {
  ConnectorEndpoint endpoint;
  std::vector<std::string> secret_values;
  Outcome outcome;  // not ok: why it cannot be filled; names the connector
};

// May block, as `secrets` does; it may be null. A program without a slash is looked up in the
// absolute folders of the session's PATH; a relative path is one of the session's directory.
FilledEndpoint FillEndpoint(const v1::Connector& connector, const ConnectorRequest& request,
                            SecretProvider* secrets);

}  // namespace routines

#endif  // ROUTINES_SRC_CONNECTOR_FILL_ENDPOINT_H_
