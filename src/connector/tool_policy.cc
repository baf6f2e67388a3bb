#include "src/connector/tool_policy.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "src/base/words.h"

namespace routines {

absl::StatusOr<SortedTools> ApplyToolPolicy(const std::vector<std::string>& tools,
                                            const v1::ToolPolicy& policy) {
  for (const std::string& name : policy.allow()) {
    if (std::find(tools.begin(), tools.end(), name) != tools.end()) continue;
    return absl::FailedPreconditionError(absl::StrCat(
        "tools.allow: ", tools.empty() ? absl::StrCat(Quoted(name), ", but the server has no tools")
                                       : UnknownWord("tool", name, tools)));
  }
  const std::set<std::string> allow(policy.allow().begin(), policy.allow().end());
  const std::set<std::string> deny(policy.deny().begin(), policy.deny().end());
  SortedTools sorted;
  for (const std::string& name : tools) {
    const bool allowed = (allow.empty() || allow.count(name) > 0) && deny.count(name) == 0;
    (allowed ? sorted.allowed : sorted.denied).push_back(name);
  }
  return sorted;
}

absl::Status CheckToolNamesDiffer(const std::vector<ConnectorEndpoint>& endpoints) {
  std::map<std::string, std::string> owners;
  for (const ConnectorEndpoint& endpoint : endpoints) {
    for (const auto* tools : {&endpoint.tools, &endpoint.denied_tools}) {
      for (const std::string& tool : *tools) {
        const auto [owner, added] =
            owners.emplace(absl::StrCat(endpoint.name, "__", tool), endpoint.name);
        if (added) continue;
        return absl::FailedPreconditionError(absl::StrCat(
            "its tool ", Quoted(tool), " has the same full name, ", Quoted(owner->first),
            ", as one of connector ", owner->second, "; rename one of the two connectors"));
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace routines
