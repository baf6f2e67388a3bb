#include "src/engine/subscriptions.h"

#include <utility>
#include <vector>

namespace routines {

int64_t Subscriptions::Add(std::string_view session_id, std::function<void()> changed) {
  auto subscription = std::make_shared<Subscription>();
  subscription->session_id = session_id;
  subscription->changed = std::move(changed);
  absl::MutexLock lock(&mu_);
  const int64_t id = ++last_id_;
  by_session_.emplace(subscription->session_id, id);
  by_id_.emplace(id, std::move(subscription));
  return id;
}

void Subscriptions::Remove(int64_t id) {
  absl::MutexLock lock(&mu_);
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return;
  const std::shared_ptr<Subscription> subscription = found->second;
  by_id_.erase(found);
  const auto [begin, end] = by_session_.equal_range(subscription->session_id);
  for (auto entry = begin; entry != end; ++entry) {
    if (entry->second == id) {
      by_session_.erase(entry);
      break;
    }
  }
  subscription->removed = true;
  if (subscription->calls > 0 && subscription->caller == std::this_thread::get_id()) return;
  mu_.Await(absl::Condition(
      +[](Subscription* s) { return s->calls == 0; }, subscription.get()));
}

void Subscriptions::Notify(const std::string& session_id) {
  std::vector<std::shared_ptr<Subscription>> subscribers;
  {
    absl::MutexLock lock(&mu_);
    const auto [begin, end] = by_session_.equal_range(session_id);
    for (auto entry = begin; entry != end; ++entry) {
      subscribers.push_back(by_id_.at(entry->second));
    }
  }
  for (const std::shared_ptr<Subscription>& subscription : subscribers) {
    {
      absl::MutexLock lock(&mu_);
      if (subscription->calls > 0 && subscription->caller == std::this_thread::get_id()) continue;
      // One call at a time, so that `caller` names it.
      mu_.Await(absl::Condition(
          +[](Subscription* s) { return s->calls == 0; }, subscription.get()));
      if (subscription->removed) continue;
      ++subscription->calls;
      subscription->caller = std::this_thread::get_id();
    }
    subscription->changed();
    absl::MutexLock lock(&mu_);
    --subscription->calls;
  }
}

}  // namespace routines
