// How much memory this process has held at the most, for tests of what a caller's bytes may cost.
#ifndef ROUTINES_TESTS_UNIT_BASE_PEAK_MEMORY_H_
#define ROUTINES_TESTS_UNIT_BASE_PEAK_MEMORY_H_

#include <sys/resource.h>

#include <cstdint>

namespace routines {

// Sanitizers keep what was freed: there the peak says nothing.
#if defined(__SANITIZE_ADDRESS__) || defined(ROUTINES_TSAN)
inline constexpr bool kPeakMemoryIsTrue = false;
#else
inline constexpr bool kPeakMemoryIsTrue = true;
#endif

// In KiB, since the process began (getrusage(2), ru_maxrss); without its children.
inline int64_t PeakMemoryKb() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

}  // namespace routines

#endif  // ROUTINES_TESTS_UNIT_BASE_PEAK_MEMORY_H_
