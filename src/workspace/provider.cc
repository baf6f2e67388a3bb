#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "routines/workspace.h"
#include "src/base/status_macros.h"
#include "src/base/subprocess.h"
#include "src/workspace/files.h"
#include "src/workspace/git.h"
#include "src/workspace/git_workspace.h"
#include "src/workspace/mirror.h"
#include "src/workspace/push_gate.h"

namespace routines {
namespace {

class GitWorkspaceProvider : public WorkspaceProvider {
 public:
  GitWorkspaceProvider(GitWorkspaceOptions options, UniqueFd lock, std::unique_ptr<PushGate> gate)
      : options_(std::move(options)),
        lock_(std::move(lock)),
        mirrors_(options_.root + "/mirrors", {options_.max_clone_bytes, options_.max_clone_files}),
        gate_(std::move(gate)) {}

  PreparedWorkspace Prepare(const WorkspaceRequest& request) override {
    const std::string& id = request.session.id();
    const bool plain = !id.empty() && std::all_of(id.begin(), id.end(), [](char c) {
      return absl::ascii_isalnum(c) || c == '_' || c == '-';
    });
    if (!plain) {
      return {nullptr, Outcome::Failure(v1::SESSION_STEP_CLONE, "workspace_failed",
                                        "the session's id cannot be a folder's name")};
    }
    auto workspace = std::make_unique<GitWorkspace>(options_, mirrors_, *gate_, request,
                                                    options_.root + "/sessions/" + id);
    Outcome outcome = workspace->Prepare();
    if (!outcome.ok()) return {nullptr, std::move(outcome)};
    return {std::move(workspace), {}};
  }

 private:
  const GitWorkspaceOptions options_;
  const UniqueFd lock_;
  MirrorSet mirrors_;
  const std::unique_ptr<PushGate> gate_;
};

// A lock of the process, not of the descriptor: children of this process do not keep it.
absl::StatusOr<UniqueFd> LockRoot(const std::string& root) {
  UniqueFd file(open((root + "/lock").c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot write in ", root, ": ", std::strerror(errno)));
  }
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (fcntl(file.get(), F_SETLK, &lock) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("another process uses the workspaces in ", root));
  }
  return file;
}

absl::Status CheckGit(const std::string& root) {
  const auto version = RunGit({.arguments = {"version"}, .repository = root}, {});
  if (version.ok() && version->ok()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("`git` cannot be run; install git, or add its folder to PATH: ",
                   version.ok() ? absl::string_view(version->errors) : version.status().message()));
}

// Mirrors stay from run to run; what an earlier process left of its sessions does not.
absl::Status MakeFolders(const std::string& root) {
  RETURN_IF_ERROR(MakeDirectory(root + "/mirrors"));
  for (const char* folder : {"/sessions", "/gate"}) {
    RETURN_IF_ERROR(RemoveTree(root + folder));
    RETURN_IF_ERROR(MakeDirectory(root + folder));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<WorkspaceProvider>> NewGitWorkspaceProvider(
    GitWorkspaceOptions options) {
  if (options.root.empty() ||
      options.root.find_first_of(std::string("\n\0", 2)) != std::string::npos) {
    return absl::InvalidArgumentError("root: a folder is needed for workspaces");
  }
  for (const int64_t limit : {options.max_clone_bytes, options.max_clone_files,
                              options.max_push_bytes, options.max_push_object_bytes}) {
    if (limit <= 0) return absl::InvalidArgumentError("the limits of workspaces must be positive");
  }
  std::error_code error;
  std::filesystem::create_directories(
      std::filesystem::path(options.root + "/..").lexically_normal(), error);
  // Without links from here on: a root that is one is as good as a folder.
  options.root =
      std::filesystem::weakly_canonical(std::filesystem::absolute(options.root), error).string();
  while (options.root.size() > 1 && options.root.back() == '/') options.root.pop_back();
  if (const absl::Status made = MakeDirectory(options.root); !made.ok()) {
    return absl::FailedPreconditionError(made.message());
  }
  ASSIGN_OR_RETURN(UniqueFd lock, LockRoot(options.root));
  RETURN_IF_ERROR(CheckGit(options.root));
  if (const absl::Status made = MakeFolders(options.root); !made.ok()) {
    return absl::FailedPreconditionError(made.message());
  }
  ASSIGN_OR_RETURN(std::unique_ptr<PushGate> gate,
                   PushGate::Start(options.root + "/gate",
                                   {options.max_push_bytes, options.max_push_object_bytes,
                                    options.push_timeout}));
  return std::make_unique<GitWorkspaceProvider>(std::move(options), std::move(lock),
                                                std::move(gate));
}

}  // namespace routines
