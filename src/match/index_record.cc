#include "src/match/index_record.h"

#include <algorithm>

#include "src/match/filter.h"
#include "src/match/find_text.h"
#include "src/match/index_pattern.h"

namespace routines {
namespace {

// An absent value is null, and the empty text.
bool EqualsAbsent(const Operand& operand) {
  return operand.tag == Tag::kAbsent || (operand.tag == Tag::kText && operand.bytes.empty());
}

bool EqualsAny(ClauseView clause, const Scalar& scalar) {
  const char* at = clause.first_operand();
  for (uint16_t i = clause.operands(); i > 0; --i) {
    const Operand operand = Operand::Take(at);
    if (scalar.tag == Tag::kAbsent) {
      if (EqualsAbsent(operand)) return true;
    } else if (operand.tag == scalar.tag && operand.bytes.size() == scalar.text.size() &&
               SameBytes(operand.bytes.data(), scalar.text.data(), scalar.text.size())) {
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

void AppendNumber(uint32_t number, std::string& out) {
  for (; number >= 128; number >>= 7) out.push_back(static_cast<char>(number | 128));
  out.push_back(static_cast<char>(number));
}

void RecordWriter::AddClause(ClauseKind kind, uint8_t flags, uint16_t field,
                             uint16_t operands_or_inside) {
  bytes_.push_back(static_cast<char>(static_cast<uint8_t>(kind) | flags));
  AppendNumber(field, bytes_);
  AppendNumber(operands_or_inside, bytes_);
}

void RecordWriter::AddOperand(Tag tag, std::string_view bytes) {
  const auto size = static_cast<uint32_t>(bytes.size());
  const uint32_t short_size = std::min(size, Operand::kSizeFollows);
  bytes_.push_back(static_cast<char>(static_cast<uint32_t>(tag) | short_size << 3));
  if (short_size == Operand::kSizeFollows) AppendNumber(size, bytes_);
  bytes_.append(bytes);
}

void RecordWriter::Finish(std::string& out) const {
  AppendNumber(static_cast<uint32_t>(bytes_.size()), out);
  out.append(bytes_);
}

bool ClauseHolds(ClauseView clause, EventValues& values) {
  if (clause.kind() == ClauseKind::kAnyOf) return AnyOfHolds(clause, values);
  if (clause.kind() == ClauseKind::kExists) {
    return values.exists(clause.field()) != clause.negated();
  }
  const auto scalars = values.scalars(clause.field());
  const bool equals = clause.kind() == ClauseKind::kEqualsAny;
  const bool holds = std::any_of(scalars.begin(), scalars.end(), [&](const Scalar& scalar) {
    return equals ? EqualsAny(clause, scalar) : TextHolds(clause, scalar);
  });
  return holds != clause.negated();
}

bool ContainedHold(RecordView record, uint16_t field, absl::Span<const Scalar> values,
                   int& comparisons) {
  for (const char* at = record.first_clause(); at != record.end();) {
    const ClauseView clause(at);
    at = clause.end();
    if (clause.kind() != ClauseKind::kContains || clause.field() != field) continue;
    const std::string_view wanted = clause.operand().bytes;
    if (wanted.empty()) continue;  // holds of what is no text, too: RecordHolds tests it
    const bool found = std::any_of(values.begin(), values.end(), [&](const Scalar& value) {
      return value.tag == Tag::kText && FindTextWithin(value.text, wanted, comparisons);
    });
    if (comparisons < 0 || found == clause.negated()) return false;
  }
  return true;
}

bool RecordHolds(RecordView record, EventValues& values) {
  for (const char* at = record.first_clause(); at != record.end();) {
    const ClauseView clause(at);
    if (!ClauseHolds(clause, values)) return false;
    at = clause.end();
  }
  return true;
}

}  // namespace routines
