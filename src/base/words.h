// Words in messages: quoted, shortened, and counted up.
#ifndef ROUTINES_SRC_BASE_WORDS_H_
#define ROUTINES_SRC_BASE_WORDS_H_

#include <string>
#include <string_view>
#include <vector>

namespace routines {

// `text` for a message: at most 60 bytes of it, control characters escaped.
std::string Abbreviated(std::string_view text);
// The same in double quotes.
std::string Quoted(std::string_view text);

// The path of the key `key` in the map at `path`: "path.key", or path["key"] where it is no plain
// word.
std::string KeyPath(std::string_view path, std::string_view key);

// "a, b or c".
std::string OneOf(const std::vector<std::string>& words);

// `unknown <what> "word"`, and either the nearest of `known` or all of them.
std::string UnknownWord(std::string_view what, std::string_view word,
                        const std::vector<std::string>& known);

// Whether `word` is `known` with one slip: in other case, one letter missing, wrong or too many,
// two swapped, or its end left out ("open" for "opened"). Closer than what NearestWord takes: for
// words that may also be meant as they are.
bool IsSlipOf(std::string_view word, std::string_view known);

}  // namespace routines

#endif  // ROUTINES_SRC_BASE_WORDS_H_
