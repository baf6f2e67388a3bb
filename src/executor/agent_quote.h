// Strings as JSON writes them, and TOML's basic strings: the two agree on what is written here.
#ifndef ROUTINES_SRC_EXECUTOR_AGENT_QUOTE_H_
#define ROUTINES_SRC_EXECUTOR_AGENT_QUOTE_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace routines {

// `text` in double quotes. What is not UTF-8 becomes U+FFFD.
std::string JsonQuoted(std::string_view text);
// ["a", "b"]
std::string JsonList(const std::vector<std::string>& texts);
// {"name": "value"}; with " = " in the place of ": " it is an inline table of TOML.
std::string JsonMap(const std::map<std::string, std::string>& texts,
                    std::string_view separator = ": ");

}  // namespace routines

#endif  // ROUTINES_SRC_EXECUTOR_AGENT_QUOTE_H_
