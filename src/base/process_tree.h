// Finds and signals the descendants of the calling process, with system calls only: for the
// supervisor (see supervisor.cc for why).
#ifndef ROUTINES_SRC_BASE_PROCESS_TREE_H_
#define ROUTINES_SRC_BASE_PROCESS_TREE_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace routines {

class ProcessTree {
 public:
  enum class Which { kAll, kStopped, kNotStopped };

  // Sends `signal` to those descendants but `spared`; returns to how many it went. 0 too where
  // /proc is missing.
  int Signal(int signal, Which which = Which::kAll, pid_t spared = 0);

 private:
  struct Process {
    pid_t pid;
    pid_t parent;
    uint64_t start;  // tells one process from the next with the same pid
    char state;
    enum : char { kUnknown, kDescendant, kStranger } kin;
  };

  bool Scan();
  void Add(int proc, const char* name);
  void MarkKin();
  Process* Find(pid_t pid) const;
  static bool ReadStat(int proc, pid_t pid, Process& process);
  static bool Matches(char state, Which which);

  Process* table_ = nullptr;  // by pid, as /proc lists them
  size_t size_ = 0;
};

}  // namespace routines

#endif  // ROUTINES_SRC_BASE_PROCESS_TREE_H_
