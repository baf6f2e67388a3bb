#include "src/match/index_values.h"

#include <random>

namespace routines {

uint64_t ProcessSeed() {
  static const uint64_t seed = [] {
    std::random_device device;
    return static_cast<uint64_t>(device()) << 32 | device();
  }();
  return seed;
}

uint32_t HashScalar(Tag tag, std::string_view text) {
  static const uint64_t seed = ProcessSeed();
  return static_cast<uint32_t>(HashBytes(text, seed ^ (static_cast<uint64_t>(tag) << 56)));
}

}  // namespace routines
