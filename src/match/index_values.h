// What an event holds at each field that the index reads: scalars, ready to be compared.
//
// A field is a small number, its place in the table of a Stream (index_stream.h). Used by one
// thread at a time; views borrow the event.
#ifndef ROUTINES_SRC_MATCH_INDEX_VALUES_H_
#define ROUTINES_SRC_MATCH_INDEX_VALUES_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "src/match/index_hash.h"

namespace routines {

// What kind of scalar it is; as in records, so that values compare with operands byte for byte.
enum class Tag : uint8_t {
  kAbsent,
  kText,
  kNumber,
  kTrue,
  kFalse,
  kWord,  // one byte: the number of an action (index_stream.h)
};

// One scalar: that of a field, or an element of its list.
struct Scalar {
  Tag tag = Tag::kAbsent;
  // kText: lower case where the field ignores case; kNumber: 8 bytes; kWord: 1
  std::string_view text;
  std::string_view raw;  // kText: as it came
  uint32_t hash = 0;     // of tag and text; set by ValueHash
  bool hashed = false;
};

uint32_t HashScalar(Tag tag, std::string_view text);

class EventValues {
 public:
  struct Field {
    uint32_t begin = 0, count = 0;
    bool exists = false;
  };

  // Forgets the last event, and makes room for `fields`.
  void Reset(size_t fields) {
    fields_.assign(fields, {});
    scalars_.clear();
  }

  // Fill one field after the other: what is added belongs to the field last begun.
  void Begin(uint16_t field) { fields_[field].begin = static_cast<uint32_t>(scalars_.size()); }
  void Add(const Scalar& scalar) { scalars_.push_back(scalar); }
  void End(uint16_t field, bool exists) {
    fields_[field].count = static_cast<uint32_t>(scalars_.size()) - fields_[field].begin;
    fields_[field].exists = exists;
  }

  // An absent value is one scalar of kAbsent; an empty list has none.
  absl::Span<Scalar> scalars(uint16_t field) {
    const Field& place = fields_[field];
    return {scalars_.data() + place.begin, place.count};
  }
  uint32_t scalar_count() const { return static_cast<uint32_t>(scalars_.size()); }
  bool exists(uint16_t field) const { return fields_[field].exists; }
  size_t size() const { return fields_.size(); }

 private:
  std::vector<Field> fields_;
  std::vector<Scalar> scalars_;
};

// The hash of a scalar, computed when it is first asked for: bodies are rarely compared whole.
inline uint32_t ValueHash(Scalar& scalar) {
  if (!scalar.hashed) {
    scalar.hash = HashScalar(scalar.tag, scalar.text);
    scalar.hashed = true;
  }
  return scalar.hash;
}

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_INDEX_VALUES_H_
