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

  void Build(absl::Span<const RecordRef> records, uint32_t least_cluster) {
    FindClusters(records, least_cluster);
    CopyRecords(records);
    tested_.resize(segment_.words());
    places_.resize(64);
    for (const Segment::Cluster& cluster : segment_.clusters_) {
      const bool first = &cluster == segment_.clusters_.data();
      for (uint32_t i = 0; i < cluster.size; ++i) AddRecord(cluster.begin + i, !first);
    }
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

  using Actions = std::array<uint64_t, 4>;

  // The actions that a record wants, where its first clause says that; none otherwise.
  Actions ActionsOf(const RecordRef& record) {
    Actions actions = {};
    const RecordView view(record.at);
    if (view.first_clause() == view.end()) return actions;
    const ClauseView clause(view.first_clause());
    if (clause.kind() != ClauseKind::kEqualsAny || clause.negated()) return actions;
    const char* at = clause.first_operand();
    for (uint16_t i = clause.operands(); i > 0; --i) {
      const Operand operand = Operand::Take(at);
      if (operand.tag != Tag::kWord) return {};
      const auto number = static_cast<unsigned char>(operand.bytes[0]);
      actions[number / 64] |= uint64_t{1} << number % 64;
    }
    if (actions != Actions{}) segment_.action_field_ = clause.field();
    return actions;
  }

  // Sets of actions that many want become clusters.
  void FindClusters(absl::Span<const RecordRef> records, uint32_t least_cluster) {
    constexpr size_t kMostClusters = 64;
    segment_.clusters_.resize(1);
    const size_t least = std::max<size_t>(least_cluster, records.size() / kMostClusters);
    if (records.size() < least) return;
    absl::flat_hash_map<Actions, size_t> counts;
    for (const RecordRef& record : records) ++counts[ActionsOf(record)];
    std::vector<Actions> frequent;
    for (const auto& [actions, count] : counts) {
      if (count >= least && actions != Actions{}) frequent.push_back(actions);
    }
    std::sort(frequent.begin(), frequent.end());
    if (frequent.size() > kMostClusters) frequent.resize(kMostClusters);
    for (const Actions& actions : frequent) {
      cluster_of_[actions] = segment_.clusters_.size();
      segment_.clusters_.push_back({.actions = actions});
    }
  }

  size_t ClusterOf(const RecordRef& record) {
    if (cluster_of_.empty()) return 0;
    const auto found = cluster_of_.find(ActionsOf(record));
    return found == cluster_of_.end() ? 0 : found->second;
  }

  void CopyRecords(absl::Span<const RecordRef> records) {
    size_t bytes = 0;
    std::vector<uint8_t> cluster_of(records.size());
    std::vector<Segment::Cluster>& clusters = segment_.clusters_;
    for (size_t i = 0; i < records.size(); ++i) {
      bytes += RecordView(records[i].at).bytes();
      cluster_of[i] = static_cast<uint8_t>(ClusterOf(records[i]));
      ++clusters[cluster_of[i]].size;
    }
    uint32_t slots = 0;
    std::vector<uint32_t> next;
    for (Segment::Cluster& cluster : clusters) {
      cluster.begin = slots;
      next.push_back(slots);
      slots += static_cast<uint32_t>(64 * BitmapWords(cluster.size));
    }
    segment_.size_ = static_cast<uint32_t>(records.size());
    segment_.records_.reserve(bytes);
    segment_.matches_.resize(slots, ~uint64_t{0});
    segment_.offsets_.resize(slots);
    for (size_t i = 0; i < records.size(); ++i) {
      const RecordView view(records[i].at);
      const uint32_t slot = next[cluster_of[i]]++;
      segment_.matches_[slot] = records[i].match;
      segment_.offsets_[slot] = static_cast<uint32_t>(segment_.records_.size());
      segment_.records_.insert(segment_.records_.end(), view.data(), view.end());
    }
  }

  // `clustered`: the first clause is said by where the slot is.
  void AddRecord(uint32_t slot, bool clustered) {
    const RecordView record(segment_.record(slot).at);
    used_.clear();
    const char* at = record.first_clause();
    if (clustered) at = ClauseView(at).end();
    while (at != record.end()) {
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
      Operand::Take(at);
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
    const Operand operand = Operand::Take(at);
    const uint32_t hash = HashScalar(operand.tag, operand.bytes);
    if (2 * (segment_.terms_.size() + 1) > places_.size()) GrowPlaces();
    const size_t mask = places_.size() - 1;
    for (size_t i = Segment::HashOf(field, kind, hash);; ++i) {
      uint32_t& place = places_[i & mask];
      if (place == 0) {
        segment_.terms_.push_back(
            {.hash = hash,
             .operand = static_cast<uint32_t>(operand_at - segment_.records_.data()),
             .field = field,
             .kind = kind});
        place = static_cast<uint32_t>(segment_.terms_.size());
        return place - 1;
      }
      const Term& term = segment_.terms_[place - 1];
      if (term.hash != hash || term.field != field || term.kind != kind) continue;
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
  // A set has the slots that have no such condition, too; not of a negated class, which takes away.
  void AddEntry(absl::Span<const Use> uses) {
    Entry entry{.class_index = uses[0].class_index, .count = static_cast<uint32_t>(uses.size())};
    if (uses.size() == 1) {
      entry.begin = uses[0].slot;
    } else if (64 * uses.size() >= segment_.size()) {
      std::vector<uint64_t> bits(segment_.words());
      if (!segment_.classes_[entry.class_index].negated) {
        const std::vector<uint64_t>& has = has_[entry.class_index];
        std::transform(has.begin(), has.end(), bits.begin(), [](uint64_t word) { return ~word; });
      }
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
  absl::flat_hash_map<Actions, size_t> cluster_of_;
  std::vector<uint32_t> places_;  // hash table of all terms
  std::vector<Use> uses_;
};

std::shared_ptr<const Segment> Segment::Build(absl::Span<const RecordRef> records,
                                              uint32_t least_cluster) {
  auto made = std::make_shared<Segment>();
  SegmentBuilder(*made).Build(records, least_cluster);
  return made;
}

}  // namespace routines
