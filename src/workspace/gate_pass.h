// One session at the push gate, as the gate's own threads see it.
#ifndef ROUTINES_SRC_WORKSPACE_GATE_PASS_H_
#define ROUTINES_SRC_WORKSPACE_GATE_PASS_H_

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "routines/cancellation.h"
#include "routines/session.h"
#include "src/base/ids.h"
#include "src/workspace/push_gate.h"

namespace routines {

// Thread-safety: every method may be called from any thread.
class GatePass {
 public:
  GatePass(std::vector<GateRepository> repositories, SessionLog* log)
      : token_(RandomKey()), log_(log) {
    for (GateRepository& repository : repositories) {
      const std::string name = repository.name;
      repositories_.emplace(name, std::move(repository));
    }
  }

  const std::string& token() const { return token_; }
  const Cancellation& cancellation() const { return cancellation_; }
  // Between Enter and Leave only.
  SessionLog& log() const { return *log_; }

  const GateRepository* Find(const std::string& name) const {
    const auto found = repositories_.find(name);
    return found == repositories_.end() ? nullptr : &found->second;
  }

  // Each request of the session is between the two. Waits for one of the places, not for ever.
  // False: none was to be had, or the pass is closed.
  bool Enter() ABSL_LOCKS_EXCLUDED(mu_) {
    const auto may_go_on = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      return closed_ || inside_ < kMaxRequests;
    };
    absl::MutexLock lock(&mu_);
    if (!mu_.AwaitWithTimeout(absl::Condition(&may_go_on), kMaxWait) || closed_) return false;
    ++inside_;
    return true;
  }
  void Leave() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    --inside_;
  }
  void Close() ABSL_LOCKS_EXCLUDED(mu_) {
    cancellation_.Cancel();
    absl::MutexLock lock(&mu_);
    closed_ = true;
    const auto is_empty = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return inside_ == 0; };
    mu_.Await(absl::Condition(&is_empty));
  }

  void AddPushed(const std::string& repository, const std::string& commit)
      ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    pushed_[repository].insert(commit);
  }
  std::set<std::string> Pushed(const std::string& repository) const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    const auto found = pushed_.find(repository);
    return found == pushed_.end() ? std::set<std::string>() : found->second;
  }

 private:
  static constexpr int kMaxRequests = 8;  // of one session at a time
  static constexpr absl::Duration kMaxWait = absl::Seconds(30);

  const std::string token_;
  std::map<std::string, GateRepository> repositories_;  // not changed after construction
  SessionLog* const log_;
  Cancellation cancellation_;
  mutable absl::Mutex mu_;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  int inside_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<std::string, std::set<std::string>> pushed_ ABSL_GUARDED_BY(mu_);
};

}  // namespace routines

#endif  // ROUTINES_SRC_WORKSPACE_GATE_PASS_H_
