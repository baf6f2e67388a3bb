#include "src/match/index_segment.h"

#include <algorithm>
#include <bit>

namespace routines {

std::pair<uint32_t, uint32_t> Segment::FindRoutine(uint64_t routine) const {
  const auto begin = std::lower_bound(matches_.begin(), matches_.end(), routine << 16);
  auto end = begin;
  while (end != matches_.end() && *end >> 16 == routine) ++end;
  return {static_cast<uint32_t>(begin - matches_.begin()),
          static_cast<uint32_t>(end - matches_.begin())};
}

// What is cheap comes first, and texts are searched only where a slot is left that asks for it.
void Segment::Match(EventValues& values, SegmentScratch& scratch, uint64_t* slots) const {
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
  KeepClasses(values, scratch, slots);
  for (const ContainedConditions& conditions : contained_) {
    KeepContained(conditions, values, scratch, slots);
  }
  if (any_tested_) TestRecords(values, slots);
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

void Segment::KeepClasses(EventValues& values, SegmentScratch& scratch, uint64_t* slots) const {
  for (size_t i = 0; i < classes_.size(); ++i) {
    const Class& kept = classes_[i];
    if (kept.kind == ClauseKind::kExists) {
      if (values.exists(kept.field) == kept.negated) {
        BitmapAndNot(slots, &bits_[kept.has], words());
      }
    } else {
      Keep(kept, scratch.first_hit[i], scratch, slots);
    }
  }
}

// Keeps slots that have no condition of the class, or have it met; of a negated class, not met.
void Segment::Keep(const Class& kept, uint32_t first_hit, SegmentScratch& scratch,
                   uint64_t* slots) const {
  if (kept.negated) {
    for (uint32_t hit = first_hit; hit != SegmentScratch::kEnd; hit = scratch.hits[hit].next) {
      const Entry& entry = entries_[scratch.hits[hit].entry];
      if (entry.form == Entry::Form::kOne) {
        ClearBit(slots, entry.begin);
      } else if (entry.form == Entry::Form::kBits) {
        BitmapAndNot(slots, &bits_[entry.begin], words());
      } else {
        for (uint32_t i = 0; i < entry.count; ++i) ClearBit(slots, slots_[entry.begin + i]);
      }
    }
    return;
  }
  const uint64_t* const has = &bits_[kept.has];
  if (first_hit == SegmentScratch::kEnd) return BitmapAndNot(slots, has, words());
  const Entry& only = entries_[scratch.hits[first_hit].entry];
  if (scratch.hits[first_hit].next == SegmentScratch::kEnd && only.form == Entry::Form::kBits) {
    return BitmapKeepMet(slots, has, &bits_[only.begin], words());
  }
  scratch.met.assign(words(), 0);
  uint64_t* const met = scratch.met.data();
  for (uint32_t hit = first_hit; hit != SegmentScratch::kEnd; hit = scratch.hits[hit].next) {
    const Entry& entry = entries_[scratch.hits[hit].entry];
    if (entry.form == Entry::Form::kOne) {
      SetBit(met, entry.begin);
    } else if (entry.form == Entry::Form::kBits) {
      BitmapOr(met, &bits_[entry.begin], words());
    } else {
      for (uint32_t i = 0; i < entry.count; ++i) SetBit(met, slots_[entry.begin + i]);
    }
  }
  BitmapKeepMet(slots, has, met, words());
}

// Where few slots are left that ask for texts, these are tested one by one, unless that turns out
// to be hard.
void Segment::KeepContained(const ContainedConditions& conditions, EventValues& values,
                            SegmentScratch& scratch, uint64_t* slots) const {
  const WordRange all{0, static_cast<uint32_t>(words())};
  const uint32_t count = conditions.Count(slots, {&all, 1});
  if (count == 0) return;
  const auto scalars = values.scalars(conditions.field());
  if (conditions.AreFew(count, scalars) && TestContained(conditions, values, slots, all)) return;
  conditions.Keep(scalars, scratch.contained, slots, {&all, 1});
}

// False: it was given up.
bool Segment::TestContained(const ContainedConditions& conditions, EventValues& values,
                            uint64_t* slots, WordRange range) const {
  const auto scalars = values.scalars(conditions.field());
  int comparisons = 256;
  for (uint32_t w = range.begin; w < range.end; ++w) {
    for (uint64_t rest = slots[w] & conditions.users()[w]; rest != 0; rest &= rest - 1) {
      const auto slot = static_cast<uint32_t>(64 * w + std::countr_zero(rest));
      if (!ContainedHold(RecordView(record(slot)), conditions.field(), scalars, comparisons)) {
        if (comparisons < 0) return false;
        ClearBit(slots, slot);
      }
    }
  }
  return true;
}

void Segment::TestRecords(EventValues& values, uint64_t* slots) const {
  const uint64_t* const tested = &bits_[tested_];
  for (size_t w = 0; w < words(); ++w) {
    for (uint64_t rest = slots[w] & tested[w]; rest != 0; rest &= rest - 1) {
      const auto slot = static_cast<uint32_t>(64 * w + std::countr_zero(rest));
      if (!RecordHolds(RecordView(record(slot)), values)) ClearBit(slots, slot);
    }
  }
}

size_t Segment::bytes() const {
  size_t bytes = sizeof(*this) + 8 * matches_.capacity() + 4 * offsets_.capacity() +
                 records_.capacity() + sizeof(Class) * classes_.capacity() +
                 sizeof(Term) * terms_.capacity() + 4 * places_.capacity() +
                 sizeof(Entry) * entries_.capacity() + 4 * slots_.capacity() + 8 * bits_.capacity();
  for (const Patterns& patterns : patterns_) bytes += patterns.set.bytes();
  for (const ContainedConditions& conditions : contained_) {
    bytes += sizeof(conditions) + conditions.bytes();
  }
  return bytes;
}

}  // namespace routines
