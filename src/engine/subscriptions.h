// Who wants to know when a session changes.
//
// Thread-safety: every method may be called from any thread, also from within a callback.
#ifndef ROUTINES_SRC_ENGINE_SUBSCRIPTIONS_H_
#define ROUTINES_SRC_ENGINE_SUBSCRIPTIONS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace routines {

class Subscriptions {
 public:
  int64_t Add(std::string_view session_id, std::function<void()> changed);
  // Waits for a call in flight, unless it is called from that call.
  void Remove(int64_t id);
  // Calls the callbacks of that session, one after the other, under no lock; not the one that this
  // call comes from.
  void Notify(const std::string& session_id);

 private:
  struct Subscription {
    std::string session_id;
    std::function<void()> changed;
    int calls = 0;
    std::thread::id caller;
    bool removed = false;
  };

  absl::Mutex mu_;
  int64_t last_id_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<int64_t, std::shared_ptr<Subscription>> by_id_ ABSL_GUARDED_BY(mu_);
  std::multimap<std::string, int64_t> by_session_ ABSL_GUARDED_BY(mu_);
};

}  // namespace routines

#endif  // ROUTINES_SRC_ENGINE_SUBSCRIPTIONS_H_
