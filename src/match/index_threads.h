// Work on many parts by a few threads.
#ifndef ROUTINES_SRC_MATCH_INDEX_THREADS_H_
#define ROUTINES_SRC_MATCH_INDEX_THREADS_H_

#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace routines {

// Calls work(i) for each part i, in the order of their numbers as threads become free; returns when
// all are done. `work` must not throw.
template <typename Work>
void RunInThreads(size_t threads, size_t parts, const Work& work) {
  std::atomic<size_t> next{0};
  const auto run = [&] {
    for (size_t i = next.fetch_add(1); i < parts; i = next.fetch_add(1)) work(i);
  };
  std::vector<std::thread> others;
  for (size_t i = 1; i < threads && i < parts; ++i) others.emplace_back(run);
  run();
  for (std::thread& other : others) other.join();
}

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_INDEX_THREADS_H_
