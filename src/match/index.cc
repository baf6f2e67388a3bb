#include "src/match/index.h"

#include <algorithm>
#include <map>
#include <utility>

namespace routines {

TriggerIndex::TriggerIndex(const IndexTuning& tuning)
    : tuning_(tuning), streams_(epochs_), groups_(epochs_) {}

// ---- changes ----

Group& TriggerIndex::GroupOf(const PlacedRecord& record) {
  if (Group* const known = groups_.Find(record.group)) return *known;
  return groups_.Add(std::make_unique<Group>(record.group, record.stream));
}

void TriggerIndex::Install(Group& group, std::unique_ptr<const GroupVersion> made) {
  std::unique_ptr<const GroupVersion> old(
      group.head.exchange(made.release(), std::memory_order_acq_rel));
  if (old != nullptr) epochs_.Retire(std::move(old));
}

void TriggerIndex::Apply(uint64_t routine, absl::Span<Group* const> old_groups,
                         absl::Span<const PlacedRecord> records,
                         absl::Span<Group* const> new_groups) {
  // Of a group that has the routine before and after, there is one new version.
  for (size_t i = 0; i < new_groups.size(); ++i) {
    if (std::find(new_groups.begin(), new_groups.begin() + i, new_groups[i]) !=
        new_groups.begin() + i) {
      continue;
    }
    GroupEdit edit(*new_groups[i], tuning_);
    if (!old_groups.empty()) edit.Remove(routine);
    for (size_t j = i; j < new_groups.size(); ++j) {
      if (new_groups[j] == new_groups[i]) edit.Add(records[j].record);
    }
    Install(*new_groups[i], edit.Build(epochs_.next_version()));
  }
  for (Group* const group : old_groups) {
    if (std::find(new_groups.begin(), new_groups.end(), group) != new_groups.end()) continue;
    GroupEdit edit(*group, tuning_);
    edit.Remove(routine);
    Install(*group, edit.Build(epochs_.next_version()));
  }
  epochs_.Advance();
  epochs_.Collect();
}

void TriggerIndex::AddAll(absl::Span<const PlacedRecord> records, absl::Span<Group* const> groups) {
  std::vector<uint32_t> order(records.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  const auto match = [&](uint32_t i) { return RecordView(records[i].record.data()).match(); };
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return groups[a] != groups[b] ? groups[a] < groups[b] : match(a) < match(b);
  });
  for (size_t i = 0; i < order.size();) {
    Group& group = *groups[order[i]];
    GroupEdit edit(group, tuning_);
    for (; i < order.size() && groups[order[i]] == &group; ++i) edit.Add(records[order[i]].record);
    Install(group, edit.Build(epochs_.next_version(), true));
  }
  epochs_.Advance();
  epochs_.Collect();
}

// ---- readers ----

// The groups that can hold triggers for the event, the closest scope first.
int TriggerIndex::FindScopes(const EventView& event, std::string_view repository,
                             const Group** scopes) const {
  int count = 0;
  const auto add = [&](const std::string& key) {
    const Group* const group = groups_.Find(key);
    const bool known = std::find(scopes, scopes + count, group) != scopes + count;
    if (group != nullptr && !known) scopes[count++] = group;
  };
  if (event.source != "github") {
    add(CustomGroupKey(event.source, event.type));
    add(CustomGroupKey(event.source, ""));
    return count;
  }
  if (repository.empty()) return 0;
  add(GithubGroupKey(event.type, repository));
  const size_t slash = repository.rfind('/');
  if (slash == repository.npos || slash + 1 == repository.size()) return count;
  add(GithubGroupKey(event.type, std::string(repository.substr(0, slash + 1)) + "*"));
  add(GithubGroupKey(event.type, "*/*"));
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
  const Stream* const stream =
      streams_.Find(StreamKey(event.source, github ? event.type : std::string_view()));
  if (stream == nullptr) return absl::OkStatus();  // nobody asks about such events
  answer.reader.Open(event);
  std::string_view repository;
  if (github) {
    absl::Status status = answer.reader.ReadRepository(*stream->table().chunks[0], repository);
    if (!status.ok()) return status;
  }
  const Group* scopes[kMostScopes];
  const int found = FindScopes(event, repository, scopes);
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
