// What a session's programs (setup script, agent) may see, write and reach.
//
// The host says what it wants in SandboxOptions; FindSandbox finds out, once, what this machine can
// give and makes a Sandbox of it; the workspace provider adds what belongs to one session; whoever
// runs programs for the session hands it on. It is built by bubblewrap (`bwrap`): a process
// namespace, in which nothing of the host's processes is seen and whose end ends everything in it,
// and a view of the file system in which all is read-only but what is named here.
//
// Thread-safety: plain values. Blocking: FindSandbox runs a program, some ten milliseconds.
#ifndef ROUTINES_SANDBOX_H_
#define ROUTINES_SANDBOX_H_

#include <cstdint>
#include <string>
#include <vector>

namespace routines {

struct SandboxOptions {
  enum class Mode {
    kAuto,     // where bubblewrap works; else programs run bare, as the user of this process
    kRequire,  // where it does not work, sessions fail with the reason `sandbox_unavailable`
    kOff,      // always bare
  };
  Mode mode = Mode::kAuto;
  // Files and folders that sessions do not see, besides those of docs/security.md. Absolute.
  std::vector<std::string> hidden;
  // Folders of the host that sessions may write, but for what is hidden in them. Absolute.
  std::vector<std::string> writable;
  // Of one session; 0: no limit. Not enforced where this process runs as root.
  int64_t max_processes = 4096;
  int64_t max_file_bytes = int64_t{16} << 30;  // of a single file; 0: no limit
};

struct Sandbox {
  std::string bubblewrap;  // the program's path; empty: there is no sandbox
  std::string missing;     // why there is none; empty where none is wanted
  bool required = false;   // without it nothing may be run

  // Paths without links, in the order in which they take effect.
  std::vector<std::string> host_readable;  // seen although they lie in /tmp, /var/tmp or /run
  std::vector<std::string> host_writable;
  std::vector<std::string> hidden;
  std::vector<std::string> readable;  // of the session, seen although they lie in what is hidden
  std::vector<std::string> writable;
  bool network = true;  // that of the host; false: none, not even the host's loopback
  int64_t max_processes = 0;
  int64_t max_file_bytes = 0;
};

// What this machine can give: tries bubblewrap with all that a session needs.
Sandbox FindSandbox(const SandboxOptions& options);

}  // namespace routines

#endif  // ROUTINES_SANDBOX_H_
