// What an Extraction has read: values by target, and the memory of unescaped texts.
#ifndef ROUTINES_SRC_MATCH_EXTRACT_VALUES_H_
#define ROUTINES_SRC_MATCH_EXTRACT_VALUES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/numeric/bits.h"
#include "absl/types/span.h"
#include "src/match/extract.h"

namespace routines {

// Collects values in the payload's order and hands them out by target.
class ValueTable {
 public:
  // Forgets everything but its memory.
  void Clear() {
    values_.clear();
    targets_.clear();
    for (TargetMask rest = seen_; rest != 0; rest &= rest - 1) {
      runs_[absl::countr_zero(rest)] = {};
    }
    seen_ = 0;
    in_runs_ = true;
  }

  void Add(TargetMask targets, const ExtractedValue& value) {
    for (; targets != 0; targets &= targets - 1) AddOne(absl::countr_zero(targets), value);
  }

  // How many values there are: where the next one goes.
  size_t size() const { return values_.size(); }
  // Says afterwards how many elements the arrays have that were added at `begin`, one for each of
  // `targets`.
  void SetElementCount(size_t begin, TargetMask targets, uint32_t count) {
    for (; targets != 0; targets &= targets - 1) values_[begin++].size = count;
  }

  // Before values(): brings each target's values together.
  void Finish() {
    if (!in_runs_) Sort();
  }

  absl::Span<const ExtractedValue> values(int target) const {
    const Run& run = runs_[target];
    return {values_.data() + run.begin, run.count};
  }

 private:
  struct Run {
    uint32_t begin = 0;
    uint32_t count = 0;
  };

  void AddOne(int target, const ExtractedValue& value) {
    Run& run = runs_[target];
    const uint32_t size = static_cast<uint32_t>(values_.size());
    if (run.count == 0) run.begin = size;
    in_runs_ &= run.begin + run.count == size;
    ++run.count;
    seen_ |= TargetBit(target);
    values_.push_back(value);
    targets_.push_back(static_cast<uint8_t>(target));
  }

  void Sort();

  std::vector<ExtractedValue> values_;
  std::vector<uint8_t> targets_;  // of each value
  std::vector<ExtractedValue> sorted_;
  std::array<Run, ExtractionPlan::kMostTargets> runs_;
  TargetMask seen_ = 0;
  bool in_runs_ = true;  // each target's values stand together
};

// Memory for texts that stays where it is until Reset.
class TextArena {
 public:
  void Reset() {
    block_ = 0;
    used_ = 0;
  }

  // At least `size` bytes, to be filled in.
  char* Reserve(size_t size) {
    while (block_ < blocks_.size() && blocks_[block_].size - used_ < size) {
      ++block_;
      used_ = 0;
    }
    if (block_ == blocks_.size()) AddBlock(size);
    return blocks_[block_].bytes.get() + used_;
  }
  // Keeps the first `size` of the bytes reserved last.
  void Keep(size_t size) { used_ += size; }

  std::string_view Copy(std::string_view text);

 private:
  static constexpr size_t kBlockBytes = 64 << 10;

  struct Block {
    std::unique_ptr<char[]> bytes;
    size_t size;
  };

  void AddBlock(size_t at_least);

  std::vector<Block> blocks_;
  size_t block_ = 0;
  size_t used_ = 0;  // of that block
};

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_EXTRACT_VALUES_H_
