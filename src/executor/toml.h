// Values as TOML 1.0 writes them.
#ifndef ROUTINES_SRC_EXECUTOR_TOML_H_
#define ROUTINES_SRC_EXECUTOR_TOML_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace routines {

// A basic string, quotes included; also good as a key. What is not UTF-8 becomes U+FFFD.
std::string TomlString(std::string_view text);
std::string TomlArray(const std::vector<std::string>& texts);
// An inline table.
std::string TomlTable(const std::map<std::string, std::string>& texts);

}  // namespace routines

#endif  // ROUTINES_SRC_EXECUTOR_TOML_H_
