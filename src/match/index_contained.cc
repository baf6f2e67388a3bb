#include "src/match/index_contained.h"

#include <algorithm>
#include <bit>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "src/match/bitmap.h"

namespace routines {
namespace {

// Calls f for each number below `size` whose bit is `wanted`.
template <typename F>
void ForNumbers(const std::vector<uint64_t>& bits, uint32_t size, bool wanted, F f) {
  const uint64_t flip = wanted ? 0 : ~uint64_t{0};
  for (uint32_t begin = 0; begin < size; begin += 64) {
    uint64_t rest = bits[begin / 64] ^ flip;
    if (size - begin < 64) rest &= (uint64_t{1} << (size - begin)) - 1;
    for (; rest != 0; rest &= rest - 1) f(begin + static_cast<uint32_t>(std::countr_zero(rest)));
  }
}

bool HasBit(const std::vector<uint64_t>& bits, uint32_t number) {
  return (bits[number / 64] >> number % 64 & 1) != 0;
}

}  // namespace

ContainedConditions::ContainedConditions(uint16_t field, size_t words,
                                         absl::Span<const Condition> conditions)
    : field_(field), words_(words), set_(MakeSet(conditions)), users_(words) {
  std::vector<uint32_t> numbers(set_.size());
  for (uint32_t number = 0; number < set_.size(); ++number) numbers[set_.id(number)] = number;
  for (uint32_t& text : text_of_) text = numbers[text];
  for (const bool negated : {false, true}) BuildSide(negated, conditions);
  std::vector<uint32_t>().swap(text_of_);
}

ContainedSet ContainedConditions::MakeSet(absl::Span<const Condition> conditions) {
  absl::flat_hash_map<absl::string_view, uint32_t> known;
  std::vector<ContainedSet::Text> texts;
  text_of_.reserve(conditions.size());
  for (const Condition& condition : conditions) {
    const auto [place, is_new] =
        known.try_emplace(absl::string_view(condition.text.data(), condition.text.size()),
                          static_cast<uint32_t>(texts.size()));
    if (is_new) texts.push_back({condition.text, place->second});
    text_of_.push_back(place->second);
  }
  return ContainedSet(std::move(texts));
}

void ContainedConditions::BuildSide(bool negated, absl::Span<const Condition> conditions) {
  std::vector<std::pair<uint32_t, uint32_t>> uses;  // text and slot
  for (size_t i = 0; i < conditions.size(); ++i) {
    if (conditions[i].negated == negated) uses.emplace_back(text_of_[i], conditions[i].slot);
  }
  if (uses.empty()) return;
  Side& side = sides_[negated ? 1 : 0];
  side.has.resize(words_);
  side.several.resize(words_);
  for (const auto& [text, slot] : uses) {
    SetBit((HasBit(side.has, slot) ? side.several : side.has).data(), slot);
  }
  BitmapOr(users_.data(), side.has.data(), words_);
  for (const auto& [text, slot] : uses) {
    if (HasBit(side.several, slot)) side.numbers.emplace_back(slot, text);
  }
  std::sort(side.numbers.begin(), side.numbers.end());
  std::sort(uses.begin(), uses.end());
  uses.erase(std::unique(uses.begin(), uses.end()), uses.end());
  side.places.resize(set_.size());
  std::vector<uint32_t> slots;
  for (size_t i = 0; i < uses.size();) {
    const uint32_t text = uses[i].first;
    slots.clear();
    for (; i < uses.size() && uses[i].first == text; ++i) slots.push_back(uses[i].second);
    side.places[text] = PlaceOf(slots);
  }
}

// A list of a 32nd of all slots takes as much memory as their set.
ContainedConditions::Place ContainedConditions::PlaceOf(const std::vector<uint32_t>& slots) {
  if (slots.size() == 1) return {Place::Form::kOne, slots[0]};
  if (2 * slots.size() >= words_ * 4) {
    const Place place{Place::Form::kBits, bits_.size()};
    bits_.resize(bits_.size() + words_);
    for (const uint32_t slot : slots) SetBit(bits_.data() + place.at, slot);
    return place;
  }
  const Place place{Place::Form::kList, lists_.size()};
  lists_.push_back(static_cast<uint32_t>(slots.size()));
  lists_.insert(lists_.end(), slots.begin(), slots.end());
  return place;
}

uint32_t ContainedConditions::Count(const uint64_t* slots,
                                    absl::Span<const WordRange> ranges) const {
  size_t count = 0;
  for (const WordRange range : ranges) {
    count +=
        BitmapCountBoth(slots + range.begin, users_.data() + range.begin, range.end - range.begin);
  }
  return static_cast<uint32_t>(count);
}

// In units of looking at one position for all texts at once: reading a trigger is about 30 of them,
// and comparing goes over 32 positions a step.
bool ContainedConditions::AreFew(uint32_t slots, absl::Span<const Scalar> values) const {
  size_t together = 150, each = 30;
  for (const Scalar& value : values) {
    together += 2 * value.text.size();
    each += 10 + value.text.size() / 16;
  }
  return slots * each <= together;
}

void ContainedConditions::Keep(absl::Span<const Scalar> values, Scratch& scratch, uint64_t* slots,
                               absl::Span<const WordRange> ranges) const {
  set_.Clear(scratch.set);
  for (const Scalar& value : values) {
    if (value.tag == Tag::kText) set_.Find(value.text, scratch.set);
  }
  KeepSide(sides_[0], true, scratch, slots, ranges);
  KeepSide(sides_[1], false, scratch, slots, ranges);
}

template <typename F>
void ContainedConditions::ForSlots(Place place, absl::Span<const WordRange> ranges, F f) const {
  switch (place.form) {
    case Place::Form::kNone:
      return;
    case Place::Form::kOne:
      return f(place.at);
    case Place::Form::kList:
      for (uint32_t i = place.at + lists_[place.at]; i > place.at; --i) f(lists_[i]);
      return;
    case Place::Form::kBits:
      for (const WordRange range : ranges) {
        for (uint32_t w = range.begin; w < range.end; ++w) {
          for (uint64_t rest = bits_[place.at + w]; rest != 0; rest &= rest - 1) {
            f(64 * w + static_cast<uint32_t>(std::countr_zero(rest)));
          }
        }
      }
  }
}

// Keeps slots of which all texts are found, or none.
void ContainedConditions::KeepSide(const Side& side, bool found, Scratch& scratch, uint64_t* slots,
                                   absl::Span<const WordRange> ranges) const {
  if (side.places.empty()) return;
  const std::vector<uint64_t>& bits = scratch.set.found;
  const size_t count = BitmapCount(bits.data(), bits.size());
  const bool mostly = 2 * count > set_.size();
  if (mostly != found) return KeepMet(side, found, scratch, slots, ranges);
  ForNumbers(bits, set_.size(), !found, [&](uint32_t number) {
    ForSlots(side.places[number], ranges, [&](uint32_t slot) { ClearBit(slots, slot); });
  });
}

void ContainedConditions::KeepMet(const Side& side, bool found, Scratch& scratch, uint64_t* slots,
                                  absl::Span<const WordRange> ranges) const {
  if (scratch.met.size() < words_) scratch.met.resize(words_);
  uint64_t* const met = scratch.met.data();
  for (const WordRange range : ranges) std::fill(met + range.begin, met + range.end, 0);
  const std::vector<uint64_t>& bits = scratch.set.found;
  ForNumbers(bits, set_.size(), found, [&](uint32_t number) {
    const Place place = side.places[number];
    if (place.form == Place::Form::kOne) {
      SetBit(met, place.at);  // nearly always
    } else {
      ForSlots(place, ranges, [&](uint32_t slot) { SetBit(met, slot); });
    }
  });
  for (const WordRange range : ranges) {
    BitmapKeepMet(slots + range.begin, side.has.data() + range.begin, met + range.begin,
                  range.end - range.begin);
  }
  if (side.numbers.empty()) return;
  for (const WordRange range : ranges) {
    for (uint32_t w = range.begin; w < range.end; ++w) {
      for (uint64_t rest = slots[w] & side.several[w]; rest != 0; rest &= rest - 1) {
        const auto slot = 64 * w + static_cast<uint32_t>(std::countr_zero(rest));
        auto at = std::lower_bound(side.numbers.begin(), side.numbers.end(),
                                   std::pair<uint32_t, uint32_t>{slot, 0});
        while (at != side.numbers.end() && at->first == slot && HasBit(bits, at->second) == found) {
          ++at;
        }
        if (at != side.numbers.end() && at->first == slot) ClearBit(slots, slot);
      }
    }
  }
}

size_t ContainedConditions::bytes() const {
  size_t bytes = set_.bytes() - sizeof(set_) + 8 * users_.capacity() + 4 * lists_.capacity() +
                 8 * bits_.capacity();
  for (const Side& side : sides_) {
    bytes += sizeof(Place) * side.places.capacity() + 8 * side.has.capacity() +
             8 * side.several.capacity() + sizeof(side.numbers[0]) * side.numbers.capacity();
  }
  return bytes;
}

}  // namespace routines
