// Counts the files of a commit, from git's list of them.
#ifndef ROUTINES_SRC_WORKSPACE_TREE_SIZE_H_
#define ROUTINES_SRC_WORKSPACE_TREE_SIZE_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace routines {

// Takes the output of `git ls-tree -r -l -z` as it comes: "<mode> <type> <id> <size>\t<path>\0" for
// each file, in any pieces, and keeps no more than one line's beginning.
class TreeSize {
 public:
  TreeSize(int64_t max_files, int64_t max_bytes) : max_files_(max_files), max_bytes_(max_bytes) {}

  void Add(std::string_view output);
  // Whether what came until now is within the bounds.
  bool within() const { return files_ <= max_files_ && bytes_ <= max_bytes_; }

 private:
  void EndLine();

  const int64_t max_files_, max_bytes_;
  int64_t files_ = 0;
  int64_t bytes_ = 0;
  std::string line_;  // of the present line, as far as its path
  bool in_path_ = false;
};

}  // namespace routines

#endif  // ROUTINES_SRC_WORKSPACE_TREE_SIZE_H_
