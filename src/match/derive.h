// Makes a field's value of what an Extraction has read at its paths, without copies: the fast side
// of EventReader::Derived, which it must agree with.
//
//   // plan: recipe.used_paths() stand at the targets first, first + 1, …
//   const DerivedField field = DeriveField(recipe, extraction, first);
//
// Thread-safe. The result borrows from the Extraction, until its next Read.
#ifndef ROUTINES_SRC_MATCH_DERIVE_H_
#define ROUTINES_SRC_MATCH_DERIVE_H_

#include <array>
#include <string_view>

#include "absl/types/span.h"
#include "src/match/extract.h"
#include "src/match/github_fields.h"

namespace routines {

struct DerivedField {
  enum class Kind { kAbsent, kBoolean, kNumber, kText, kList };

  Kind kind = Kind::kAbsent;
  bool boolean = false;   // kBoolean
  std::string_view text;  // kText; kNumber: the literal
  // kList: its elements, one list behind the other. Of a set (Derivation::kUnion) only the texts
  // count, of another list all.
  std::array<absl::Span<const ExtractedValue>, FieldRecipe::kMostPaths> lists;
};

DerivedField DeriveField(const FieldRecipe& recipe, const Extraction& extraction, int first_target);

// The value of one target whose path is a plain pointer.
DerivedField PointerField(absl::Span<const ExtractedValue> values);
// The same; whether there is anything but null and an empty array.
bool PointerExists(absl::Span<const ExtractedValue> values);

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_DERIVE_H_
