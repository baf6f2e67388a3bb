// The head of an answer, with the headers that every answer has.
#ifndef ROUTINES_SRC_SERVER_RESPONSE_HEAD_H_
#define ROUTINES_SRC_SERVER_RESPONSE_HEAD_H_

#include <string>
#include <string_view>

#include "src/server/http_message.h"

namespace routines::server {

// A response with a stream has no length: it ends with the connection.
std::string ResponseHead(const Response& response, std::string_view request_id, bool keep_alive);

}  // namespace routines::server

#endif  // ROUTINES_SRC_SERVER_RESPONSE_HEAD_H_
