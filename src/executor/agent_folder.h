// A session's own folder for the files of an agent's command line: configuration, and copies of
// what the repository gives the agent. It is outside the repositories, of mode 0700, and removed
// with this object.
//
// A repository's files are copied as somebody else's: no symbolic link is followed at any depth, no
// pipe, device or socket is opened, and count, depth and size are bounded.
//
// Thread-safety: one thread. Blocking: file I/O only.
#ifndef ROUTINES_SRC_EXECUTOR_AGENT_FOLDER_H_
#define ROUTINES_SRC_EXECUTOR_AGENT_FOLDER_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "routines/executor.h"

namespace routines {

// How much of one repository is copied.
struct CopyLimits {
  size_t max_bytes = size_t{16} << 20;  // of all files together
  int max_files = 2000;                 // files and folders
  int max_depth = 16;
};

struct CopyResult {
  int files = 0;
  // Links, pipes and devices, and what was beyond a limit or could not be read.
  int left_out = 0;
};

class AgentFolder {
 public:
  AgentFolder() = default;
  AgentFolder(const AgentFolder&) = delete;
  AgentFolder& operator=(const AgentFolder&) = delete;
  ~AgentFolder();

  // Makes the folder: in the session's HOME or TMPDIR, else beside its workspace, else in the
  // host's temporary folder. kUnavailable.
  absl::Status Make(const ExecutionRequest& request);

  const std::string& path() const { return path_; }

  // Writes a new file of mode 0600; `name` may be in a folder of this one, which is made.
  absl::Status Write(std::string_view name, std::string_view content);

  // Copies the folder `from` of the tree `root` to the folder `to` of this one; what is there
  // already is kept. Nothing where there is no such folder. `from` has no ".." in it.
  CopyResult Copy(const std::string& root, const std::string& from, const std::string& to,
                  const CopyLimits& limits = {});

 private:
  std::string path_;
};

}  // namespace routines

#endif  // ROUTINES_SRC_EXECUTOR_AGENT_FOLDER_H_
