#ifndef ROUTINES_SRC_CLI_FIND_ROUTINE_H_
#define ROUTINES_SRC_CLI_FIND_ROUTINE_H_

#include <string>

#include "absl/status/statusor.h"
#include "routines/v1/routine.pb.h"
#include "src/cli/api.h"

namespace routines::cli {

// The routine that `text` means: that of a file, or the one that the server has under the name
// [ACCOUNT/]NAME. A file comes first; `./name` says that it is one.
absl::StatusOr<v1::Routine> FindRoutine(const ClientOptions& client, const std::string& text);

}  // namespace routines::cli

#endif  // ROUTINES_SRC_CLI_FIND_ROUTINE_H_
