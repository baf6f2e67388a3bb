// What GitHub's fields can hold: the words, where it documents a fixed set of them, and how values
// never begin.
#ifndef ROUTINES_SRC_MATCH_FILTER_WORDS_H_
#define ROUTINES_SRC_MATCH_FILTER_WORDS_H_

#include <string_view>

#include "absl/types/span.h"
#include "routines/event.h"

namespace routines {

// Empty: any text may come.
absl::Span<const std::string_view> WordsOfField(std::string_view event, std::string_view field);

// How a field's values never begin, and why.
struct WrongBeginning {
  std::string_view beginning;
  std::string_view because;
};
absl::Span<const WrongBeginning> WrongBeginnings(FieldType type, std::string_view field);

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_FILTER_WORDS_H_
