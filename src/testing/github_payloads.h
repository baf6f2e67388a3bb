// The payloads that GithubEvent (routines/testing/github_events.h) begins with.
#ifndef ROUTINES_SRC_TESTING_GITHUB_PAYLOADS_H_
#define ROUTINES_SRC_TESTING_GITHUB_PAYLOADS_H_

#include <string_view>

#include "src/testing/json_tree.h"

namespace routines::testing {

// Null: no such event. Lives for ever.
const Json* UsualPayload(std::string_view event);

}  // namespace routines::testing

#endif  // ROUTINES_SRC_TESTING_GITHUB_PAYLOADS_H_
