// JSON pointers (RFC 6901).
#ifndef ROUTINES_SRC_MATCH_JSON_POINTER_H_
#define ROUTINES_SRC_MATCH_JSON_POINTER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace routines {

// The tokens of a pointer, unescaped; nullopt where `text` is not one, or is "" (the whole).
std::optional<std::vector<std::string>> ParseJsonPointer(std::string_view text);

// The index that a token stands for in an array: digits without a leading zero, below 2^53.
std::optional<uint64_t> ArrayIndex(std::string_view token);

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_JSON_POINTER_H_
