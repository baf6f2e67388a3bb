// Many triggers of one group as sets of bits: a record is a slot, and an event is matched against
// all of them at once.
//
// Each condition belongs to a class: a field, a kind of test and, where a trigger has several of
// that sort, which of them it is. A class has the set of slots that have such a condition. A
// dictionary per field leads from the event's value to the slots whose condition it meets. What is
// left of the live slots after each class
//
//   slots &= ~has(class) | met(class)          and, of negated conditions,   slots &= ~met(class)
//
// are those that match, but for the few whose records have something that bits cannot say (a
// regular expression, any_of): those records are tested themselves.
//
// Immutable; any number of threads may match. docs/matcher.md has the whole story.
#ifndef ROUTINES_SRC_MATCH_INDEX_SEGMENT_H_
#define ROUTINES_SRC_MATCH_INDEX_SEGMENT_H_

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "src/match/index_record.h"
#include "src/match/index_values.h"

namespace routines {

// The working memory of one reader.
struct SegmentScratch {};

class Segment {
 public:
  // `records` are sorted by match; they are copied.
  static std::shared_ptr<const Segment> Build(absl::Span<const char* const> records);

  uint32_t size() const { return static_cast<uint32_t>(matches_.size()); }
  // 64-bit words of a set of slots.
  size_t words() const { return (matches_.size() + 511) / 512 * 8; }
  const char* record(uint32_t slot) const { return records_.data() + 8 * size_t{offsets_[slot]}; }
  absl::Span<const uint64_t> matches() const { return matches_; }

  // The slots of a routine.
  std::pair<uint32_t, uint32_t> FindRoutine(uint64_t routine) const;

  // Takes away from `slots`, words() words, those that do not match.
  void Match(EventValues& values, SegmentScratch& scratch, uint64_t* slots) const;

 private:
  std::vector<uint64_t> matches_;
  std::vector<uint32_t> offsets_;  // of records, in 8 bytes
  std::vector<char> records_;
};

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_INDEX_SEGMENT_H_
