#include "tests/unit/store/faulty_vfs.h"

#include <sqlite3.h>

namespace routines::testing {
namespace {

Faults& TheFaults() {
  static auto& faults = *new Faults;
  return faults;
}

// Ours, followed in memory by the file of the real VFS.
struct File {
  sqlite3_file base;
  sqlite3_file* real;
};

sqlite3_file* Real(sqlite3_file* file) {
  return reinterpret_cast<File*>(file)->real;
}

bool FailsNow() {
  std::atomic<int>& fail_at = TheFaults().fail_at;
  return fail_at >= 0 && fail_at-- == 0;
}

int Close(sqlite3_file* f) {
  return Real(f)->pMethods->xClose(Real(f));
}
int ReadAt(sqlite3_file* f, void* data, int size, sqlite3_int64 offset) {
  return Real(f)->pMethods->xRead(Real(f), data, size, offset);
}
int WriteAt(sqlite3_file* f, const void* data, int size, sqlite3_int64 offset) {
  ++TheFaults().writes;
  if (TheFaults().disk_full || FailsNow()) return SQLITE_FULL;
  return Real(f)->pMethods->xWrite(Real(f), data, size, offset);
}
int Truncate(sqlite3_file* f, sqlite3_int64 size) {
  return Real(f)->pMethods->xTruncate(Real(f), size);
}
int Sync(sqlite3_file* f, int flags) {
  ++TheFaults().syncs;
  if (TheFaults().before_sync) TheFaults().before_sync();
  if (TheFaults().fail_sync || FailsNow()) return SQLITE_IOERR_FSYNC;
  return Real(f)->pMethods->xSync(Real(f), flags);
}
int FileSize(sqlite3_file* f, sqlite3_int64* size) {
  return Real(f)->pMethods->xFileSize(Real(f), size);
}
int Lock(sqlite3_file* f, int level) {
  return Real(f)->pMethods->xLock(Real(f), level);
}
int Unlock(sqlite3_file* f, int level) {
  return Real(f)->pMethods->xUnlock(Real(f), level);
}
int CheckLock(sqlite3_file* f, int* held) {
  return Real(f)->pMethods->xCheckReservedLock(Real(f), held);
}
int FileControl(sqlite3_file* f, int op, void* arg) {
  return Real(f)->pMethods->xFileControl(Real(f), op, arg);
}
int SectorSize(sqlite3_file* f) {
  return Real(f)->pMethods->xSectorSize(Real(f));
}
int Device(sqlite3_file* f) {
  return Real(f)->pMethods->xDeviceCharacteristics(Real(f));
}
int ShmMap(sqlite3_file* f, int page, int size, int extend, void volatile** memory) {
  return Real(f)->pMethods->xShmMap(Real(f), page, size, extend, memory);
}
int ShmLock(sqlite3_file* f, int offset, int n, int flags) {
  return Real(f)->pMethods->xShmLock(Real(f), offset, n, flags);
}
void ShmBarrier(sqlite3_file* f) {
  Real(f)->pMethods->xShmBarrier(Real(f));
}
int ShmUnmap(sqlite3_file* f, int remove) {
  return Real(f)->pMethods->xShmUnmap(Real(f), remove);
}

const sqlite3_io_methods kMethods = {2,           Close,      ReadAt,  WriteAt, Truncate,
                                     Sync,        FileSize,   Lock,    Unlock,  CheckLock,
                                     FileControl, SectorSize, Device,  ShmMap,  ShmLock,
                                     ShmBarrier,  ShmUnmap,   nullptr, nullptr};

sqlite3_vfs* g_real_vfs = nullptr;

int Open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  File* ours = reinterpret_cast<File*>(file);
  ours->real = reinterpret_cast<sqlite3_file*>(ours + 1);
  ours->base.pMethods = nullptr;
  const int code = g_real_vfs->xOpen(g_real_vfs, name, ours->real, flags, out_flags);
  if (ours->real->pMethods != nullptr) ours->base.pMethods = &kMethods;
  return code;
}

}  // namespace

Faults& InstallFaultyVfs() {
  if (g_real_vfs == nullptr) {
    g_real_vfs = sqlite3_vfs_find(nullptr);
    static sqlite3_vfs ours = *g_real_vfs;
    ours.zName = "faulty";
    ours.szOsFile = static_cast<int>(sizeof(File)) + g_real_vfs->szOsFile;
    ours.xOpen = Open;
    sqlite3_vfs_register(&ours, 1);
  }
  return TheFaults();
}

}  // namespace routines::testing
