// The last gate: what a routine wants when it fires while a session of it has not ended.
//
// Thread-safety: every method may be called from any thread. Blocking: Apply reads the store, and only
// for routines with `overlap: skip`.
#ifndef ROUTINES_SRC_ENGINE_OVERLAP_H_
#define ROUTINES_SRC_ENGINE_OVERLAP_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "routines/store.h"
#include "src/engine/catalog.h"

namespace routines {

// How many sessions of the routine may be on their way at once; 0: any number.
int ConcurrencyLimit(const v1::Routine& routine);

class Overlap {
 public:
  Overlap(Store& store, const Catalog& catalog) : store_(store), catalog_(catalog) {}

  // Applies the rules of the routines that fired: with `skip` the session goes and the decision says
  // why; with `cancel_running` the earlier ones are cancelled with the admission. What it returns is
  // to be given to Leave when the admission has been answered: two that are on their way to the store
  // at once must know of each other.
  std::vector<RoutineRef> Apply(Admission& admission);
  void Leave(const std::vector<RoutineRef>& entered);

 private:
  // The id of a session that has not ended, or a word for one that is being stored; empty: none, and
  // the routine is entered.
  std::string Enter(const RoutineRef& routine);

  Store& store_;
  const Catalog& catalog_;
  absl::Mutex mu_;
  std::map<std::pair<std::string, std::string>, int> entered_ ABSL_GUARDED_BY(mu_);
};

}  // namespace routines

#endif  // ROUTINES_SRC_ENGINE_OVERLAP_H_
