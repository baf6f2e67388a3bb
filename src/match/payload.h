// The strict reader that every payload passes before anything else looks at it. What comes through
// reads the same for every JSON parser, so that those behind it may skip and take short cuts.
//
// Pure; thread-safe. Time is linear in the payload; memory too, about 40 bytes a key.
#ifndef ROUTINES_SRC_MATCH_PAYLOAD_H_
#define ROUTINES_SRC_MATCH_PAYLOAD_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace routines {

inline constexpr size_t kMostPayloadBytes = 25 << 20;  // GitHub's own limit
inline constexpr int kMostPayloadLevels = 128;

// A key of the object at the top, and what its value begins with: { [ " t f n - or a digit.
struct TopLevelKey {
  std::string key;  // unescaped
  char first = 0;
};

// As CheckPayload. `keys` (may be null) gets the keys of the object at the top, in order.
absl::Status CheckPayload(std::string_view payload, std::vector<TopLevelKey>* keys);

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_PAYLOAD_H_
