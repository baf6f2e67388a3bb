#include "src/server/response_head.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace routines::server {
namespace {

const char* Reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 303:
      return "See Other";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    default:
      return "Internal Server Error";
  }
}

// Formatted once a second.
const std::string& HttpDate() {
  thread_local int64_t second = 0;
  thread_local std::string date;
  const int64_t now = absl::ToUnixSeconds(absl::Now());
  if (now != second) {
    second = now;
    date = absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", absl::FromUnixSeconds(now),
                            absl::UTCTimeZone());
  }
  return date;
}

}  // namespace

std::string ResponseHead(const Response& response, std::string_view request_id, bool keep_alive) {
  std::string head = absl::StrCat(
      "HTTP/1.1 ", response.status, " ", Reason(response.status), "\r\nDate: ", HttpDate(),
      "\r\nrequest-id: ", absl::string_view(request_id.data(), request_id.size()),
      "\r\nConnection: ", keep_alive ? "keep-alive" : "close",
      "\r\nCache-Control: no-store"
      "\r\nX-Content-Type-Options: nosniff\r\n");
  for (const auto& [name, value] : response.headers) {
    absl::StrAppend(&head, name, ": ", value, "\r\n");
  }
  if (response.stream != nullptr || !response.body.empty()) {
    absl::StrAppend(&head, "Content-Type: ", response.content_type, "\r\n");
  }
  if (response.stream == nullptr && response.status != 204) {
    absl::StrAppend(&head, "Content-Length: ", response.body.size(), "\r\n");
  }
  return head + "\r\n";
}

}  // namespace routines::server
