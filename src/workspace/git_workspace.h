// One session's workspace: its clones, its environment, its pass at the push gate.
#ifndef ROUTINES_SRC_WORKSPACE_GIT_WORKSPACE_H_
#define ROUTINES_SRC_WORKSPACE_GIT_WORKSPACE_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "routines/workspace.h"
#include "src/workspace/mirror.h"
#include "src/workspace/push_gate.h"

namespace routines {

class GitWorkspace : public Workspace {
 public:
  // `root` is the session's own folder, below which everything lies. Borrows `options`, `mirrors`
  // and `gate`.
  GitWorkspace(const GitWorkspaceOptions& options, MirrorSet& mirrors, PushGate& gate,
               const WorkspaceRequest& request, std::string root);
  ~GitWorkspace() override;

  // Makes folders and clones and runs the setup script. Where it does not succeed, the workspace is
  // of no further use.
  Outcome Prepare();

  const std::string& directory() const override { return directory_; }
  const std::string& working_directory() const override { return working_directory_; }
  const std::map<std::string, std::string>& environment() const override { return environment_; }
  Sandbox sandbox() const override { return sandbox_; }
  std::vector<v1::Patch> Finish() override;

 private:
  struct Clone {
    std::string directory;
    GateRepository repository;
    std::set<std::string> upstream_commits;  // what the upstream's refs were at the start
  };

  Outcome CheckSandbox();
  Outcome OpenPass();
  Outcome MakeFolders();
  Outcome CloneAll();
  absl::Status CloneOne(Clone& clone, const std::string& ref);
  absl::Status TryClone(Clone& clone, const std::string& ref, const WorkLimits& limits);
  Outcome RunSetup();
  void SetEnvironment();
  void FillSandbox();
  absl::Status WriteGitConfig() const;
  absl::StatusOr<std::string> Credential(const std::string& url) const;
  void GatherFrom(const Clone& clone, std::vector<v1::Patch>& patches);
  void Remove();

  const GitWorkspaceOptions& options_;
  MirrorSet& mirrors_;
  PushGate& gate_;
  const WorkspaceRequest request_;
  const std::string root_;
  const std::string directory_;
  std::string working_directory_;
  Sandbox sandbox_;
  std::map<std::string, std::string> environment_;
  std::vector<Clone> clones_;
  std::unique_ptr<PushGate::Pass> pass_;
  bool removed_ = false;
};

}  // namespace routines

#endif  // ROUTINES_SRC_WORKSPACE_GIT_WORKSPACE_H_
