// The GitHub webhooks that the server takes deliveries of, and their secrets.
//
// Those of ServerOptions are fixed; others are added, rotated and removed while the server runs,
// and kept in the engine's settings.
//
// Thread-safety: every method may be called from any thread.
// Ownership: borrows the engine.
// Blocking: Load, Add, Rotate and Remove wait for the store; the others wait for nothing.
// Errors: kInvalidArgument: a name or secret that cannot be; kNotFound; kAlreadyExists;
//   kFailedPrecondition: the hook is fixed, or has two secrets already.
#ifndef ROUTINES_SRC_SERVER_GITHUB_HOOKS_H_
#define ROUTINES_SRC_SERVER_GITHUB_HOOKS_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "routines/engine.h"
#include "routines/server.h"
#include "routines/v1/hook.pb.h"

namespace routines::server {

inline constexpr std::string_view kDefaultHook = "default";

class GithubHooks {
 public:
  explicit GithubHooks(Engine& engine) : engine_(engine) {}

  // To be called once, before anything else.
  absl::Status Load(const std::vector<GithubHook>& fixed);

  // The account of the hook `name`, where `signature` (X-Hub-Signature-256) is that of `body` under
  // one of its secrets that is not expired. Nothing for a hook that is not there.
  std::optional<std::string> Check(std::string_view name, std::string_view body,
                                   std::string_view signature) const;

  // All of them by name, without the values of their secrets.
  std::vector<v1::GithubHook> List() const;

  struct Made {
    v1::GithubHook hook;  // without values
    std::string secret;   // shown here and never again
  };
  // An empty `secret` is made: 256 random bits.
  absl::StatusOr<Made> Add(std::string_view name, std::string_view account,
                           std::string_view secret);
  // A new secret; the one that there was ends after `overlap`.
  absl::StatusOr<Made> Rotate(std::string_view name, absl::Duration overlap,
                              std::string_view secret);
  absl::Status Remove(std::string_view name);

 private:
  using Table = std::vector<v1::GithubHook>;

  std::shared_ptr<const Table> Snapshot() const;
  // Stores `table`, then shows it.
  absl::Status Replace(Table table) ABSL_EXCLUSIVE_LOCKS_REQUIRED(change_mu_);
  bool IsFixed(std::string_view name) const;

  Engine& engine_;
  std::vector<std::string> fixed_;  // names; not changed after Load
  absl::Mutex change_mu_;           // one change at a time
  mutable absl::Mutex mu_;
  std::shared_ptr<const Table> table_ ABSL_GUARDED_BY(mu_) = std::make_shared<Table>();
};

}  // namespace routines::server

#endif  // ROUTINES_SRC_SERVER_GITHUB_HOOKS_H_
