// The host's own copy of one upstream repository, from which sessions are cloned.
//
// Thread-safety: every method may be called from several threads at once; fetches of one mirror run
// one after the other, readers need not wait for them (git writes objects before the refs that need
// them, and a mirror never throws objects away).
#ifndef ROUTINES_SRC_WORKSPACE_MIRROR_H_
#define ROUTINES_SRC_WORKSPACE_MIRROR_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

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

// How much of an upstream is taken.
struct CloneBounds {
  int64_t bytes = int64_t{20} << 30;  // of one fetch, and of the files of one checkout
  int64_t files = 2000000;            // of one checkout
};

class Mirror {
 public:
  // `base`: a path under which nobody else writes.
  Mirror(std::string base, const CloneBounds& bounds);

  // Where it is at present. A place stays as it is while the process runs, also after Renew.
  std::string path() const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return path_;
  }
  std::string objects() const { return path() + "/objects"; }

  // Makes the mirror equal to its upstream and tells what is there. Where the mirror is damaged it
  // is made anew. kCancelled, kDeadlineExceeded; kUnavailable, kDataLoss: try again; kOutOfRange:
  // larger than the bounds; kFailedPrecondition: no such repository, or no right to it.
  absl::StatusOr<RefSnapshot> Refresh(const Upstream& upstream, const WorkLimits& limits)
      ABSL_LOCKS_EXCLUDED(mu_);

  // Makes the mirror anew in another place, because the one at `path` was found to be damaged.
  // Sessions go on reading the old one, which goes at the next start. Nothing where the mirror is
  // elsewhere already. Errors as of Refresh.
  absl::Status Renew(const std::string& path, const Upstream& upstream, const WorkLimits& limits)
      ABSL_LOCKS_EXCLUDED(mu_);

  // Whether the commit's files are within the bounds. kOutOfRange: they are not; else as of
  // Refresh.
  absl::Status CheckSize(const std::string& commit, const WorkLimits& limits)
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

  // All of these are for who has the turn.
  absl::StatusOr<RefSnapshot> RefreshAt(const std::string& path, const Upstream& upstream,
                                        const WorkLimits& limits);
  absl::StatusOr<RefSnapshot> RenewHere(const Upstream& upstream, const WorkLimits& limits);
  absl::Status Fetch(const std::string& path, const Upstream& upstream, const WorkLimits& limits);

  absl::StatusOr<std::string> PeelToCommit(const std::string& object, const WorkLimits& limits);

  const std::string base_;
  const CloneBounds bounds_;
  mutable absl::Mutex mu_;
  std::string path_ ABSL_GUARDED_BY(mu_);     // written by who has the turn
  std::string checked_ ABSL_GUARDED_BY(mu_);  // the commit whose size was found good last
  bool busy_ ABSL_GUARDED_BY(mu_) = false;    // somebody has the turn to change the mirror
  int generation_ = 0;                        // of the place; only for who has the turn
};

// The mirrors under one folder.
class MirrorSet {
 public:
  explicit MirrorSet(std::string directory, const CloneBounds& bounds = {})
      : directory_(std::move(directory)), bounds_(bounds) {}

  std::shared_ptr<Mirror> Get(const std::string& url) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  const std::string directory_;
  const CloneBounds bounds_;
  absl::Mutex mu_;
  std::map<std::string, std::shared_ptr<Mirror>> mirrors_ ABSL_GUARDED_BY(mu_);
};

}  // namespace routines

#endif  // ROUTINES_SRC_WORKSPACE_MIRROR_H_
