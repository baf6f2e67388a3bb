// Files and folders that somebody else may have had in hand: no symbolic link is ever followed.
#ifndef ROUTINES_SRC_WORKSPACE_FILES_H_
#define ROUTINES_SRC_WORKSPACE_FILES_H_

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace routines {

// A descriptor that closes itself.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept;
  ~UniqueFd();

  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }
  int release();

 private:
  int fd_ = -1;
};

// Makes a folder of mode 0700. OK where there is one already.
absl::Status MakeDirectory(const std::string& path);

// Writes a new file of `mode`; where there is one it is replaced, in one step.
absl::Status WriteFile(const std::string& path, std::string_view content, int mode = 0600);

// Opens the folder `name` in the folder `directory`; AT_FDCWD: a path of our own.
UniqueFd OpenDirectory(int directory, const std::string& name);

// Opens the regular file `name` in the folder `directory` for reading. Neither a link nor a pipe
// nor a device is opened.
UniqueFd OpenRegularFile(int directory, const std::string& name);

// All of it. kOutOfRange: longer than `max`. kNotFound: not there, or not a regular file.
absl::StatusOr<std::string> ReadRegularFile(int directory, const std::string& name, size_t max);

// Calls `entry` with each name in the folder but "." and "..", until it returns false.
void ForEachEntry(int directory, const std::function<bool(const std::string& name)>& entry);

// Removes `path` and everything under it, whatever its depth and its permissions; a link is
// removed, not followed. OK where there is nothing. Uses the same few descriptors whatever the
// depth.
absl::Status RemoveTree(const std::string& path);

}  // namespace routines

#endif  // ROUTINES_SRC_WORKSPACE_FILES_H_
