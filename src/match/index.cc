#include "src/match/index.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <numeric>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "src/match/index_threads.h"

namespace routines {

TriggerIndex::TriggerIndex(const IndexTuning& tuning, absl::Mutex& changes)
    : tuning_(tuning),
      streams_(epochs_),
      groups_(epochs_),
      merger_(changes, tuning, [this](Group& group, GroupEdit& edit) {
        Install(group, edit.Build(epochs_.next_version()));
        epochs_.Advance();
        epochs_.Collect();
      }) {}

namespace {

void JoinKey(std::string_view first, std::string_view second, std::string& key) {
  key.assign(first);
  key.push_back('\0');
  key.append(second);
}

}  // namespace

void StreamKey(std::string_view source, std::string_view event, std::string& key) {
  JoinKey(source, event, key);
}

void GithubGroupKey(std::string_view event, std::string_view lower_pattern, std::string& key) {
  JoinKey(event, lower_pattern, key);
}

// No event's name has a line feed in it.
void CustomGroupKey(std::string_view source, std::string_view type, std::string& key) {
  JoinKey(source, type, key);
  key.push_back('\n');
}

// ---- changes ----

Stream& TriggerIndex::StreamOf(std::string_view source, std::string_view event) {
  std::string key;
  StreamKey(source, event, key);
  const uint64_t hash = streams_.HashOf(key);
  if (Stream* const known = streams_.Find(key, hash)) return *known;
  return streams_.Add(std::make_unique<Stream>(key, source, event, epochs_), hash);
}

Group& TriggerIndex::GroupOf(std::string_view key, uint64_t hash, Stream& stream) {
  if (Group* const known = groups_.Find(key, hash)) return *known;
  return groups_.Add(Group::Make(key, stream), hash);
}

void TriggerIndex::Install(Group& group, std::unique_ptr<const GroupVersion> made) {
  std::unique_ptr<const GroupVersion> old(
      group.head.exchange(made.release(), std::memory_order_acq_rel));
  if (old != nullptr) epochs_.Retire(std::move(old));
}

// A group that has the routine before and after gets one new version.
void TriggerIndex::Apply(uint64_t routine, absl::Span<Group* const> old_groups,
                         absl::Span<const PlacedRecord> records) {
  absl::InlinedVector<Group*, 4> before(old_groups.begin(), old_groups.end());
  std::sort(before.begin(), before.end());
  absl::InlinedVector<PlacedRecord, 4> after(records.begin(), records.end());
  std::sort(after.begin(), after.end(),
            [](const PlacedRecord& a, const PlacedRecord& b) { return a.group < b.group; });
  for (size_t b = 0, a = 0; b < before.size() || a < after.size();) {
    const bool old_first = a == after.size() || (b < before.size() && before[b] <= after[a].group);
    Group* const group = old_first ? before[b] : after[a].group;
    GroupEdit edit(*group, tuning_);
    if (old_first) edit.Remove(routine);
    while (b < before.size() && before[b] == group) ++b;
    for (; a < after.size() && after[a].group == group; ++a) edit.Add(after[a].record);
    Install(*group, edit.Build(epochs_.next_version()));
    merger_.Notice(*group);
  }
  epochs_.Advance();
  epochs_.Collect();
}

// Groups of one shard of the directory. Other threads are at other shards.
void TriggerIndex::AddShard(absl::Span<NewRecord> records, std::vector<Group*>& large) {
  std::sort(records.begin(), records.end(), [](const NewRecord& a, const NewRecord& b) {
    if (a.group_hash != b.group_hash) return a.group_hash < b.group_hash;
    if (a.key != b.key) return a.key < b.key;
    return a.record.match < b.record.match;
  });
  for (size_t i = 0; i < records.size();) {
    const NewRecord& first = records[i];
    Group& group = GroupOf(first.key, first.group_hash, *first.stream);
    GroupEdit edit(group, tuning_);
    size_t bytes = 0;
    for (; i < records.size() && bytes <= GroupEdit::kMostBytes; ++i) {
      const NewRecord& record = records[i];
      if (record.group_hash != first.group_hash || record.key != first.key) break;
      edit.Add(record.record);
      bytes += RecordView(record.record.at).bytes();
      *record.place = &group;
    }
    Install(group, edit.Build(epochs_.next_version(), true));
    if (group.head.load(std::memory_order_relaxed)->segments != nullptr) large.push_back(&group);
  }
}

void TriggerIndex::AddAll(absl::Span<const NewRecord> records, size_t threads) {
  constexpr size_t kShards = Directory<Group>::kShards;
  // The records of each shard together, by counting.
  std::array<size_t, kShards + 1> begin = {};
  for (const NewRecord& record : records) ++begin[groups_.ShardOf(record.group_hash) + 1];
  for (size_t i = 0; i < kShards; ++i) begin[i + 1] += begin[i];
  std::vector<NewRecord> sorted(records.size());
  std::array<size_t, kShards> next;
  std::copy_n(begin.begin(), kShards, next.begin());
  for (const NewRecord& record : records) {
    sorted[next[groups_.ShardOf(record.group_hash)]++] = record;
  }
  // The largest first, so that no thread is left with it at the end.
  std::array<size_t, kShards> order;
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return begin[a + 1] - begin[a] > begin[b + 1] - begin[b]; });
  std::mutex mutex;
  std::vector<Group*> large;
  RunInThreads(threads, kShards, [&](size_t i) {
    const size_t shard = order[i];
    std::vector<Group*> own_large;
    AddShard(absl::MakeSpan(sorted).subspan(begin[shard], begin[shard + 1] - begin[shard]),
             own_large);
    const std::lock_guard<std::mutex> lock(mutex);
    large.insert(large.end(), own_large.begin(), own_large.end());
  });
  for (Group* const group : large) merger_.Notice(*group);
  epochs_.Advance();
  epochs_.Collect();
}

// ---- readers ----

// The groups that can hold triggers for the event, the closest scope first. All are asked of the
// memory before the first one is looked at.
int TriggerIndex::FindScopes(const EventView& event, std::string_view repository, std::string& keys,
                             const Group** scopes) const {
  size_t ends[kMostScopes];
  int keys_count = 0;
  std::string& all = keys;
  all.clear();
  const auto add = [&](std::string_view first, std::string_view second, std::string_view third) {
    all.append(first).push_back('\0');
    all.append(second).append(third);
    ends[keys_count++] = all.size();
  };
  if (event.source != "github") {
    add(event.source, event.type, "\n");
    add(event.source, "", "\n");
  } else if (!repository.empty()) {
    add(event.type, repository, "");
    const size_t slash = repository.rfind('/');
    if (slash != repository.npos && slash + 1 < repository.size()) {
      add(event.type, repository.substr(0, slash + 1), "*");
      add(event.type, "*/*", "");
    }
  }
  std::string_view key[kMostScopes];
  uint64_t hashes[kMostScopes];
  for (int i = 0; i < keys_count; ++i) {
    const size_t begin = i == 0 ? 0 : ends[i - 1];
    key[i] = std::string_view(all).substr(begin, ends[i] - begin);
    hashes[i] = groups_.HashOf(key[i]);
    groups_.Prefetch(hashes[i]);
  }
  int count = 0;
  for (int i = 0; i < keys_count; ++i) {
    const Group* const group = groups_.Find(key[i], hashes[i]);
    const bool known = std::find(scopes, scopes + count, group) != scopes + count;
    if (group != nullptr && !known) scopes[count++] = group;
  }
  return count;
}

namespace {

// Asks the memory for the flat run, which is scanned after the fields have been read.
void PrefetchFlat(const GroupVersion& version) {
  constexpr size_t kLine = 64, kMostLines = 32;
  const auto* const at = reinterpret_cast<const char*>(&version + 1);
  const size_t bytes = sizeof(uint64_t) * version.flat_count + version.flat_bytes;
  for (size_t i = 0; i < std::min(bytes, kLine * kMostLines); i += kLine) {
    __builtin_prefetch(at + i);
  }
}

}  // namespace

absl::Status TriggerIndex::ReadFields(const Stream& stream,
                                      absl::Span<const GroupVersion* const> versions,
                                      IndexAnswer& answer) const {
  const Stream::Table& table = stream.table();
  const auto& chunks = table.chunks;
  answer.values.Reset(chunks.size() * FieldChunk::kMostFields);
  uint64_t fields = 0;
  for (const GroupVersion* version : versions) fields |= version->fields;
  if (absl::Status status = answer.reader.ReadChunk(*chunks[0], 0, fields, answer.values);
      !status.ok()) {
    return status;
  }
  Stream::NumberActions(table, answer.values.scalars(stream.action_field()));
  for (size_t i = 0; i < versions.size(); ++i) {
    if (versions[i]->other_chunks == nullptr) continue;
    for (const uint16_t chunk : *versions[i]->other_chunks) {
      const bool read =
          std::any_of(versions.begin(), versions.begin() + i, [&](const auto* before) {
            return before->other_chunks != nullptr &&
                   std::find(before->other_chunks->begin(), before->other_chunks->end(), chunk) !=
                       before->other_chunks->end();
          });
      if (read) continue;
      if (absl::Status status =
              answer.reader.ReadChunk(*chunks[chunk], chunk, ~uint64_t{0}, answer.values);
          !status.ok()) {
        return status;
      }
    }
  }
  return absl::OkStatus();
}

absl::Status TriggerIndex::Match(const EventView& event, IndexAnswer& answer) const {
  answer.Clear();
  const EpochDomain::Pin pin(epochs_, answer.pin_hint);
  const bool github = event.source == "github";
  StreamKey(event.source, github ? event.type : std::string_view(), answer.key);
  const Stream* const stream = streams_.Find(answer.key);
  if (stream == nullptr) return absl::OkStatus();  // nobody asks about such events
  answer.reader.Open(event);
  std::string_view repository;
  if (github) {
    absl::Status status = answer.reader.ReadRepository(*stream->table().chunks[0], repository);
    if (!status.ok()) return status;
  }
  const Group* scopes[kMostScopes] = {};
  const int found = FindScopes(event, repository, answer.key, scopes);
  const GroupVersion* versions[kMostScopes];
  int count = 0;
  for (int i = 0; i < found; ++i) {
    const GroupVersion* const version = scopes[i]->At(pin.version());
    if (version != nullptr && (version->flat_count > 0 || version->segments != nullptr)) {
      versions[count++] = version;
      PrefetchFlat(*version);
    }
  }
  if (count == 0) return absl::OkStatus();
  const auto seen = absl::MakeConstSpan(versions, count);
  if (absl::Status status = ReadFields(*stream, seen, answer); !status.ok()) return status;
  answer.groups = count;
  for (const GroupVersion* version : seen) MatchGroup(*version, answer);
  return absl::OkStatus();
}

void TriggerIndex::MatchGroup(const GroupVersion& version, IndexAnswer& answer) {
  if (version.segments != nullptr) {
    for (const SegmentRef& ref : *version.segments) {
      if (ref.alive == 0) continue;
      const size_t words = ref.segment->words();
      if (answer.bits.size() < answer.used + words) answer.bits.resize(answer.used + words);
      answer.ranges.clear();
      ref.segment->Match(answer.values, answer.scratch, ref.live->data(),
                         answer.bits.data() + answer.used, answer.ranges);
      for (const WordRange range : answer.ranges) {
        answer.runs.push_back({.segment = ref.segment, .begin = answer.used, .words = range});
      }
      answer.used += words;
    }
  }
  const char* at = version.records();
  for (uint32_t i = 0; i < version.flat_count; ++i) {
    const RecordView record(at);
    if (RecordHolds(record, answer.values)) answer.flat.push_back(version.matches()[i]);
    at = record.end();
  }
}

}  // namespace routines
