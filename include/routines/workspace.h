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

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "routines/cancellation.h"
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
  // Gives the credential for an upstream, asked as Get(account, "git:" + URL). Its value is
  // "user:password", or a token alone. kNotFound: none is needed.
  std::shared_ptr<SecretProvider> credentials;
};

// kInvalidArgument: no root. kFailedPrecondition: root cannot be made or written, or `git` is
// missing.
absl::StatusOr<std::unique_ptr<WorkspaceProvider>> NewGitWorkspaceProvider(
    GitWorkspaceOptions options);

}  // namespace routines

#endif  // ROUTINES_WORKSPACE_H_
