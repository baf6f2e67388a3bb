// The `contains` conditions that a segment's triggers have on one field.
//
// A slot is a trigger (index_segment.h). It stays if each text that it asks for is found, and none
// that it must not have. Of those texts that decide (found or not) whichever are fewer are gone
// through.
//
// Immutable once built; any number of threads, each with a scratch of its own.
#ifndef ROUTINES_SRC_MATCH_INDEX_CONTAINED_H_
#define ROUTINES_SRC_MATCH_INDEX_CONTAINED_H_

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "src/match/contained_set.h"
#include "src/match/index_values.h"

namespace routines {

// Words of a set of slots, from `begin` to before `end`.
struct WordRange {
  uint32_t begin = 0, end = 0;
};

class ContainedConditions {
 public:
  struct Condition {
    std::string_view text;  // not empty; must outlive this
    uint32_t slot = 0;
    bool negated = false;
  };
  struct Scratch {
    ContainedSet::Scratch set;
    std::vector<uint64_t> met;  // slots
  };

  // `words`: of a set of slots. Conditions are in the order of their slots.
  ContainedConditions(uint16_t field, size_t words, absl::Span<const Condition> conditions);

  uint16_t field() const { return field_; }

  // How many of `slots` have such conditions, and whether it would be quicker to test those, one by
  // one, on these values.
  uint32_t Count(const uint64_t* slots, absl::Span<const WordRange> ranges) const;
  bool AreFew(uint32_t slots, absl::Span<const Scalar> values) const;

  // Takes away from `slots`, within the ranges, those of which a condition does not hold.
  void Keep(absl::Span<const Scalar> values, Scratch& scratch, uint64_t* slots,
            absl::Span<const WordRange> ranges) const;

  const std::vector<uint64_t>& users() const { return users_; }  // slots that have such conditions

  size_t bytes() const;  // of memory, beside this object

 private:
  // Where the slots of a text are: one slot itself, a list (how many, then which) or a set of bits.
  struct Place {
    enum class Form : uint32_t { kNone, kOne, kList, kBits };
    Place() = default;
    Place(Form own_form, size_t where) : form(own_form), at(where & 0x3fffffff) {}
    Form form : 2 = Form::kNone;
    uint32_t at : 30 = 0;
  };
  // The conditions that are negated, or those that are not.
  struct Side {
    std::vector<Place> places;                           // by number of the text
    std::vector<uint64_t> has;                           // slots
    std::vector<uint64_t> several;                       // slots that have more than one
    std::vector<std::pair<uint32_t, uint32_t>> numbers;  // of those slots: slot and text, sorted
  };

  ContainedSet MakeSet(absl::Span<const Condition> conditions);
  void BuildSide(bool negated, absl::Span<const Condition> conditions);
  Place PlaceOf(const std::vector<uint32_t>& slots);
  template <typename F>
  void ForSlots(Place place, absl::Span<const WordRange> ranges, F f) const;
  void KeepSide(const Side& side, bool found, Scratch& scratch, uint64_t* slots,
                absl::Span<const WordRange> ranges) const;
  void KeepMet(const Side& side, bool found, Scratch& scratch, uint64_t* slots,
               absl::Span<const WordRange> ranges) const;

  uint16_t field_;
  size_t words_;
  std::vector<uint32_t> text_of_;  // by condition; while building
  ContainedSet set_;
  Side sides_[2];  // negated ones second
  std::vector<uint64_t> users_;
  std::vector<uint32_t> lists_;
  std::vector<uint64_t> bits_;
};

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_INDEX_CONTAINED_H_
