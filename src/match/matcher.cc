// The public face of the index: routines by account and name.
#include "routines/matcher.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "src/match/index.h"
#include "src/match/index_compile.h"

namespace routines {
namespace {

constexpr uint64_t kHandleBits = 48;

// The same in every process: the order of matches follows from it.
uint64_t FirstHandle(std::string_view name) {
  return HashBytes(name, 0x726f7574696e6573) >> (64 - kHandleBits);
}

std::string NameOf(std::string_view account, std::string_view name) {
  return absl::StrCat(absl::string_view(account.data(), account.size()), "/",
                      absl::string_view(name.data(), name.size()));
}

// What is kept of a routine beside its records.
struct Entry {
  using Patterns = std::vector<std::shared_ptr<const Pattern>>;

  std::string name;  // account/name
  absl::InlinedVector<Group*, 1> groups;
  std::unique_ptr<Patterns> patterns;  // null: it has none
  bool live = false;

  void SetPatterns(Patterns own) {
    patterns = own.empty() ? nullptr : std::make_unique<Patterns>(std::move(own));
  }

  void SetGroups(absl::Span<const PlacedRecord> records) {
    groups.clear();
    for (const PlacedRecord& record : records) {
      if (std::find(groups.begin(), groups.end(), record.group) == groups.end()) {
        groups.push_back(record.group);
      }
    }
  }
};

}  // namespace

static_assert(sizeof(TriggerMatch) == sizeof(uint64_t));

struct Matcher::Impl {
  explicit Impl(const IndexTuning& tuning) : index(tuning, mutex), compiler(index) {}

  // The handle of a routine, whether it is there or not.
  uint64_t HandleOf(const std::string& name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  // Makes the entry of a routine that is there from now on.
  Entry& AddEntry(uint64_t handle, std::string name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  absl::Status PutAll(absl::Span<const v1::Routine* const> routines)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  void Replace(uint64_t handle, CompiledRoutine compiled) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

  absl::Mutex mutex;  // of changes; readers take none
  TriggerIndex index;
  TriggerCompiler compiler ABSL_GUARDED_BY(mutex);
  absl::flat_hash_map<uint64_t, std::unique_ptr<Entry>> entries ABSL_GUARDED_BY(mutex);
  std::atomic<size_t> size{0};
};

Matcher::Matcher() : Matcher(IndexTuning{}) {}
Matcher::Matcher(const IndexTuning& tuning) : impl_(std::make_unique<Impl>(tuning)) {}
Matcher::~Matcher() = default;

// Names whose hashes collide take the next handle that is free. An entry stays when its routine is
// removed, if another name has passed over it.
uint64_t Matcher::Impl::HandleOf(const std::string& name) {
  uint64_t handle = FirstHandle(name);
  for (;; handle = (handle + 1) & ((uint64_t{1} << kHandleBits) - 1)) {
    const auto known = entries.find(handle);
    if (known == entries.end() || known->second->name == name) return handle;
  }
}

void Matcher::Impl::Replace(uint64_t handle, CompiledRoutine compiled) {
  Entry& entry = *entries[handle];
  index.Apply(handle, entry.groups, compiled.records);
  entry.SetGroups(compiled.records);
  // Readers may still be in the old records, which point to the old patterns.
  if (entry.patterns != nullptr) index.epochs().Retire(std::move(entry.patterns));
  entry.SetPatterns(std::move(compiled.patterns));
}

absl::StatusOr<RoutineHandle> Matcher::Put(const v1::Routine& routine) {
  std::string name = NameOf(routine.account(), routine.name());
  absl::MutexLock lock(&impl_->mutex);
  const uint64_t handle = impl_->HandleOf(name);
  CompiledRoutine compiled;
  if (absl::Status status = impl_->compiler.Compile(routine, handle, compiled); !status.ok()) {
    return status;
  }
  impl_->AddEntry(handle, std::move(name));
  impl_->Replace(handle, std::move(compiled));
  return handle;
}

Entry& Matcher::Impl::AddEntry(uint64_t handle, std::string name) {
  std::unique_ptr<Entry>& place = entries[handle];
  if (place == nullptr) place = std::make_unique<Entry>();
  Entry& entry = *place;
  if (entry.live) return entry;
  entry.live = true;
  entry.name = std::move(name);
  size.fetch_add(1, std::memory_order_relaxed);
  return entry;
}

absl::Status Matcher::PutAll(absl::Span<const v1::Routine* const> routines) {
  absl::MutexLock lock(&impl_->mutex);
  return impl_->PutAll(routines);
}

// New routines are gathered, so that each group changes once; others are replaced one by one.
absl::Status Matcher::Impl::PutAll(absl::Span<const v1::Routine* const> routines) {
  std::vector<PlacedRecord> gathered;
  const auto flush = [&] {
    index.AddAll(gathered);
    gathered.clear();
  };
  for (const v1::Routine* routine : routines) {
    std::string name = NameOf(routine->account(), routine->name());
    const uint64_t handle = HandleOf(name);
    CompiledRoutine compiled;
    if (absl::Status status = compiler.Compile(*routine, handle, compiled); !status.ok()) {
      flush();
      return status;
    }
    const auto known = entries.find(handle);
    if (known != entries.end() && known->second->live) {
      flush();
      Replace(handle, std::move(compiled));
      continue;
    }
    Entry& entry = AddEntry(handle, std::move(name));
    entry.SetGroups(compiled.records);
    entry.SetPatterns(std::move(compiled.patterns));
    std::move(compiled.records.begin(), compiled.records.end(), std::back_inserter(gathered));
  }
  flush();
  return absl::OkStatus();
}

bool Matcher::Remove(std::string_view account, std::string_view name) {
  const std::string full_name = NameOf(account, name);
  absl::MutexLock lock(&impl_->mutex);
  const uint64_t handle = impl_->HandleOf(full_name);
  const auto known = impl_->entries.find(handle);
  if (known == impl_->entries.end() || !known->second->live) return false;
  impl_->Replace(handle, {});
  known->second->live = false;
  impl_->size.fetch_sub(1, std::memory_order_relaxed);
  const uint64_t next = (handle + 1) & ((uint64_t{1} << kHandleBits) - 1);
  if (impl_->entries.find(next) == impl_->entries.end()) impl_->entries.erase(known);
  return true;
}

size_t Matcher::size() const {
  return impl_->size.load(std::memory_order_relaxed);
}

// ---- readers ----

struct Matcher::Buffer::Impl {
  IndexAnswer answer;
  // Memory that is only ever as long as it had to be, for lengthening fills it.
  struct Numbers {
    std::vector<uint64_t> memory;
    size_t size = 0;

    uint64_t* Reserve(size_t count) {
      if (memory.size() < count) memory.resize(count);
      return memory.data();
    }
    uint64_t* begin() { return memory.data(); }
    uint64_t* end() { return memory.data() + size; }
  };

  Numbers list, selected, merged;
  bool listed = true;

  void List();
};

Matcher::Buffer::Buffer() : impl_(std::make_unique<Impl>()) {}
Matcher::Buffer::~Buffer() = default;
Matcher::Buffer::Buffer(Buffer&&) noexcept = default;
Matcher::Buffer& Matcher::Buffer::operator=(Buffer&&) noexcept = default;

absl::Status Matcher::Match(const EventView& event, Buffer& buffer) const {
  buffer.impl_->listed = false;
  absl::Status status = impl_->index.Match(event, buffer.impl_->answer);
  if (!status.ok()) buffer.impl_->answer.Clear();
  return status;
}

// What comes of a segment is in order; what comes of small groups is little.
void Matcher::Buffer::Impl::List() {
  listed = true;
  list.size = answer.flat.size();
  std::copy(answer.flat.begin(), answer.flat.end(), list.Reserve(list.size));
  std::sort(list.begin(), list.end());
  bool mixed = list.size > 0;
  for (const IndexAnswer::Run& run : answer.runs) {
    const uint64_t* const bits = answer.bits.data() + run.begin;
    const size_t words = run.segment->words();
    uint64_t* const out = selected.Reserve(BitmapCount(bits, words) + 8);
    selected.size = BitmapSelect(bits, words, run.segment->matches().data(), out);
    if (selected.size == 0) continue;
    if (list.size == 0) {
      std::swap(list, selected);
      continue;
    }
    mixed = true;
    merged.size = list.size + selected.size;
    std::merge(list.begin(), list.end(), selected.begin(), selected.end(),
               merged.Reserve(merged.size));
    std::swap(list, merged);
  }
  // The same trigger may be in two groups, never twice in one.
  if (mixed) list.size = std::unique(list.begin(), list.end()) - list.begin();
}

absl::Span<const TriggerMatch> Matcher::Buffer::matches() {
  if (!impl_->listed) impl_->List();
  return {reinterpret_cast<const TriggerMatch*>(impl_->list.begin()), impl_->list.size};
}

}  // namespace routines
