// Many triggers of one group as sets of bits: a record is a slot, and an event is matched against
// all of them at once.
//
// Each condition belongs to a class: a field, a kind of test, negated or not and, where a trigger
// has several of that sort, which of them it is. A class has the set of slots that have such a
// condition. A dictionary leads from a value of the event to the terms that hold (a term is what
// conditions compare with: a value, a prefix, a word), and from a term to the slots that it meets.
// What is left of the live slots after each class
//
//   slots &= ~has(class) | met(class)          and, of negated conditions,   slots &= ~met(class)
//
// are those that match, but for the few whose records have something that bits cannot say (a
// regular expression, any_of): those records are tested themselves.
//
// Immutable; any number of threads may match, each with a scratch of its own.
#ifndef ROUTINES_SRC_MATCH_INDEX_SEGMENT_H_
#define ROUTINES_SRC_MATCH_INDEX_SEGMENT_H_

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "src/match/bitmap.h"
#include "src/match/index_contained.h"
#include "src/match/index_record.h"
#include "src/match/index_values.h"
#include "src/match/pattern_set.h"

namespace routines {

// The working memory of one reader.
struct SegmentScratch {
  static constexpr uint32_t kEnd = ~uint32_t{0};
  struct Hit {
    uint32_t entry;
    uint32_t next;  // hit of the same class; kEnd: none
  };

  std::vector<uint32_t> first_hit;  // by class
  std::vector<Hit> hits;
  std::vector<uint32_t> terms;
  std::vector<uint64_t> met;
  ContainedConditions::Scratch contained;
};

class Segment {
 public:
  // `records` are sorted by match; they are copied.
  static std::shared_ptr<const Segment> Build(absl::Span<const char* const> records);

  uint32_t size() const { return static_cast<uint32_t>(matches_.size()); }
  size_t words() const { return BitmapWords(matches_.size()); }  // of a set of its slots
  const char* record(uint32_t slot) const { return records_.data() + 8 * size_t{offsets_[slot]}; }
  absl::Span<const uint64_t> matches() const { return matches_; }

  // The slots of a routine: from the first on, before the second.
  std::pair<uint32_t, uint32_t> FindRoutine(uint64_t routine) const;

  // Takes away from `slots`, words() words, those that do not match.
  void Match(EventValues& values, SegmentScratch& scratch, uint64_t* slots) const;

  size_t bytes() const;  // of memory

 private:
  friend class SegmentBuilder;

  struct Class {
    uint16_t field = 0;
    ClauseKind kind = ClauseKind::kEqualsAny;
    bool negated = false;
    uint8_t layer = 0;
    uint32_t has = 0;  // bits_: slots that have such a condition
  };
  // The slots of one class that a term meets: one slot, a list in slots_, or a set in bits_.
  struct Entry {
    enum class Form : uint16_t { kOne, kList, kBits };
    uint16_t class_index = 0;
    Form form = Form::kOne;
    uint32_t begin = 0;  // the slot itself, or where in slots_ or bits_
    uint32_t count = 0;
  };
  struct Term {
    uint32_t hash = 0;
    uint32_t operand = 0;  // where in records_, in 4 bytes
    uint16_t field = 0;
    ClauseKind kind = ClauseKind::kEqualsAny;
    uint32_t entries = 0;  // first; the next term's is the end
  };
  // The terms of a field that are prefixes or suffixes.
  struct Patterns {
    uint16_t field = 0;
    ClauseKind kind = ClauseKind::kStartsWith;
    PatternSet set;
  };

  Operand OperandOf(const Term& term) const {
    const char* at = records_.data() + 4 * size_t{term.operand};
    return ClauseView::Next(at);
  }
  static uint64_t HashOf(uint16_t field, ClauseKind kind, uint32_t hash) {
    return FoldedProduct(hash | uint64_t{field} << 32 | static_cast<uint64_t>(kind) << 48,
                         0x9e3779b97f4a7c15);
  }

  void NoteTerm(uint32_t term, SegmentScratch& scratch) const;
  void FindEqual(uint16_t field, Tag tag, uint32_t hash, std::string_view text,
                 SegmentScratch& scratch) const;
  void FindPatterns(const Patterns& patterns, EventValues& values, SegmentScratch& scratch) const;
  void Keep(const Class& kept, uint32_t first_hit, SegmentScratch& scratch, uint64_t* slots) const;
  void KeepClasses(EventValues& values, SegmentScratch& scratch, uint64_t* slots) const;
  void KeepContained(const ContainedConditions& conditions, EventValues& values,
                     SegmentScratch& scratch, uint64_t* slots) const;
  bool TestContained(const ContainedConditions& conditions, EventValues& values, uint64_t* slots,
                     WordRange range) const;
  void TestRecords(EventValues& values, uint64_t* slots) const;

  std::vector<uint64_t> matches_;  // by slot
  std::vector<uint32_t> offsets_;  // by slot: where its record is, in 8 bytes
  std::vector<char> records_;

  std::vector<Class> classes_;
  std::vector<uint16_t> equal_fields_;  // fields that kEqualsAny is asked of
  std::vector<Patterns> patterns_;
  std::vector<ContainedConditions> contained_;
  std::vector<Term> terms_;       // and one more at the end
  std::vector<uint32_t> places_;  // hash table of kEqualsAny terms: index + 1, or 0
  std::vector<Entry> entries_;
  std::vector<uint32_t> slots_;
  std::vector<uint64_t> bits_;
  uint32_t tested_ = 0;      // bits_: slots whose records are tested
  bool any_tested_ = false;  // whether there are such
};

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_INDEX_SEGMENT_H_
