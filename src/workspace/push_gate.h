// The push gate: what a session knows as its `origin`.
//
// One small HTTP server on loopback that speaks git's smart protocol, and nothing else. Fetches are
// answered from the mirror, which is refreshed first. Pushes are judged (push_command.h), and
// carried to the upstream with the host's credential, which the session never sees. A session shows
// its own random token with every request; without it there is nothing here but 404.
//
// Thread-safety: every method may be called from any thread.
#ifndef ROUTINES_SRC_WORKSPACE_PUSH_GATE_H_
#define ROUTINES_SRC_WORKSPACE_PUSH_GATE_H_

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "routines/session.h"
#include "src/workspace/git.h"
#include "src/workspace/mirror.h"
#include "src/workspace/push.h"

namespace routines {

// What a session may reach.
struct GateRepository {
  std::string name;  // IsDirectoryName; the path at the gate
  std::shared_ptr<Mirror> mirror;
  Upstream upstream;
  bool unrestricted = false;
};

class PushGate {
 public:
  // One session's pass. Closes itself when destroyed.
  class Pass {
   public:
    virtual ~Pass() = default;
    virtual const std::string& token() const = 0;
    // Lets nothing in any more, ends what is under way, and waits for it.
    virtual void Close() = 0;
    // Commits that were pushed to `repository` through this pass.
    virtual std::set<std::string> Pushed(const std::string& repository) const = 0;
  };

  // `scratch`: an existing folder for packs on their way. kUnavailable: no port to be had.
  static absl::StatusOr<std::unique_ptr<PushGate>> Start(std::string scratch,
                                                         const PushBounds& bounds = {});
  // Passes must be closed before.
  virtual ~PushGate() = default;

  // `log` gets a Push event for each ref that the session tries to push; it must live until Close.
  virtual std::unique_ptr<Pass> Open(std::vector<GateRepository> repositories, SessionLog* log) = 0;

  // "http://127.0.0.1:<port>/"; a repository's URL is this and its name.
  virtual const std::string& url() const = 0;
};

}  // namespace routines

#endif  // ROUTINES_SRC_WORKSPACE_PUSH_GATE_H_
