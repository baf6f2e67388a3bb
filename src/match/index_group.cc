#include "src/match/index_group.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace routines {
namespace {

uint64_t MatchOf(const char* record) {
  return RecordView(record).match();
}

bool ByMatch(const char* a, const char* b) {
  return MatchOf(a) < MatchOf(b);
}

void AppendLive(const SegmentRef& ref, std::vector<const char*>& out) {
  for (size_t w = 0; w < ref.live->size(); ++w) {
    for (uint64_t rest = (*ref.live)[w]; rest != 0; rest &= rest - 1) {
      out.push_back(ref.segment->record(static_cast<uint32_t>(64 * w + __builtin_ctzll(rest))));
    }
  }
}

}  // namespace

std::unique_ptr<GroupVersion> GroupVersion::Make(size_t flat_bytes) {
  void* const memory = ::operator new(sizeof(GroupVersion) + flat_bytes);
  std::unique_ptr<GroupVersion> made(new (memory) GroupVersion);
  made->flat_bytes = static_cast<uint32_t>(flat_bytes);
  return made;
}

GroupEdit::GroupEdit(const Group& group, const IndexTuning& tuning)
    : group_(group), old_(group.head.load(std::memory_order_relaxed)), tuning_(tuning) {
  if (old_ == nullptr) return;
  segments_ = old_->segments;
  fields_ = old_->fields;
  other_chunks_ = old_->other_chunks;
  flat_.reserve(old_->flat_count + 1);
  const char* at = old_->flat();
  for (uint32_t i = 0; i < old_->flat_count; ++i) {
    flat_.push_back(at);
    at = RecordView(at).end();
  }
}

void GroupEdit::Remove(uint64_t routine) {
  flat_.erase(std::remove_if(flat_.begin(), flat_.end(),
                             [&](const char* record) { return MatchOf(record) >> 16 == routine; }),
              flat_.end());
  if (segments_ == nullptr) return;
  std::shared_ptr<SegmentRefs> changed;
  for (size_t i = 0; i < segments_->size(); ++i) {
    const SegmentRef& ref = (*segments_)[i];
    const auto [begin, end] = ref.segment->FindRoutine(routine);
    std::shared_ptr<std::vector<uint64_t>> live;
    for (uint32_t slot = begin; slot < end; ++slot) {
      const uint64_t bit = uint64_t{1} << (slot % 64);
      if (((*ref.live)[slot / 64] & bit) == 0) continue;
      if (live == nullptr) live = std::make_shared<std::vector<uint64_t>>(*ref.live);
      (*live)[slot / 64] &= ~bit;
      if (changed == nullptr) changed = std::make_shared<SegmentRefs>(*segments_);
      --(*changed)[i].alive;
    }
    if (live != nullptr) (*changed)[i].live = std::move(live);
  }
  if (changed != nullptr) segments_ = std::move(changed);
}

void GroupEdit::Add(std::string_view record) {
  const char* const added = record.data();
  if (flat_.empty() || MatchOf(flat_.back()) < MatchOf(added)) {
    flat_.push_back(added);
  } else {
    flat_.insert(std::upper_bound(flat_.begin(), flat_.end(), added, ByMatch), added);
  }
  NoteFields(RecordView(added));
}

void GroupEdit::NoteFields(RecordView record) {
  const char* at = record.first_clause();
  for (uint16_t i = record.clauses(); i > 0; --i) {
    NoteClause(ClauseView(at));
    at = ClauseView(at).end();
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
  while (begin > 0) {
    const SegmentRef& last = (*segments)[begin - 1];
    const bool fits = all || total + last.alive <= tuning_.most_inline;
    if (!fits || last.alive > 2 * total || last.segment.get() == group_.merging_to) break;
    total += last.alive;
    --begin;
  }
  SegmentRef merged = MergeSegments(absl::MakeSpan(*segments).subspan(begin), flat_);
  segments->resize(begin);
  segments->push_back(std::move(merged));
  segments_ = std::move(segments);
  flat_.clear();
}

std::unique_ptr<const GroupVersion> GroupEdit::Build(uint64_t version, bool all) {
  if (flat_.size() > tuning_.most_flat) Seal(all);
  size_t bytes = 0;
  for (const char* record : flat_) bytes += RecordView(record).bytes();
  std::unique_ptr<GroupVersion> made = GroupVersion::Make(bytes);
  char* out = made->mutable_flat();
  for (const char* record : flat_) {
    std::memcpy(out, record, RecordView(record).bytes());
    out += RecordView(record).bytes();
  }
  made->version = version;
  made->older = old_;
  made->fields = fields_;
  made->other_chunks = other_chunks_;
  if (segments_ != nullptr && !segments_->empty()) made->segments = segments_;
  made->flat_count = static_cast<uint32_t>(flat_.size());
  return made;
}

SegmentRef MergeSegments(absl::Span<const SegmentRef> segments,
                         absl::Span<const char* const> flat) {
  std::vector<const char*> records;
  for (const SegmentRef& ref : segments) AppendLive(ref, records);
  records.insert(records.end(), flat.begin(), flat.end());
  if (!segments.empty()) std::sort(records.begin(), records.end(), ByMatch);
  SegmentRef merged;
  merged.segment = Segment::Build(records);
  auto live = std::make_shared<std::vector<uint64_t>>(merged.segment->words());
  for (size_t i = 0; i < records.size(); ++i) (*live)[i / 64] |= uint64_t{1} << (i % 64);
  merged.live = std::move(live);
  merged.alive = static_cast<uint32_t>(records.size());
  return merged;
}

size_t MergeFrom(const SegmentRefs& segments) {
  size_t from = segments.size();
  uint64_t behind = 0;
  for (size_t i = segments.size(); i-- > 0;) {
    const bool half_dead = 2 * segments[i].alive < segments[i].segment->size();
    if (half_dead || (behind > 0 && segments[i].alive <= 2 * behind)) from = i;
    behind += segments[i].alive;
  }
  return from;
}

}  // namespace routines
