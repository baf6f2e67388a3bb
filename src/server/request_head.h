// Whether the head of a request is one that everybody reads alike.
//
// Request smuggling lives where two programs read the same bytes differently. So whatever HTTP
// leaves to taste (RFC 9112, sections 2.2, 3, 5 and 6) is refused here, before the parser sees it.
#ifndef ROUTINES_SRC_SERVER_REQUEST_HEAD_H_
#define ROUTINES_SRC_SERVER_REQUEST_HEAD_H_

#include <string>
#include <string_view>

namespace routines::server {

// `head` ends with the empty line. Empty: it is fine; else what is wrong with it.
std::string ProblemOfHead(std::string_view head);

// The first line feed of `bytes` from `from` on that no carriage return precedes; npos: there is
// none.
size_t FindBareLineFeed(std::string_view bytes, size_t from);

}  // namespace routines::server

#endif  // ROUTINES_SRC_SERVER_REQUEST_HEAD_H_
