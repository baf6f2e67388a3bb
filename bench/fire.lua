-- wrk's script: POSTs like the documented curl, and one line of figures at the end.
-- Environment: BENCH_AUTHORIZATION, the Authorization header.
wrk.method = "POST"
wrk.headers["Authorization"] = os.getenv("BENCH_AUTHORIZATION")
wrk.headers["Content-Type"] = "application/json"
wrk.headers["anthropic-beta"] = "experimental-cc-routine-2026-04-01"
wrk.body = '{"text": "Sentry alert SEN-4521 fired in prod. Stack trace attached."}'

done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format("figures %d %d %d %d %d\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
