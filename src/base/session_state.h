// The states of sessions by their names: the way back of StateName (routines/session.h).
#ifndef ROUTINES_SRC_BASE_SESSION_STATE_H_
#define ROUTINES_SRC_BASE_SESSION_STATE_H_

#include <string_view>

#include "routines/session.h"

namespace routines {

// SESSION_STATE_UNSPECIFIED where no state has that name. Pure; thread-safe.
v1::SessionState StateOfName(std::string_view name);

}  // namespace routines

#endif  // ROUTINES_SRC_BASE_SESSION_STATE_H_
