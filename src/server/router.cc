#include "src/server/router.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace routines::server {
namespace {

std::string_view TakeSegment(std::string_view& path) {
  path.remove_prefix(1);  // the slash
  const std::string_view segment = path.substr(0, path.find('/'));
  path.remove_prefix(segment.size());
  return segment;
}

bool MatchesPattern(std::string_view pattern, std::string_view path,
                    std::vector<std::string>& params) {
  params.clear();
  while (!pattern.empty() && !path.empty()) {
    if (path.front() != '/') return false;
    const std::string_view wanted = TakeSegment(pattern);
    const std::string_view segment = TakeSegment(path);
    if (wanted.empty() || wanted.front() != '{') {
      if (wanted != segment) return false;
      continue;
    }
    std::optional<std::string> value = PercentDecode(segment, /*form=*/false);
    if (!value || value->empty()) return false;
    params.push_back(*std::move(value));
  }
  return pattern.empty() && path.empty();
}

}  // namespace

RouteMatch FindRoute(const std::vector<Route>& routes, std::string_view method,
                     std::string_view path) {
  RouteMatch match;
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  for (const Route& route : routes) {
    if (!MatchesPattern(route.pattern, path, match.params)) continue;
    if (route.method == wanted) {
      match.route = &route;
      match.allow.clear();
      return match;
    }
    const bool get = std::string_view(route.method) == "GET";
    absl::StrAppend(&match.allow, match.allow.empty() ? "" : ", ",
                    get ? "GET, HEAD" : route.method);
  }
  match.params.clear();
  return match;
}

}  // namespace routines::server
