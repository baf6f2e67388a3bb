// When may memory be freed that readers, who take no lock, may still be looking at?
//
// Every change of the index has a number, its version. A reader pins the newest version and sees
// the index as of that version, whatever is changed meanwhile. What a change took out of the index
// is retired with the change's number, and freed once no reader has an older one pinned.
//
// Thread-safety: any number of readers; Advance and Collect by one writer at a time, Retire by any
// number of threads that work for it.
#ifndef ROUTINES_SRC_MATCH_INDEX_EPOCH_H_
#define ROUTINES_SRC_MATCH_INDEX_EPOCH_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace routines {

class EpochDomain {
 public:
  EpochDomain() = default;
  ~EpochDomain();
  EpochDomain(const EpochDomain&) = delete;
  EpochDomain& operator=(const EpochDomain&) = delete;

  // ---- readers ----

  struct alignas(64) Slot {
    std::atomic<uint64_t> pinned{kFree};
  };
  // Holds a version while it lives. `hint` makes the next one of the same thread faster.
  class Pin {
   public:
    Pin(EpochDomain& domain, uint32_t& hint);
    ~Pin() { slot_->pinned.store(kFree, std::memory_order_release); }
    Pin(const Pin&) = delete;
    Pin& operator=(const Pin&) = delete;

    uint64_t version() const { return version_; }

   private:
    Slot* slot_;
    uint64_t version_;
  };

  // ---- the writer ----

  uint64_t next_version() const { return version_.load(std::memory_order_relaxed) + 1; }
  // Makes next_version() the newest: what was prepared for it is seen from now on.
  void Advance() { version_.store(next_version(), std::memory_order_seq_cst); }

  // Frees `object` when no reader can see it any more. Call it before the Advance that takes the
  // object away.
  template <typename T>
  void Retire(std::unique_ptr<T> object) {
    const Retired retired = {next_version(),
                             const_cast<void*>(static_cast<const void*>(object.release())),
                             [](void* dead) { delete static_cast<T*>(dead); }};
    absl::MutexLock lock(&mutex_);
    retired_.push_back(retired);
  }
  // Frees some of what is no longer seen: a few at a time, so that no change pays for many; and
  // looks at the readers once for several changes.
  void Collect();

 private:
  static constexpr uint64_t kFree = ~uint64_t{0};
  static constexpr size_t kSlots = 64;

  struct Block {
    std::array<Slot, kSlots> slots;
    std::atomic<Block*> next{nullptr};
  };
  struct Retired {
    uint64_t version;
    void* object;
    void (*free)(void*);
  };

  Slot* Claim(uint32_t& hint, uint64_t version);
  uint64_t OldestPinned() const;

  std::atomic<uint64_t> version_{1};
  Block first_;
  absl::Mutex mutex_;
  std::deque<Retired> retired_ ABSL_GUARDED_BY(mutex_);
  uint64_t oldest_ = 0;  // a version that no reader is older than
};

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_INDEX_EPOCH_H_
