// Which environment variables a routine may not set.
#ifndef ROUTINES_SRC_BASE_ENVIRONMENT_H_
#define ROUTINES_SRC_BASE_ENVIRONMENT_H_

#include <string_view>

namespace routines {

// True for names that would change which code a session's programs load, where git pushes to, or
// where the agent sends its key: the dynamic loader's, shells' and interpreters' start-up hooks,
// git's, and those that the workspace sets itself (PATH, HOME, …). The loader of routine files
// refuses them, and the workspace drops them, so that a value that came by another way does not
// pass either.
bool IsReservedVariable(std::string_view name);

}  // namespace routines

#endif  // ROUTINES_SRC_BASE_ENVIRONMENT_H_
