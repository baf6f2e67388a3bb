#include "src/server/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "absl/strings/str_cat.h"

namespace routines::server {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

void Set(MetricType type, ClientMetric& metric, double value) {
  (type == MetricType::Gauge ? metric.gauge.value : metric.counter.value) = value;
}

MetricFamily Family(MetricType type, std::string name, std::string help) {
  MetricFamily family;
  family.type = type;
  family.name = std::move(name);
  family.help = std::move(help);
  return family;
}

MetricFamily Single(MetricType type, std::string name, std::string help, double value) {
  MetricFamily family = Family(type, std::move(name), std::move(help));
  Set(type, family.metric.emplace_back(), value);
  return family;
}

MetricFamily ByLabel(std::string name, std::string help, const std::string& label,
                     const std::map<std::string, int64_t>& values) {
  MetricFamily family = Family(MetricType::Counter, std::move(name), std::move(help));
  for (const auto& [word, value] : values) {
    ClientMetric& metric = family.metric.emplace_back();
    metric.label.push_back({label, word});
    Set(family.type, metric, value);
  }
  return family;
}

void AddEngine(const EngineStats& stats, std::vector<MetricFamily>& out) {
  const auto counter = [&](const char* name, const char* help, int64_t value) {
    out.push_back(Single(MetricType::Counter, name, help, value));
  };
  counter("routines_events_admitted_total", "Events stored", stats.events_admitted);
  counter("routines_events_duplicate_total", "Events seen before", stats.events_duplicate);
  counter("routines_admit_errors_total", "Events that could not be stored", stats.admit_errors);
  counter("routines_lease_lost_total", "Sessions taken over by another engine", stats.lease_lost);
  counter("routines_heartbeats_late_total", "Leases renewed after they had run out",
          stats.heartbeats_late);
  out.push_back(ByLabel("routines_sessions_ended_total", "Sessions by terminal state", "state",
                        stats.sessions_ended));
  out.push_back(ByLabel("routines_decisions_total", "Decisions that are final, by reason", "reason",
                        stats.decisions));
  counter("routines_decisions_deferred_total", "Decisions that began to wait for a limit",
          stats.decisions_deferred);
  out.push_back(Single(MetricType::Gauge, "routines_sessions_active",
                       "Sessions preparing or running", stats.sessions_active));
  out.push_back(Single(MetricType::Gauge, "routines_sessions_running", "Sessions whose agent runs",
                       stats.sessions_running));
  out.push_back(Single(MetricType::Gauge, "routines_routines_unmatched",
                       "Routines that no event can match until they are saved anew",
                       stats.routines_unmatched));
}

}  // namespace

void Metrics::CountRequest(std::string_view route, int status, absl::Duration duration) {
  const double seconds = absl::ToDoubleSeconds(duration);
  const size_t bucket = std::lower_bound(kBounds.begin(), kBounds.end(), seconds) - kBounds.begin();
  absl::MutexLock lock(&mu_);
  ++requests_[{route, status}];
  Durations& durations = durations_[route];
  ++durations.counts[bucket];
  durations.sum += seconds;
}

void Metrics::CountDelivery(std::string_view outcome) {
  absl::MutexLock lock(&mu_);
  ++deliveries_[std::string(outcome)];
}

std::string Metrics::Text(const EngineStats& engine) const {
  std::vector<MetricFamily> families;
  AddEngine(engine, families);
  families.push_back(
      Single(MetricType::Gauge, "routines_http_connections", "Open connections", connections));
  families.push_back(
      Single(MetricType::Gauge, "routines_http_streams", "Open event streams", streams));
  MetricFamily requests = Family(MetricType::Counter, "routines_http_requests_total",
                                 "Requests answered, by route and status");
  MetricFamily durations = Family(MetricType::Histogram, "routines_http_request_duration_seconds",
                                  "From the whole request to its answer, by route");
  absl::MutexLock lock(&mu_);
  families.push_back(ByLabel("routines_github_deliveries_total", "Webhook deliveries by outcome",
                             "outcome", deliveries_));
  for (const auto& [key, count] : requests_) {
    ClientMetric& metric = requests.metric.emplace_back();
    metric.label = {{"route", std::string(key.first)}, {"status", absl::StrCat(key.second)}};
    metric.counter.value = count;
  }
  for (const auto& [route, entry] : durations_) {
    ClientMetric& metric = durations.metric.emplace_back();
    metric.label = {{"route", std::string(route)}};
    uint64_t count = 0;
    for (size_t i = 0; i < entry.counts.size(); ++i) {
      count += entry.counts[i];
      const double bound =
          i < kBounds.size() ? kBounds[i] : std::numeric_limits<double>::infinity();
      metric.histogram.bucket.push_back({count, bound});
    }
    metric.histogram.sample_count = count;
    metric.histogram.sample_sum = entry.sum;
  }
  families.push_back(std::move(requests));
  families.push_back(std::move(durations));
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace routines::server
