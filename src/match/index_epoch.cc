#include "src/match/index_epoch.h"

#include <algorithm>

namespace routines {

EpochDomain::~EpochDomain() {
  for (const Retired& retired : retired_) retired.free(retired.object);
  for (Block* block = first_.next.load(); block != nullptr;) {
    Block* const next = block->next.load();
    delete block;
    block = next;
  }
}

// A slot says a version that is not newer than the one the reader then uses: if it is older, memory
// is kept longer than it must be. Both steps are sequentially consistent, so that a writer either
// sees the slot taken, or the reader sees what the writer did before it looked.
EpochDomain::Pin::Pin(EpochDomain& domain, uint32_t& hint)
    : slot_(domain.Claim(hint, domain.version_.load(std::memory_order_seq_cst))),
      version_(domain.version_.load(std::memory_order_seq_cst)) {}

EpochDomain::Slot* EpochDomain::Claim(uint32_t& hint, uint64_t version) {
  for (Block* block = &first_;;) {
    for (size_t i = 0; i < kSlots; ++i) {
      Slot& slot = block->slots[(hint + i) % kSlots];
      uint64_t free = kFree;
      if (slot.pinned.compare_exchange_strong(free, version, std::memory_order_seq_cst)) {
        hint = (hint + i) % kSlots;
        return &slot;
      }
    }
    Block* next = block->next.load(std::memory_order_acquire);
    if (next == nullptr) {
      auto added = std::make_unique<Block>();
      if (block->next.compare_exchange_strong(next, added.get(), std::memory_order_acq_rel)) {
        next = added.release();
      }
    }
    block = next;
  }
}

uint64_t EpochDomain::OldestPinned() const {
  uint64_t oldest = version_.load(std::memory_order_seq_cst);
  for (const Block* block = &first_; block != nullptr;
       block = block->next.load(std::memory_order_acquire)) {
    for (const Slot& slot : block->slots) {
      oldest = std::min(oldest, slot.pinned.load(std::memory_order_seq_cst));
    }
  }
  return oldest;
}

void EpochDomain::Collect() {
  constexpr int kFew = 8;
  constexpr size_t kMostWaiting = 16;
  Retired few[kFew];
  int count = 0;
  {
    absl::MutexLock lock(&mutex_);
    if (retired_.empty()) return;
    if (retired_.front().version > oldest_) {
      if (retired_.size() < kMostWaiting) return;
      oldest_ = OldestPinned();
    }
    while (count < kFew && !retired_.empty() && retired_.front().version <= oldest_) {
      few[count++] = retired_.front();
      retired_.pop_front();
    }
  }
  for (int i = 0; i < count; ++i) few[i].free(few[i].object);
}

}  // namespace routines
