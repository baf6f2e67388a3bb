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

// T has `const std::string key`.
template <typename T>
class Directory {
 public:
  explicit Directory(EpochDomain& epochs) : epochs_(epochs) {}
  ~Directory() {
    for (auto& shard : shards_) {
      const Table* const table = shard.table.load(std::memory_order_relaxed);
      if (table == nullptr) continue;
      for (const auto& slot : table->slots) delete slot.load(std::memory_order_relaxed);
      delete table;
    }
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  // Null: there is none.
  T* Find(std::string_view key) const {
    const uint64_t hash = HashBytes(key, seed_);
    const Table* const table = ShardOf(hash).table.load(std::memory_order_acquire);
    if (table == nullptr) return nullptr;
    for (size_t i = hash;; ++i) {
      T* const entry = table->slots[i & table->mask].load(std::memory_order_acquire);
      if (entry == nullptr || entry->key == key) return entry;
    }
  }

  // The writer's: `entry` must be new.
  T& Add(std::unique_ptr<T> entry) {
    const uint64_t hash = HashBytes(entry->key, seed_);
    Shard& shard = ShardOf(hash);
    const Table* const table = shard.table.load(std::memory_order_relaxed);
    if (table == nullptr || 4 * (shard.size + 1) > 3 * table->slots.size()) Grow(shard);
    ++shard.size;
    T* const added = entry.release();
    Place(*shard.table.load(std::memory_order_relaxed), hash, added);
    return *added;
  }

 private:
  struct Table {
    explicit Table(size_t size) : slots(size), mask(size - 1) {}
    std::vector<std::atomic<T*>> slots;
    const size_t mask;
  };
  struct Shard {
    std::atomic<Table*> table{nullptr};
    size_t size = 0;
  };

  Shard& ShardOf(uint64_t hash) { return shards_[hash >> 56]; }
  const Shard& ShardOf(uint64_t hash) const { return shards_[hash >> 56]; }

  static void Place(Table& table, uint64_t hash, T* entry) {
    size_t i = hash;
    while (table.slots[i & table.mask].load(std::memory_order_relaxed) != nullptr) ++i;
    table.slots[i & table.mask].store(entry, std::memory_order_release);
  }

  void Grow(Shard& shard) {
    std::unique_ptr<Table> old(shard.table.load(std::memory_order_relaxed));
    auto grown = std::make_unique<Table>(old == nullptr ? 4 : 2 * old->slots.size());
    if (old != nullptr) {
      for (const auto& slot : old->slots) {
        T* const entry = slot.load(std::memory_order_relaxed);
        if (entry != nullptr) Place(*grown, HashBytes(entry->key, seed_), entry);
      }
    }
    shard.table.store(grown.release(), std::memory_order_release);
    if (old != nullptr) epochs_.Retire(std::move(old));
  }

  const uint64_t seed_ = ProcessSeed();
  EpochDomain& epochs_;
  std::array<Shard, 256> shards_;
};

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_INDEX_DIRECTORY_H_
