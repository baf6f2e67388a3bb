#include "src/match/index_segment.h"

#include <algorithm>

namespace routines {

std::shared_ptr<const Segment> Segment::Build(absl::Span<const char* const> records) {
  auto made = std::make_shared<Segment>();
  for (const char* record : records) {
    const RecordView view(record);
    made->matches_.push_back(view.match());
    made->offsets_.push_back(static_cast<uint32_t>(made->records_.size() / 8));
    made->records_.insert(made->records_.end(), view.data(), view.end());
  }
  return made;
}

std::pair<uint32_t, uint32_t> Segment::FindRoutine(uint64_t routine) const {
  const auto begin = std::lower_bound(matches_.begin(), matches_.end(), routine << 16);
  auto end = begin;
  while (end != matches_.end() && *end >> 16 == routine) ++end;
  return {static_cast<uint32_t>(begin - matches_.begin()),
          static_cast<uint32_t>(end - matches_.begin())};
}

void Segment::Match(EventValues& values, SegmentScratch& scratch, uint64_t* slots) const {
  for (size_t w = 0; w < words(); ++w) {
    for (uint64_t rest = slots[w]; rest != 0; rest &= rest - 1) {
      const auto slot = static_cast<uint32_t>(64 * w + __builtin_ctzll(rest));
      if (!RecordHolds(RecordView(record(slot)), values)) slots[w] &= ~(rest & -rest);
    }
  }
}

}  // namespace routines
