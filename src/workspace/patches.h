// What a session committed but never pushed.
#ifndef ROUTINES_SRC_WORKSPACE_PATCHES_H_
#define ROUTINES_SRC_WORKSPACE_PATCHES_H_

#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "routines/v1/session.pb.h"
#include "src/workspace/git.h"
#include "src/workspace/mirror.h"

namespace routines {

struct PatchRequest {
  std::string clone;    // the session's, which may be in any state by now
  std::string scratch;  // a folder of our own, made here
  std::string name;     // of the repository
  const Mirror* mirror = nullptr;
  std::set<std::string> known;  // commits that need not be kept: the upstream's, and those pushed
};

inline constexpr size_t kMaxPatchBytes = size_t{1} << 20;

struct KeptPatches {
  std::vector<v1::Patch> patches;
  std::vector<std::string> lost;  // "ref: why", of branches whose commits could not be kept
};

// A patch for every branch of the clone, and a detached HEAD, that has commits which no known one
// leads to; the branch that is checked out first, at most 16. `git am` makes the branch's tree from
// it: of merges, it has the difference to their first parent. git is run in a fresh repository
// under `scratch`, into which the clone's own objects are copied: of the clone, only ids and
// objects are read, never its configuration, hooks, attributes or alternates, and no link.
// kOutOfRange: it has more objects of its own than is copied (256 MiB).
absl::StatusOr<KeptPatches> GatherPatches(const PatchRequest& request, const WorkLimits& limits);

}  // namespace routines

#endif  // ROUTINES_SRC_WORKSPACE_PATCHES_H_
