#ifndef ROUTINES_SRC_CLI_ROUTINE_FILES_H_
#define ROUTINES_SRC_CLI_ROUTINE_FILES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "routines/routine.h"

namespace routines::cli {

struct RoutineFile {
  std::string path;
  LoadResult loaded;
};

// Loads each file of `paths`; a folder stands for the *.yaml, *.yml and *.json files right in it,
// by name, without hidden ones and tests (*.test.yaml …). kFailedPrecondition: a folder cannot be
// read, or holds no such file. Problems within files are in `loaded`, those of a missing file
// included.
absl::StatusOr<std::vector<RoutineFile>> LoadRoutineFiles(const std::vector<std::string>& paths);

// All problems of all files.
std::vector<Problem> ProblemsOf(const std::vector<RoutineFile>& files);

// "[{"file":…,"line":…,"column":…,"path":…,"message":…},…]".
std::string ProblemsJson(const std::vector<Problem>& problems);

// kInvalidArgument with all problems: one a line for people, and as the error's JSON payload.
absl::Status ProblemsError(const std::vector<Problem>& problems);

}  // namespace routines::cli

#endif  // ROUTINES_SRC_CLI_ROUTINE_FILES_H_
