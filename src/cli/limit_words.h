#ifndef ROUTINES_SRC_CLI_LIMIT_WORDS_H_
#define ROUTINES_SRC_CLI_LIMIT_WORDS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "routines/limits.h"

namespace routines::cli {

// What --limits FILE (empty: none) and then --limit NAME=VALUE set. A usage error: one that is
// none.
absl::Status SetLimits(const std::string& file, const std::vector<std::string>& words,
                       LimitOptions& limits);

}  // namespace routines::cli

#endif  // ROUTINES_SRC_CLI_LIMIT_WORDS_H_
