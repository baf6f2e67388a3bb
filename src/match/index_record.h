// A trigger as the index keeps it: its conditions in one run of bytes, ready to be tested.
//
//   record   u64 match · u32 bytes · u16 clauses · u16 unused · clauses
//   clause   u8 kind · u8 flags · u16 field · u16 operands · u16 clauses inside · operands
//   operand  u32 hash · u32 (tag << 24 | size) · bytes, padded to 4
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
  kPattern,  // operand: the address of a Pattern (index_pattern.h)
  kAnyOf,    // any of the clauses inside, which follow
};

enum ClauseFlags : uint8_t {
  kNegated = 1,
  kImplied = 2,  // follows from a pattern of the record: true of all that match, and soon tested
};

struct Operand {
  Tag tag = Tag::kAbsent;
  uint32_t hash = 0;
  std::string_view bytes;
};

// One clause, as it stands in a record. Valid as long as that.
class ClauseView {
 public:
  static constexpr size_t kHeadBytes = 8, kOperandHeadBytes = 8;

  explicit ClauseView(const char* at) : at_(at) {}

  ClauseKind kind() const { return static_cast<ClauseKind>(at_[0]); }
  bool negated() const { return (at_[1] & kNegated) != 0; }
  bool implied() const { return (at_[1] & kImplied) != 0; }
  uint16_t field() const { return Load16(at_ + 2); }
  uint16_t operands() const { return Load16(at_ + 4); }
  uint16_t inside() const { return Load16(at_ + 6); }

  const char* first_operand() const { return at_ + kHeadBytes; }
  // Reads the operand at `at` and moves on to the next.
  static Operand Next(const char*& at) {
    const uint32_t word = LoadHalfWord(at + 4);
    const uint32_t size = word & 0xffffff;
    const Operand operand{.tag = static_cast<Tag>(word >> 24),
                          .hash = LoadHalfWord(at),
                          .bytes = {at + kOperandHeadBytes, size}};
    at += kOperandHeadBytes + ((size + 3) & ~3u);
    return operand;
  }
  Operand operand() const {  // the only one
    const char* at = first_operand();
    return Next(at);
  }
  // Behind the operands: the next clause, or the first one inside.
  const char* behind() const {
    const char* at = first_operand();
    for (uint16_t i = operands(); i > 0; --i) Next(at);
    return at;
  }
  // Behind the clauses inside, too.
  const char* end() const {
    const char* at = behind();
    for (uint16_t i = inside(); i > 0; --i) at = ClauseView(at).end();
    return at;
  }

 private:
  static uint16_t Load16(const char* at) {
    uint16_t word;
    std::memcpy(&word, at, sizeof(word));
    return word;
  }

  const char* at_;
};

class RecordView {
 public:
  static constexpr size_t kHeadBytes = 16;

  explicit RecordView(const char* at) : at_(at) {}

  uint64_t match() const { return LoadWord(at_); }
  uint32_t bytes() const { return LoadHalfWord(at_ + 8); }  // all of the record's
  uint16_t clauses() const {
    uint16_t word;
    std::memcpy(&word, at_ + 12, sizeof(word));
    return word;
  }
  const char* data() const { return at_; }
  const char* first_clause() const { return at_ + kHeadBytes; }
  const char* end() const { return at_ + bytes(); }

 private:
  const char* at_;
};

// Writes one record.
class RecordWriter {
 public:
  explicit RecordWriter(uint64_t match);

  // `inside`: how many of the clauses that follow are inside this one.
  void BeginClause(ClauseKind kind, uint8_t flags, uint16_t field, uint16_t inside = 0);
  void AddOperand(Tag tag, std::string_view bytes);

  std::string Finish() &&;

 private:
  std::string bytes_;
  size_t clause_ = 0;     // where the clause begun last is
  uint16_t clauses_ = 0;  // those that are inside none
  uint16_t inside_ = 0;   // how many more will be inside
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
