// The words that a field can hold, where GitHub documents a fixed set of them.
#ifndef ROUTINES_SRC_MATCH_FILTER_WORDS_H_
#define ROUTINES_SRC_MATCH_FILTER_WORDS_H_

#include <string>
#include <string_view>
#include <vector>

namespace routines {

// Empty: any text may come.
std::vector<std::string> WordsOfField(std::string_view event, std::string_view field);

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_FILTER_WORDS_H_
