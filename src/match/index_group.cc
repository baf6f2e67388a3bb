#include "src/match/index_group.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>
#include <utility>

namespace routines {
namespace {

bool ByMatch(const RecordRef& a, const RecordRef& b) {
  return a.match < b.match;
}

void AppendLive(const SegmentRef& ref, std::vector<RecordRef>& out) {
  for (size_t w = 0; w < ref.live->size(); ++w) {
    for (uint64_t rest = (*ref.live)[w]; rest != 0; rest &= rest - 1) {
      out.push_back(ref.segment->record(static_cast<uint32_t>(64 * w + std::countr_zero(rest))));
    }
  }
}

}  // namespace

std::unique_ptr<GroupVersion> GroupVersion::Make(absl::Span<const RecordRef> flat) {
  size_t bytes = 0;
  for (const RecordRef& record : flat) bytes += RecordView(record.at).bytes();
  void* const memory =
      ::operator new(sizeof(GroupVersion) + sizeof(uint64_t) * flat.size() + bytes);
  std::unique_ptr<GroupVersion> made(new (memory) GroupVersion);
  made->flat_count = static_cast<uint32_t>(flat.size());
  made->flat_bytes = static_cast<uint32_t>(bytes);
  auto* const matches = const_cast<uint64_t*>(made->matches());
  auto* out = const_cast<char*>(made->records());
  for (size_t i = 0; i < flat.size(); ++i) {
    matches[i] = flat[i].match;
    const size_t size = RecordView(flat[i].at).bytes();
    std::memcpy(out, flat[i].at, size);
    out += size;
  }
  return made;
}

std::unique_ptr<Group> Group::Make(std::string_view key, Stream& stream) {
  void* const memory = ::operator new(sizeof(Group) + key.size());
  std::memcpy(static_cast<char*>(memory) + sizeof(Group), key.data(), key.size());
  return std::unique_ptr<Group>(new (memory) Group(stream, static_cast<uint32_t>(key.size())));
}

GroupEdit::GroupEdit(const Group& group, const IndexTuning& tuning)
    : group_(group), old_(group.head.load(std::memory_order_relaxed)), tuning_(tuning) {
  if (old_ == nullptr) return;
  segments_ = old_->segments;
  fields_ = old_->fields;
  other_chunks_ = old_->other_chunks;
  const char* at = old_->records();
  for (uint32_t i = 0; i < old_->flat_count; ++i) {
    flat_.push_back({old_->matches()[i], at});
    at = RecordView(at).end();
  }
}

void GroupEdit::Remove(uint64_t routine) {
  flat_.erase(
      std::remove_if(flat_.begin(), flat_.end(),
                     [&](const RecordRef& record) { return record.match >> 16 == routine; }),
      flat_.end());
  if (segments_ == nullptr) return;
  std::shared_ptr<SegmentRefs> changed;
  for (size_t i = 0; i < segments_->size(); ++i) {
    const SegmentRef& ref = (*segments_)[i];
    std::shared_ptr<std::vector<uint64_t>> live;
    ref.segment->ForEachSlotOf(routine, [&](uint32_t slot) {
      const uint64_t bit = uint64_t{1} << (slot % 64);
      if (((*ref.live)[slot / 64] & bit) == 0) return;
      if (live == nullptr) live = std::make_shared<std::vector<uint64_t>>(*ref.live);
      (*live)[slot / 64] &= ~bit;
      if (changed == nullptr) changed = std::make_shared<SegmentRefs>(*segments_);
      --(*changed)[i].alive;
    });
    if (live != nullptr) (*changed)[i].live = std::move(live);
  }
  if (changed != nullptr) segments_ = std::move(changed);
}

void GroupEdit::Add(RecordRef record) {
  if (flat_.empty() || ByMatch(flat_.back(), record)) {
    flat_.push_back(record);
  } else {
    flat_.insert(std::upper_bound(flat_.begin(), flat_.end(), record, ByMatch), record);
  }
  const RecordView view(record.at);
  for (const char* at = view.first_clause(); at != view.end();) {
    const ClauseView clause(at);
    NoteClause(clause);
    at = clause.end();
  }
}

void GroupEdit::NoteClause(ClauseView clause) {
  if (clause.kind() == ClauseKind::kAnyOf) {
    const char* at = clause.behind();
    for (uint16_t i = clause.inside(); i > 0; --i) {
      NoteClause(ClauseView(at));
      at = ClauseView(at).end();
    }
    return;
  }
  const uint16_t chunk = clause.field() / FieldChunk::kMostFields;
  if (chunk == 0) {
    fields_ |= uint64_t{1} << clause.field();
  } else if (other_chunks_ == nullptr || std::find(other_chunks_->begin(), other_chunks_->end(),
                                                   chunk) == other_chunks_->end()) {
    auto chunks = other_chunks_ == nullptr
                      ? std::make_shared<std::vector<uint16_t>>()
                      : std::make_shared<std::vector<uint16_t>>(*other_chunks_);
    chunks->push_back(chunk);
    other_chunks_ = std::move(chunks);
  }
}

void GroupEdit::Replace(size_t begin, size_t end, SegmentRef merged) {
  auto segments = std::make_shared<SegmentRefs>(*segments_);
  segments->erase(segments->begin() + begin, segments->begin() + end);
  if (merged.alive > 0) segments->insert(segments->begin() + begin, std::move(merged));
  segments_ = std::move(segments);
}

// The flat run becomes a segment, together with smaller ones at the end of the list.
void GroupEdit::Seal(bool all) {
  auto segments = segments_ == nullptr ? std::make_shared<SegmentRefs>()
                                       : std::make_shared<SegmentRefs>(*segments_);
  size_t begin = segments->size();
  size_t total = flat_.size();
  size_t bytes = 0;
  for (const RecordRef& record : flat_) bytes += RecordView(record.at).bytes();
  while (begin > 0) {
    const SegmentRef& last = (*segments)[begin - 1];
    bytes += last.segment->record_bytes();
    const bool fits = bytes <= kMostBytes && (all || total + last.alive <= tuning_.most_inline);
    if (!fits || last.alive > 2 * total || last.segment.get() == group_.merging_to) break;
    total += last.alive;
    --begin;
  }
  SegmentRef merged =
      MergeSegments(absl::MakeSpan(*segments).subspan(begin), flat_, tuning_.least_cluster);
  segments->resize(begin);
  segments->push_back(std::move(merged));
  segments_ = std::move(segments);
  flat_.clear();
}

std::unique_ptr<const GroupVersion> GroupEdit::Build(uint64_t version, bool all) {
  if (flat_.size() > tuning_.most_flat) Seal(all);
  std::unique_ptr<GroupVersion> made = GroupVersion::Make(flat_);
  made->version = version;
  made->older = old_;
  made->fields = fields_;
  made->other_chunks = std::move(other_chunks_);
  if (segments_ != nullptr && !segments_->empty()) made->segments = std::move(segments_);
  return made;
}

SegmentRef MergeSegments(absl::Span<const SegmentRef> segments, absl::Span<const RecordRef> flat,
                         uint32_t least_cluster) {
  std::vector<RecordRef> records;
  for (const SegmentRef& ref : segments) AppendLive(ref, records);
  records.insert(records.end(), flat.begin(), flat.end());
  if (!segments.empty()) std::sort(records.begin(), records.end(), ByMatch);
  SegmentRef merged;
  merged.segment = Segment::Build(records, least_cluster);
  merged.live = std::make_shared<const std::vector<uint64_t>>(merged.segment->AllSlots());
  merged.alive = static_cast<uint32_t>(records.size());
  return merged;
}

size_t MergeFrom(const SegmentRefs& segments) {
  size_t from = segments.size();
  uint64_t behind = 0;
  size_t bytes = 0;
  for (size_t i = segments.size(); i-- > 0;) {
    bytes += segments[i].segment->record_bytes();
    if (bytes > GroupEdit::kMostBytes) break;
    const bool half_dead = 2 * segments[i].alive < segments[i].segment->size();
    if (half_dead || (behind > 0 && segments[i].alive <= 2 * behind)) from = i;
    behind += segments[i].alive;
  }
  return from;
}

}  // namespace routines
