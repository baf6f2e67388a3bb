// What a matcher keeps of each routine beside its records: its name, the groups that it has records
// in, and the patterns that these point to.
//
// A hash table by handle, made of many small tables, so that growing one of them is a small step
// whatever the size of the whole. One thread at a time.
#ifndef ROUTINES_SRC_MATCH_INDEX_ROUTINES_H_
#define ROUTINES_SRC_MATCH_INDEX_ROUTINES_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/types/span.h"

namespace routines {

struct Group;
class Pattern;

// One routine, in one piece of memory: this, then its groups, its patterns and its name. There are
// a million.
class RoutineEntry {
 public:
  // Groups are null until they are set.
  static std::unique_ptr<RoutineEntry> Make(std::string_view name, size_t groups, bool live,
                                            absl::Span<const Pattern* const> patterns);
  static void operator delete(void* memory) { ::operator delete(memory); }

  bool live() const { return live_; }
  absl::Span<Group*> groups() { return {reinterpret_cast<Group**>(this + 1), groups_}; }
  absl::Span<const Pattern* const> patterns() {
    return {reinterpret_cast<const Pattern* const*>(groups().end()), patterns_};
  }
  std::string_view name() { return {reinterpret_cast<const char*>(patterns().end()), name_size_}; }

 private:
  RoutineEntry() = default;

  uint32_t groups_ = 0, patterns_ = 0;
  uint32_t name_size_ = 0;
  bool live_ = false;
};

class RoutineTable {
 public:
  // Asks the memory for what Find will look at.
  void Prefetch(uint64_t handle) const {
    const Shard& shard = ShardOf(handle);
    if (!shard.slots.empty()) __builtin_prefetch(&shard.slots[First(shard, handle)]);
  }
  // Null: there is none.
  RoutineEntry* Find(uint64_t handle) const;
  // Puts an entry in, in the place of the one that is there.
  void Put(uint64_t handle, std::unique_ptr<RoutineEntry> entry);
  void Erase(uint64_t handle);  // one that is there

 private:
  static constexpr size_t kShards = 256;
  static constexpr int kHandleBits = 48;

  struct Slot {
    uint64_t handle = 0;
    std::unique_ptr<RoutineEntry> entry;  // null: the slot is free
  };
  struct Shard {
    std::vector<Slot> slots;  // a power of two
    size_t size = 0;
  };

  // Handles are hashes; their upper bits choose the shard, the lower ones the slot.
  const Shard& ShardOf(uint64_t handle) const { return shards_[handle >> (kHandleBits - 8)]; }
  static size_t First(const Shard& shard, uint64_t handle) {
    return handle & (shard.slots.size() - 1);
  }
  // The slot of a handle, or the free one where it would be.
  static size_t Place(const Shard& shard, uint64_t handle);
  static void Grow(Shard& shard);

  std::array<Shard, kShards> shards_;
};

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_INDEX_ROUTINES_H_
