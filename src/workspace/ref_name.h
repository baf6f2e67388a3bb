// Names of git references, judged as bytes, before git is asked anything.
#ifndef ROUTINES_SRC_WORKSPACE_REF_NAME_H_
#define ROUTINES_SRC_WORKSPACE_REF_NAME_H_

#include <string_view>

namespace routines {

// Whether `git check-ref-format` accepts the full name: at least two parts; no part empty,
// beginning with "." or ending with ".lock"; no "..", "@{", control character, space or any of
// ~^:?*[\ ; not ending with ".".
bool IsValidRefName(std::string_view name);

// 40 lower-case hex digits.
bool IsObjectId(std::string_view text);

// What stands for "no object" in the push protocol.
inline constexpr std::string_view kZeroObjectId = "0000000000000000000000000000000000000000";

}  // namespace routines

#endif  // ROUTINES_SRC_WORKSPACE_REF_NAME_H_
