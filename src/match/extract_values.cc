#include "src/match/extract_values.h"

#include <algorithm>
#include <cstring>

namespace routines {

// A counting sort: stable, in time linear to the number of values.
void ValueTable::Sort() {
  uint32_t begin = 0;
  for (TargetMask rest = seen_; rest != 0; rest &= rest - 1) {
    Run& run = runs_[absl::countr_zero(rest)];
    run.begin = begin;
    begin += run.count;
    run.count = 0;
  }
  sorted_.resize(values_.size());
  for (size_t i = 0; i < values_.size(); ++i) {
    Run& run = runs_[targets_[i]];
    sorted_[run.begin + run.count++] = values_[i];
  }
  values_.swap(sorted_);
  in_runs_ = true;
}

std::string_view TextArena::Copy(std::string_view text) {
  char* const bytes = Reserve(text.size());
  if (!text.empty()) std::memcpy(bytes, text.data(), text.size());
  Keep(text.size());
  return {bytes, text.size()};
}

void TextArena::AddBlock(size_t at_least) {
  const size_t size = std::max(at_least, kBlockBytes);
  blocks_.push_back({std::make_unique<char[]>(size), size});
  block_ = blocks_.size() - 1;
  used_ = 0;
}

}  // namespace routines
