// A trigger as the index keeps it: its conditions in one run of bytes, ready to be tested.
//
//   record   size of the rest · clauses
//   clause   u8 kind and flags · field · how many operands, or clauses inside · operands
//   operand  u8 tag | size << 3 · bytes; a size of 31 says that the size follows
//
// Numbers without a type take 7 bits a byte, the lowest first. Nothing is aligned: of a million
// routines, what counts is how many fit into a cache.
//
// Small groups are such records one behind the other, scanned. Large ones (index_segment.h) are
// built from them and test a record only for what bits cannot say. Immutable once built.
#ifndef ROUTINES_SRC_MATCH_INDEX_RECORD_H_
#define ROUTINES_SRC_MATCH_INDEX_RECORD_H_

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "src/match/index_hash.h"
#include "src/match/index_values.h"

namespace routines {

enum class ClauseKind : uint8_t {
  kEqualsAny,  // any of the operands
  kExists,
  kStartsWith,
  kEndsWith,
  kContains,
  kPattern,  // its operand is the address of a Pattern (index_pattern.h)
  kAnyOf,    // any of the clauses inside, which follow
};

enum ClauseFlags : uint8_t {
  kNegated = 8,
  kImplied = 16,  // follows from a pattern of the record: true of all that match, and soon tested
};

// The low seven bits of each byte, the lowest first; a byte below 128 is the last.
inline uint32_t TakeNumber(const char*& at) {
  auto byte = static_cast<unsigned char>(*at++);
  uint32_t number = byte;
  for (int shift = 7; byte >= 128; shift += 7) {
    byte = static_cast<unsigned char>(*at++);
    number += (uint32_t{byte} - 1) << shift;  // less the mark of the byte before
  }
  return number;
}
void AppendNumber(uint32_t number, std::string& out);

struct Operand {
  Tag tag = Tag::kAbsent;
  std::string_view bytes;

  // Reads the one at `at` and moves on behind it.
  static Operand Take(const char*& at) {
    const auto head = static_cast<unsigned char>(*at++);
    uint32_t size = head >> 3;
    if (size == kSizeFollows) size = TakeNumber(at);
    const Operand operand{.tag = static_cast<Tag>(head & 7), .bytes = {at, size}};
    at += size;
    return operand;
  }

  static constexpr uint32_t kSizeFollows = 31;
};

// One clause, as it stands in a record. Valid as long as that.
class ClauseView {
 public:
  explicit ClauseView(const char* at) : head_(static_cast<unsigned char>(*at++)) {
    field_ = static_cast<uint16_t>(TakeNumber(at));
    count_ = static_cast<uint16_t>(TakeNumber(at));
    operands_ = at;
  }

  ClauseKind kind() const { return static_cast<ClauseKind>(head_ & 7); }
  bool negated() const { return (head_ & kNegated) != 0; }
  bool implied() const { return (head_ & kImplied) != 0; }
  uint16_t field() const { return field_; }
  uint16_t operands() const { return kind() == ClauseKind::kAnyOf ? 0 : count_; }
  uint16_t inside() const { return kind() == ClauseKind::kAnyOf ? count_ : 0; }

  const char* first_operand() const { return operands_; }
  Operand operand() const {  // the only one
    const char* at = operands_;
    return Operand::Take(at);
  }
  // Behind the operands: the next clause, or the first one inside.
  const char* behind() const {
    const char* at = operands_;
    for (uint16_t i = operands(); i > 0; --i) Operand::Take(at);
    return at;
  }
  // Behind the clauses inside, too.
  const char* end() const {
    const char* at = behind();
    for (uint16_t i = inside(); i > 0; --i) at = ClauseView(at).end();
    return at;
  }

 private:
  unsigned char head_;
  uint16_t field_;
  uint16_t count_;
  const char* operands_;
};

// A record: its clauses from first_clause() to end().
class RecordView {
 public:
  explicit RecordView(const char* at) : at_(at), first_(at) {
    const uint32_t size = TakeNumber(first_);
    end_ = first_ + size;
  }

  const char* data() const { return at_; }
  const char* first_clause() const { return first_; }
  const char* end() const { return end_; }
  size_t bytes() const { return static_cast<size_t>(end_ - at_); }

 private:
  const char* at_;
  const char* first_;
  const char* end_;
};

// Whose record it is (routine << 16 | trigger), and where it is.
struct RecordRef {
  uint64_t match = 0;
  const char* at = nullptr;
};

// Writes one record after the other.
class RecordWriter {
 public:
  void Begin() { bytes_.clear(); }
  // `inside`: how many of the clauses that follow are inside this one; otherwise just as many
  // operands must be added to it.
  void AddClause(ClauseKind kind, uint8_t flags, uint16_t field, uint16_t operands_or_inside);
  void AddOperand(Tag tag, std::string_view bytes);

  size_t bytes() const { return bytes_.size(); }
  // Appends the record begun last.
  void Finish(std::string& out) const;

 private:
  std::string bytes_;
};

// Whether one clause holds.
bool ClauseHolds(ClauseView clause, EventValues& values);
// Whether all of a record's `contains` conditions on a field, whose values these are, hold. Texts
// are compared at no more than `comparisons` positions: what is left of that; negative: it was
// given up, and the answer is false.
bool ContainedHold(RecordView record, uint16_t field, absl::Span<const Scalar> values,
                   int& comparisons);
// Whether all of a record's do.
bool RecordHolds(RecordView record, EventValues& values);

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_INDEX_RECORD_H_
