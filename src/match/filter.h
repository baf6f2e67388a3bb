// A trigger's conditions with everything decided that does not depend on an event, and their plain
// evaluation: one condition on one value. Explain and CheckFilters stand on it; what is here is
// what docs/matching.md says.
//
// Immutable once compiled; any number of threads may evaluate. Pure.
#ifndef ROUTINES_SRC_MATCH_FILTER_H_
#define ROUTINES_SRC_MATCH_FILTER_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "re2/re2.h"
#include "routines/event.h"
#include "routines/filter.h"
#include "routines/v1/routine.pb.h"
#include "src/match/glob.h"

namespace routines {

inline constexpr size_t kMaxRegexCharacters = 1000;
// Of RE2's program. Where RE2 has to give its automaton up, time is text × program; this keeps the
// longest text to about half a second.
inline constexpr int kMaxRegexProgram = 2500;
inline constexpr int64_t kRegexMemoryBytes = 1 << 20;
// A longer value matches no regular expression.
inline constexpr size_t kMaxRegexValueBytes = 256 << 10;

// One comparison, or a group of them.
struct CompiledCondition {
  // What is tested; a negated condition holds where the test does not.
  enum class Test { kEqualsAny, kContains, kStartsWith, kEndsWith, kRegex, kGlob, kExists };

  std::vector<CompiledCondition> any_of;  // a group: the rest is unused

  std::string_view field;  // a name of the field table, an attribute, or a pointer
  int row = -1;            // of a named field: which of FieldRecipesOf(event) it is
  v1::Operator op = v1::OPERATOR_UNSPECIFIED;
  Test test = Test::kExists;
  bool negated = false;
  bool ignore_case = false;  // of ASCII letters

  std::vector<ScalarValue> operands;  // kEqualsAny; lower case where case is ignored
  std::string text;                   // kContains to kGlob; lower case likewise, but for patterns
  std::shared_ptr<const RE2> regex;   // kRegex; null where it was only checked
  std::optional<Glob> glob;           // kGlob
};

// The conditions of a github or custom trigger, in its order; they borrow its texts. Only where
// nothing was added to `problems` may the result be evaluated.
std::vector<CompiledCondition> CompileConditions(const v1::Trigger& trigger,
                                                 std::vector<FilterProblem>& problems);
// The same checks; but a regular expression that is plainly one (regex_plain.h) is not compiled.
std::vector<CompiledCondition> CheckConditions(const v1::Trigger& trigger,
                                               std::vector<FilterProblem>& problems);

// How all regular expressions of conditions are compiled.
std::unique_ptr<const RE2> CompileRegex(std::string_view pattern, bool ignore_case);

// Whether a comparison holds on a field's value. `exists`: not missing, not null and not an empty
// list; an object behind a pointer exists though its value is absent.
bool HoldsOn(const CompiledCondition& condition, const FieldValue& value, bool exists);

// Whether `name`, owner/name, is what `pattern`, owner/name, owner/* or */*, means.
bool RepositoryMatches(std::string_view pattern, std::string_view name);

// "is_not_one_of"; empty for none.
std::string_view OperatorWord(v1::Operator op);

bool IsPointer(std::string_view field);

// How a field of `type` compares its texts.
bool IgnoresCase(FieldType type);

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_FILTER_H_
