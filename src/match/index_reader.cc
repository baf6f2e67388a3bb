#include "src/match/index_reader.h"

#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/charconv.h"
#include "absl/strings/match.h"

namespace routines {
namespace {

using Kind = DerivedField::Kind;

}  // namespace

void IndexReader::Open(const EventView& event) {
  event_ = event;
  arena_.Reset();
  payload_ = event.source == "github" ? Payload::kReadable : Payload::kUnknown;
  if (payload_ == Payload::kReadable) extraction_.Open(event.payload);
}

std::string_view IndexReader::Lower(std::string_view text) {
  char* const bytes = arena_.Reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    bytes[i] = absl::ascii_tolower(static_cast<unsigned char>(text[i]));
  }
  arena_.Keep(text.size());
  return {bytes, text.size()};
}

absl::Status IndexReader::ReadRepository(const FieldChunk& first_chunk, std::string_view& name) {
  const int target = first_chunk.plan.targets() - 1;
  name = {};
  if (absl::Status status = extraction_.Read(first_chunk.plan, TargetBit(target)); !status.ok()) {
    return status;
  }
  const DerivedField value = PointerField(extraction_.values(target));
  if (value.kind == Kind::kText) name = Lower(value.text);
  return absl::OkStatus();
}

absl::Status IndexReader::ReadChunk(const FieldChunk& chunk, size_t index, uint64_t fields,
                                    EventValues& values) {
  const TargetMask targets = chunk.TargetsOf(fields);
  if (targets != 0 && payload_ == Payload::kUnknown) {
    payload_ = CheckPayload(event_.payload).ok() ? Payload::kReadable : Payload::kNone;
    if (payload_ == Payload::kReadable) extraction_.Open(event_.payload);
  }
  if (payload_ == Payload::kReadable) {
    if (absl::Status status = extraction_.Read(chunk.plan, targets); !status.ok()) return status;
  }
  for (size_t i = 0; i < chunk.fields.size(); ++i) {
    if ((fields >> i & 1) == 0) continue;
    AddField(chunk.fields[i], static_cast<uint16_t>(index * FieldChunk::kMostFields + i), values);
  }
  return absl::OkStatus();
}

void IndexReader::AddField(const StreamField& field, uint16_t number, EventValues& values) {
  values.Begin(number);
  const uint32_t before = values.scalar_count();
  DerivedField derived;
  bool exists = false;
  if (field.recipe == nullptr && !field.pointer) {
    derived = Attribute(field);
    exists = derived.kind != Kind::kAbsent;
    AddDerived(field, derived, values);
  } else if (payload_ != Payload::kReadable) {
    values.Add({});
  } else if (field.recipe != nullptr) {
    derived = DeriveField(*field.recipe, extraction_, field.first_target);
    AddDerived(field, derived, values);
    exists = derived.kind == Kind::kList ? values.scalar_count() > before || ListExists(field)
                                         : derived.kind != Kind::kAbsent;
  } else {
    const auto found = extraction_.values(field.first_target);
    AddDerived(field, PointerField(found), values);
    exists = PointerExists(found);
  }
  values.End(number, exists);
}

// A list of which nothing is a scalar exists, unless it is a set.
bool IndexReader::ListExists(const StreamField& field) const {
  if (field.recipe->derivation == Derivation::kUnion) return false;
  for (uint8_t t = 0; t < field.targets; ++t) {
    const auto found = extraction_.values(field.first_target + t);
    if (PointerField(found).kind == Kind::kList) return PointerExists(found);
  }
  return false;
}

void IndexReader::AddDerived(const StreamField& field, const DerivedField& derived,
                             EventValues& values) {
  switch (derived.kind) {
    case Kind::kAbsent:
      return values.Add({});
    case Kind::kBoolean:
      return values.Add({.tag = derived.boolean ? Tag::kTrue : Tag::kFalse});
    case Kind::kNumber:
      return values.Add(NumberScalar(derived.text));
    case Kind::kText:
      return values.Add(TextScalar(derived.text, field.ignore_case));
    case Kind::kList:
      break;
  }
  const bool texts_only = field.recipe != nullptr && field.recipe->derivation == Derivation::kUnion;
  for (const auto& list : derived.lists) {
    for (const ExtractedValue& element : list) {
      if (texts_only && element.kind != ValueKind::kString) continue;
      values.Add(ToScalar(element, field.ignore_case));
    }
  }
}

DerivedField IndexReader::Attribute(const StreamField& field) const {
  if (event_.attributes == nullptr) return {};
  const auto attribute = event_.attributes->find(field.name);
  if (attribute == event_.attributes->end()) return {};
  return {.kind = Kind::kText, .text = attribute->second};
}

Scalar IndexReader::TextScalar(std::string_view text, bool ignore_case) {
  return {.tag = Tag::kText, .text = ignore_case ? Lower(text) : text, .raw = text};
}

Scalar IndexReader::NumberScalar(std::string_view literal) {
  double number = 0;
  absl::from_chars(literal.data(), literal.data() + literal.size(), number);
  number += 0.0;  // of the two zeros, one
  char* const bytes = arena_.Reserve(sizeof(number));
  std::memcpy(bytes, &number, sizeof(number));
  arena_.Keep(sizeof(number));
  return {.tag = Tag::kNumber, .text = {bytes, sizeof(number)}};
}

Scalar IndexReader::ToScalar(const ExtractedValue& value, bool ignore_case) {
  switch (value.kind) {
    case ValueKind::kString:
      return TextScalar(value.text(), ignore_case);
    case ValueKind::kFalse:
      return {.tag = Tag::kFalse};
    case ValueKind::kTrue:
      return {.tag = Tag::kTrue};
    case ValueKind::kNumber:
      return NumberScalar(value.text());
    default:
      return {};
  }
}

}  // namespace routines
