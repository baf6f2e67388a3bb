#include "src/match/index_merger.h"

#include <algorithm>
#include <utility>

namespace routines {
namespace {

// Slots that died while the merge went on are dead in its result, too.
void TakeOutDead(const SegmentRef& before, const SegmentRef& now, SegmentRef& merged) {
  if (before.live == now.live) return;
  auto live = std::make_shared<std::vector<uint64_t>>(*merged.live);
  for (size_t w = 0; w < now.live->size(); ++w) {
    for (uint64_t rest = (*before.live)[w] & ~(*now.live)[w]; rest != 0; rest &= rest - 1) {
      const uint64_t dead = before.segment->matches()[64 * w + __builtin_ctzll(rest)];
      ClearBit(live->data(), merged.segment->SlotOf(dead));
      --merged.alive;
    }
  }
  merged.live = std::move(live);
}

}  // namespace

IndexMerger::IndexMerger(absl::Mutex& changes, const IndexTuning& tuning, Install install)
    : changes_(changes), tuning_(tuning), install_(std::move(install)) {}

IndexMerger::~IndexMerger() {
  {
    absl::MutexLock lock(&changes_);
    stop_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void IndexMerger::Notice(Group& group) {
  const GroupVersion* const version = group.head.load(std::memory_order_relaxed);
  if (group.merge_queued || version->segments == nullptr ||
      MergeFrom(*version->segments) == version->segments->size()) {
    return;
  }
  group.merge_queued = true;
  queue_.push_back(&group);
  if (!thread_.joinable()) thread_ = std::thread([this] { Run(); });
}

void IndexMerger::Run() {
  const auto wanted = [this] { return stop_ || !queue_.empty(); };
  changes_.Lock();
  for (;;) {
    changes_.Await(absl::Condition(&wanted));
    if (stop_) break;
    MergeOne();
  }
  changes_.Unlock();
}

// Enters and leaves with the lock held.
void IndexMerger::MergeOne() {
  Group& group = *queue_.front();
  queue_.pop_front();
  const auto segments = group.head.load(std::memory_order_relaxed)->segments;
  const size_t from = segments == nullptr ? 0 : MergeFrom(*segments);
  group.merge_queued = false;
  if (segments == nullptr || from == segments->size()) return;
  const SegmentRefs before(segments->begin() + from, segments->end());
  group.merge_queued = true;  // not again before this is done
  group.merging_to = before.back().segment.get();
  merging_ = true;
  changes_.Unlock();
  SegmentRef merged = MergeSegments(before, {}, tuning_.least_cluster);
  changes_.Lock();
  merging_ = false;
  group.merging_to = nullptr;
  group.merge_queued = false;
  GroupEdit edit(group, tuning_);
  const SegmentRefs& now = edit.segments();
  size_t begin = 0;  // changes only append behind those, or make others of what is behind
  while (now[begin].segment != before[0].segment) ++begin;
  for (size_t i = 0; i < before.size(); ++i) TakeOutDead(before[i], now[begin + i], merged);
  edit.Replace(begin, begin + before.size(), std::move(merged));
  install_(group, edit);
  Notice(group);
}

}  // namespace routines
