#include "src/engine/catalog.h"

#include <algorithm>

#include "src/base/status_macros.h"
#include "src/base/time_conversion.h"

namespace routines {

absl::Status Catalog::Load(Store& store) {
  ASSIGN_OR_RETURN(const Rows routines, store.Read(RoutineQuery{}));
  ASSIGN_OR_RETURN(const Rows tokens, store.Read(TokenQuery{}));
  absl::MutexLock lock(&mu_);
  routines_.clear();
  triggers_.clear();
  tokens_.clear();
  for (const v1::SavedRoutine& saved : routines.routines) PutLocked(saved);
  for (const v1::Token& token : tokens.tokens) tokens_[token.trigger_id()].push_back(token);
  return absl::OkStatus();
}

std::shared_ptr<const v1::SavedRoutine> Catalog::FindRoutine(std::string_view account,
                                                             std::string_view name) const {
  absl::ReaderMutexLock lock(&mu_);
  const auto found = routines_.find({std::string(account), std::string(name)});
  return found == routines_.end() ? nullptr : found->second;
}

TriggerRef Catalog::FindTrigger(std::string_view trigger_id) const {
  absl::ReaderMutexLock lock(&mu_);
  const auto found = triggers_.find(std::string(trigger_id));
  return found == triggers_.end() ? TriggerRef() : found->second;
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

void Catalog::PutLocked(const v1::SavedRoutine& saved) {
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
    const auto shared = std::make_shared<const v1::SavedRoutine>(saved);
    for (int i = 0; i < shared->triggers_size(); ++i) {
      triggers_[shared->triggers(i).trigger_id()] = TriggerRef{shared, i};
    }
    routines_[key] = shared;
  }
  if (before == nullptr) return;
  for (const v1::SavedTrigger& trigger : before->triggers()) {
    if (!triggers_.contains(trigger.trigger_id())) tokens_.erase(trigger.trigger_id());
  }
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

void Catalog::RemoveToken(std::string_view token_id) {
  absl::MutexLock lock(&mu_);
  for (auto& [trigger_id, tokens] : tokens_) {
    std::erase_if(tokens, [&](const v1::Token& token) { return token.id() == token_id; });
  }
}

}  // namespace routines
