// The routines, triggers and tokens of the store, in memory: what admission needs without a read;
// and the matcher over them.
//
// Thread-safety: every method may be called from any thread; none blocks on I/O but Load.
#ifndef ROUTINES_SRC_ENGINE_CATALOG_H_
#define ROUTINES_SRC_ENGINE_CATALOG_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "routines/matcher.h"
#include "routines/store.h"

namespace routines {

// A trigger, and the routine it belongs to.
struct TriggerRef {
  std::shared_ptr<const v1::SavedRoutine> saved;
  int index = 0;  // in saved->routine().triggers() and saved->triggers()

  const v1::Trigger& trigger() const { return saved->routine().triggers(index); }
};

// The filters of disabled triggers are looked at all the same.
v1::Routine WithAllEnabled(v1::Routine routine);

class Catalog {
 public:
  // Replaces everything by what the store holds.
  absl::Status Load(Store& store);

  std::shared_ptr<const v1::SavedRoutine> FindRoutine(std::string_view account,
                                                      std::string_view name) const;
  // All of them, by account and name.
  std::vector<std::shared_ptr<const v1::SavedRoutine>> Routines() const;
  // `saved` is null where there is no such trigger.
  TriggerRef FindTrigger(std::string_view trigger_id) const;
  // The triggers that an event matches, by account, routine and place in the routine; `account`:
  // only that account's, where not empty. Disabled triggers and those of paused routines too: that
  // they start nothing is a decision. kInvalidArgument: the payload is broken.
  absl::StatusOr<std::vector<TriggerRef>> Match(const EventView& event,
                                                std::string_view account) const;
  // Routines that no event can match, because their filters are no longer what is accepted: they
  // were saved by another version.
  int unmatched_routines() const;
  // Those that are not expired.
  std::vector<v1::Token> ActiveTokens(std::string_view trigger_id, absl::Time now) const;

  // Each after the store has done the same.
  // Tokens of triggers that the routine no longer has are forgotten; a deleted routine has none.
  void Put(const v1::SavedRoutine& saved);
  void PutToken(const v1::Token& token);
  // Those of the routine's triggers are these now.
  void PutTokens(const v1::SavedRoutine& saved, const std::vector<v1::Token>& tokens);
  void RemoveToken(std::string_view token_id);

 private:
  // Lends a matcher's buffer, and takes it back.
  class LentBuffer;

  void PutLocked(v1::SavedRoutine saved) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // After routines_ holds the routine, or no longer does.
  void UpdateMatcher(const std::string& account, const std::string& name)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable absl::Mutex mu_;
  std::map<std::pair<std::string, std::string>, std::shared_ptr<const v1::SavedRoutine>> routines_
      ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<std::string, TriggerRef> triggers_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<std::string, std::vector<v1::Token>> tokens_ ABSL_GUARDED_BY(mu_);
  // Those that have triggers which events match. Changed together with `matcher_`, under the lock.
  absl::flat_hash_map<RoutineHandle, std::shared_ptr<const v1::SavedRoutine>> matched_
      ABSL_GUARDED_BY(mu_);
  std::map<std::pair<std::string, std::string>, RoutineHandle> handles_ ABSL_GUARDED_BY(mu_);
  std::set<std::pair<std::string, std::string>> unmatched_ ABSL_GUARDED_BY(mu_);
  Matcher matcher_;

  mutable absl::Mutex buffers_mu_;
  mutable std::vector<Matcher::Buffer> buffers_ ABSL_GUARDED_BY(buffers_mu_);
};

}  // namespace routines

#endif  // ROUTINES_SRC_ENGINE_CATALOG_H_
