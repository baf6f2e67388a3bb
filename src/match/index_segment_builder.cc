// Builds segments: three passes over the records, each linear but for a sort of pattern texts.
#include <algorithm>
#include <map>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "src/match/index_segment.h"

namespace routines {

class SegmentBuilder {
 public:
  explicit SegmentBuilder(Segment& segment) : segment_(segment) {}

  void Build(absl::Span<const char* const> records) {
    CopyRecords(records);
    tested_.resize(segment_.words());
    places_.resize(64);
    for (uint32_t slot = 0; slot < segment_.size(); ++slot) AddRecord(slot);
    PlaceClasses();
    PlaceEntries();
    BuildPatterns();
    for (const auto& [field, conditions] : contained_) {
      segment_.contained_.emplace_back(field, segment_.words(), conditions);
    }
    BuildEqual();
    segment_.terms_.shrink_to_fit();
    segment_.bits_.shrink_to_fit();
  }

 private:
  using Class = Segment::Class;
  using Entry = Segment::Entry;
  using Term = Segment::Term;

  // Of a class: the slots that have it.
  struct Use {
    uint32_t term;
    uint16_t class_index;
    uint32_t slot;
  };
  static constexpr uint8_t kMostLayers = 4;
  static constexpr size_t kMostClasses = 4096;
  static constexpr uint16_t kNoClass = 0xffff;

  void CopyRecords(absl::Span<const char* const> records) {
    size_t bytes = 0;
    for (const char* record : records) bytes += RecordView(record).bytes();
    segment_.records_.reserve(bytes);
    segment_.matches_.reserve(records.size());
    segment_.offsets_.reserve(records.size());
    for (const char* record : records) {
      const RecordView view(record);
      segment_.matches_.push_back(view.match());
      segment_.offsets_.push_back(static_cast<uint32_t>(segment_.records_.size() / 8));
      segment_.records_.insert(segment_.records_.end(), view.data(), view.end());
    }
  }

  void AddRecord(uint32_t slot) {
    const RecordView record(segment_.record(slot));
    used_.clear();
    const char* at = record.first_clause();
    for (uint16_t i = record.clauses(); i > 0; --i) {
      const ClauseView clause(at);
      if (!AddClause(clause, slot)) {
        SetBit(tested_.data(), slot);
        segment_.any_tested_ = true;
      }
      at = clause.end();
    }
  }

  // False: bits cannot say it.
  bool AddClause(ClauseView clause, uint32_t slot) {
    const ClauseKind kind = clause.kind();
    if (kind == ClauseKind::kPattern || kind == ClauseKind::kAnyOf) return false;
    const bool text = kind != ClauseKind::kEqualsAny && kind != ClauseKind::kExists;
    if (text && clause.operand().bytes.empty()) return false;  // begins every text, and no number
    if (kind == ClauseKind::kContains) {
      contained_[clause.field()].push_back(
          {.text = clause.operand().bytes, .slot = slot, .negated = clause.negated()});
      return true;
    }
    const uint16_t class_index = ClassOf(clause);
    if (class_index == kNoClass) return false;
    SetBit(has_[class_index].data(), slot);
    if (kind == ClauseKind::kExists) return true;
    const char* at = clause.first_operand();
    for (uint16_t i = clause.operands(); i > 0; --i) {
      const char* const operand = at;
      ClauseView::Next(at);
      const uint32_t term = TermOf(clause.field(), kind, operand);
      uses_.push_back({.term = term, .class_index = class_index, .slot = slot});
    }
    return true;
  }

  // A second condition of the same sort in a trigger is of another class, for both must hold. The
  // negated ones may share theirs: none may be met.
  uint16_t ClassOf(ClauseView clause) {
    const uint32_t sort = uint32_t{clause.field()} << 8 |
                          static_cast<uint32_t>(clause.kind()) << 4 | (clause.negated() ? 8u : 0u);
    uint8_t layer = 0;
    if (!clause.negated()) {
      layer = static_cast<uint8_t>(std::count(used_.begin(), used_.end(), sort));
      if (layer >= kMostLayers) return kNoClass;
      used_.push_back(sort);
    }
    const auto [known, is_new] =
        class_of_.try_emplace(sort | layer, static_cast<uint16_t>(segment_.classes_.size()));
    if (!is_new) return known->second;
    if (segment_.classes_.size() == kMostClasses) {
      class_of_.erase(known);
      return kNoClass;
    }
    segment_.classes_.push_back({.field = clause.field(),
                                 .kind = clause.kind(),
                                 .negated = clause.negated(),
                                 .layer = layer});
    has_.emplace_back(segment_.words());
    return known->second;
  }

  uint32_t TermOf(uint16_t field, ClauseKind kind, const char* operand_at) {
    const char* at = operand_at;
    const Operand operand = ClauseView::Next(at);
    if (2 * (segment_.terms_.size() + 1) > places_.size()) GrowPlaces();
    const size_t mask = places_.size() - 1;
    for (size_t i = Segment::HashOf(field, kind, operand.hash);; ++i) {
      uint32_t& place = places_[i & mask];
      if (place == 0) {
        segment_.terms_.push_back(
            {.hash = operand.hash,
             .operand = static_cast<uint32_t>((operand_at - segment_.records_.data()) / 4),
             .field = field,
             .kind = kind});
        place = static_cast<uint32_t>(segment_.terms_.size());
        return place - 1;
      }
      const Term& term = segment_.terms_[place - 1];
      if (term.hash != operand.hash || term.field != field || term.kind != kind) continue;
      const Operand known = segment_.OperandOf(term);
      if (known.tag == operand.tag && known.bytes == operand.bytes) return place - 1;
    }
  }

  void GrowPlaces() {
    places_.assign(2 * places_.size(), 0);
    PlaceTerms(places_, [](const Term&) { return true; });
  }

  template <typename Wanted>
  void PlaceTerms(std::vector<uint32_t>& places, Wanted wanted) {
    const size_t mask = places.size() - 1;
    for (uint32_t t = 0; t < segment_.terms_.size(); ++t) {
      const Term& term = segment_.terms_[t];
      if (!wanted(term)) continue;
      size_t i = Segment::HashOf(term.field, term.kind, term.hash);
      while (places[i & mask] != 0) ++i;
      places[i & mask] = t + 1;
    }
  }

  uint32_t AppendBits(const std::vector<uint64_t>& bits) {
    const auto begin = static_cast<uint32_t>(segment_.bits_.size());
    segment_.bits_.insert(segment_.bits_.end(), bits.begin(), bits.end());
    return begin;
  }

  void PlaceClasses() {
    for (size_t i = 0; i < has_.size(); ++i) segment_.classes_[i].has = AppendBits(has_[i]);
    segment_.tested_ = AppendBits(tested_);
  }

  // Brings the uses of each term together, by counting, and of each class within a term.
  void PlaceEntries() {
    std::vector<uint32_t> begin(segment_.terms_.size() + 1);
    for (const Use& use : uses_) ++begin[use.term + 1];
    for (size_t t = 1; t < begin.size(); ++t) begin[t] += begin[t - 1];
    std::vector<Use> sorted(uses_.size());
    std::vector<uint32_t> next = begin;
    for (const Use& use : uses_) sorted[next[use.term]++] = use;
    for (uint32_t t = 0; t < segment_.terms_.size(); ++t) {
      segment_.terms_[t].entries = static_cast<uint32_t>(segment_.entries_.size());
      const auto uses = absl::MakeSpan(sorted).subspan(begin[t], begin[t + 1] - begin[t]);
      std::stable_sort(uses.begin(), uses.end(),
                       [](const Use& a, const Use& b) { return a.class_index < b.class_index; });
      for (size_t i = 0; i < uses.size();) {
        size_t end = i;
        while (end < uses.size() && uses[end].class_index == uses[i].class_index) ++end;
        AddEntry(uses.subspan(i, end - i));
        i = end;
      }
    }
    segment_.terms_.push_back({.entries = static_cast<uint32_t>(segment_.entries_.size())});
  }

  // A list of a 64th of all slots takes half as much memory as their set, and longer to go through.
  void AddEntry(absl::Span<const Use> uses) {
    Entry entry{.class_index = uses[0].class_index, .count = static_cast<uint32_t>(uses.size())};
    if (uses.size() == 1) {
      entry.begin = uses[0].slot;
    } else if (64 * uses.size() >= segment_.size()) {
      std::vector<uint64_t> bits(segment_.words());
      for (const Use& use : uses) SetBit(bits.data(), use.slot);
      entry.form = Entry::Form::kBits;
      entry.begin = AppendBits(bits);
    } else {
      entry.form = Entry::Form::kList;
      entry.begin = static_cast<uint32_t>(segment_.slots_.size());
      for (const Use& use : uses) segment_.slots_.push_back(use.slot);
    }
    segment_.entries_.push_back(entry);
  }

  void BuildPatterns() {
    std::map<std::pair<ClauseKind, uint16_t>, std::vector<PatternSet::Text>> texts;
    for (uint32_t t = 0; t + 1 < segment_.terms_.size(); ++t) {
      const Term& term = segment_.terms_[t];
      if (term.kind == ClauseKind::kEqualsAny) continue;
      const std::string_view bytes = segment_.OperandOf(term).bytes;
      texts[{term.kind, term.field}].push_back({.bytes = bytes, .id = t});
    }
    for (auto& [sort, of_sort] : texts) {
      const auto [kind, field] = sort;
      const auto use =
          kind == ClauseKind::kStartsWith ? PatternSet::Use::kPrefixes : PatternSet::Use::kSuffixes;
      segment_.patterns_.push_back(
          {.field = field, .kind = kind, .set = PatternSet(use, std::move(of_sort))});
    }
  }

  void BuildEqual() {
    size_t count = 0;
    std::vector<uint16_t>& fields = segment_.equal_fields_;
    for (const Term& term : absl::MakeSpan(segment_.terms_).first(segment_.terms_.size() - 1)) {
      if (term.kind != ClauseKind::kEqualsAny) continue;
      ++count;
      if (std::find(fields.begin(), fields.end(), term.field) == fields.end()) {
        fields.push_back(term.field);
      }
    }
    size_t size = 2;
    while (size < 2 * count) size *= 2;
    segment_.places_.resize(size);
    const Term end = segment_.terms_.back();
    segment_.terms_.pop_back();
    PlaceTerms(segment_.places_,
               [](const Term& term) { return term.kind == ClauseKind::kEqualsAny; });
    segment_.terms_.push_back(end);
  }

  Segment& segment_;
  absl::flat_hash_map<uint32_t, uint16_t> class_of_;  // by sort and layer
  std::vector<uint32_t> used_;                        // sorts of the record at hand
  std::vector<std::vector<uint64_t>> has_;            // by class
  std::vector<uint64_t> tested_;
  std::map<uint16_t, std::vector<ContainedConditions::Condition>> contained_;  // by field
  std::vector<uint32_t> places_;  // hash table of all terms
  std::vector<Use> uses_;
};

std::shared_ptr<const Segment> Segment::Build(absl::Span<const char* const> records) {
  auto made = std::make_shared<Segment>();
  SegmentBuilder(*made).Build(records);
  return made;
}

}  // namespace routines
