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
// Most triggers name the actions that they want, and few sets of actions are named. In a large
// segment the slots of each frequent set stand side by side, as a cluster, so that an event looks
// only at those clusters that have its action. Within a cluster, slots are in the order of matches.
//
// Immutable; any number of threads may match, each with a scratch of its own.
#ifndef ROUTINES_SRC_MATCH_INDEX_SEGMENT_H_
#define ROUTINES_SRC_MATCH_INDEX_SEGMENT_H_

#include <array>
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
  std::vector<uint32_t> kept;  // slots
  ContainedConditions::Scratch contained;
};

class Segment {
 public:
  // `records` are sorted by match; they are copied. A cluster has at least `least_cluster`.
  static std::shared_ptr<const Segment> Build(absl::Span<const RecordRef> records,
                                              uint32_t least_cluster);

  uint32_t size() const { return size_; }  // records
  // Of a set of its slots, some of which no record has.
  size_t words() const { return matches_.size() / 64; }
  RecordRef record(uint32_t slot) const {
    return {matches_[slot], records_.data() + offsets_[slot]};
  }
  absl::Span<const uint64_t> matches() const { return matches_; }  // by slot
  size_t record_bytes() const { return records_.size(); }
  std::vector<uint64_t> AllSlots() const;  // those that have a record

  // Of a trigger that has one.
  uint32_t SlotOf(uint64_t match) const;
  template <typename F>
  void ForEachSlotOf(uint64_t routine, F f) const {
    for (const Cluster& cluster : clusters_) {
      const uint32_t end = cluster.begin + cluster.size;
      for (uint32_t slot = FirstSlot(cluster, routine << 16);
           slot < end && matches_[slot] >> 16 == routine; ++slot) {
        f(slot);
      }
    }
  }

  // The slots of `live` that match: their ranges, which are appended, and in these the bits of
  // `slots`; of other words of `slots` nothing is said.
  void Match(EventValues& values, SegmentScratch& scratch, const uint64_t* live, uint64_t* slots,
             std::vector<WordRange>& ranges) const;

  size_t bytes() const;  // of memory

 private:
  friend class SegmentBuilder;

  // Slots of triggers that want the same actions. The first one has the others.
  struct Cluster {
    std::array<uint64_t, 4> actions = {};  // by number
    uint32_t begin = 0, size = 0;          // slots; it begins at a whole block
  };
  struct Class {
    uint16_t field = 0;
    ClauseKind kind = ClauseKind::kEqualsAny;
    bool negated = false;
    uint8_t layer = 0;
    uint32_t has = 0;  // bits_: slots that have such a condition
  };
  // The slots of one class that a term meets: one slot, a list in slots_, or a set in bits_, which
  // has those that have no such condition, too, unless the class is negated.
  struct Entry {
    enum class Form : uint16_t { kOne, kList, kBits };
    uint16_t class_index = 0;
    Form form = Form::kOne;
    uint32_t begin = 0;  // the slot itself, or where in slots_ or bits_
    uint32_t count = 0;
  };
  struct Term {
    uint32_t hash = 0;
    uint32_t operand = 0;  // where in records_
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
    const char* at = records_.data() + term.operand;
    return Operand::Take(at);
  }
  static uint64_t HashOf(uint16_t field, ClauseKind kind, uint32_t hash) {
    return FoldedProduct(hash | uint64_t{field} << 32 | static_cast<uint64_t>(kind) << 48,
                         0x9e3779b97f4a7c15);
  }

  uint32_t FirstSlot(const Cluster& cluster, uint64_t match) const;
  void FindRanges(EventValues& values, std::vector<WordRange>& ranges) const;
  void NoteTerm(uint32_t term, SegmentScratch& scratch) const;
  void FindEqual(uint16_t field, Tag tag, uint32_t hash, std::string_view text,
                 SegmentScratch& scratch) const;
  void FindPatterns(const Patterns& patterns, EventValues& values, SegmentScratch& scratch) const;
  void Keep(const Class& kept, uint32_t first_hit, SegmentScratch& scratch, uint64_t* slots,
            absl::Span<const WordRange> ranges) const;
  void TakeAway(uint32_t first_hit, const SegmentScratch& scratch, uint64_t* slots,
                absl::Span<const WordRange> ranges) const;
  void KeepClasses(EventValues& values, SegmentScratch& scratch, uint64_t* slots,
                   absl::Span<const WordRange> ranges) const;
  void KeepContained(const ContainedConditions& conditions, EventValues& values,
                     SegmentScratch& scratch, uint64_t* slots,
                     absl::Span<const WordRange> ranges) const;
  bool TestContained(const ContainedConditions& conditions, EventValues& values, uint64_t* slots,
                     absl::Span<const WordRange> ranges) const;
  void TestRecords(EventValues& values, uint64_t* slots, absl::Span<const WordRange> ranges) const;

  uint32_t size_ = 0;
  std::vector<uint64_t> matches_;  // by slot; whole blocks
  std::vector<uint32_t> offsets_;  // by slot: where its record is
  std::vector<char> records_;

  std::vector<Cluster> clusters_;
  uint16_t action_field_ = 0;  // where there are clusters beside the first
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
