// What RunSubprocess executes: the program itself, or bubblewrap with the program in it.
#ifndef ROUTINES_SRC_BASE_PROGRAM_H_
#define ROUTINES_SRC_BASE_PROGRAM_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "src/base/subprocess.h"
#include "src/base/supervisor.h"

namespace routines {

// The arguments of execve, in memory that the fork finds ready.
class Program {
 public:
  // Errors: those of RunSubprocess that can be told beforehand. In a sandbox the program is looked
  // up here, by what the host sees.
  static absl::StatusOr<Program> Make(const SubprocessOptions& options);

  // Points into this object.
  void Fill(SupervisorSpec& spec);

  bool sandboxed() const { return !sandbox_options_.empty(); }

  // A descriptor to be read from its beginning and closed by the caller: bubblewrap's options.
  absl::StatusOr<int> SandboxArguments() const;

 private:
  void FindCandidates(const SubprocessOptions& options);
  absl::Status EnterSandbox(const SubprocessOptions& options);

  std::vector<std::string> paths_, arguments_, variables_;
  std::string directory_;
  std::string sandbox_options_;
  std::vector<const char*> path_pointers_;
  std::vector<char*> argv_, envp_;
};

// An errno of execve, fork and the like, as the error of RunSubprocess.
absl::Status SystemError(int error, const std::string& what);

// The error of a bubblewrap that did not come to execute `program`: what it wrote tells why.
absl::Status SandboxFailure(const std::string& program, std::string_view complaint);

}  // namespace routines

#endif  // ROUTINES_SRC_BASE_PROGRAM_H_
