// The simulator's dice: the same numbers from the same seed on every platform.
#ifndef ROUTINES_TESTS_SIM_RANDOM_H_
#define ROUTINES_TESTS_SIM_RANDOM_H_

#include <cstdint>

#include "absl/time/time.h"

namespace routines::sim {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  // SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
  uint64_t Next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
  }

  int Below(int n) { return static_cast<int>(Next() % static_cast<uint64_t>(n)); }  // 0 … n - 1
  int Between(int least, int most) { return least + Below(most - least + 1); }
  bool OneIn(int n) { return n > 0 && Below(n) == 0; }  // 0: never
  absl::Duration Between(absl::Duration least, absl::Duration most) {
    const int64_t span = absl::ToInt64Milliseconds(most - least);
    return least + absl::Milliseconds(static_cast<int64_t>(Next() % (span + 1)));
  }

 private:
  uint64_t state_;
};

}  // namespace routines::sim

#endif  // ROUTINES_TESTS_SIM_RANDOM_H_
