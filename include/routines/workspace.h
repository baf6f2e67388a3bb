// Where a session works: fresh clones, a setup script, and a way to push that it cannot get around.
//
// The engine asks a WorkspaceProvider for one Workspace per session, and lets go of it at the end.
//
// Thread-safety: Prepare may be called from several threads at once; one Workspace is used by one
// thread at a time.
// Blocking: Prepare, Finish and the destructors block (network, disk). Prepare and Finish return
// soon after `cancellation` was cancelled.
#ifndef ROUTINES_WORKSPACE_H_
#define ROUTINES_WORKSPACE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "routines/cancellation.h"
#include "routines/sandbox.h"
#include "routines/secrets.h"
#include "routines/session.h"
#include "routines/v1/routine.pb.h"
#include "routines/v1/session.pb.h"

namespace routines {

struct WorkspaceRequest {
  v1::Session session;
  v1::Routine routine;
  // What the routine named: variables and secret values. Handed to the setup script.
  std::map<std::string, std::string> environment;
  // Both outlive the Workspace. Checkout, Push and Output events are appended by the workspace.
  SessionLog* log = nullptr;
  const Cancellation* cancellation = nullptr;
};

class Workspace {
 public:
  // Removes the directory and closes the push gate, if Finish was not called.
  virtual ~Workspace() = default;

  virtual const std::string& directory() const = 0;  // absolute
  virtual const std::string& working_directory()
      const = 0;  // the only clone's folder, or directory()
  // The clean environment of the session: `request.environment`, PATH, HOME (a fresh directory),
  // LANG, TMPDIR and what git needs to reach the gate.
  virtual const std::map<std::string, std::string>& environment() const = 0;

  // What the session's programs are to run in.
  virtual Sandbox sandbox() const { return {}; }

  // After the agent has ended: closes the gate, gathers what was committed but never pushed,
  // removes the directory. Called once.
  virtual std::vector<v1::Patch> Finish() = 0;
};

// Exactly one of the two is set: a workspace, or why there is none.
struct PreparedWorkspace {
  std::unique_ptr<Workspace> workspace;
  Outcome outcome;
};

class WorkspaceProvider {
 public:
  virtual ~WorkspaceProvider() = default;
  virtual PreparedWorkspace Prepare(const WorkspaceRequest& request) = 0;
};

// Workspaces of real git clones under `root`.
struct GitWorkspaceOptions {
  std::string root;  // made where absent, mode 0700; mirrors and sessions live below it
  absl::Duration clone_timeout = absl::Minutes(10);          // of one repository
  absl::Duration default_setup_timeout = absl::Minutes(10);  // where the routine says none
  // Of one fetch from an upstream, and of the files of one checkout. A larger repository fails the
  // session with reason clone_limit.
  int64_t max_clone_bytes = int64_t{20} << 30;
  int64_t max_clone_files = 2000000;
  // Of one push. What is larger is refused, and nothing of it reaches the upstream.
  int64_t max_push_bytes = int64_t{2} << 30;           // of its pack
  int64_t max_push_object_bytes = int64_t{256} << 20;  // of each object, unpacked
  absl::Duration push_timeout = absl::Minutes(30);     // from its first byte to the answer
  // Gives the credential for an upstream, asked as Get(account, "git:" + URL). Its value is
  // "user:password", or a token alone. kNotFound: none is needed.
  std::shared_ptr<SecretProvider> credentials;
  // What FindSandbox gave. Each session's adds its own folders, hides all else of `root`, and has
  // no network where the routine says `network: {mode: none}`.
  Sandbox sandbox;
};

// kInvalidArgument: no root. kFailedPrecondition: root cannot be made or written, or `git` is
// missing.
absl::StatusOr<std::unique_ptr<WorkspaceProvider>> NewGitWorkspaceProvider(
    GitWorkspaceOptions options);

}  // namespace routines

#endif  // ROUTINES_WORKSPACE_H_
