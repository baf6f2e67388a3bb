#include "src/cli/find_routine.h"

#include <sys/stat.h>

#include <vector>

#include "routines/routine.h"
#include "src/base/status_macros.h"
#include "src/cli/exit_codes.h"
#include "src/cli/routine_files.h"

namespace routines::cli {

absl::StatusOr<v1::Routine> FindRoutine(const ClientOptions& client, const std::string& text) {
  struct stat info;
  if (stat(text.c_str(), &info) == 0) {
    ASSIGN_OR_RETURN(const std::vector<RoutineFile> files, LoadRoutineFiles({text}));
    if (const auto problems = ProblemsOf(files); !problems.empty()) return ProblemsError(problems);
    if (files.size() != 1) return UsageError("ROUTINE: is a folder of several; name one file");
    return files.front().loaded.routine;
  }
  ASSIGN_OR_RETURN(Api api, Api::Open(client));
  ASSIGN_OR_RETURN(const RoutineName name, ParseRoutineName(text));
  ASSIGN_OR_RETURN(const JsonValue saved, api.Get(name.Path()));
  const LoadResult loaded = LoadRoutine(saved["routine"].Dump(), text);
  if (!loaded.ok()) return ProblemsError(loaded.problems);
  return loaded.routine;
}

}  // namespace routines::cli
