#include "src/workspace/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace routines {
namespace {

absl::Status SystemError(std::string_view what, const std::string& path) {
  return absl::UnavailableError(absl::StrCat(absl::string_view(what.data(), what.size()), " ", path,
                                             ": ", std::strerror(errno)));
}

bool WriteAll(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    content.remove_prefix(written);
  }
  return true;
}

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};

// Removes a tree by lifting every folder that it meets up to the top and emptying it there: neither
// the stack nor the number of descriptors grows with the depth, and no path gets too long.
class TreeRemover {
 public:
  explicit TreeRemover(const std::string& path) : path_(path) {}

  absl::Status Run() {
    top_ = OpenOwned(AT_FDCWD, path_);
    if (!top_.ok()) {
      if (errno == ENOENT) return absl::OkStatus();
      // Not a folder: a file or a link.
      return unlink(path_.c_str()) == 0 ? absl::OkStatus() : SystemError("cannot remove", path_);
    }
    // Something that is just ending may still add a file or two, so a few rounds.
    for (int round = 0; round < 5; ++round) {
      pending_.clear();
      Empty(top_.get(), true);
      while (!pending_.empty()) {
        const std::string name = std::move(pending_.back());
        pending_.pop_back();
        if (const UniqueFd folder = OpenOwned(top_.get(), name); folder.ok())
          Empty(folder.get(), false);
        unlinkat(top_.get(), name.c_str(), AT_REMOVEDIR);
      }
      if (rmdir(path_.c_str()) == 0) return absl::OkStatus();
    }
    return SystemError("cannot remove", path_);
  }

 private:
  // Opens a folder after making it ours to read and change.
  static UniqueFd OpenOwned(int directory, const std::string& name) {
    const UniqueFd handle(
        openat(directory, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!handle.ok()) return UniqueFd();
    // fchmod refuses O_PATH descriptors; the link in /proc leads to this very folder, not to a
    // name.
    chmod(absl::StrCat("/proc/self/fd/", handle.get()).c_str(), 0700);
    return UniqueFd(openat(handle.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }

  // Unlinks the files of `folder` and moves its folders to the top, or (of the top itself) notes
  // them.
  void Empty(int folder, bool is_top) {
    std::vector<std::string> folders;
    ForEachEntry(folder, [&](const std::string& name) {
      if (unlinkat(folder, name.c_str(), 0) != 0 && (errno == EISDIR || errno == EPERM)) {
        folders.push_back(name);
      }
      return true;
    });
    for (const std::string& name : folders) {
      if (is_top) {
        pending_.push_back(name);
        continue;
      }
      { const UniqueFd made_ours = OpenOwned(folder, name); }  // moving a folder writes its ".."
      const std::string lifted = absl::StrCat(".removing-", counter_++);
      if (renameat2(folder, name.c_str(), top_.get(), lifted.c_str(), RENAME_NOREPLACE) == 0) {
        pending_.push_back(lifted);
      }
    }
  }

  const std::string path_;
  UniqueFd top_;
  std::vector<std::string> pending_;  // names of folders in the top
  int counter_ = 0;
};

}  // namespace

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) close(fd_);
    fd_ = other.release();
  }
  return *this;
}

UniqueFd::~UniqueFd() {
  if (fd_ >= 0) close(fd_);
}

int UniqueFd::release() {
  return std::exchange(fd_, -1);
}

absl::Status MakeDirectory(const std::string& path) {
  if (mkdir(path.c_str(), 0700) == 0) return absl::OkStatus();
  if (errno == EEXIST && OpenDirectory(AT_FDCWD, path).ok()) return absl::OkStatus();
  return SystemError("cannot make the folder", path);
}

absl::Status WriteFile(const std::string& path, std::string_view content, int mode) {
  const std::string draft = path + ".new";
  unlink(draft.c_str());
  UniqueFd file(open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!file.ok() || !WriteAll(file.get(), content) || rename(draft.c_str(), path.c_str()) != 0) {
    return SystemError("cannot write", path);
  }
  return absl::OkStatus();
}

UniqueFd OpenDirectory(int directory, const std::string& name) {
  return UniqueFd(openat(directory, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

UniqueFd OpenRegularFile(int directory, const std::string& name) {
  // O_NONBLOCK: opening a pipe does not wait for its other end.
  UniqueFd file(
      openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  struct stat status;
  if (!file.ok() || fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return UniqueFd();
  return file;
}

absl::StatusOr<std::string> ReadRegularFile(int directory, const std::string& name, size_t max) {
  const UniqueFd file = OpenRegularFile(directory, name);
  if (!file.ok()) return absl::NotFoundError(absl::StrCat("no regular file ", name));
  std::string content;
  char buffer[64 << 10];
  while (true) {
    const ssize_t got = read(file.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError("cannot read", name);
    if (got == 0) return content;
    content.append(buffer, got);
    if (content.size() > max) return absl::OutOfRangeError(absl::StrCat(name, " is too long"));
  }
}

void ForEachEntry(int directory, const std::function<bool(const std::string& name)>& entry) {
  // A descriptor of its own, so that reading starts at the beginning and `directory` stays open.
  const int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return;
  const std::unique_ptr<DIR, CloseDirectory> stream(fdopendir(copy));
  if (stream == nullptr) {
    close(copy);
    return;
  }
  while (const dirent* found = readdir(stream.get())) {
    const std::string name = found->d_name;
    if (name != "." && name != ".." && !entry(name)) return;
  }
}

absl::Status RemoveTree(const std::string& path) {
  return TreeRemover(path).Run();
}

}  // namespace routines
