#include "capi/src/handle.h"

#include <pthread.h>

#include <atomic>
#include <mutex>
#include <new>
#include <vector>

namespace routines::capi {

// `word` is the generation (32 bits), whether the handle is open (1) and the calls in progress
// (31).
struct Slot {
  std::atomic<uint64_t> word{0};
  Object* object = nullptr;
  uint32_t index = 0;
  uint32_t fork = 0;  // in which process it was made
  Noun noun = Noun::kError;
};

namespace {

constexpr uint64_t kMagic = 0xA5;
constexpr uint64_t kOpen = uint64_t{1} << 31;
constexpr uint64_t kCalls = kOpen - 1;
constexpr uint32_t kChunkSlots = 1024, kMostChunks = 1024;

uint64_t GenerationOf(uint64_t word) {
  return word >> 32;
}

class Table {
 public:
  // Never destroyed: handles may be used while the process exits.
  static Table& Get() {
    static Table* const table = new Table;
    return *table;
  }

  Slot* Find(uint64_t handle) {
    if (handle >> 56 != kMagic) return nullptr;
    const uint32_t index = handle & 0xFFFFF;
    Slot* const chunk = chunks_[index / kChunkSlots].load(std::memory_order_acquire);
    return chunk == nullptr ? nullptr : &chunk[index % kChunkSlots];
  }

  Slot* TakeFree() {
    std::lock_guard lock(mutex_);
    if (free_.empty()) Grow();
    Slot* const slot = free_.back();
    free_.pop_back();
    return slot;
  }

  void Free(Slot* slot) {
    std::lock_guard lock(mutex_);
    free_.push_back(slot);  // has room: Grow reserved it
  }

  uint32_t fork() const { return fork_.load(std::memory_order_relaxed); }

 private:
  // A lock that another thread holds at fork would stay locked in the child for ever.
  Table() {
    pthread_atfork([] { Get().mutex_.lock(); }, [] { Get().mutex_.unlock(); },
                   [] {
                     Get().mutex_.unlock();
                     Get().fork_.fetch_add(1, std::memory_order_relaxed);
                   });
  }

  void Grow() {
    if (used_ == kMostChunks) throw std::bad_alloc();
    free_.reserve((used_ + 1) * kChunkSlots);
    Slot* const chunk = new Slot[kChunkSlots];
    for (uint32_t i = kChunkSlots; i-- > 0;) {
      chunk[i].index = used_ * kChunkSlots + i;
      free_.push_back(&chunk[i]);
    }
    chunks_[used_++].store(chunk, std::memory_order_release);
  }

  std::mutex mutex_;
  std::vector<Slot*> free_;
  uint32_t used_ = 0;
  std::atomic<Slot*> chunks_[kMostChunks] = {};
  std::atomic<uint32_t> fork_{0};
};

// Texts, errors and what never changes are as good in a child as in its parent; of the others
// threads and locks are missing there.
bool SurvivesFork(Noun noun) {
  return noun == Noun::kError || noun == Noun::kText || noun == Noun::kSchedule ||
         noun == Noun::kMatches;
}

// Nobody uses it, and nobody can take it any more.
void Bury(Slot* slot, uint64_t word) {
  Object* const object = std::exchange(slot->object, nullptr);
  slot->word.store((GenerationOf(word) + 1) << 32, std::memory_order_release);
  // A slot whose generations are used up is never used again, so that no handle comes twice.
  if (GenerationOf(word) + 1 < UINT32_MAX) Table::Get().Free(slot);
  object->Die();
}

}  // namespace

uint64_t NewHandle(Noun noun, std::unique_ptr<Object> object) {
  Table& table = Table::Get();
  Slot* const slot = table.TakeFree();
  slot->object = object.release();
  slot->noun = noun;
  slot->fork = table.fork();
  const uint64_t generation = GenerationOf(slot->word.load(std::memory_order_relaxed));
  slot->word.store(generation << 32 | kOpen, std::memory_order_release);
  return kMagic << 56 | static_cast<uint64_t>(noun) << 52 | generation << 20 | slot->index;
}

Object* TakeHandle(uint64_t handle, Noun noun, Slot** slot_out, routines_code* code) {
  *code = ROUTINES_INVALID_HANDLE;
  if ((handle >> 52 & 0xF) != static_cast<uint64_t>(noun)) return nullptr;
  Table& table = Table::Get();
  Slot* const slot = table.Find(handle);
  if (slot == nullptr) return nullptr;
  uint64_t word = slot->word.load(std::memory_order_relaxed);
  do {
    if (GenerationOf(word) != (handle >> 20 & UINT32_MAX) || (word & kOpen) == 0) return nullptr;
    if ((word & kCalls) == kCalls) return nullptr;  // two thousand million calls at once
  } while (!slot->word.compare_exchange_weak(word, word + 1, std::memory_order_acquire,
                                             std::memory_order_relaxed));
  const bool forked = slot->fork != table.fork() && !SurvivesFork(noun);
  if (slot->noun != noun || forked) {
    GiveBack(slot);
    if (forked) *code = ROUTINES_FORKED;
    return nullptr;
  }
  *code = ROUTINES_OK;
  *slot_out = slot;
  return slot->object;
}

void GiveBack(Slot* slot) {
  const uint64_t before = slot->word.fetch_sub(1, std::memory_order_acq_rel);
  if ((before & kCalls) == 1 && (before & kOpen) == 0) Bury(slot, before);
}

routines_code EndHandle(uint64_t handle, Noun noun) {
  Slot* slot = nullptr;
  routines_code code;
  if (TakeHandle(handle, noun, &slot, &code) == nullptr) return code;
  const uint64_t before = slot->word.fetch_and(~kOpen, std::memory_order_acq_rel);
  GiveBack(slot);
  return (before & kOpen) != 0 ? ROUTINES_OK : ROUTINES_INVALID_HANDLE;
}

}  // namespace routines::capi
