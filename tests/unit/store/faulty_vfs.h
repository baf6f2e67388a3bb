// A file system for SQLite that fails when told: the disk's faults without a disk.
#ifndef ROUTINES_TESTS_UNIT_STORE_FAULTY_VFS_H_
#define ROUTINES_TESTS_UNIT_STORE_FAULTY_VFS_H_

#include <atomic>
#include <functional>

namespace routines::testing {

// What every file of this process does from now on; all off at first.
struct Faults {
  std::atomic<bool> fail_sync{false};  // fsync answers EIO
  std::atomic<bool> disk_full{false};  // writes answer ENOSPC
  // Counts down at each sync or write; the one that reaches 0 fails, later ones do not.
  std::atomic<int> fail_at{-1};
  std::atomic<int> writes{0}, syncs{0};
  // Called before each sync where set. Only to be changed while no store is open.
  std::function<void()> before_sync;
};

// Puts itself under every database that is opened afterwards.
Faults& InstallFaultyVfs();

}  // namespace routines::testing

#endif  // ROUTINES_TESTS_UNIT_STORE_FAULTY_VFS_H_
