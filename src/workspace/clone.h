// Makes the clone that a session works in.
#ifndef ROUTINES_SRC_WORKSPACE_CLONE_H_
#define ROUTINES_SRC_WORKSPACE_CLONE_H_

#include <string>

#include "absl/status/status.h"
#include "src/workspace/git.h"
#include "src/workspace/mirror.h"

namespace routines {

struct CloneRequest {
  std::string directory;   // made here; must not exist
  std::string origin_url;  // what the session sees as its remote
  const Mirror* mirror = nullptr;
  const RefSnapshot* snapshot = nullptr;
  const ResolvedRef* checkout = nullptr;
};

// A clone as `git clone` would leave it, but with its objects read from the mirror (objects/info/
// alternates), no hooks and no template: the branch checked out with its upstream set, a tag or a
// commit detached, refs/remotes/origin/* and refs/tags/* of the snapshot. kUnavailable: disk
// trouble. kDataLoss: the mirror is damaged.
absl::Status MakeClone(const CloneRequest& request, const WorkLimits& limits);

}  // namespace routines

#endif  // ROUTINES_SRC_WORKSPACE_CLONE_H_
