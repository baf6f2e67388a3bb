// How much may run: what an engine lets each account and each of its routines start in an hour and
// a day, how long what is over that waits, and where loops end.
//
//   routines::EngineOptions options;
//   options.limits.fires_per_hour_routine = 500;
//   options.limits.github_per_hour_account = 0;  // any number
//
// Windows are rolling: "60 an hour" means no more than 60 in any 3,600 seconds. A session counts
// from the moment at which its window lets it in. The store decides, in the transaction that admits
// the event, so the numbers are exact after a crash and with several engines on one store, which
// should all have the same limits. docs/limits_and_scale.md says what becomes of the rest.
#ifndef ROUTINES_LIMITS_H_
#define ROUTINES_LIMITS_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace routines {

// Of every number, 0 means none.
struct LimitOptions {
  // Sessions that schedules start; those over it wait.
  int scheduled_per_hour_account = 100;
  // API fires; those over it are refused (kResourceExhausted, over HTTP 429).
  int fires_per_hour_routine = 30;
  int fires_per_hour_account = 100;
  // Sessions that GitHub deliveries start; those over it wait, or what the trigger's over_limit
  // says.
  int github_per_hour_routine = 60;
  int github_per_hour_account = 300;
  // The same for the events of the host's own sources, and of sessions that ended.
  int custom_per_hour_routine = 60;
  int custom_per_hour_account = 300;
  // Sessions of every kind, those run by hand counted too, which nothing stops.
  int sessions_per_day_account = 0;
  // Sessions over sessions_per_day_account start all the same and are marked `metered`.
  bool metered_overage = false;
  // GitHub and custom events that would have to wait longer than this expire.
  absl::Duration expire_after = absl::Hours(24);

  // At a time, over all engines on the store. A routine's own limits.max_concurrent_sessions and an
  // engine's EngineOptions::max_concurrent_sessions hold beside it.
  int max_concurrent_sessions_account = 0;

  // Of routines that do not set limits.max_cost_usd_per_day. USD, as executors report them.
  double max_cost_usd_per_day_routine = 0;

  // Sessions that stand one behind the other: a fourth is not started by what the third did.
  int max_lineage_depth = 3;
  // Sessions that follow, directly or not, from one event.
  int max_lineage_sessions = 50;
};

// The names above, in that order, as the command line and a limits file have them.
std::vector<std::string> LimitNames();

// Sets the limit of that name. kInvalidArgument: no such name (the nearest one is told), or a value
// that is none: whole numbers from 0 to 1,000,000,000, USD from 0, true or false, a duration like
// "24h".
absl::Status SetLimit(std::string_view name, std::string_view value, LimitOptions& limits);

// Sets those that `text` has: lines of `name: value`, empty lines, and comments from a # on.
// kInvalidArgument: every line that is wrong, by its number; then nothing was set.
absl::Status ReadLimits(std::string_view text, LimitOptions& limits);

}  // namespace routines

#endif  // ROUTINES_LIMITS_H_
