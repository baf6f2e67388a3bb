// UTF-8 (RFC 3629).
#ifndef ROUTINES_SRC_BASE_UTF8_H_
#define ROUTINES_SRC_BASE_UTF8_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace routines {

// The number of Unicode scalar values in `text`; nullopt where it is not valid UTF-8 (overlong
// forms, surrogates and values above U+10FFFF are not).
std::optional<size_t> CountCodePoints(std::string_view text);

// `text` with every maximal broken part replaced by U+FFFD, as the Unicode standard recommends
// (3.9).
std::string RepairUtf8(std::string_view text);

// How many bytes at the end of `text` are the beginning of a character that may still be completed;
// 0 to 3.
size_t IncompleteTail(std::string_view text);

}  // namespace routines

#endif  // ROUTINES_SRC_BASE_UTF8_H_
