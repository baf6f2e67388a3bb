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

}  // namespace routines

#endif  // ROUTINES_SRC_BASE_WORDS_H_
