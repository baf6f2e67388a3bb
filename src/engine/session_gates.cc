#include "src/engine/session_gates.h"

#include <utility>
#include <vector>

#include "src/engine/delivery.h"

namespace routines {
namespace {

void AddLimit(SessionLimit limit, std::vector<SessionLimit>& limits) {
  if (limit.most > 0) limits.push_back(std::move(limit));
}

// Of one kind, for the routine and for the account.
void AddHourly(const std::string& kind, std::string_view what, int routine, int account,
               std::vector<SessionLimit>& limits) {
  const std::string name(what);
  AddLimit({SessionLimit::Scope::kRoutine, kind, routine, absl::Hours(1),
            name + " an hour of the routine"},
           limits);
  AddLimit({SessionLimit::Scope::kAccount, kind, account, absl::Hours(1),
            name + " an hour of the account"},
           limits);
}

std::vector<SessionLimit> LimitsOf(const std::string& kind, const LimitOptions& options) {
  std::vector<SessionLimit> limits;
  if (kind == "schedule") {
    AddHourly(kind, "scheduled sessions", 0, options.scheduled_per_hour_account, limits);
  } else if (kind == "api") {
    AddHourly(kind, "API fires", options.fires_per_hour_routine, options.fires_per_hour_account,
              limits);
  } else if (kind == "github") {
    AddHourly(kind, "GitHub sessions", options.github_per_hour_routine,
              options.github_per_hour_account, limits);
  } else if (kind == "custom") {
    AddHourly(kind, "sessions of custom events", options.custom_per_hour_routine,
              options.custom_per_hour_account, limits);
  }
  SessionLimit day{SessionLimit::Scope::kAccount, "", options.sessions_per_day_account,
                   absl::Hours(24), "sessions a day of the account"};
  // Nothing stops what was asked for by hand, but it counts.
  day.metered = options.metered_overage || kind == "manual";
  AddLimit(std::move(day), limits);
  return limits;
}

SessionGates::OverLimit WishOf(const v1::Trigger& trigger, std::string_view kind) {
  if (kind == "api") return SessionGates::OverLimit::kRefuse;
  const v1::OverLimit wish =
      trigger.has_github() ? trigger.github().over_limit() : trigger.custom().over_limit();
  switch (wish) {
    case v1::OVER_LIMIT_DROP:
      return SessionGates::OverLimit::kRefuse;
    case v1::OVER_LIMIT_COALESCE:
      return SessionGates::OverLimit::kCoalesce;
    default:
      return SessionGates::OverLimit::kWait;
  }
}

}  // namespace

int ConcurrencyLimit(const v1::Routine& routine) {
  const bool one_at_a_time =
      routine.overlap() == v1::OVERLAP_QUEUE || routine.overlap() == v1::OVERLAP_CANCEL_RUNNING;
  return one_at_a_time ? 1 : routine.limits().max_concurrent_sessions();
}

std::string_view KindOf(std::string_view source) {
  if (source == "schedule" || source == "api" || source == "manual" || source == kGithubSource) {
    return source;
  }
  return "custom";
}

void AddGates(const Catalog& catalog, const LimitOptions& limits, Admission& admission) {
  admission.cause.max_depth = limits.max_lineage_depth;
  admission.cause.max_sessions = limits.max_lineage_sessions;
  if (admission.sessions.empty()) return;
  const std::string kind(KindOf(admission.event.source()));
  const std::vector<SessionLimit> all = LimitsOf(kind, limits);
  admission.gates.clear();
  for (const v1::Session& session : admission.sessions) {
    SessionGates& gates = admission.gates.emplace_back();
    gates.kind = all.empty() ? "" : kind;
    gates.limits = all;
    if (kind == "manual") continue;
    if (const TriggerRef ref = catalog.FindTrigger(session.trigger_id()); ref.saved != nullptr) {
      gates.over_limit = WishOf(ref.trigger(), kind);
    }
    if (kind != "schedule") gates.longest_wait = limits.expire_after;
    const auto saved = catalog.FindRoutine(session.account(), session.routine());
    if (saved == nullptr) continue;
    gates.skip_overlap = saved->routine().overlap() == v1::OVERLAP_SKIP;
    gates.cancel_earlier = saved->routine().overlap() == v1::OVERLAP_CANCEL_RUNNING;
  }
}

}  // namespace routines
