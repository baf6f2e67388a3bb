// What a routine's `tools:` makes of the tools that a server has.
#ifndef ROUTINES_SRC_CONNECTOR_TOOL_POLICY_H_
#define ROUTINES_SRC_CONNECTOR_TOOL_POLICY_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "routines/connector.h"

namespace routines {

struct SortedTools {
  std::vector<std::string> allowed, denied;  // both in the server's order
};

// Without `allow`, everything is allowed that `deny` does not name. kFailedPrecondition: `allow`
// names a tool that the server does not have, with the nearest of those that it has: a routine that
// counts on it must not begin without. `deny` may name what is not there.
absl::StatusOr<SortedTools> ApplyToolPolicy(const std::vector<std::string>& tools,
                                            const v1::ToolPolicy& policy);

// Agents call a tool "<connector>__<tool>"; kFailedPrecondition where two of one session would have
// the same name ("a__b" with "c", and "a" with "b__c"), so that one would answer for the other.
absl::Status CheckToolNamesDiffer(const std::vector<ConnectorEndpoint>& endpoints);

}  // namespace routines

#endif  // ROUTINES_SRC_CONNECTOR_TOOL_POLICY_H_
