#include <algorithm>
#include <set>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "src/base/environment.h"
#include "src/base/words.h"
#include "src/config/validate.h"

namespace routines {
namespace {

// RFC 9110, token.
bool IsHeaderName(std::string_view name) {
  return !name.empty() && name.size() <= 128 && std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(c) ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

void CheckConnectorUrl(const std::string& url, const std::string& path, Rules& rules) {
  const bool http = absl::StartsWith(url, "https://") || absl::StartsWith(url, "http://");
  const std::string rest = http ? url.substr(url.find("://") + 3) : "";
  const std::string authority = rest.substr(0, rest.find_first_of("/?#"));
  const bool clean = !HasControlCharacter(url) && url.find(' ') == url.npos && url.size() <= 2048;
  if (!rules.Require(http && clean && !authority.empty(), path,
                     "is not a URL of an MCP server; write https://host/path")) {
    return;
  }
  rules.Require(authority.find('@') == std::string::npos, path,
                "has a user or password in it; use headers with ${NAME} of a secret");
}

void CheckKind(const v1::Connector& connector, const std::string& path, Rules& rules) {
  const int kinds =
      (connector.command_size() > 0) + !connector.url().empty() + !connector.host().empty();
  rules.Require(kinds == 1, path,
                kinds == 0 ? "needs command, url or host: how to reach the server"
                           : "has more than one of command, url and host; keep one");
  if (kinds != 1) return;
  if (connector.command_size() > 0) {
    rules.Require(!connector.command(0).empty() && connector.command(0)[0] != '-',
                  path + ".command[0]", "is not a program; begin the list with the program to run");
  }
  if (!connector.url().empty()) CheckConnectorUrl(connector.url(), path + ".url", rules);
  if (!connector.host().empty()) {
    rules.Require(IsName(connector.host(), true), path + ".host",
                  absl::StrCat(Quoted(connector.host()),
                               " is not the name of a server of the host "
                               "process; use small letters, digits, - and _"));
  }
  rules.Require(connector.headers().empty() || !connector.url().empty(), path + ".headers",
                "has a meaning with url only; remove it");
  rules.Require(connector.secrets_size() == 0 || connector.command_size() > 0, path + ".secrets",
                "has a meaning with command only; use headers with ${NAME} instead");
}

// Whether every "${" of `value` names a secret: "${NAME}".
bool NamesSecrets(std::string_view value) {
  for (size_t start = value.find("${"); start != value.npos; start = value.find("${", start + 1)) {
    const size_t end = value.find('}', start);
    if (end == value.npos || !IsVariableName(value.substr(start + 2, end - start - 2)))
      return false;
  }
  return true;
}

void CheckHeaders(const v1::Connector& connector, const std::string& path, Rules& rules) {
  for (const auto& [name, value] : connector.headers()) {
    const std::string header_path = KeyPath(path + ".headers", name);
    rules.Require(IsHeaderName(name), header_path,
                  absl::StrCat(Quoted(name), " is not the name of an HTTP header"));
    rules.Require(!HasControlCharacter(value), header_path,
                  "has a line break or control character in it; remove it");
    rules.Require(NamesSecrets(value), header_path,
                  "has a ${ without NAME}; write ${NAME} of a secret");
  }
}

void CheckTools(const v1::ToolPolicy& tools, const std::string& path, Rules& rules) {
  const std::set<std::string> allowed(tools.allow().begin(), tools.allow().end());
  for (int i = 0; i < tools.allow_size(); ++i) {
    rules.Require(!tools.allow(i).empty(), ItemPath(path + ".allow", i), "is empty; name a tool");
  }
  for (int i = 0; i < tools.deny_size(); ++i) {
    rules.Require(!tools.deny(i).empty(), ItemPath(path + ".deny", i), "is empty; name a tool");
    rules.Require(
        allowed.count(tools.deny(i)) == 0, ItemPath(path + ".deny", i),
        absl::StrCat(Quoted(tools.deny(i)), " is allowed too; keep it in allow or in deny"));
  }
}

}  // namespace

void CheckConnectors(const v1::Routine& routine, Rules& rules) {
  std::set<std::string> names;
  for (int i = 0; i < routine.connectors_size(); ++i) {
    const v1::Connector& connector = routine.connectors(i);
    const std::string path = ItemPath("connectors", i);
    if (rules.Require(!connector.name().empty(), path + ".name",
                      "is required; the agent sees the tools under it")) {
      rules.Require(IsName(connector.name(), true), path + ".name",
                    absl::StrCat(Quoted(connector.name()),
                                 " is not a name; use 1 to 63 small letters, "
                                 "digits, - and _"));
      rules.Require(names.insert(connector.name()).second, path + ".name",
                    absl::StrCat(Quoted(connector.name()),
                                 " is the name of another connector too; choose another"));
    }
    CheckKind(connector, path, rules);
    CheckHeaders(connector, path, rules);
    CheckTools(connector.tools(), path + ".tools", rules);
    for (int j = 0; j < connector.secrets_size(); ++j) {
      const std::string& name = connector.secrets(j);
      rules.Require(IsVariableName(name) && !IsReservedVariable(name),
                    ItemPath(path + ".secrets", j),
                    absl::StrCat(Quoted(name),
                                 " is not usable as the name of a secret; use letters, "
                                 "digits and _, and no reserved name"));
    }
  }
}

}  // namespace routines
