#include "src/workspace/tree_size.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"

namespace routines {
namespace {

constexpr size_t kMaxLine = 200;  // of what stands before the path; git's is never longer

}  // namespace

void TreeSize::Add(std::string_view output) {
  while (!output.empty() && within()) {
    const size_t end = output.find(in_path_ ? '\0' : '\t');
    if (!in_path_) line_.append(output.substr(0, std::min(end, kMaxLine)));
    if (end == std::string_view::npos) return;
    output.remove_prefix(end + 1);
    if (!in_path_) EndLine();
    in_path_ = !in_path_;
  }
}

// The size is the last word; of a submodule it is "-".
void TreeSize::EndLine() {
  int64_t size = 0;
  const absl::string_view line = line_;
  if (!absl::SimpleAtoi(line.substr(line.rfind(' ') + 1), &size)) size = 0;
  ++files_;
  // Without running over, whatever git says.
  bytes_ = size > max_bytes_ - bytes_ ? max_bytes_ + 1 : bytes_ + size;
  line_.clear();
}

}  // namespace routines
