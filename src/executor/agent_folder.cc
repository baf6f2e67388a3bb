#include "src/executor/agent_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace routines {
namespace {

constexpr size_t kPieceBytes = size_t{64} << 10;

absl::string_view ToAbsl(std::string_view text) {
  return {text.data(), text.size()};
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// Opens `path` below `directory`, where no component is a symbolic link and none leads out.
int OpenBelow(int directory, const std::string& path, int flags) {
  open_how how = {};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
  return static_cast<int>(syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how));
}

bool WriteAll(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(file, bytes.data(), bytes.size());
    if (written > 0) {
      bytes.remove_prefix(written);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

// One copy of a tree.
class TreeCopy {
 public:
  explicit TreeCopy(const CopyLimits& limits) : limits_(limits) {}

  const CopyResult& result() const { return result_; }

  void Folder(int from, const std::string& to, int depth) {
    std::error_code error;
    std::filesystem::create_directory(to, error);
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(fdopendir(dup(from)), closedir);
    if (error || folder == nullptr) {
      ++result_.left_out;
      return;
    }
    while (const dirent* const entry = readdir(folder.get())) {
      const std::string name = entry->d_name;
      if (name == "." || name == "..") continue;
      if (++entries_ > limits_.max_files) {
        ++result_.left_out;
        return;
      }
      Entry(from, name, to + "/" + name, depth);
    }
  }

 private:
  void Entry(int from, const std::string& name, const std::string& to, int depth) {
    // O_PATH first: to open a pipe or a device would already be an effect.
    const Descriptor seen(OpenBelow(from, name, O_PATH | O_NOFOLLOW));
    struct stat status = {};
    if (!seen.ok() || fstat(seen.get(), &status) != 0) {
      ++result_.left_out;
    } else if (S_ISDIR(status.st_mode) && depth < limits_.max_depth) {
      const Descriptor folder(OpenBelow(from, name, O_RDONLY | O_DIRECTORY));
      if (folder.ok()) return Folder(folder.get(), to, depth + 1);
      ++result_.left_out;
    } else if (S_ISREG(status.st_mode)) {
      File(from, name, to, status.st_mode);
    } else {
      ++result_.left_out;
    }
  }

  void File(int from, const std::string& name, const std::string& to, mode_t mode) {
    const Descriptor in(OpenBelow(from, name, O_RDONLY | O_NONBLOCK | O_NOCTTY));
    struct stat status = {};
    if (!in.ok() || fstat(in.get(), &status) != 0 || !S_ISREG(status.st_mode) ||
        bytes_ + static_cast<size_t>(status.st_size) > limits_.max_bytes) {
      ++result_.left_out;
      return;
    }
    const Descriptor out(open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                              (mode & S_IXUSR) != 0 ? 0700 : 0600));
    if (!out.ok()) {  // an earlier repository's is kept
      ++result_.left_out;
      return;
    }
    std::vector<char> piece(kPieceBytes);
    while (true) {
      const ssize_t size = read(in.get(), piece.data(), piece.size());
      if (size < 0 && errno == EINTR) continue;
      if (size == 0) break;
      if (size > 0) bytes_ += static_cast<size_t>(size);
      if (size < 0 || bytes_ > limits_.max_bytes ||
          !WriteAll(out.get(), {piece.data(), static_cast<size_t>(size)})) {
        ++result_.left_out;
        unlink(to.c_str());
        return;
      }
    }
    ++result_.files;
  }

  const CopyLimits limits_;
  CopyResult result_;
  size_t bytes_ = 0;
  int entries_ = 0;
};

// The session's own folder for such things, else one that is in no repository.
std::string ParentFolder(const ExecutionRequest& request) {
  for (const char* const name : {"HOME", "TMPDIR"}) {
    const auto folder = request.environment.find(name);
    if (folder != request.environment.end()) return folder->second;
  }
  if (!request.workspace.empty()) {
    return std::filesystem::path(request.workspace).lexically_normal().parent_path().string();
  }
  const char* const ours = getenv("TMPDIR");
  return ours != nullptr && *ours != '\0' ? ours : "/tmp";
}

}  // namespace

AgentFolder::~AgentFolder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

absl::Status AgentFolder::Make(const ExecutionRequest& request) {
  const std::string parent = ParentFolder(request);
  std::string path = absl::StrCat(parent, "/.routines-agent-XXXXXX");
  if (mkdtemp(path.data()) == nullptr) {
    return absl::UnavailableError(
        absl::StrCat("no folder for the agent can be made in ", parent, ": ", strerror(errno)));
  }
  path_ = path;
  return absl::OkStatus();
}

absl::Status AgentFolder::Write(std::string_view name, std::string_view content) {
  const std::string path = absl::StrCat(path_, "/", ToAbsl(name));
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  const Descriptor file(
      open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.ok() && WriteAll(file.get(), content)) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat(path, " cannot be written: ", strerror(error ? error.value() : errno)));
}

CopyResult AgentFolder::Copy(const std::string& root, const std::string& from,
                             const std::string& to, const CopyLimits& limits) {
  const Descriptor tree(open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!tree.ok()) return {};
  const Descriptor folder(OpenBelow(tree.get(), from, O_RDONLY | O_DIRECTORY));
  if (!folder.ok()) return {.left_out = errno == ENOENT ? 0 : 1};
  TreeCopy copy(limits);
  copy.Folder(folder.get(), path_ + "/" + to, 0);
  return copy.result();
}

}  // namespace routines
