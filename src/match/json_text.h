// JSON's string escapes (RFC 8259, section 7).
#ifndef ROUTINES_SRC_MATCH_JSON_TEXT_H_
#define ROUTINES_SRC_MATCH_JSON_TEXT_H_

#include <cstddef>
#include <string_view>

namespace routines {

// Writes what stands between the quotes of a JSON string, unescaped, to `out`, which has room for
// raw.size() bytes (the unescaped form is never longer). Returns the bytes written, or kBadEscape:
// an escape that JSON does not have, or half of a surrogate pair.
inline constexpr size_t kBadEscape = static_cast<size_t>(-1);
size_t UnescapeJson(std::string_view raw, char* out);

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_JSON_TEXT_H_
