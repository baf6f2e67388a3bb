// The page of a session, complete without JavaScript; web/session.js keeps it up to date.
#ifndef ROUTINES_SRC_SERVER_SESSION_PAGE_H_
#define ROUTINES_SRC_SERVER_SESSION_PAGE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "routines/v1/session.pb.h"

namespace routines::server {

// `events`: the log from `after` + 1 on, as much of it as one page shall show.
std::string RenderSessionPage(const v1::Session& session,
                              const std::vector<v1::SessionEvent>& events, int64_t after);

}  // namespace routines::server

#endif  // ROUTINES_SRC_SERVER_SESSION_PAGE_H_
