// A request and its answer, as handlers see them: no socket, no library.
#ifndef ROUTINES_SRC_SERVER_HTTP_MESSAGE_H_
#define ROUTINES_SRC_SERVER_HTTP_MESSAGE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace routines::server {

class EventStream;
struct Route;

struct Request {
  std::string method;
  std::string target;                                        // as it came: path and query
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case, in order
  std::optional<int64_t> content_length;
  std::string body;
  std::string id;  // req_ + ULID

  // Filled in by Api::Begin.
  const Route* route = nullptr;
  std::vector<std::string> params;  // the {…} of the route's pattern, decoded
  std::map<std::string, std::string> query;
  std::shared_ptr<void> memory;  // what a large body takes of all bodies' share, for as long

  // The value of the first header of that (lower-case) name; nullopt where there is none.
  std::optional<std::string_view> Header(std::string_view name) const;
  // The token of `Authorization: Bearer`; empty where there is none.
  std::string_view BearerToken() const;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::shared_ptr<EventStream> stream;  // instead of body: sent as it comes, then closed
};

// To be called exactly once, on any thread.
using Respond = std::function<void(Response)>;

// `text` with %XX decoded, and "+" as a space where `form`; nullopt where a "%" is not followed by
// two hexadecimal digits.
std::optional<std::string> PercentDecode(std::string_view text, bool form);
// Everything but [A-Za-z0-9-._~] as %XX.
std::string PercentEncode(std::string_view text);

// "a=1&b=2" of a query or a form. kInvalidArgument: a broken %, or a name that comes twice.
absl::StatusOr<std::map<std::string, std::string>> ParseForm(std::string_view text);

}  // namespace routines::server

#endif  // ROUTINES_SRC_SERVER_HTTP_MESSAGE_H_
