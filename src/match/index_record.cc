#include "src/match/index_record.h"

#include <algorithm>

#include "src/match/filter.h"
#include "src/match/find_text.h"
#include "src/match/index_pattern.h"

namespace routines {
namespace {

void Append32(std::string& bytes, uint32_t word) {
  bytes.append(reinterpret_cast<const char*>(&word), sizeof(word));
}
void Append16(std::string& bytes, uint16_t word) {
  bytes.append(reinterpret_cast<const char*>(&word), sizeof(word));
}
void Store32(std::string& bytes, size_t at, uint32_t word) {
  std::memcpy(bytes.data() + at, &word, sizeof(word));
}
void Store16(std::string& bytes, size_t at, uint16_t word) {
  std::memcpy(bytes.data() + at, &word, sizeof(word));
}

// An absent value is null, and the empty text.
bool EqualsAbsent(const Operand& operand) {
  return operand.tag == Tag::kAbsent || (operand.tag == Tag::kText && operand.bytes.empty());
}

bool EqualsAny(ClauseView clause, Scalar& scalar) {
  const char* at = clause.first_operand();
  for (uint16_t i = clause.operands(); i > 0; --i) {
    const Operand operand = ClauseView::Next(at);
    if (scalar.tag == Tag::kAbsent) {
      if (EqualsAbsent(operand)) return true;
    } else if (operand.tag == scalar.tag && operand.bytes.size() == scalar.text.size() &&
               operand.hash == ValueHash(scalar) && operand.bytes == scalar.text) {
      return true;
    }
  }
  return false;
}

bool TextHolds(ClauseView clause, const Scalar& scalar) {
  if (scalar.tag != Tag::kText && scalar.tag != Tag::kAbsent) return false;
  const Operand operand = clause.operand();
  const std::string_view text = scalar.text, wanted = operand.bytes;
  switch (clause.kind()) {
    case ClauseKind::kStartsWith:
      return text.size() >= wanted.size() && text.substr(0, wanted.size()) == wanted;
    case ClauseKind::kEndsWith:
      return text.size() >= wanted.size() && text.substr(text.size() - wanted.size()) == wanted;
    case ClauseKind::kContains:
      return FindText(text, wanted);
    case ClauseKind::kPattern: {
      const Pattern* pattern;
      std::memcpy(&pattern, wanted.data(), sizeof(pattern));
      return pattern->Matches(scalar);
    }
    default:
      return false;
  }
}

bool AnyOfHolds(ClauseView clause, EventValues& values) {
  const char* at = clause.behind();
  for (uint16_t i = clause.inside(); i > 0; --i) {
    const ClauseView inner(at);
    if (ClauseHolds(inner, values)) return true;
    at = inner.end();
  }
  return false;
}

}  // namespace

RecordWriter::RecordWriter(uint64_t match) {
  bytes_.append(reinterpret_cast<const char*>(&match), sizeof(match));
  bytes_.resize(RecordView::kHeadBytes);
}

void RecordWriter::BeginClause(ClauseKind kind, uint8_t flags, uint16_t field, uint16_t inside) {
  clause_ = bytes_.size();
  bytes_.push_back(static_cast<char>(kind));
  bytes_.push_back(static_cast<char>(flags));
  Append16(bytes_, field);
  Append16(bytes_, 0);
  Append16(bytes_, inside);
  if (inside_ > 0) {
    --inside_;
  } else {
    ++clauses_;
  }
  inside_ += inside;
}

void RecordWriter::AddOperand(Tag tag, std::string_view bytes) {
  uint16_t operands;
  std::memcpy(&operands, bytes_.data() + clause_ + 4, sizeof(operands));
  Store16(bytes_, clause_ + 4, static_cast<uint16_t>(operands + 1));
  Append32(bytes_, HashScalar(tag, bytes));
  Append32(bytes_, static_cast<uint32_t>(tag) << 24 | static_cast<uint32_t>(bytes.size()));
  bytes_.append(bytes);
  bytes_.resize((bytes_.size() + 3) & ~size_t{3});
}

std::string RecordWriter::Finish() && {
  bytes_.resize((bytes_.size() + 7) & ~size_t{7});
  Store32(bytes_, 8, static_cast<uint32_t>(bytes_.size()));
  Store16(bytes_, 12, clauses_);
  return std::move(bytes_);
}

bool ClauseHolds(ClauseView clause, EventValues& values) {
  if (clause.kind() == ClauseKind::kAnyOf) return AnyOfHolds(clause, values);
  if (clause.kind() == ClauseKind::kExists) {
    return values.exists(clause.field()) != clause.negated();
  }
  const auto scalars = values.scalars(clause.field());
  const bool equals = clause.kind() == ClauseKind::kEqualsAny;
  const bool holds = std::any_of(scalars.begin(), scalars.end(), [&](Scalar& scalar) {
    return equals ? EqualsAny(clause, scalar) : TextHolds(clause, scalar);
  });
  return holds != clause.negated();
}

bool ContainedHold(RecordView record, uint16_t field, absl::Span<const Scalar> values,
                   int& comparisons) {
  const char* at = record.first_clause();
  for (uint16_t i = record.clauses(); i > 0; --i) {
    const ClauseView clause(at);
    at = clause.end();
    if (clause.kind() != ClauseKind::kContains || clause.field() != field) continue;
    const std::string_view wanted = clause.operand().bytes;
    const bool found = std::any_of(values.begin(), values.end(), [&](const Scalar& value) {
      return value.tag == Tag::kText && FindTextWithin(value.text, wanted, comparisons);
    });
    if (comparisons < 0 || found == clause.negated()) return false;
  }
  return true;
}

bool RecordHolds(RecordView record, EventValues& values) {
  const char* at = record.first_clause();
  for (uint16_t i = record.clauses(); i > 0; --i) {
    const ClauseView clause(at);
    if (!ClauseHolds(clause, values)) return false;
    at = clause.end();
  }
  return true;
}

}  // namespace routines
