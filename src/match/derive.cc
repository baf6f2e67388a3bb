#include "src/match/derive.h"

#include "absl/strings/match.h"

namespace routines {
namespace {

using Kind = DerivedField::Kind;

// The first of the paths that is not absent.
DerivedField First(const Extraction& extraction, int first, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const DerivedField field = PointerField(extraction.values(first + static_cast<int>(i)));
    if (field.kind != Kind::kAbsent) return field;
  }
  return {};
}

// Cuts `prefix` off a text; false where it is not there.
bool Cut(std::string_view prefix, DerivedField& field) {
  if (field.kind != Kind::kText || field.text.substr(0, prefix.size()) != prefix) return false;
  field.text.remove_prefix(prefix.size());
  return true;
}

DerivedField After(std::string_view prefix, DerivedField field) {
  return Cut(prefix, field) ? field : DerivedField();
}

DerivedField Boolean(bool value) {
  return {.kind = Kind::kBoolean, .boolean = value};
}

bool Differ(const DerivedField& first, const DerivedField& second) {
  if (first.kind != Kind::kText || second.kind != Kind::kText) return true;
  return !absl::EqualsIgnoreCase({first.text.data(), first.text.size()},
                                 {second.text.data(), second.text.size()});
}

}  // namespace

DerivedField PointerField(absl::Span<const ExtractedValue> values) {
  if (values.empty()) return {};
  const ExtractedValue& value = values.front();
  switch (value.kind) {
    case ValueKind::kNull:
    case ValueKind::kObject:
      return {};
    case ValueKind::kFalse:
    case ValueKind::kTrue:
      return Boolean(value.kind == ValueKind::kTrue);
    case ValueKind::kNumber:
      return {.kind = Kind::kNumber, .text = value.text()};
    case ValueKind::kString:
      return {.kind = Kind::kText, .text = value.text()};
    case ValueKind::kArray:
      return {.kind = Kind::kList, .lists = {values.subspan(1)}};
  }
  return {};
}

bool PointerExists(absl::Span<const ExtractedValue> values) {
  if (values.empty() || values.front().kind == ValueKind::kNull) return false;
  return values.front().kind != ValueKind::kArray || values.front().size > 0;
}

DerivedField DeriveField(const FieldRecipe& recipe, const Extraction& extraction,
                         int first_target) {
  const size_t count = recipe.used_paths().size();
  DerivedField field;
  switch (recipe.derivation) {
    case Derivation::kFirst:
      return First(extraction, first_target, count);
    case Derivation::kBranch:
      field = First(extraction, first_target, count);
      Cut("refs/heads/", field);
      return field;
    case Derivation::kBranchOnly:
      return After("refs/heads/", First(extraction, first_target, count));
    case Derivation::kTagOnly:
      return After("refs/tags/", First(extraction, first_target, count));
    case Derivation::kUnion:
      field.kind = Kind::kList;
      for (size_t i = 0; i < count; ++i) {
        field.lists[i] = extraction.values(first_target + static_cast<int>(i));
      }
      return field;
    case Derivation::kPresent:
      return Boolean(First(extraction, first_target, count).kind != Kind::kAbsent);
    case Derivation::kDiffer:
      return Boolean(Differ(First(extraction, first_target, 1),
                            First(extraction, first_target + 1, count - 1)));
  }
  return field;
}

}  // namespace routines
