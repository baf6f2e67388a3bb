#include "src/executor/mcp_config.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "routines/json.h"

namespace routines {
namespace {

std::string List(const std::vector<std::string>& texts) {
  return absl::StrCat("[",
                      absl::StrJoin(texts, ",",
                                    [](std::string* out, const std::string& text) {
                                      out->append(JsonString(text));
                                    }),
                      "]");
}

std::string Map(const std::map<std::string, std::string>& texts) {
  return absl::StrCat(
      "{",
      absl::StrJoin(texts, ",",
                    [](std::string* out, const std::pair<const std::string, std::string>& entry) {
                      absl::StrAppend(out, JsonString(entry.first), ":", JsonString(entry.second));
                    }),
      "}");
}

std::string Server(const ConnectorEndpoint& connector) {
  if (connector.command.empty()) {
    return absl::StrCat(R"({"type":"http","url":)", JsonString(connector.url), R"(,"headers":)",
                        Map(connector.headers), "}");
  }
  return absl::StrCat(R"({"type":"stdio","command":)", JsonString(connector.command[0]),
                      R"(,"args":)", List({connector.command.begin() + 1, connector.command.end()}),
                      R"(,"env":)", Map(connector.environment), "}");
}

}  // namespace

std::string McpConfigJson(const std::vector<ConnectorEndpoint>& connectors) {
  std::vector<std::string> servers, policies;
  for (const ConnectorEndpoint& connector : connectors) {
    const std::string name = JsonString(connector.name);
    servers.push_back(absl::StrCat(name, ":", Server(connector)));
    policies.push_back(absl::StrCat(name, R"(:{"allow":)", List(connector.tools), R"(,"deny":)",
                                    List(connector.denied_tools), "}"));
  }
  return absl::StrCat(R"({"mcpServers":{)", absl::StrJoin(servers, ","), R"(},"toolPolicy":{)",
                      absl::StrJoin(policies, ","), "}}\n");
}

}  // namespace routines
