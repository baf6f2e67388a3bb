// The public face of the index: routines by account and name.
#include "routines/matcher.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "src/match/index.h"
#include "src/match/index_compile.h"
#include "src/match/index_routines.h"
#include "src/match/index_threads.h"

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

uint64_t NextHandle(uint64_t handle) {
  return (handle + 1) & ((uint64_t{1} << kHandleBits) - 1);
}

// Some routines that one thread compiles, as far as the first that is wrong.
struct Chunk {
  static constexpr size_t kRoutines = 1024;

  struct Routine {
    uint64_t first_handle;
    size_t name, name_size;       // in bytes
    size_t placements, patterns;  // the ends of its own
  };

  void Compile(absl::Span<const v1::Routine* const> given, TriggerCompiler& compiler) {
    routines.reserve(given.size());
    for (const v1::Routine* const routine : given) {
      const std::string name = NameOf(routine->account(), routine->name());
      const size_t at = all.bytes.size();
      all.bytes.append(name);
      status = compiler.Compile(*routine, all);
      if (!status.ok()) return;
      routines.push_back({.first_handle = FirstHandle(name),
                          .name = at,
                          .name_size = name.size(),
                          .placements = all.placements.size(),
                          .patterns = all.patterns.size()});
    }
  }

  CompiledRoutines all;
  std::vector<Routine> routines;
  absl::Status status;
};

size_t ThreadsFor(size_t routines) {
  constexpr size_t kWorthAThread = 10'000, kMost = 8;
  const size_t cores = std::max<size_t>(1, std::thread::hardware_concurrency());
  return std::clamp<size_t>(routines / kWorthAThread, 1, std::min(cores, kMost));
}

}  // namespace

static_assert(sizeof(TriggerMatch) == sizeof(uint64_t));

struct Matcher::Impl {
  explicit Impl(const IndexTuning& tuning) : index(tuning, mutex), shared{index, {}, {}} {}

  // A routine that is put in; of what was compiled, its part.
  struct Compiled {
    std::string_view name;
    const CompiledRoutines& all;
    absl::Span<const CompiledRoutines::Placement> placements;
    absl::Span<const Pattern* const> patterns;

    RecordRef record(size_t i, uint64_t handle) const {
      return {.match = handle << 16 | placements[i].trigger,
              .at = all.bytes.data() + placements[i].record};
    }
  };

  // All of it is used under the lock.

  // The handle of a routine, whether it is there or not; `first` follows from its name.
  uint64_t HandleOf(uint64_t first, std::string_view name) const;
  void Replace(uint64_t handle, const Compiled& routine);
  void Remove(uint64_t handle, RoutineEntry& entry);
  // Puts new ones into `gathered`, which is flushed before one is replaced.
  void AddChunk(const Chunk& chunk, std::vector<NewRecord>& gathered);
  void Gather(uint64_t handle, const Compiled& routine, std::vector<NewRecord>& gathered);
  void ReleasePatterns(absl::Span<const Pattern* const> patterns);

  absl::Mutex mutex;  // of changes; readers take none
  TriggerIndex index;
  TriggerCompiler::Shared shared;
  TriggerCompiler compiler{shared};
  CompiledRoutines compiled;  // memory of Put
  RoutineTable routines;
  std::atomic<size_t> size{0};
};

Matcher::Matcher() : Matcher(IndexTuning{}) {}
Matcher::Matcher(const IndexTuning& tuning) : impl_(std::make_unique<Impl>(tuning)) {}
Matcher::~Matcher() = default;

// Names whose hashes collide take the next handle that is free. An entry stays when its routine is
// removed, if another name has passed over it.
uint64_t Matcher::Impl::HandleOf(uint64_t first, std::string_view name) const {
  for (uint64_t handle = first;; handle = NextHandle(handle)) {
    RoutineEntry* const known = routines.Find(handle);
    if (known == nullptr || known->name() == name) return handle;
  }
}

// Readers may still be in the old records, which point to the old patterns.
void Matcher::Impl::ReleasePatterns(absl::Span<const Pattern* const> patterns) {
  for (const Pattern* const pattern : patterns) {
    std::unique_ptr<const Pattern> unused = shared.patterns.Release(pattern);
    if (unused != nullptr) index.epochs().Retire(std::move(unused));
  }
}

void Matcher::Impl::Replace(uint64_t handle, const Compiled& routine) {
  RoutineEntry* const old = routines.Find(handle);
  const bool was_live = old != nullptr && old->live();
  auto entry = RoutineEntry::Make(routine.name, routine.placements.size(), true, routine.patterns);
  absl::InlinedVector<PlacedRecord, 4> records;
  for (size_t i = 0; i < routine.placements.size(); ++i) {
    const CompiledRoutines::Placement& placement = routine.placements[i];
    Group& group =
        index.GroupOf(routine.all.key(placement), placement.group_hash, *placement.stream);
    entry->groups()[i] = &group;
    records.push_back({.group = &group, .record = routine.record(i, handle)});
  }
  if (was_live) ReleasePatterns(old->patterns());
  index.Apply(handle, was_live ? old->groups() : absl::Span<Group*>(), records);
  if (!was_live) size.fetch_add(1, std::memory_order_relaxed);
  routines.Put(handle, std::move(entry));
}

absl::StatusOr<RoutineHandle> Matcher::Put(const v1::Routine& routine) {
  const std::string name = NameOf(routine.account(), routine.name());
  absl::MutexLock lock(&impl_->mutex);
  const uint64_t handle = impl_->HandleOf(FirstHandle(name), name);
  CompiledRoutines& compiled = impl_->compiled;
  compiled.Clear();
  if (absl::Status status = impl_->compiler.Compile(routine, compiled); !status.ok()) {
    return status;
  }
  impl_->Replace(handle, {name, compiled, compiled.placements, compiled.patterns});
  return handle;
}

absl::Status Matcher::PutAll(absl::Span<const v1::Routine* const> routines) {
  absl::MutexLock lock(&impl_->mutex);
  const size_t threads = ThreadsFor(routines.size());
  std::vector<Chunk> chunks((routines.size() + Chunk::kRoutines - 1) / Chunk::kRoutines);
  RunInThreads(threads, chunks.size(), [&](size_t i) {
    TriggerCompiler compiler(impl_->shared);
    chunks[i].Compile(routines.subspan(i * Chunk::kRoutines, Chunk::kRoutines), compiler);
  });
  std::vector<NewRecord> gathered;
  absl::Status status;
  for (const Chunk& chunk : chunks) {
    if (!status.ok()) {  // one before it was wrong
      impl_->ReleasePatterns(chunk.all.patterns);
      continue;
    }
    impl_->AddChunk(chunk, gathered);
    status = chunk.status;
  }
  impl_->index.AddAll(gathered, threads);
  return status;
}

// New routines are gathered, so that each group changes once; others are replaced one by one.
void Matcher::Impl::AddChunk(const Chunk& chunk, std::vector<NewRecord>& gathered) {
  constexpr size_t kAhead = 8;
  size_t placements = 0, patterns = 0;
  for (size_t i = 0; i < chunk.routines.size(); ++i) {
    if (i + kAhead < chunk.routines.size()) {
      routines.Prefetch(chunk.routines[i + kAhead].first_handle);
    }
    const Chunk::Routine& part = chunk.routines[i];
    const CompiledRoutines& all = chunk.all;
    const Compiled routine = {
        .name = std::string_view(all.bytes).substr(part.name, part.name_size),
        .all = all,
        .placements =
            absl::MakeConstSpan(all.placements).subspan(placements, part.placements - placements),
        .patterns = absl::MakeConstSpan(all.patterns).subspan(patterns, part.patterns - patterns)};
    placements = part.placements;
    patterns = part.patterns;
    const uint64_t handle = HandleOf(part.first_handle, routine.name);
    RoutineEntry* const known = routines.Find(handle);
    if (known != nullptr && known->live()) {
      if (!gathered.empty()) index.AddAll(gathered, 1);
      gathered.clear();
      Replace(handle, routine);
    } else {
      Gather(handle, routine, gathered);
    }
  }
}

void Matcher::Impl::Gather(uint64_t handle, const Compiled& routine,
                           std::vector<NewRecord>& gathered) {
  auto entry = RoutineEntry::Make(routine.name, routine.placements.size(), true, routine.patterns);
  for (size_t i = 0; i < routine.placements.size(); ++i) {
    const CompiledRoutines::Placement& placement = routine.placements[i];
    gathered.push_back({.group_hash = placement.group_hash,
                        .key = routine.all.key(placement),
                        .stream = placement.stream,
                        .place = &entry->groups()[i],
                        .record = routine.record(i, handle)});
  }
  routines.Put(handle, std::move(entry));
  size.fetch_add(1, std::memory_order_relaxed);
}

void Matcher::Impl::Remove(uint64_t handle, RoutineEntry& entry) {
  ReleasePatterns(entry.patterns());
  index.Apply(handle, entry.groups(), {});
  size.fetch_sub(1, std::memory_order_relaxed);
  if (routines.Find(NextHandle(handle)) == nullptr) {
    routines.Erase(handle);
  } else {
    routines.Put(handle, RoutineEntry::Make(std::string(entry.name()), 0, false, {}));
  }
}

bool Matcher::Remove(std::string_view account, std::string_view name) {
  const std::string full_name = NameOf(account, name);
  absl::MutexLock lock(&impl_->mutex);
  const uint64_t handle = impl_->HandleOf(FirstHandle(full_name), full_name);
  RoutineEntry* const entry = impl_->routines.Find(handle);
  if (entry == nullptr || !entry->live()) return false;
  impl_->Remove(handle, *entry);
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

  Numbers list, other;
  std::vector<size_t> ends;  // of sorted runs in `list`
  std::vector<uint64_t> ones;
  std::vector<Set> sets;
  bool listed = true;

  void List();
  void Select();
  void MergeRuns();
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

namespace {

// Both are sorted. Without branches, for which comes next nobody can foretell.
uint64_t* Merge(const uint64_t* a, const uint64_t* a_end, const uint64_t* b, const uint64_t* b_end,
                uint64_t* out) {
  while (a != a_end && b != b_end) {
    const uint64_t x = *a, y = *b;
    const bool second = y < x;
    *out++ = second ? y : x;
    a += !second;
    b += second;
  }
  out = std::copy(a, a_end, out);
  return std::copy(b, b_end, out);
}

}  // namespace

// What matched, as runs that are sorted each: that of small groups, and of each segment's clusters.
void Matcher::Buffer::Impl::Select() {
  size_t most = answer.flat.size() + 8;
  for (const IndexAnswer::Run& run : answer.runs) {
    most += BitmapCount(answer.bits_of(run), run.size());
  }
  uint64_t* const out = list.Reserve(most);
  list.size = answer.flat.size();
  std::copy(answer.flat.begin(), answer.flat.end(), out);
  std::sort(list.begin(), list.end());
  ends.clear();
  if (list.size > 0) ends.push_back(list.size);
  for (const IndexAnswer::Run& run : answer.runs) {
    const size_t count =
        BitmapSelect(answer.bits_of(run), run.size(), run.matches(), out + list.size);
    list.size += count;
    if (count > 0) ends.push_back(list.size);
  }
}

// Neighbours become one, until one is left.
void Matcher::Buffer::Impl::MergeRuns() {
  while (ends.size() > 1) {
    const uint64_t* const from = list.begin();
    uint64_t* out = other.Reserve(list.size);
    size_t begin = 0, merged = 0;
    for (size_t i = 0; i < ends.size(); i += 2) {
      const size_t middle = ends[i];
      const size_t end = i + 1 < ends.size() ? ends[i + 1] : middle;
      out = Merge(from + begin, from + middle, from + middle, from + end, out);
      ends[merged++] = begin = end;
    }
    ends.resize(merged);
    other.size = list.size;
    std::swap(list, other);
  }
}

void Matcher::Buffer::Impl::List() {
  listed = true;
  Select();
  MergeRuns();
  // The same trigger may be in two groups, never twice in one.
  if (answer.groups > 1) list.size = std::unique(list.begin(), list.end()) - list.begin();
}

absl::Span<const TriggerMatch> Matcher::Buffer::matches() {
  if (!impl_->listed) impl_->List();
  return {reinterpret_cast<const TriggerMatch*>(impl_->list.begin()), impl_->list.size};
}

absl::Span<const Matcher::Buffer::Set> Matcher::Buffer::sets() {
  const IndexAnswer& answer = impl_->answer;
  std::vector<Set>& sets = impl_->sets;
  sets.clear();
  const auto triggers = [](const uint64_t* matches, size_t count) {
    return absl::MakeConstSpan(reinterpret_cast<const TriggerMatch*>(matches), count);
  };
  for (const IndexAnswer::Run& run : answer.runs) {
    sets.push_back({.bits = {answer.bits_of(run), run.size()},
                    .triggers = triggers(run.matches(), 64 * run.size())});
  }
  if (!answer.flat.empty()) {
    const size_t count = answer.flat.size();
    impl_->ones.assign((count + 63) / 64, ~uint64_t{0});
    if (count % 64 != 0) impl_->ones.back() >>= 64 - count % 64;
    sets.push_back({.bits = impl_->ones, .triggers = triggers(answer.flat.data(), count)});
  }
  return sets;
}

}  // namespace routines
