#include "routines/testing/plan.h"

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "routines/engine.h"
#include "routines/schedule.h"
#include "routines/testing/simulated_clock.h"
#include "src/base/status_macros.h"
#include "src/base/time_conversion.h"
#include "src/testing/case_rules.h"

namespace routines::testing {
namespace {

constexpr int64_t kMostInstants = 200'000;
constexpr int64_t kMostCopies = 10'000'000;  // of triggers: each session has its routine
constexpr char kRuns[] = "runs", kWaits[] = "waits", kCancelled[] = "cancelled";

std::string FullName(const v1::Routine& routine) {
  return absl::StrCat(routine.account(), "/", routine.name());
}

std::string AtATime(int most, std::string_view whose) {
  return absl::StrCat(most, most == 1 ? " session" : " sessions", " at a time of the ",
                      std::string(whose));
}

// "2 of 2 scheduled sessions an hour of the account, and 3 wait" without what was used, and who
// waits.
std::string LimitOf(std::string waited_for) {
  constexpr char kOf[] = " of ";
  if (const size_t of = waited_for.find(kOf); of != std::string::npos) {
    waited_for.erase(0, of + sizeof(kOf) - 1);
  }
  return waited_for.substr(0, waited_for.find(','));
}

// Sessions that do nothing but last; all of them on the planner's thread.
class LastingExecutor : public Executor {
 public:
  LastingExecutor(Clock& clock, const PlanInput& input) : clock_(clock), input_(input) {}

  void Start(std::shared_ptr<Execution> execution) override {
    const v1::Limits& limits = execution->request().routine.limits();
    const absl::Duration most = limits.has_max_duration() ? FromProto(limits.max_duration())
                                                          : EngineOptions().default_max_duration;
    if (input_.cost_usd > 0) {
      v1::SessionEvent event;
      event.mutable_usage()->set_cost_usd(input_.cost_usd);
      execution->log().Append(std::move(event));
    }
    running_.emplace(clock_.TimeNow() + std::min(input_.session, most), std::move(execution));
  }

  absl::Time next_end() const {
    return running_.empty() ? absl::InfiniteFuture() : running_.begin()->first;
  }

  // False: nothing ended.
  bool EndThoseDue() {
    bool ended = false;
    for (; next_end() <= clock_.TimeNow(); ended = true) {
      const std::shared_ptr<Execution> execution = std::move(running_.begin()->second);
      running_.erase(running_.begin());
      execution->Finish(Outcome::Success());
    }
    return ended;
  }

  bool EndCancelled() {
    bool ended = false;
    for (auto it = running_.begin(); it != running_.end();) {
      if (!it->second->cancellation().IsCancelled()) {
        ++it;
        continue;
      }
      const std::shared_ptr<Execution> execution = std::move(it->second);
      it = running_.erase(it);
      execution->Finish(Outcome::Cancelled("another session of its routine came"));
      ended = true;
    }
    return ended;
  }

 private:
  Clock& clock_;
  const PlanInput& input_;
  std::multimap<absl::Time, std::shared_ptr<Execution>> running_;  // by their ends
};

class Planner {
 public:
  explicit Planner(const PlanInput& input) : input_(input), clock_(input.from) {}

  absl::StatusOr<Plan> Make() {
    if (input_.session <= absl::ZeroDuration()) {
      return absl::InvalidArgumentError("a session has to last some time");
    }
    executor_ = std::make_shared<LastingExecutor>(clock_, input_);
    RETURN_IF_ERROR(Open());
    for (const v1::SavedRoutine& saved : input_.routines) RETURN_IF_ERROR(Add(saved));
    Run();
    RETURN_IF_ERROR(ReadDecisions());
    FindPlaces();
    CountBites();
    return std::move(plan_);
  }

 private:
  absl::Status Open();
  absl::Status Add(const v1::SavedRoutine& saved);
  absl::Status AddTrigger(const v1::SavedRoutine& saved, int index, v1::Routine& lean);
  absl::Status CountInstants(const Schedule& schedule, PlannedTrigger& planned);
  void Run();
  absl::Status ReadDecisions();
  absl::Status ReadDecision(const v1::Decision& decision);
  void FindPlaces();
  void CountBites();
  void Bit(const PlannedSession& session, const std::string& limit, const std::string& outcome);
  std::string WhoseIs(const PlannedSession& session, const std::string& limit) const;
  bool HasStarted(const PlannedSession& session) const {
    return session.start != absl::InfiniteFuture();
  }

  const PlanInput& input_;
  SimulatedClock clock_;
  std::shared_ptr<LastingExecutor> executor_;
  std::unique_ptr<Engine> engine_;
  std::map<std::string, size_t> triggers_;          // of the plan, by their ids
  std::map<std::string, const v1::Routine*> runs_;  // by full name
  bool cancels_ = false;                            // the engine may cancel sessions
  int64_t instants_ = 0, copies_ = 0;
  Plan plan_;
  std::vector<absl::Time> slots_;  // by session: when it may start, for all that windows say
  std::map<std::pair<std::string, std::string>, Bite> bites_;
};

absl::Status Planner::Open() {
  EngineOptions options;
  options.clock = &clock_;
  options.executors["lasting"] = executor_;
  options.limits = input_.limits;
  options.max_concurrent_sessions = input_.max_concurrent_sessions;
  options.min_schedule_interval = absl::ZeroDuration();
  // Nobody else is at the store.
  options.lease_duration = options.poll_interval = absl::Hours(24 * 365 * 100);
  ASSIGN_OR_RETURN(engine_, Engine::Create(std::move(options)));
  return absl::OkStatus();
}

absl::Status Planner::Add(const v1::SavedRoutine& saved) {
  v1::Routine lean = WhatDecides(saved.routine());
  lean.clear_triggers();
  if (lean.account().empty()) lean.set_account("default");
  if (runs_.count(FullName(lean)) > 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(FullName(lean), ": there are two of that name; plan one of them"));
  }
  const int64_t before = instants_;
  for (int i = 0; i < saved.routine().triggers_size(); ++i) {
    RETURN_IF_ERROR(AddTrigger(saved, i, lean));
  }
  copies_ += (instants_ - before) * lean.triggers_size();
  if (copies_ > kMostCopies) {
    return absl::InvalidArgumentError(absl::StrCat(FullName(lean), ": has ", lean.triggers_size(),
                                                   " triggers and ", instants_ - before,
                                                   " instants in that time; plan fewer days"));
  }
  runs_[FullName(lean)] = &saved.routine();
  if (lean.triggers().empty()) return absl::OkStatus();
  cancels_ = cancels_ || lean.overlap() == v1::OVERLAP_CANCEL_RUNNING || input_.cost_usd > 0;
  const absl::StatusOr<v1::SavedRoutine> put = engine_->Put(lean);
  if (put.ok()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(FullName(lean), " cannot be saved: ", std::string(put.status().message())));
}

absl::Status Planner::AddTrigger(const v1::SavedRoutine& saved, int index, v1::Routine& lean) {
  const v1::Trigger& trigger = saved.routine().triggers(index);
  const bool follows = trigger.custom().source() == "session";
  if (!trigger.has_schedule() && !follows) return absl::OkStatus();
  PlannedTrigger& planned = plan_.triggers.emplace_back();
  planned.account = lean.account();
  planned.routine = lean.name();
  planned.trigger = trigger.id().empty() ? absl::StrCat("triggers[", index, "]") : trigger.id();
  planned.paused = saved.paused() || trigger.disabled();
  if (follows) {
    planned.description = trigger.custom().type().empty()
                              ? "any session's end"
                              : absl::StrCat("session ", trigger.custom().type());
  } else {
    const absl::StatusOr<Schedule> schedule = Schedule::FromTrigger(trigger.schedule());
    if (!schedule.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(
          FullName(lean), " cannot be saved: ", std::string(schedule.status().message())));
    }
    planned.description = schedule->Describe();
    RETURN_IF_ERROR(CountInstants(*schedule, planned));
  }
  if (planned.paused) return absl::OkStatus();
  v1::Trigger& kept = *lean.add_triggers();
  kept = trigger;
  // The engine keeps ids of this form.
  if (index < saved.triggers_size()) {
    kept.set_id(saved.triggers(index).trigger_id());
  } else if (!absl::StartsWith(trigger.id(), "trig_")) {
    kept.set_id(absl::StrFormat("trig_plan%08d", plan_.triggers.size()));
  }
  triggers_[kept.id()] = plan_.triggers.size() - 1;
  return absl::OkStatus();
}

absl::Status Planner::CountInstants(const Schedule& schedule, PlannedTrigger& planned) {
  for (absl::Time time = schedule.Next(input_.from); time < input_.until;
       time = schedule.Next(time)) {
    planned.first = std::min(planned.first, time);
    planned.last = time;
    ++planned.instants;
    if (++instants_ > kMostInstants) {
      return absl::InvalidArgumentError(
          absl::StrCat("the schedules have more than ", kMostInstants,
                       " instants in that time; plan fewer days, or fewer routines"));
    }
  }
  return absl::OkStatus();
}

void Planner::Run() {
  while (true) {
    const absl::Time due = engine_->Step();
    if (cancels_ && executor_->EndCancelled()) continue;
    if (due <= clock_.TimeNow()) continue;
    const absl::Time next = std::min(due, executor_->next_end());
    if (next >= input_.until) return;
    clock_.SetTime(next);
    executor_->EndThoseDue();
  }
}

absl::Status Planner::ReadDecisions() {
  constexpr int kPage = 10'000;
  std::vector<v1::Decision> all;
  while (true) {
    ASSIGN_OR_RETURN(std::vector<v1::Decision> page,
                     engine_->ListDecisions(
                         {.limit = kPage, .before = all.empty() ? 0 : all.back().sequence()}));
    for (v1::Decision& decision : page) all.push_back(std::move(decision));
    if (page.size() < kPage) break;
  }
  for (auto decision = all.rbegin(); decision != all.rend(); ++decision) {
    if (triggers_.count(decision->trigger_id()) > 0) RETURN_IF_ERROR(ReadDecision(*decision));
  }
  return absl::OkStatus();
}

absl::Status Planner::ReadDecision(const v1::Decision& decision) {
  PlannedSession& planned = plan_.sessions.emplace_back();
  planned.due = FromProto(decision.time());
  planned.trigger = triggers_.at(decision.trigger_id());
  slots_.push_back(planned.due);
  if (decision.session_id().empty()) {
    planned.outcome = ReasonWord(decision.reason());
    // The session that has not ended is none that anybody knows.
    planned.limit =
        decision.reason() == v1::DECISION_REASON_OVERLAP ? "overlap: skip" : decision.detail();
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const v1::Session session, engine_->GetSession(decision.session_id()));
  planned.metered = session.metered();
  if (session.has_prepare_time()) planned.start = FromProto(session.prepare_time());
  if (session.has_end_time()) planned.end = FromProto(session.end_time());
  planned.outcome = session.state() == v1::SESSION_STATE_CANCELLED ? kCancelled
                    : planned.start > planned.due                  ? kWaits
                                                                   : kRuns;
  if (planned.outcome == kCancelled) {
    planned.limit = "overlap: cancel_running";
  } else if (!session.waited_for().empty()) {
    planned.limit = LimitOf(session.waited_for());
    slots_.back() = decision.has_until() ? FromProto(decision.until()) : planned.start;
  }
  return absl::OkStatus();
}

// What sessions wait for that no window holds up: the first of the routine's places, the account's
// and the server's that are all taken when they might start.
void Planner::FindPlaces() {
  enum Kind { kEnd, kStart, kAsk };
  std::vector<std::tuple<absl::Time, Kind, size_t>> moments;
  for (size_t i = 0; i < plan_.sessions.size(); ++i) {
    const PlannedSession& session = plan_.sessions[i];
    if (HasStarted(session)) moments.emplace_back(session.start, kStart, i);
    if (HasStarted(session)) moments.emplace_back(session.end, kEnd, i);
    if (session.outcome == kWaits && session.limit.empty())
      moments.emplace_back(slots_[i], kAsk, i);
  }
  std::sort(moments.begin(), moments.end());
  std::map<std::string, int> routines, accounts;
  for (const auto& [time, kind, i] : moments) {
    PlannedSession& session = plan_.sessions[i];
    const PlannedTrigger& trigger = plan_.triggers[session.trigger];
    const std::string name = absl::StrCat(trigger.account, "/", trigger.routine);
    if (kind != kAsk) {
      routines[name] += kind == kStart ? 1 : -1;
      accounts[trigger.account] += kind == kStart ? 1 : -1;
      continue;
    }
    const v1::Routine& routine = *runs_.at(name);
    const int own = routine.limits().max_concurrent_sessions();
    const int account = input_.limits.max_concurrent_sessions_account;
    if (routine.overlap() == v1::OVERLAP_QUEUE && routines[name] > 0) {
      session.limit = "overlap: queue";
    } else if (own > 0 && routines[name] >= own) {
      session.limit = AtATime(own, "routine");
    } else if (account > 0 && accounts[trigger.account] >= account) {
      session.limit = AtATime(account, "account");
    } else {
      session.limit = AtATime(input_.max_concurrent_sessions, "server");
    }
  }
}

void Planner::CountBites() {
  for (const PlannedSession& session : plan_.sessions) {
    if (session.metered) {
      Bit(session,
          absl::StrCat(input_.limits.sessions_per_day_account, " sessions a day of the account"),
          "metered");
    }
    if (session.outcome == kRuns) continue;
    Bit(session, session.limit, session.outcome);
  }
  for (auto& [key, bite] : bites_) plan_.bites.push_back(std::move(bite));
}

void Planner::Bit(const PlannedSession& session, const std::string& limit,
                  const std::string& outcome) {
  const std::string whose = WhoseIs(session, limit);
  Bite& bite = bites_[{whose, limit + outcome}];
  bite.limit = limit;
  bite.whose = whose;
  bite.outcome = outcome;
  ++bite.sessions;
  bite.first = std::min(bite.first, session.due);
  if (outcome == kWaits) {
    const absl::Time waits_until = std::min(session.start, input_.until);
    bite.longest_wait = std::max(bite.longest_wait, waits_until - session.due);
  }
}

std::string Planner::WhoseIs(const PlannedSession& session, const std::string& limit) const {
  const PlannedTrigger& trigger = plan_.triggers[session.trigger];
  if (absl::EndsWith(limit, " of the server")) return "server";
  if (absl::EndsWith(limit, " of the account")) return trigger.account;
  return absl::StrCat(trigger.account, "/", trigger.routine);
}

}  // namespace

absl::StatusOr<Plan> MakePlan(const PlanInput& input) {
  return Planner(input).Make();
}

}  // namespace routines::testing
