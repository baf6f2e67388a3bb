#include "src/match/index_routines.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace routines {

std::unique_ptr<RoutineEntry> RoutineEntry::Make(std::string_view name, size_t groups, bool live,
                                                 absl::Span<const Pattern* const> patterns) {
  const size_t pointers = groups + patterns.size();
  void* const memory =
      ::operator new(sizeof(RoutineEntry) + pointers * sizeof(void*) + name.size());
  std::unique_ptr<RoutineEntry> made(new (memory) RoutineEntry);
  made->groups_ = static_cast<uint32_t>(groups);
  made->patterns_ = static_cast<uint32_t>(patterns.size());
  made->name_size_ = static_cast<uint32_t>(name.size());
  made->live_ = live;
  std::fill(made->groups().begin(), made->groups().end(), nullptr);
  std::copy(patterns.begin(), patterns.end(), const_cast<const Pattern**>(made->patterns().data()));
  std::memcpy(const_cast<char*>(made->name().data()), name.data(), name.size());
  return made;
}

size_t RoutineTable::Place(const Shard& shard, uint64_t handle) {
  const size_t mask = shard.slots.size() - 1;
  size_t i = First(shard, handle);
  while (shard.slots[i].entry != nullptr && shard.slots[i].handle != handle) i = (i + 1) & mask;
  return i;
}

RoutineEntry* RoutineTable::Find(uint64_t handle) const {
  const Shard& shard = ShardOf(handle);
  return shard.slots.empty() ? nullptr : shard.slots[Place(shard, handle)].entry.get();
}

void RoutineTable::Put(uint64_t handle, std::unique_ptr<RoutineEntry> entry) {
  auto& shard = const_cast<Shard&>(ShardOf(handle));
  if (5 * (shard.size + 1) > 4 * shard.slots.size()) Grow(shard);
  Slot& slot = shard.slots[Place(shard, handle)];
  if (slot.entry == nullptr) ++shard.size;
  slot.handle = handle;
  slot.entry = std::move(entry);
}

// Those behind it that would have stood here, or before, move up.
void RoutineTable::Erase(uint64_t handle) {
  auto& shard = const_cast<Shard&>(ShardOf(handle));
  const size_t mask = shard.slots.size() - 1;
  size_t hole = Place(shard, handle);
  for (size_t i = (hole + 1) & mask; shard.slots[i].entry != nullptr; i = (i + 1) & mask) {
    const size_t first = First(shard, shard.slots[i].handle);
    if (((i - first) & mask) < ((i - hole) & mask)) continue;
    shard.slots[hole] = std::move(shard.slots[i]);
    hole = i;
  }
  shard.slots[hole].entry = nullptr;
  --shard.size;
}

void RoutineTable::Grow(Shard& shard) {
  Shard grown;
  grown.slots.resize(std::max<size_t>(2, 2 * shard.slots.size()));
  grown.size = shard.size;
  for (Slot& slot : shard.slots) {
    if (slot.entry != nullptr) grown.slots[Place(grown, slot.handle)] = std::move(slot);
  }
  shard = std::move(grown);
}

}  // namespace routines
