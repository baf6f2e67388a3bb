// The field table as data: which fields each GitHub event has, and how a field's value comes from
// the payload. Everything that reads fields (EventReader, the matcher, `routines fields`) reads it
// from here.
//
// Pure; the tables live for ever.
#ifndef ROUTINES_SRC_MATCH_GITHUB_FIELDS_H_
#define ROUTINES_SRC_MATCH_GITHUB_FIELDS_H_

#include <array>
#include <string_view>

#include "absl/types/span.h"
#include "routines/event.h"

namespace routines {

// What is made of the values at a field's paths. A value is absent where it is missing, null or an
// object.
enum class Derivation {
  kFirst,       // the first that is not absent
  kBranch,      // the first that is not absent, without a leading refs/heads/
  kBranchOnly,  // the text after refs/heads/; absent where the text does not begin so
  kTagOnly,     // the text after refs/tags/; absent where the text does not begin so
  kUnion,       // a set: the texts at all paths
  kPresent,     // a boolean: whether the value is not absent
  kDiffer,      // a boolean: whether two texts differ, ASCII case ignored; true where the first is
                // absent
};

// One row. A path is an RFC 6901 pointer in which the token `*` stands for every element of an
// array.
struct FieldRecipe {
  static constexpr int kMostPaths = 3;

  std::string_view event;
  std::string_view field;
  FieldType type;
  Derivation derivation;
  std::array<std::string_view, kMostPaths> paths;  // unused ones are empty

  absl::Span<const std::string_view> used_paths() const;
};

// All rows, in the order of GithubFields().
absl::Span<const FieldRecipe> FieldRecipes();
// Those of one event, which stand side by side.
absl::Span<const FieldRecipe> FieldRecipesOf(std::string_view event);
const FieldRecipe* FindFieldRecipe(std::string_view event, std::string_view field);

// Where every event that has them has them.
inline constexpr std::string_view kRepositoryPath = "/repository/full_name";
inline constexpr std::string_view kActionPath = "/action";

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_GITHUB_FIELDS_H_
