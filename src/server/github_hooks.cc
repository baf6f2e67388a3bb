#include "src/server/github_hooks.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "routines/signature.h"
#include "src/base/ids.h"
#include "src/base/status_macros.h"
#include "src/base/time_conversion.h"
#include "src/base/words.h"

namespace routines::server {
namespace {

constexpr char kSetting[] = "github_hooks";
constexpr size_t kMinSecret = 16, kMaxSecret = 255;
constexpr int kMaxHooks = 1000;

bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= 63 && name[0] != '-' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-';
         });
}

absl::Status CheckNames(std::string_view name, std::string_view account) {
  if (!IsName(name)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "name: ", Quoted(name), " is no hook's name; use 1 to 63 of a-z 0-9 -, not first a dash"));
  }
  if (account.empty() || IsName(account)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("account: ", Quoted(account), " is no account's name"));
}

absl::Status CheckSecret(std::string_view secret) {
  if (secret.size() < kMinSecret || secret.size() > kMaxSecret ||
      !std::all_of(secret.begin(), secret.end(), absl::ascii_isgraph)) {
    return absl::InvalidArgumentError(
        absl::StrCat("secret: must be ", kMinSecret, " to ", kMaxSecret,
                     " printable ASCII characters without blanks; leave it out to have one made"));
  }
  return absl::OkStatus();
}

bool IsActive(const v1::HookSecret& secret, absl::Time now) {
  return !secret.has_expire_time() || FromProto(secret.expire_time()) > now;
}

v1::GithubHook WithoutValues(v1::GithubHook hook) {
  for (v1::HookSecret& secret : *hook.mutable_secrets()) secret.clear_value();
  return hook;
}

void AddSecret(std::string_view value, absl::Time now, v1::GithubHook& hook) {
  v1::HookSecret& secret = *hook.add_secrets();
  secret.set_value(std::string(value));
  *secret.mutable_create_time() = ToProto(now);
}

template <typename Hooks>
auto FindHook(Hooks& hooks, std::string_view name) {
  return std::find_if(hooks.begin(), hooks.end(),
                      [&](const v1::GithubHook& hook) { return hook.name() == name; });
}

absl::Status NoSuchHook(std::string_view name) {
  return absl::NotFoundError(absl::StrCat("no hook ", Quoted(name)));
}

// What the setting holds: the message in base64, since settings are text.
absl::StatusOr<v1::GithubHooks> Decode(const std::string& setting) {
  v1::GithubHooks hooks;
  std::string bytes;
  if (!absl::Base64Unescape(setting, &bytes) || !hooks.ParseFromString(bytes)) {
    return absl::InternalError("the stored webhooks cannot be read");
  }
  return hooks;
}

absl::StatusOr<v1::GithubHook> MakeFixed(const GithubHook& given, absl::Time now) {
  RETURN_IF_ERROR(CheckNames(given.name, given.account));
  if (given.secrets.empty() || given.secrets.size() > 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("github_hooks: ", given.name, ": give one secret, or two while rotating"));
  }
  v1::GithubHook hook;
  hook.set_name(given.name);
  hook.set_account(given.account);
  *hook.mutable_create_time() = ToProto(now);
  for (const std::string& secret : given.secrets) {
    RETURN_IF_ERROR(CheckSecret(secret));
    AddSecret(secret, now, hook);
  }
  return hook;
}

}  // namespace

absl::Status GithubHooks::Load(const std::vector<GithubHook>& fixed) {
  absl::MutexLock changing(&change_mu_);
  Table table;
  for (const GithubHook& given : fixed) {
    ASSIGN_OR_RETURN(v1::GithubHook hook, MakeFixed(given, engine_.clock().TimeNow()));
    if (IsFixed(hook.name())) {
      return absl::InvalidArgumentError(
          absl::StrCat("github_hooks: ", hook.name(), " is given twice"));
    }
    fixed_.push_back(hook.name());
    table.push_back(std::move(hook));
  }
  const absl::StatusOr<std::string> setting = engine_.GetSetting(kSetting);
  if (!setting.ok() && !absl::IsNotFound(setting.status())) return setting.status();
  if (setting.ok()) {
    ASSIGN_OR_RETURN(v1::GithubHooks stored, Decode(*setting));
    for (v1::GithubHook& hook : *stored.mutable_hooks()) {
      if (!IsFixed(hook.name())) table.push_back(std::move(hook));
    }
  }
  absl::MutexLock lock(&mu_);
  table_ = std::make_shared<const Table>(std::move(table));
  return absl::OkStatus();
}

std::optional<std::string> GithubHooks::Check(std::string_view name, std::string_view body,
                                              std::string_view signature) const {
  const std::shared_ptr<const Table> table = Snapshot();
  const auto hook = FindHook(*table, name);
  if (hook == table->end()) return std::nullopt;
  const absl::Time now = engine_.clock().TimeNow();
  for (const v1::HookSecret& secret : hook->secrets()) {
    if (!IsActive(secret, now)) continue;
    if (VerifyGithubSignature(secret.value(), body, signature)) return hook->account();
  }
  return std::nullopt;
}

std::vector<v1::GithubHook> GithubHooks::List() const {
  std::vector<v1::GithubHook> hooks;
  for (const v1::GithubHook& hook : *Snapshot()) hooks.push_back(WithoutValues(hook));
  std::sort(hooks.begin(), hooks.end(),
            [](const auto& a, const auto& b) { return a.name() < b.name(); });
  return hooks;
}

absl::StatusOr<GithubHooks::Made> GithubHooks::Add(std::string_view name, std::string_view account,
                                                   std::string_view secret) {
  RETURN_IF_ERROR(CheckNames(name, account));
  const std::string value = secret.empty() ? RandomKey() : std::string(secret);
  RETURN_IF_ERROR(CheckSecret(value));
  absl::MutexLock changing(&change_mu_);
  Table table = *Snapshot();
  if (FindHook(table, name) != table.end()) {
    return absl::AlreadyExistsError(
        absl::StrCat("there is a hook ", Quoted(name), "; rotate its secret, or remove it first"));
  }
  if (table.size() >= kMaxHooks) {
    return absl::FailedPreconditionError(absl::StrCat("there are ", kMaxHooks, " hooks already"));
  }
  v1::GithubHook& hook = table.emplace_back();
  const absl::Time now = engine_.clock().TimeNow();
  hook.set_name(std::string(name));
  hook.set_account(std::string(account));
  *hook.mutable_create_time() = ToProto(now);
  AddSecret(value, now, hook);
  Made made{WithoutValues(hook), value};
  RETURN_IF_ERROR(Replace(std::move(table)));
  return made;
}

absl::StatusOr<GithubHooks::Made> GithubHooks::Rotate(std::string_view name, absl::Duration overlap,
                                                      std::string_view secret) {
  const std::string value = secret.empty() ? RandomKey() : std::string(secret);
  RETURN_IF_ERROR(CheckSecret(value));
  absl::MutexLock changing(&change_mu_);
  if (IsFixed(name)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the hook ", Quoted(name), " was given at the start; change its secret there"));
  }
  Table table = *Snapshot();
  const auto hook = FindHook(table, name);
  if (hook == table.end()) return NoSuchHook(name);
  const absl::Time now = engine_.clock().TimeNow();
  auto& secrets = *hook->mutable_secrets();
  secrets.erase(std::remove_if(secrets.begin(), secrets.end(),
                               [&](const auto& each) { return !IsActive(each, now); }),
                secrets.end());
  // Two at a time, so of two that are active the older one ends at once.
  if (secrets.size() > 1) secrets.erase(secrets.begin(), secrets.end() - 1);
  for (v1::HookSecret& old : secrets) *old.mutable_expire_time() = ToProto(now + overlap);
  AddSecret(value, now, *hook);
  Made made{WithoutValues(*hook), value};
  RETURN_IF_ERROR(Replace(std::move(table)));
  return made;
}

absl::Status GithubHooks::Remove(std::string_view name) {
  absl::MutexLock changing(&change_mu_);
  if (IsFixed(name)) {
    return absl::FailedPreconditionError(
        absl::StrCat("the hook ", Quoted(name), " was given at the start; take it out there"));
  }
  Table table = *Snapshot();
  const auto hook = FindHook(table, name);
  if (hook == table.end()) return NoSuchHook(name);
  table.erase(hook);
  return Replace(std::move(table));
}

std::shared_ptr<const GithubHooks::Table> GithubHooks::Snapshot() const {
  absl::ReaderMutexLock lock(&mu_);
  return table_;
}

absl::Status GithubHooks::Replace(Table table) {
  v1::GithubHooks stored;
  for (const v1::GithubHook& hook : table) {
    if (!IsFixed(hook.name())) *stored.add_hooks() = hook;
  }
  RETURN_IF_ERROR(engine_.SetSetting(kSetting, absl::Base64Escape(stored.SerializeAsString())));
  absl::MutexLock lock(&mu_);
  table_ = std::make_shared<const Table>(std::move(table));
  return absl::OkStatus();
}

bool GithubHooks::IsFixed(std::string_view name) const {
  return std::find(fixed_.begin(), fixed_.end(), name) != fixed_.end();
}

}  // namespace routines::server
