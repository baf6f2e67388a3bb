#include "src/engine/catalog.h"

#include <algorithm>
#include <iterator>
#include <tuple>

#include "src/base/status_macros.h"
#include "src/base/time_conversion.h"

namespace routines {
namespace {

bool HasEventTrigger(const v1::Routine& routine) {
  return std::any_of(
      routine.triggers().begin(), routine.triggers().end(),
      [](const v1::Trigger& trigger) { return trigger.has_github() || trigger.has_custom(); });
}

// The matcher leaves disabled triggers out; here it must not.
absl::StatusOr<RoutineHandle> PutEnabled(const v1::Routine& routine, Matcher& matcher) {
  const bool disabled = std::any_of(routine.triggers().begin(), routine.triggers().end(),
                                    [](const v1::Trigger& trigger) { return trigger.disabled(); });
  if (!disabled) return matcher.Put(routine);
  return matcher.Put(WithAllEnabled(routine));
}

}  // namespace

v1::Routine WithAllEnabled(v1::Routine routine) {
  for (v1::Trigger& trigger : *routine.mutable_triggers()) trigger.clear_disabled();
  return routine;
}

class Catalog::LentBuffer {
 public:
  explicit LentBuffer(const Catalog& catalog) : catalog_(catalog) {
    absl::MutexLock lock(&catalog_.buffers_mu_);
    if (catalog_.buffers_.empty()) return;
    buffer_ = std::move(catalog_.buffers_.back());
    catalog_.buffers_.pop_back();
  }
  ~LentBuffer() {
    absl::MutexLock lock(&catalog_.buffers_mu_);
    catalog_.buffers_.push_back(std::move(buffer_));
  }

  Matcher::Buffer& operator*() { return buffer_; }

 private:
  const Catalog& catalog_;
  Matcher::Buffer buffer_;
};

absl::Status Catalog::Load(Store& store) {
  ASSIGN_OR_RETURN(Rows routines, store.Read(RoutineQuery{}));
  ASSIGN_OR_RETURN(const Rows tokens, store.Read(TokenQuery{}));
  absl::MutexLock lock(&mu_);
  routines_.clear();
  triggers_.clear();
  tokens_.clear();
  for (const auto& [key, handle] : handles_) matcher_.Remove(key.first, key.second);
  handles_.clear();
  matched_.clear();
  unmatched_.clear();
  for (v1::SavedRoutine& saved : routines.routines) PutLocked(std::move(saved));
  for (const v1::Token& token : tokens.tokens) tokens_[token.trigger_id()].push_back(token);
  return absl::OkStatus();
}

std::shared_ptr<const v1::SavedRoutine> Catalog::FindRoutine(std::string_view account,
                                                             std::string_view name) const {
  absl::ReaderMutexLock lock(&mu_);
  const auto found = routines_.find({std::string(account), std::string(name)});
  return found == routines_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<const v1::SavedRoutine>> Catalog::Routines() const {
  absl::ReaderMutexLock lock(&mu_);
  std::vector<std::shared_ptr<const v1::SavedRoutine>> routines;
  routines.reserve(routines_.size());
  for (const auto& [key, saved] : routines_) routines.push_back(saved);
  return routines;
}

TriggerRef Catalog::FindTrigger(std::string_view trigger_id) const {
  absl::ReaderMutexLock lock(&mu_);
  const auto found = triggers_.find(std::string(trigger_id));
  return found == triggers_.end() ? TriggerRef() : found->second;
}

absl::StatusOr<std::vector<TriggerRef>> Catalog::Match(const EventView& event,
                                                       std::string_view account) const {
  std::vector<TriggerRef> found;
  {
    LentBuffer buffer(*this);
    // So that what the handles name is what was matched.
    absl::ReaderMutexLock lock(&mu_);
    RETURN_IF_ERROR(matcher_.Match(event, *buffer));
    for (const TriggerMatch& match : (*buffer).matches()) {
      const auto saved = matched_.find(match.routine);
      if (saved == matched_.end()) return absl::InternalError("the matcher names no routine");
      if (!account.empty() && saved->second->routine().account() != account) continue;
      found.push_back({saved->second, static_cast<int>(match.trigger)});
    }
  }
  std::sort(found.begin(), found.end(), [](const TriggerRef& a, const TriggerRef& b) {
    return std::forward_as_tuple(a.saved->routine().account(), a.saved->routine().name(), a.index) <
           std::forward_as_tuple(b.saved->routine().account(), b.saved->routine().name(), b.index);
  });
  return found;
}

int Catalog::unmatched_routines() const {
  absl::ReaderMutexLock lock(&mu_);
  return static_cast<int>(unmatched_.size());
}

std::vector<v1::Token> Catalog::ActiveTokens(std::string_view trigger_id, absl::Time now) const {
  std::vector<v1::Token> active;
  absl::ReaderMutexLock lock(&mu_);
  const auto found = tokens_.find(std::string(trigger_id));
  if (found == tokens_.end()) return active;
  for (const v1::Token& token : found->second) {
    if (!token.has_expire_time() || FromProto(token.expire_time()) > now) active.push_back(token);
  }
  return active;
}

void Catalog::Put(const v1::SavedRoutine& saved) {
  absl::MutexLock lock(&mu_);
  PutLocked(saved);
}

void Catalog::PutLocked(v1::SavedRoutine saved) {
  const std::pair<std::string, std::string> key(saved.routine().account(), saved.routine().name());
  const auto old = routines_.find(key);
  std::shared_ptr<const v1::SavedRoutine> before;
  if (old != routines_.end()) {
    before = std::move(old->second);
    routines_.erase(old);
    for (const v1::SavedTrigger& trigger : before->triggers())
      triggers_.erase(trigger.trigger_id());
  }
  if (!saved.deleted()) {
    const auto shared = std::make_shared<const v1::SavedRoutine>(std::move(saved));
    for (int i = 0; i < shared->triggers_size(); ++i) {
      triggers_[shared->triggers(i).trigger_id()] = TriggerRef{shared, i};
    }
    routines_[key] = shared;
  }
  UpdateMatcher(key.first, key.second);
  if (before == nullptr) return;
  for (const v1::SavedTrigger& trigger : before->triggers()) {
    if (!triggers_.contains(trigger.trigger_id())) tokens_.erase(trigger.trigger_id());
  }
}

void Catalog::UpdateMatcher(const std::string& account, const std::string& name) {
  const std::pair<std::string, std::string> key(account, name);
  bool known = false;  // to the matcher
  if (const auto before = handles_.find(key); before != handles_.end()) {
    matched_.erase(before->second);
    handles_.erase(before);
    known = true;
  }
  unmatched_.erase(key);
  const auto routine = routines_.find(key);
  if (routine != routines_.end() && HasEventTrigger(routine->second->routine())) {
    const absl::StatusOr<RoutineHandle> handle = PutEnabled(routine->second->routine(), matcher_);
    if (handle.ok()) {
      handles_[key] = *handle;
      matched_[*handle] = routine->second;
      return;
    }
    unmatched_.insert(key);
  }
  if (known) matcher_.Remove(account, name);
}

void Catalog::PutToken(const v1::Token& token) {
  absl::MutexLock lock(&mu_);
  std::vector<v1::Token>& tokens = tokens_[token.trigger_id()];
  const auto same = std::find_if(tokens.begin(), tokens.end(),
                                 [&](const v1::Token& other) { return other.id() == token.id(); });
  if (same == tokens.end()) {
    tokens.push_back(token);
  } else {
    *same = token;
  }
}

void Catalog::PutTokens(const v1::SavedRoutine& saved, const std::vector<v1::Token>& tokens) {
  absl::MutexLock lock(&mu_);
  for (const v1::SavedTrigger& trigger : saved.triggers()) {
    const std::string& id = trigger.trigger_id();
    const auto owner = triggers_.find(id);
    if (owner == triggers_.end()) {
      tokens_.erase(id);
      continue;
    }
    const v1::Routine& routine = owner->second.saved->routine();
    if (routine.account() != saved.routine().account() || routine.name() != saved.routine().name())
      continue;  // another's by now
    std::vector<v1::Token>& own = tokens_[id];
    own.clear();
    std::copy_if(tokens.begin(), tokens.end(), std::back_inserter(own),
                 [&](const v1::Token& token) { return token.trigger_id() == id; });
  }
}

void Catalog::RemoveToken(std::string_view token_id) {
  absl::MutexLock lock(&mu_);
  for (auto& [trigger_id, tokens] : tokens_) {
    std::erase_if(tokens, [&](const v1::Token& token) { return token.id() == token_id; });
  }
}

}  // namespace routines
