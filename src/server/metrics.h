// Counts what the server does, and writes it in Prometheus' text format beside the engine's
// numbers.
//
// Thread-safety: every method may be called from any thread; gauges are plain atomics.
#ifndef ROUTINES_SRC_SERVER_METRICS_H_
#define ROUTINES_SRC_SERVER_METRICS_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "routines/engine.h"

namespace routines::server {

class Metrics {
 public:
  // `route`: a pattern of the route table, never what a client sent; it lives as long as the
  // process.
  void CountRequest(std::string_view route, int status, absl::Duration duration);

  // `outcome`: a word of docs/operations.md, which lives as long as the process.
  void CountDelivery(std::string_view outcome);

  std::atomic<int64_t> connections = 0;
  std::atomic<int64_t> streams = 0;

  std::string Text(const EngineStats& engine) const;

 private:
  static constexpr std::array<double, 12> kBounds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                     0.1,   0.25,   0.5,   1,    2.5,   10};
  struct Durations {
    std::array<uint64_t, kBounds.size() + 1> counts = {};  // the last: above all bounds
    double sum = 0;
  };

  mutable absl::Mutex mu_;
  std::map<std::pair<std::string_view, int>, int64_t> requests_ ABSL_GUARDED_BY(mu_);
  std::map<std::string_view, Durations> durations_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, int64_t> deliveries_ ABSL_GUARDED_BY(mu_);
};

}  // namespace routines::server

#endif  // ROUTINES_SRC_SERVER_METRICS_H_
