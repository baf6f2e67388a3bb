#include "src/match/index.h"

#include <algorithm>
#include <utility>

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

void StreamKey(std::string_view source, std::string_view event, std::string& key) {
  JoinKey(source, event, key);
}

}  // namespace

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
  if (Stream* const known = streams_.Find(key)) return *known;
  return streams_.Add(std::make_unique<Stream>(key, source, event, epochs_));
}

Group& TriggerIndex::GroupOf(std::string_view key, Stream& stream) {
  if (Group* const known = groups_.Find(key)) return *known;
  return groups_.Add(std::make_unique<Group>(std::string(key), &stream));
}

void TriggerIndex::Install(Group& group, std::unique_ptr<const GroupVersion> made) {
  std::unique_ptr<const GroupVersion> old(
      group.head.exchange(made.release(), std::memory_order_acq_rel));
  if (old != nullptr) epochs_.Retire(std::move(old));
}

void TriggerIndex::Apply(uint64_t routine, absl::Span<Group* const> old_groups,
                         absl::Span<const PlacedRecord> records) {
  // A group that has the routine before and after gets one new version.
  const auto in = [](const PlacedRecord& record, const Group* group) {
    return record.group == group;
  };
  for (size_t i = 0; i < records.size(); ++i) {
    Group& group = *records[i].group;
    const bool done = std::any_of(records.begin(), records.begin() + i,
                                  [&](const PlacedRecord& record) { return in(record, &group); });
    if (done) continue;
    GroupEdit edit(group, tuning_);
    if (!old_groups.empty()) edit.Remove(routine);
    for (size_t j = i; j < records.size(); ++j) {
      if (in(records[j], &group)) edit.Add(records[j].record);
    }
    Install(group, edit.Build(epochs_.next_version()));
    merger_.Notice(group);
  }
  for (Group* const group : old_groups) {
    const bool done = std::any_of(records.begin(), records.end(),
                                  [&](const PlacedRecord& record) { return in(record, group); });
    if (done) continue;
    GroupEdit edit(*group, tuning_);
    edit.Remove(routine);
    Install(*group, edit.Build(epochs_.next_version()));
    merger_.Notice(*group);
  }
  epochs_.Advance();
  epochs_.Collect();
}

void TriggerIndex::AddAll(absl::Span<const PlacedRecord> records) {
  struct Key {
    const Group* group;
    uint64_t match;
    uint32_t record;
  };
  std::vector<Key> order(records.size());
  for (uint32_t i = 0; i < order.size(); ++i) {
    order[i] = {records[i].group, RecordView(records[i].record.data()).match(), i};
  }
  std::sort(order.begin(), order.end(), [](const Key& a, const Key& b) {
    return a.group != b.group ? a.group < b.group : a.match < b.match;
  });
  for (size_t i = 0; i < order.size();) {
    Group& group = *records[order[i].record].group;
    GroupEdit edit(group, tuning_);
    for (; i < order.size() && order[i].group == &group; ++i) {
      edit.Add(records[order[i].record].record);
    }
    Install(group, edit.Build(epochs_.next_version(), true));
    merger_.Notice(group);
  }
  epochs_.Advance();
  epochs_.Collect();
}

// ---- readers ----

// The groups that can hold triggers for the event, the closest scope first.
int TriggerIndex::FindScopes(const EventView& event, std::string_view repository, std::string& key,
                             const Group** scopes) const {
  int count = 0;
  const auto add = [&] {
    const Group* const group = groups_.Find(key);
    const bool known = std::find(scopes, scopes + count, group) != scopes + count;
    if (group != nullptr && !known) scopes[count++] = group;
  };
  if (event.source != "github") {
    CustomGroupKey(event.source, event.type, key);
    add();
    CustomGroupKey(event.source, "", key);
    add();
    return count;
  }
  if (repository.empty()) return 0;
  GithubGroupKey(event.type, repository, key);
  add();
  const size_t slash = repository.rfind('/');
  if (slash == repository.npos || slash + 1 == repository.size()) return count;
  GithubGroupKey(event.type, repository.substr(0, slash + 1), key);
  key.push_back('*');
  add();
  GithubGroupKey(event.type, "*/*", key);
  add();
  return count;
}

absl::Status TriggerIndex::ReadFields(const Stream& stream,
                                      absl::Span<const GroupVersion* const> versions,
                                      IndexAnswer& answer) const {
  const auto& chunks = stream.table().chunks;
  answer.values.Reset(chunks.size() * FieldChunk::kMostFields);
  uint64_t fields = 0;
  for (const GroupVersion* version : versions) fields |= version->fields;
  if (absl::Status status = answer.reader.ReadChunk(*chunks[0], 0, fields, answer.values);
      !status.ok()) {
    return status;
  }
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
  const Group* scopes[kMostScopes];
  const int found = FindScopes(event, repository, answer.key, scopes);
  const GroupVersion* versions[kMostScopes];
  int count = 0;
  for (int i = 0; i < found; ++i) {
    const GroupVersion* const version = scopes[i]->At(pin.version());
    if (version != nullptr && (version->flat_count > 0 || version->segments != nullptr)) {
      versions[count++] = version;
    }
  }
  if (count == 0) return absl::OkStatus();
  const auto seen = absl::MakeConstSpan(versions, count);
  if (absl::Status status = ReadFields(*stream, seen, answer); !status.ok()) return status;
  for (const GroupVersion* version : seen) MatchGroup(*version, answer);
  return absl::OkStatus();
}

void TriggerIndex::MatchGroup(const GroupVersion& version, IndexAnswer& answer) {
  if (version.segments != nullptr) {
    for (const SegmentRef& ref : *version.segments) {
      if (ref.alive == 0) continue;
      const size_t words = ref.segment->words();
      if (answer.bits.size() < answer.used + words) answer.bits.resize(answer.used + words);
      uint64_t* const slots = answer.bits.data() + answer.used;
      std::copy(ref.live->begin(), ref.live->end(), slots);
      ref.segment->Match(answer.values, answer.scratch, slots);
      answer.runs.push_back({.segment = ref.segment, .begin = answer.used});
      answer.used += words;
    }
  }
  const char* at = version.flat();
  for (uint32_t i = 0; i < version.flat_count; ++i) {
    const RecordView record(at);
    if (RecordHolds(record, answer.values)) answer.flat.push_back(record.match());
    at = record.end();
  }
}

}  // namespace routines
