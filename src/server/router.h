// Which handler a method and path mean: a table, and the way to look things up in it.
#ifndef ROUTINES_SRC_SERVER_ROUTER_H_
#define ROUTINES_SRC_SERVER_ROUTER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "src/server/http_message.h"

namespace routines::server {

class Api;

// Who may call. What a handler decides by itself (a session's read key) is kPublic here.
// kSigned: the head must have a signature that can be right; the handler checks it over the body.
enum class Access { kPublic, kTrigger, kSigned, kAdmin };

struct Route {
  using Handler = void (Api::*)(std::shared_ptr<Request>, Respond);

  const char* method;   // GET answers HEAD too
  const char* pattern;  // "/v1/sessions/{id}": a {…} is one segment, not empty
  Access access;
  bool blocking;  // the handler may wait for the store: it runs on the pool
  Handler handler;
  int64_t max_body_bytes = 0;  // 0: the server's limit for management
};

struct RouteMatch {
  const Route* route = nullptr;
  std::vector<std::string> params;
  std::string allow;  // where the path is known but the method is not: "GET, HEAD"
};

// `path` as it came in the request, without the query. A segment with a broken % matches nothing.
RouteMatch FindRoute(const std::vector<Route>& routes, std::string_view method,
                     std::string_view path);

}  // namespace routines::server

#endif  // ROUTINES_SRC_SERVER_ROUTER_H_
