#include "src/server/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace routines::server {
namespace {

using ::testing::HasSubstr;

TEST(Metrics, CountsByRouteAndStatus) {
  Metrics metrics;
  metrics.CountRequest("/a", 200, absl::Milliseconds(2));
  metrics.CountRequest("/a", 200, absl::Seconds(60));
  metrics.CountRequest("/a", 404, absl::ZeroDuration());
  metrics.connections = 3;
  EngineStats engine;
  engine.events_admitted = 7;
  engine.sessions_ended["failed"] = 2;
  const std::string text = metrics.Text(engine);
  EXPECT_THAT(text, HasSubstr("routines_http_requests_total{route=\"/a\",status=\"200\"} 2"));
  EXPECT_THAT(text, HasSubstr("routines_http_requests_total{route=\"/a\",status=\"404\"} 1"));
  EXPECT_THAT(text, HasSubstr("seconds_bucket{route=\"/a\",le=\"0.0025\"} 2"));
  EXPECT_THAT(text, HasSubstr("seconds_bucket{route=\"/a\",le=\"+Inf\"} 3"));
  EXPECT_THAT(text, HasSubstr("routines_http_connections 3"));
  EXPECT_THAT(text, HasSubstr("routines_events_admitted_total 7"));
  EXPECT_THAT(text, HasSubstr("routines_sessions_ended_total{state=\"failed\"} 2"));
}

}  // namespace
}  // namespace routines::server
