// The one background thread of an index: makes one segment of many where a change would take too
// long to. It is started when there is first something to do.
//
// It takes the lock of changes twice for each group, to look and to put the result in; what it
// builds in between, it builds of immutable parts. What was removed meanwhile is taken out of the
// result before anybody sees it.
#ifndef ROUTINES_SRC_MATCH_INDEX_MERGER_H_
#define ROUTINES_SRC_MATCH_INDEX_MERGER_H_

#include <deque>
#include <functional>
#include <memory>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "src/match/index_group.h"

namespace routines {

class IndexMerger {
 public:
  // Puts a group's new version in: one change.
  using Install = std::function<void(Group& group, GroupEdit& edit)>;

  IndexMerger(absl::Mutex& changes, const IndexTuning& tuning, Install install);
  ~IndexMerger();  // waits for the merge in progress

  // If the group has segments that should be one, that is done soon.
  void Notice(Group& group);                                 // under the lock of changes
  bool idle() const { return queue_.empty() && !merging_; }  // under the lock of changes

 private:
  void Run();
  void MergeOne();

  absl::Mutex& changes_;
  const IndexTuning tuning_;
  const Install install_;
  std::deque<Group*> queue_;  // under the lock of changes, like the rest
  bool merging_ = false;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_INDEX_MERGER_H_
