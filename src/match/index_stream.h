// The fields that triggers of one GitHub event, or of one custom source, look at: each has a
// number, and a way to read it.
//
// Two kinds of use: writers, one at a time, ask for a field's number and thereby add it; readers
// take the table as it is and never wait. Numbers stay.
#ifndef ROUTINES_SRC_MATCH_INDEX_STREAM_H_
#define ROUTINES_SRC_MATCH_INDEX_STREAM_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "src/match/extract.h"
#include "src/match/github_fields.h"
#include "src/match/index_epoch.h"
#include "src/match/index_values.h"

namespace routines {

// One field, and where its values are in the plan of its chunk.
struct StreamField {
  std::string name;                     // an attribute's name, or a pointer
  const FieldRecipe* recipe = nullptr;  // of a named field
  bool pointer = false;
  bool ignore_case = false;
  uint8_t first_target = 0, targets = 0;
};

// Up to 64 fields that are read together. Immutable once published.
struct FieldChunk {
  static constexpr size_t kMostFields = 64;

  std::vector<StreamField> fields;
  ExtractionPlan plan;
  TargetMask targets_of_fields[kMostFields] = {};

  TargetMask TargetsOf(uint64_t fields) const;
};

class Stream {
 public:
  // `source` is "github", and `event` the name of one; or a custom source, and "".
  Stream(std::string key, std::string_view source, std::string_view event, EpochDomain& epochs);
  ~Stream();

  std::string_view key() const { return key_; }

  // What readers use, valid as long as the reader is pinned.
  struct Table {
    std::vector<std::shared_ptr<const FieldChunk>> chunks;  // by field number / 64
    std::vector<std::string> actions;                       // by number

    // -1: it has none.
    int ActionNumber(std::string_view action) const;
  };
  const Table& table() const { return *table_.load(std::memory_order_acquire); }

  // The number of a field, which is added where it is new. kResourceExhausted: there are too many.
  absl::StatusOr<uint16_t> FieldNumber(std::string_view name);

  // Of a github stream: the action's field. The repository's name is no field, but the last target
  // of the first chunk.
  uint16_t action_field() const { return action_field_; }
  // Actions have numbers, too, for they are few and most triggers ask for some: the number of one,
  // which is added where it is new. -1: there are too many, and this one is compared as a text.
  int ActionNumber(std::string_view action);
  // Puts the numbers of actions in place of their texts.
  static void NumberActions(const Table& table, absl::Span<Scalar> actions);

 private:
  static constexpr size_t kMostFields = 60000;
  static constexpr size_t kMostActions = 256;

  void Publish(std::unique_ptr<const Table> table);
  absl::Status AddField(std::string_view name);

  const std::string key_;
  const bool github_;
  EpochDomain& epochs_;
  std::atomic<const Table*> table_;
  absl::flat_hash_map<std::string, uint16_t> numbers_;
  uint16_t action_field_ = 0;
};

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_INDEX_STREAM_H_
