// The host's own copy of one upstream repository, from which sessions are cloned.
//
// Thread-safety: every method may be called from several threads at once; fetches of one mirror run
// one after the other, readers need not wait for them (git writes objects before the refs that need
// them, and a mirror never throws objects away).
#ifndef ROUTINES_SRC_WORKSPACE_MIRROR_H_
#define ROUTINES_SRC_WORKSPACE_MIRROR_H_

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "src/workspace/git.h"

namespace routines {

// What the upstream had at one moment.
struct RefSnapshot {
  std::string head;                         // the default branch, "refs/heads/main"; empty: none
  std::string head_commit;                  // where HEAD is not a branch: its commit
  std::map<std::string, std::string> refs;  // refs/heads/* and refs/tags/* with their objects
};

// One commit, and the name under which it was found: a branch, a tag, or the commit's own
// id.
struct ResolvedRef {
  std::string ref;
  std::string commit;
};

class Mirror {
 public:
  explicit Mirror(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  std::string objects() const { return path_ + "/objects"; }

  // Makes the mirror equal to its upstream and tells what is there. kCancelled, kDeadlineExceeded;
  // kUnavailable: try again; kFailedPrecondition: no such repository, or no right to it.
  absl::StatusOr<RefSnapshot> Refresh(const Upstream& upstream, const WorkLimits& limits)
      ABSL_LOCKS_EXCLUDED(mu_);

  // refs/heads/* and refs/tags/* with their objects, as they were at the last Refresh.
  absl::StatusOr<std::map<std::string, std::string>> Refs(const WorkLimits& limits) const;

  // Finds the commit that `ref` (a branch, a tag, a full commit id; empty: the default branch)
  // means in `snapshot`. kNotFound: the upstream has no such thing.
  absl::StatusOr<ResolvedRef> Resolve(const Upstream& upstream, const RefSnapshot& snapshot,
                                      const std::string& ref, const WorkLimits& limits)
      ABSL_LOCKS_EXCLUDED(mu_);

 private:
  class Turn;

  absl::Status MakeOnce(const WorkLimits& limits);
  absl::Status Fetch(const Upstream& upstream, const WorkLimits& limits);
  absl::StatusOr<RefSnapshot> ReadRemoteHead(const Upstream& upstream, const WorkLimits& limits);
  absl::StatusOr<std::string> PeelToCommit(const std::string& object, const WorkLimits& limits);
  void RemoveLeftovers();
  void RepackWhereNeeded(const WorkLimits& limits);

  const std::string path_;
  absl::Mutex mu_;
  bool busy_ ABSL_GUARDED_BY(mu_) = false;  // somebody has the turn to change the mirror
  bool ready_ = false;                      // only for who has the turn
};

// The mirrors under one folder.
class MirrorSet {
 public:
  explicit MirrorSet(std::string directory) : directory_(std::move(directory)) {}

  std::shared_ptr<Mirror> Get(const std::string& url) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  const std::string directory_;
  absl::Mutex mu_;
  std::map<std::string, std::shared_ptr<Mirror>> mirrors_ ABSL_GUARDED_BY(mu_);
};

}  // namespace routines

#endif  // ROUTINES_SRC_WORKSPACE_MIRROR_H_
