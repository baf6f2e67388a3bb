#include "src/store/sqlite_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <system_error>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"

namespace routines::store {
namespace {

// Locked files of this process, by device and inode.
struct OpenFiles {
  absl::Mutex mu;
  std::set<std::string> names ABSL_GUARDED_BY(mu);
};

OpenFiles& ProcessFiles() {
  static auto& files = *new OpenFiles;
  return files;
}

absl::Status FileError(const std::string& path) {
  return absl::UnavailableError(absl::StrCat(path, ": ", std::generic_category().message(errno)));
}

std::string Folder(const std::string& path) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  return parent.empty() ? "." : parent.string();
}

// The type of the mount with that device, e.g. "fuse.sshfs"; from the kernel's list (proc(5)).
std::string MountType(dev_t device) {
  const std::string wanted = absl::StrCat(major(device), ":", minor(device));
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream fields(line);
    std::string id, parent, number, word;
    fields >> id >> parent >> number;
    if (number != wanted) continue;
    while (fields >> word && word != "-") {
    }
    fields >> word;
    return word;
  }
  return "";
}

}  // namespace

// ---- FileLock
// ------------------------------------------------------------------------------------

absl::StatusOr<std::unique_ptr<FileLock>> FileLock::Acquire(const std::string& path) {
  const std::string lock_path = path + ".lock";
  OpenFiles& files = ProcessFiles();
  absl::MutexLock lock(&files.mu);
  struct stat info;
  // Not even opened when this process holds it: closing it again would drop the lock.
  if (stat(lock_path.c_str(), &info) == 0 &&
      files.names.contains(absl::StrCat(info.st_dev, ":", info.st_ino))) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": already open in this process; share the one store"));
  }
  const int fd = open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return FileError(lock_path);
  struct flock wish = {};
  wish.l_type = F_WRLCK;
  wish.l_whence = SEEK_SET;
  if (fcntl(fd, F_SETLK, &wish) != 0) {
    const bool held = errno == EACCES || errno == EAGAIN;
    absl::Status status = FileError(lock_path);
    if (held && fcntl(fd, F_GETLK, &wish) == 0) {
      status = absl::FailedPreconditionError(
          absl::StrCat(path, ": process ", wish.l_pid, " has it open; stop that process first"));
    }
    close(fd);
    return status;
  }
  if (fstat(fd, &info) != 0) {
    const absl::Status status = FileError(lock_path);
    close(fd);
    return status;
  }
  std::string name = absl::StrCat(info.st_dev, ":", info.st_ino);
  files.names.insert(name);
  return std::unique_ptr<FileLock>(new FileLock(fd, std::move(name)));
}

FileLock::~FileLock() {
  OpenFiles& files = ProcessFiles();
  absl::MutexLock lock(&files.mu);
  files.names.erase(name_);
  close(fd_);
}

// ---- file systems
// --------------------------------------------------------------------------------

bool IsNetworkFileSystem(long magic, std::string_view fuse_type) {
  constexpr unsigned long kCifs = 0xff534d42;
  constexpr unsigned long kFuse = 0x65735546;
  constexpr unsigned long kCeph = 0x00c36400;
  switch (static_cast<unsigned long>(magic) & 0xffffffff) {
    case NFS_SUPER_MAGIC:
    case SMB_SUPER_MAGIC:
    case SMB2_SUPER_MAGIC:
    case AFS_SUPER_MAGIC:
    case kCifs:
    case kCeph:
      return true;
    case kFuse:
      break;
    default:
      return false;
  }
  // FUSE serves local disks too (NTFS, encrypted folders): only those known to cross a network.
  for (std::string_view network : {"sshfs", "s3fs", "gcsfuse", "rclone", "glusterfs", "davfs",
                                   "curlftpfs", "blobfuse", "juicefs", "goofys"}) {
    if (absl::StrContains(absl::string_view(fuse_type.data(), fuse_type.size()),
                          absl::string_view(network.data(), network.size()))) {
      return true;
    }
  }
  return false;
}

absl::Status CheckFileSystem(const std::string& path) {
  const std::string folder = Folder(path);
  struct statfs system;
  struct stat info;
  if (statfs(folder.c_str(), &system) != 0 || stat(folder.c_str(), &info) != 0) {
    return FileError(folder);
  }
  if (!IsNetworkFileSystem(system.f_type, MountType(info.st_dev))) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(folder,
                   ": on a network file system, where SQLite cannot keep its promises; "
                   "choose a folder on a local disk"));
}

absl::Status PrepareFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return FileError(path);
  close(fd);
  for (const char* suffix : {"", "-wal", "-shm", ".lock"}) {
    const std::string name = path + suffix;
    if (chmod(name.c_str(), 0600) != 0 && errno != ENOENT) return FileError(name);
  }
  // The new name is to survive a power failure, as what it will hold is.
  const std::string folder = Folder(path);
  const int folder_fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder_fd < 0) return FileError(folder);
  const bool synced = fsync(folder_fd) == 0;
  const absl::Status status = synced ? absl::OkStatus() : FileError(folder);
  close(folder_fd);
  return status;
}

}  // namespace routines::store
