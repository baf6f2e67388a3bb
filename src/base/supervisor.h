// The child side of RunSubprocess: a process between the host and the program, which ends the
// program's whole tree when it is asked to, when the program ends, and when the host dies.
#ifndef ROUTINES_SRC_BASE_SUPERVISOR_H_
#define ROUTINES_SRC_BASE_SUPERVISOR_H_

#include <sys/types.h>

namespace routines {

// Host to supervisor: a packet asks for the end of the tree: kTerminate for TERM and, after the
// grace, KILL to what is left; kKill for KILL at once, as does the end of the connection.
//
// Supervisor to host: kForked, then kStarted or a failure, then kEnded, then the end of the
// connection.
enum SupervisorRequest : char { kTerminate = 'T', kKill = 'K' };

struct SupervisorReport {
  enum Kind : int {
    kForked,           // value: pid of the program, and of its process group
    kStarted,          // exec succeeded
    kForkFailed,       // value: errno, as below
    kDirectoryFailed,  // the directory could not be entered
    kExecFailed,
    kEnded,  // value: wait status of the program; the tree is gone
  };
  Kind kind;
  int value;
};

// What the supervisor needs; everything is allocated before it is forked.
struct SupervisorSpec {
  const char* const* paths;  // tried in this order; ends with nullptr
  char* const* argv;
  char* const* envp;
  const char* directory;  // nullptr: that of the host
  // What becomes descriptor 0, 1, 2 and 3 of the program (3: -1 where it has none), then the
  // supervisor's end of the connection (SOCK_SEQPACKET), then what a sandbox is built with: 5, 6
  // and 7 of the program (-1 where there is no sandbox).
  enum { kProgramDescriptors = 4, kSandboxDescriptors = 5, kDescriptors = 8 };
  int descriptors[kDescriptors];
  int grace_ms;  // between TERM and KILL
  pid_t host;
  bool sandbox;  // the program only builds and watches what is to get TERM
};

// Forks. To be called with all signals blocked; returns the pid, or -1 and errno. The child does
// not signal its exit: only waitpid(pid, …, __WCLONE) sees it, so that a host that waits for any
// child, or ignores SIGCHLD, is not in the way.
pid_t ForkSupervisor(const SupervisorSpec& spec);

}  // namespace routines

#endif  // ROUTINES_SRC_BASE_SUPERVISOR_H_
