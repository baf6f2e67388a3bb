// Ids and random keys.
#ifndef ROUTINES_SRC_BASE_IDS_H_
#define ROUTINES_SRC_BASE_IDS_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace routines {

// `prefix` + a ULID (github.com/ulid/spec): 48 bits of milliseconds and 80 random bits in
// Crockford's base32. Ids that one process makes sort in the order they were made, within one
// millisecond too.
std::string NewId(std::string_view prefix, absl::Time now);

// `bytes` bytes from the kernel's generator.
std::string RandomBytes(size_t bytes);

// 256 random bits in base64url without padding: 43 characters.
std::string RandomKey();

// "trig_" + 8 to 64 of [A-Za-z0-9].
bool IsTriggerId(std::string_view id);

}  // namespace routines

#endif  // ROUTINES_SRC_BASE_IDS_H_
