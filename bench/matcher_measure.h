// How the matcher's benchmarks measure: clocks, quantiles, and one pass over events.
#ifndef ROUTINES_BENCH_MATCHER_MEASURE_H_
#define ROUTINES_BENCH_MATCHER_MEASURE_H_

#include <malloc.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "bench/extract_payloads.h"
#include "bench/workload.h"
#include "routines/event.h"
#include "routines/matcher.h"
#include "simdjson.h"

namespace routines::bench {

inline constexpr size_t kEvents = 2000;
inline constexpr size_t kWarm = 200;

inline double ThreadMicros() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return 1e6 * static_cast<double>(now.tv_sec) + 1e-3 * static_cast<double>(now.tv_nsec);
}

inline double WallMicros() {
  return std::chrono::duration<double, std::micro>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

inline double ProcessMicros() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return 1e6 * static_cast<double>(now.tv_sec) + 1e-3 * static_cast<double>(now.tv_nsec);
}

inline size_t HeapBytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

struct Times {
  std::vector<double> all;

  double At(double part) {
    std::sort(all.begin(), all.end());
    return all[std::min(all.size() - 1,
                        static_cast<size_t>(part * static_cast<double>(all.size())))];
  }
  double median() { return At(0.5); }
  double p99() { return At(0.99); }
  double most() { return At(1.0); }
};

inline std::vector<simdjson::padded_string> Events(Workload& workload, size_t count) {
  std::vector<simdjson::padded_string> events;
  for (size_t i = 0; i < count; ++i) events.emplace_back(workload.Event());
  return events;
}

inline EventView View(std::string_view payload) {
  return {.source = "github", .type = "pull_request", .payload = payload};
}

inline void Check(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "matcher_benchmark: %s\n", status.ToString().c_str());
  std::exit(1);
}

inline Times MeasurePeer(const std::vector<simdjson::padded_string>& events) {
  SimdjsonPeer peer;
  PullRequestFields fields;
  Times times;
  for (const auto& event : events) {
    const double begin = ThreadMicros();
    if (!peer.Read(event, fields)) std::exit(1);
    times.all.push_back(ThreadMicros() - begin);
  }
  times.all.erase(times.all.begin(), times.all.begin() + kWarm);
  return times;
}

struct Run {
  Times times;       // but for the first events
  double first = 0;  // the first event of all
  double matches = 0;
};

inline Run MeasureMatcher(const Matcher& matcher,
                          const std::vector<simdjson::padded_string>& events) {
  Matcher::Buffer buffer;
  Run run;
  for (size_t i = 0; i < events.size(); ++i) {
    const double begin = ThreadMicros();
    Check(matcher.Match(View(events[i]), buffer));
    run.matches += static_cast<double>(buffer.matches().size());
    const double time = ThreadMicros() - begin;
    if (i == 0) run.first = time;
    if (i >= std::min(kWarm, events.size() / 10)) run.times.all.push_back(time);
  }
  run.matches /= static_cast<double>(events.size());
  return run;
}

// One routine of a thousand conditions, one event of 25 MB (matcher_extremes.cc).
void Extremes();

}  // namespace routines::bench

#endif  // ROUTINES_BENCH_MATCHER_MEASURE_H_
