// Makes a database file this process's own.
#ifndef ROUTINES_SRC_STORE_SQLITE_FILE_H_
#define ROUTINES_SRC_STORE_SQLITE_FILE_H_

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace routines::store {

// Holds `<path>.lock` for as long as it lives. The lock is of POSIX's kind (fcntl): children that
// the process forks do not inherit it, so that one that outlives its parent cannot keep a restart
// out. Those locks do not hold within a process; a list of this process's own does that.
class FileLock {
 public:
  // kFailedPrecondition: held by another process, which the message names, or by this one.
  static absl::StatusOr<std::unique_ptr<FileLock>> Acquire(const std::string& path);
  ~FileLock();

 private:
  FileLock(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}

  const int fd_;
  const std::string name_;  // in the list of this process
};

// kFailedPrecondition where the folder of `path` is on a network file system: neither locks nor the
// shared memory of the write-ahead log are to be relied on there.
absl::Status CheckFileSystem(const std::string& path);

// Whether statfs's `magic`, with the type of a FUSE mount ("fuse.sshfs"), is a network's.
bool IsNetworkFileSystem(long magic, std::string_view fuse_type);

// Creates `path` where it is absent, and takes every right from group and others, also of what an
// earlier process left beside it. To be called with the lock held and before SQLite opens the file:
// closing any descriptor of it would drop SQLite's own locks.
absl::Status PrepareFile(const std::string& path);

}  // namespace routines::store

#endif  // ROUTINES_SRC_STORE_SQLITE_FILE_H_
