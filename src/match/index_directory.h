// A hash table by text that one writer grows while any number of readers look things up.
//
// Entries are never removed before the table goes. It is made of many small tables, so that growing
// one of them is a small step whatever the size of the whole. A reader must be pinned
// (index_epoch.h): tables that were outgrown are retired.
#ifndef ROUTINES_SRC_MATCH_INDEX_DIRECTORY_H_
#define ROUTINES_SRC_MATCH_INDEX_DIRECTORY_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/match/index_epoch.h"
#include "src/match/index_hash.h"

namespace routines {

// T has `std::string_view key() const`.
template <typename T>
class Directory {
 public:
  static constexpr size_t kShards = 256;

  explicit Directory(EpochDomain& epochs) : epochs_(epochs) {}
  ~Directory() {
    for (auto& shard : shards_) {
      const Table* const table = shard.table.load(std::memory_order_relaxed);
      if (table == nullptr) continue;
      for (const auto& slot : table->slots) delete slot.entry.load(std::memory_order_relaxed);
      delete table;
    }
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  uint64_t HashOf(std::string_view key) const { return HashBytes(key, seed_); }
  // Which of the small tables a key is in. Different ones may be changed at the same time.
  static size_t ShardOf(uint64_t hash) { return hash >> 56; }

  // Asks the memory for what Find will look at.
  void Prefetch(uint64_t hash) const {
    const Table* const table = shards_[ShardOf(hash)].table.load(std::memory_order_acquire);
    if (table != nullptr) __builtin_prefetch(&table->slots[hash & table->mask]);
  }

  // Null: there is none.
  T* Find(std::string_view key, uint64_t hash) const {
    const Table* const table = shards_[ShardOf(hash)].table.load(std::memory_order_acquire);
    if (table == nullptr) return nullptr;
    for (size_t i = hash;; ++i) {
      const Slot& slot = table->slots[i & table->mask];
      T* const entry = slot.entry.load(std::memory_order_acquire);
      if (entry == nullptr) return nullptr;
      if (slot.hash == hash && entry->key() == key) return entry;
    }
  }
  T* Find(std::string_view key) const { return Find(key, HashOf(key)); }

  // The writer's: `entry` must be new.
  T& Add(std::unique_ptr<T> entry, uint64_t hash) {
    Shard& shard = shards_[ShardOf(hash)];
    const Table* const table = shard.table.load(std::memory_order_relaxed);
    if (table == nullptr || 4 * (shard.size + 1) > 3 * table->slots.size()) Grow(shard);
    ++shard.size;
    T* const added = entry.release();
    Place(*shard.table.load(std::memory_order_relaxed), hash, added);
    return *added;
  }

 private:
  struct Slot {
    uint64_t hash = 0;  // written before the entry is, and never again
    std::atomic<T*> entry{nullptr};
  };
  struct Table {
    explicit Table(size_t size) : slots(size), mask(size - 1) {}
    std::vector<Slot> slots;
    const size_t mask;
  };
  struct Shard {
    std::atomic<Table*> table{nullptr};
    size_t size = 0;
  };

  static void Place(Table& table, uint64_t hash, T* entry) {
    size_t i = hash;
    while (table.slots[i & table.mask].entry.load(std::memory_order_relaxed) != nullptr) ++i;
    Slot& slot = table.slots[i & table.mask];
    slot.hash = hash;
    slot.entry.store(entry, std::memory_order_release);
  }

  void Grow(Shard& shard) {
    std::unique_ptr<Table> old(shard.table.load(std::memory_order_relaxed));
    auto grown = std::make_unique<Table>(old == nullptr ? 2 : 2 * old->slots.size());
    if (old != nullptr) {
      for (const Slot& slot : old->slots) {
        T* const entry = slot.entry.load(std::memory_order_relaxed);
        if (entry != nullptr) Place(*grown, slot.hash, entry);
      }
    }
    shard.table.store(grown.release(), std::memory_order_release);
    if (old != nullptr) epochs_.Retire(std::move(old));
  }

  const uint64_t seed_ = ProcessSeed();
  EpochDomain& epochs_;
  std::array<Shard, kShards> shards_;
};

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_INDEX_DIRECTORY_H_
