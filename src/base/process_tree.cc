#include "src/base/process_tree.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace routines {
namespace {

constexpr size_t kCapacity = 1 << 18;  // processes; what does not fit is found when others are gone

// The kernel's struct linux_dirent64.
struct Entry {
  uint64_t inode;
  int64_t offset;
  uint16_t size;
  uint8_t type;
  char name[1];
};

// Writes "<pid>/stat" and returns it.
const char* StatPath(pid_t pid, char (&path)[32]) {
  char* end = path + 16;
  const char* const suffix = "/stat";
  for (int i = 0; i < 6; ++i) end[i] = suffix[i];
  do {
    *--end = '0' + pid % 10;
    pid /= 10;
  } while (pid > 0);
  return end;
}

uint64_t ParseNumber(const char*& text) {
  uint64_t number = 0;
  while (*text >= '0' && *text <= '9') number = number * 10 + (*text++ - '0');
  return number;
}

}  // namespace

int ProcessTree::Signal(int signal, Which which, pid_t spared) {
  if (!Scan()) return 0;
  MarkKin();
  const int proc = syscall(SYS_openat, AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int signaled = 0;
  for (size_t i = 0; i < size_; ++i) {
    if (table_[i].kin != Process::kDescendant || !Matches(table_[i].state, which)) continue;
    if (table_[i].pid == spared) continue;
    // The pid may belong to another process by now. The descriptor holds on to whichever it is, so
    // that the start time read after it tells.
    const int process = syscall(SYS_pidfd_open, table_[i].pid, 0);
    if (process < 0) continue;
    Process now;
    if (ReadStat(proc, table_[i].pid, now) && now.start == table_[i].start &&
        syscall(SYS_pidfd_send_signal, process, signal, nullptr, 0) == 0) {
      ++signaled;
    }
    syscall(SYS_close, process);
  }
  syscall(SYS_close, proc);
  return signaled;
}

bool ProcessTree::Matches(char state, Which which) {
  const bool stopped = state == 'T' || state == 't';
  if (which == Which::kStopped) return stopped;
  if (which == Which::kNotStopped) return !stopped && state != 'Z' && state != 'X';
  return true;
}

bool ProcessTree::Scan() {
  if (table_ == nullptr) {
    const auto memory =
        syscall(SYS_mmap, nullptr, kCapacity * sizeof(Process), PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == -1) return false;
    table_ = reinterpret_cast<Process*>(memory);
  }
  size_ = 0;
  const int proc = syscall(SYS_openat, AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (proc < 0) return false;
  alignas(Entry) char buffer[8192];
  for (;;) {
    const ssize_t size = syscall(SYS_getdents64, proc, buffer, sizeof buffer);
    if (size <= 0) break;
    for (ssize_t at = 0; at < size;) {
      const auto* const entry = reinterpret_cast<const Entry*>(buffer + at);
      Add(proc, entry->name);
      at += entry->size;
    }
  }
  syscall(SYS_close, proc);
  return true;
}

void ProcessTree::Add(int proc, const char* name) {
  if (*name < '1' || *name > '9' || size_ == kCapacity) return;
  if (ReadStat(proc, static_cast<pid_t>(ParseNumber(name)), table_[size_])) ++size_;
}

// proc(5): "pid (name) state ppid …", the start time is field 22. The name may hold anything.
bool ProcessTree::ReadStat(int proc, pid_t pid, Process& process) {
  char path[32];
  const int file = syscall(SYS_openat, proc, StatPath(pid, path), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  char text[1024];
  const ssize_t size = syscall(SYS_read, file, text, sizeof text - 1);
  syscall(SYS_close, file);
  if (size <= 0) return false;
  text[size] = '\0';
  const char* at = text + size;
  while (at > text && *at != ')') --at;
  if (at == text || at + 4 >= text + size) return false;
  process.pid = pid;
  process.state = at[2];
  at += 4;
  process.parent = static_cast<pid_t>(ParseNumber(at));
  for (int field = 4; field < 22 && *at != '\0';) {
    if (*at++ == ' ') ++field;
  }
  process.start = ParseNumber(at);
  process.kin = Process::kUnknown;
  return true;
}

ProcessTree::Process* ProcessTree::Find(pid_t pid) const {
  size_t low = 0, high = size_;
  while (low < high) {
    const size_t middle = (low + high) / 2;
    if (table_[middle].pid < pid)
      low = middle + 1;
    else
      high = middle;
  }
  return low < size_ && table_[low].pid == pid ? &table_[low] : nullptr;
}

// Follows each process up to one whose kin is known, then gives all of that way the same answer.
// The table is no snapshot: a way may end in nothing, and is then found in the next scan; it cannot
// be longer than the table, or it would be a circle.
void ProcessTree::MarkKin() {
  const pid_t self = syscall(SYS_getpid);
  if (Process* const me = Find(self)) me->kin = Process::kStranger;
  for (size_t i = 0; i < size_; ++i) {
    auto kin = Process::kStranger;
    size_t steps = 0;
    for (Process* at = &table_[i]; at != nullptr && steps <= size_;
         at = Find(at->parent), ++steps) {
      if (at->parent == self)
        kin = Process::kDescendant;
      else if (at->kin != Process::kUnknown)
        kin = at->kin;
      else
        continue;
      break;
    }
    for (Process* at = &table_[i]; at != nullptr && at->kin == Process::kUnknown;
         at = Find(at->parent)) {
      at->kin = kin;
    }
  }
}

}  // namespace routines
