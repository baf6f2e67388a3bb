#include "src/match/index_segment.h"

#include <algorithm>
#include <bit>

namespace routines {

uint32_t Segment::FirstSlot(const Cluster& cluster, uint64_t match) const {
  const auto begin = matches_.begin() + cluster.begin;
  return static_cast<uint32_t>(std::lower_bound(begin, begin + cluster.size, match) -
                               matches_.begin());
}

uint32_t Segment::SlotOf(uint64_t match) const {
  for (const Cluster& cluster : clusters_) {
    const uint32_t slot = FirstSlot(cluster, match);
    if (slot < cluster.begin + cluster.size && matches_[slot] == match) return slot;
  }
  return 0;
}

std::vector<uint64_t> Segment::AllSlots() const {
  std::vector<uint64_t> slots(words());
  for (const Cluster& cluster : clusters_) {
    for (uint32_t i = 0; i < cluster.size; ++i) SetBit(slots.data(), cluster.begin + i);
  }
  return slots;
}

// The clusters that have the event's action, each a range of its own: in one, matches are in order.
void Segment::FindRanges(EventValues& values, std::vector<WordRange>& ranges) const {
  const auto has_action = [&](const Cluster& cluster) {
    const auto scalars = values.scalars(action_field_);
    return std::any_of(scalars.begin(), scalars.end(), [&](const Scalar& scalar) {
      if (scalar.tag != Tag::kWord) return false;
      const auto number = static_cast<unsigned char>(scalar.text[0]);
      return (cluster.actions[number / 64] >> number % 64 & 1) != 0;
    });
  };
  for (const Cluster& cluster : clusters_) {
    if (cluster.size == 0 || (&cluster != clusters_.data() && !has_action(cluster))) continue;
    const uint32_t begin = cluster.begin / 64;
    ranges.push_back({begin, begin + static_cast<uint32_t>(BitmapWords(cluster.size))});
  }
}

// What is cheap comes first, and texts are searched only where a slot is left that asks for it.
void Segment::Match(EventValues& values, SegmentScratch& scratch, const uint64_t* live,
                    uint64_t* slots, std::vector<WordRange>& all_ranges) const {
  const size_t first = all_ranges.size();
  FindRanges(values, all_ranges);
  const auto ranges = absl::MakeConstSpan(all_ranges).subspan(first);
  if (ranges.empty()) return;
  for (const WordRange range : ranges) {
    std::copy(live + range.begin, live + range.end, slots + range.begin);
  }
  scratch.first_hit.assign(classes_.size(), SegmentScratch::kEnd);
  scratch.hits.clear();
  for (const uint16_t field : equal_fields_) {
    for (Scalar& scalar : values.scalars(field)) {
      FindEqual(field, scalar.tag, ValueHash(scalar), scalar.text, scratch);
      if (scalar.tag != Tag::kAbsent) continue;
      static const uint32_t hash_of_empty = HashScalar(Tag::kText, "");
      FindEqual(field, Tag::kText, hash_of_empty, "", scratch);
    }
  }
  for (const Patterns& patterns : patterns_) {
    FindPatterns(patterns, values, scratch);
  }
  KeepClasses(values, scratch, slots, ranges);
  for (const ContainedConditions& conditions : contained_) {
    KeepContained(conditions, values, scratch, slots, ranges);
  }
  if (any_tested_) TestRecords(values, slots, ranges);
}

void Segment::NoteTerm(uint32_t term, SegmentScratch& scratch) const {
  for (uint32_t i = terms_[term].entries; i < terms_[term + 1].entries; ++i) {
    uint32_t& first = scratch.first_hit[entries_[i].class_index];
    scratch.hits.push_back({.entry = i, .next = first});
    first = static_cast<uint32_t>(scratch.hits.size() - 1);
  }
}

void Segment::FindEqual(uint16_t field, Tag tag, uint32_t hash, std::string_view text,
                        SegmentScratch& scratch) const {
  const size_t mask = places_.size() - 1;
  for (size_t i = HashOf(field, ClauseKind::kEqualsAny, hash);; ++i) {
    const uint32_t place = places_[i & mask];
    if (place == 0) return;
    const Term& term = terms_[place - 1];
    if (term.hash != hash || term.field != field) continue;
    const Operand operand = OperandOf(term);
    if (operand.tag == tag && operand.bytes == text) return NoteTerm(place - 1, scratch);
  }
}

void Segment::FindPatterns(const Patterns& patterns, EventValues& values,
                           SegmentScratch& scratch) const {
  scratch.terms.clear();
  for (const Scalar& scalar : values.scalars(patterns.field)) {
    if (scalar.tag == Tag::kText) patterns.set.Find(scalar.text, scratch.terms);
  }
  for (const uint32_t term : scratch.terms) NoteTerm(term, scratch);
}

void Segment::KeepClasses(EventValues& values, SegmentScratch& scratch, uint64_t* slots,
                          absl::Span<const WordRange> ranges) const {
  for (size_t i = 0; i < classes_.size(); ++i) {
    const Class& kept = classes_[i];
    if (kept.kind == ClauseKind::kExists) {
      if (values.exists(kept.field) != kept.negated) continue;
      for (const WordRange range : ranges) {
        BitmapAndNot(slots + range.begin, &bits_[kept.has + range.begin], range.end - range.begin);
      }
    } else if (kept.negated) {
      TakeAway(scratch.first_hit[i], scratch, slots, ranges);
    } else {
      Keep(kept, scratch.first_hit[i], scratch, slots, ranges);
    }
  }
}

// Of a negated class: takes away the slots that it is met of.
void Segment::TakeAway(uint32_t first_hit, const SegmentScratch& scratch, uint64_t* slots,
                       absl::Span<const WordRange> ranges) const {
  for (uint32_t hit = first_hit; hit != SegmentScratch::kEnd; hit = scratch.hits[hit].next) {
    const Entry& entry = entries_[scratch.hits[hit].entry];
    if (entry.form == Entry::Form::kOne) {
      ClearBit(slots, entry.begin);
    } else if (entry.form == Entry::Form::kBits) {
      for (const WordRange range : ranges) {
        BitmapAndNot(slots + range.begin, &bits_[entry.begin + range.begin],
                     range.end - range.begin);
      }
    } else {
      for (uint32_t i = 0; i < entry.count; ++i) ClearBit(slots, slots_[entry.begin + i]);
    }
  }
}

// Keeps the slots that have no condition of the class, or have it met. Those of lists are few: they
// are noted before the others go.
void Segment::Keep(const Class& kept, uint32_t first_hit, SegmentScratch& scratch, uint64_t* slots,
                   absl::Span<const WordRange> ranges) const {
  scratch.kept.clear();
  const auto note = [&](uint32_t slot) {
    if ((slots[slot / 64] >> slot % 64 & 1) != 0) scratch.kept.push_back(slot);
  };
  const uint64_t* pass = nullptr;  // met, or no such condition
  bool joined = false;             // pass is scratch.met
  for (uint32_t hit = first_hit; hit != SegmentScratch::kEnd; hit = scratch.hits[hit].next) {
    const Entry& entry = entries_[scratch.hits[hit].entry];
    if (entry.form == Entry::Form::kOne) {
      note(entry.begin);
    } else if (entry.form == Entry::Form::kList) {
      for (uint32_t i = 0; i < entry.count; ++i) note(slots_[entry.begin + i]);
    } else if (pass == nullptr) {
      pass = &bits_[entry.begin];
    } else {
      if (scratch.met.size() < words()) scratch.met.resize(words());
      for (const WordRange range : ranges) {
        uint64_t* const met = scratch.met.data() + range.begin;
        if (!joined) std::copy(pass + range.begin, pass + range.end, met);
        BitmapOr(met, &bits_[entry.begin + range.begin], range.end - range.begin);
      }
      joined = true;
      pass = scratch.met.data();
    }
  }
  for (const WordRange range : ranges) {
    if (pass != nullptr) {
      BitmapAnd(slots + range.begin, pass + range.begin, range.end - range.begin);
    } else {
      BitmapAndNot(slots + range.begin, &bits_[kept.has + range.begin], range.end - range.begin);
    }
  }
  for (const uint32_t slot : scratch.kept) SetBit(slots, slot);
}

// Where few slots are left that ask for texts, these are tested one by one, unless that turns out
// to be hard.
void Segment::KeepContained(const ContainedConditions& conditions, EventValues& values,
                            SegmentScratch& scratch, uint64_t* slots,
                            absl::Span<const WordRange> ranges) const {
  const uint32_t count = conditions.Count(slots, ranges);
  if (count == 0) return;
  const auto scalars = values.scalars(conditions.field());
  if (conditions.AreFew(count, scalars) && TestContained(conditions, values, slots, ranges)) return;
  conditions.Keep(scalars, scratch.contained, slots, ranges);
}

// False: it was given up.
bool Segment::TestContained(const ContainedConditions& conditions, EventValues& values,
                            uint64_t* slots, absl::Span<const WordRange> ranges) const {
  const auto scalars = values.scalars(conditions.field());
  int comparisons = 256;
  for (const WordRange range : ranges) {
    for (uint32_t w = range.begin; w < range.end; ++w) {
      for (uint64_t rest = slots[w] & conditions.users()[w]; rest != 0; rest &= rest - 1) {
        const auto slot = static_cast<uint32_t>(64 * w + std::countr_zero(rest));
        const RecordView view(record(slot).at);
        if (!ContainedHold(view, conditions.field(), scalars, comparisons)) {
          if (comparisons < 0) return false;
          ClearBit(slots, slot);
        }
      }
    }
  }
  return true;
}

void Segment::TestRecords(EventValues& values, uint64_t* slots,
                          absl::Span<const WordRange> ranges) const {
  const uint64_t* const tested = &bits_[tested_];
  for (const WordRange range : ranges) {
    for (uint32_t w = range.begin; w < range.end; ++w) {
      for (uint64_t rest = slots[w] & tested[w]; rest != 0; rest &= rest - 1) {
        const auto slot = static_cast<uint32_t>(64 * w + std::countr_zero(rest));
        if (!RecordHolds(RecordView(record(slot).at), values)) ClearBit(slots, slot);
      }
    }
  }
}

size_t Segment::bytes() const {
  size_t bytes = sizeof(*this) + 8 * matches_.capacity() + 4 * offsets_.capacity() +
                 records_.capacity() + sizeof(Cluster) * clusters_.capacity() +
                 sizeof(Class) * classes_.capacity() + sizeof(Term) * terms_.capacity() +
                 4 * places_.capacity() + sizeof(Entry) * entries_.capacity() +
                 4 * slots_.capacity() + 8 * bits_.capacity();
  for (const Patterns& patterns : patterns_) bytes += patterns.set.bytes();
  for (const ContainedConditions& conditions : contained_) {
    bytes += sizeof(conditions) + conditions.bytes();
  }
  return bytes;
}

}  // namespace routines
