#include "routines/testing/backtest.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "google/protobuf/util/message_differencer.h"
#include "routines/event.h"
#include "routines/filter.h"
#include "routines/schedule.h"
#include "routines/testing/case_door.h"
#include "src/base/status_macros.h"
#include "src/testing/case_rules.h"

namespace routines::testing {
namespace {

constexpr size_t kMostInstants = 1'000'000;

LimitOptions NoLimits() {
  LimitOptions limits;
  limits.scheduled_per_hour_account = limits.sessions_per_day_account = 0;
  limits.fires_per_hour_routine = limits.fires_per_hour_account = 0;
  limits.github_per_hour_routine = limits.github_per_hour_account = 0;
  limits.custom_per_hour_routine = limits.custom_per_hour_account = 0;
  return limits;
}

std::string FullName(const v1::Routine& routine) {
  return absl::StrCat(routine.account(), "/", routine.name());
}

// What became of one event for one routine: the triggers that fire, and the first reason why one
// does not.
struct Outcome {
  std::set<std::string> fired;
  std::string reason;
};
using Outcomes = std::map<std::string, Outcome>;  // by routine

// One of the two configurations, on an engine of its own.
class Side {
 public:
  absl::Status Open(const std::vector<v1::Routine>& routines, absl::Duration min_interval) {
    door_ = NewEngineDoor({.start = absl::FromUnixSeconds(kUsualTime),
                           .limits = NoLimits(),
                           .min_schedule_interval = min_interval});
    for (const v1::Routine& given : routines) {
      v1::Routine routine = given;
      if (routine.account().empty()) routine.set_account("default");
      v1::Routine lean = WhatDecides(routine);
      lean.clear_overlap();
      const absl::StatusOr<v1::SavedRoutine> saved = door_->Put(lean, /*paused=*/false);
      if (!saved.ok()) {
        return absl::InvalidArgumentError(absl::StrCat(
            FullName(routine), " cannot be saved: ", std::string(saved.status().message())));
      }
      for (int i = 0; i < saved->triggers_size(); ++i) {
        names_[saved->triggers(i).trigger_id()] = TriggerName(routine, i);
        ids_[TriggerName(routine, i)] = saved->triggers(i).trigger_id();
      }
      routines_[FullName(routine)] = std::move(routine);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Outcomes> Run(v1::Event event) {
    Outcomes outcomes;
    if (event.source() == "api") {
      const auto id = ids_.find(event.type());
      if (id == ids_.end()) return outcomes;
      const std::string name = event.type().substr(0, event.type().rfind('/'));
      event.set_trigger_id(id->second);
      event.set_account(name.substr(0, name.find('/')));
      event.set_type(name.substr(name.find('/') + 1));
    }
    ASSIGN_OR_RETURN(const Sent sent, door_->Send(event));
    for (const v1::Decision& decision : sent.decisions) {
      if (decision.trigger_id().empty()) continue;
      const std::string& trigger = names_[decision.trigger_id()];
      Outcome& outcome = outcomes[absl::StrCat(decision.account(), "/", decision.routine())];
      if (decision.reason() == v1::DECISION_REASON_FIRED) {
        outcome.fired.insert(trigger.substr(trigger.rfind('/') + 1));
      } else if (outcome.reason.empty()) {
        outcome.reason = absl::StrCat(ReasonWord(decision.reason()),
                                      decision.detail().empty() ? "" : ": ", decision.detail());
      }
    }
    return outcomes;
  }

  // The instants of each routine, and the triggers that fire at each.
  absl::Status Instants(absl::Time from, absl::Time to,
                        std::map<std::pair<absl::Time, std::string>, Outcome>& instants) const {
    for (const auto& [name, routine] : routines_) {
      for (int i = 0; i < routine.triggers_size(); ++i) {
        const v1::Trigger& trigger = routine.triggers(i);
        if (!trigger.has_schedule() || trigger.disabled()) continue;
        ASSIGN_OR_RETURN(const Schedule schedule, Schedule::FromTrigger(trigger.schedule()));
        const std::string full = TriggerName(routine, i);
        for (const absl::Time instant : schedule.Between(from, to, kMostInstants)) {
          instants[{instant, name}].fired.insert(full.substr(full.rfind('/') + 1));
        }
        if (instants.size() >= kMostInstants) {
          return absl::InvalidArgumentError(
              absl::StrCat("the schedules have more than ", kMostInstants,
                           " instants in that time; take a shorter stretch"));
        }
      }
    }
    return absl::OkStatus();
  }

  const v1::Routine* Find(const std::string& name) const {
    const auto found = routines_.find(name);
    return found == routines_.end() ? nullptr : &found->second;
  }

  // Why `event` starts nothing here that starts the triggers `elsewhere`, of the same routine.
  std::string WhyNot(const v1::Event& event, const std::string& name, const Outcome& here,
                     const std::set<std::string>& elsewhere) const {
    if (!here.reason.empty()) return here.reason;
    const v1::Routine* const routine = Find(name);
    if (routine == nullptr) return "there is no such routine";
    if (event.source() == "api") return "there is no such trigger";
    const absl::StatusOr<Explanation> why = routines::Explain(ViewOf(event), *routine);
    if (!why.ok()) return std::string(why.status().message());
    for (const TriggerExplanation& trigger : why->triggers) {
      const std::string full = TriggerName(*routine, trigger.index);
      if (elsewhere.count(full.substr(full.rfind('/') + 1)) == 0) continue;
      std::vector<std::string> fields;
      for (const ConditionExplanation& condition : trigger.conditions) {
        const std::string field = condition.any_of.empty() ? condition.field : "any_of";
        if (!condition.held && std::find(fields.begin(), fields.end(), field) == fields.end()) {
          fields.push_back(field);
        }
      }
      if (!fields.empty()) return absl::StrJoin(fields, " and ");
    }
    return "there is no such trigger";
  }

 private:
  std::unique_ptr<CaseDoor> door_;
  std::map<std::string, v1::Routine> routines_;     // by full name
  std::map<std::string, std::string> names_, ids_;  // of triggers, by id and by name
};

std::string TypeOf(const v1::Event& event) {
  if (event.source() != "github") return event.source() == "api" ? "" : event.type();
  const absl::StatusOr<GithubIdentity> who = ReadGithubIdentity(event.type(), event.payload());
  const std::string action = who.ok() ? who->action : "";
  return absl::StrCat(event.type(), action.empty() ? "" : " ", action);
}

class Comparison {
 public:
  explicit Comparison(const BacktestInput& input) : input_(input) {}

  absl::StatusOr<v1::Backtest> Run() {
    RETURN_IF_ERROR(Prefixed("old", old_.Open(input_.old_routines, input_.min_schedule_interval)));
    RETURN_IF_ERROR(Prefixed("new", new_.Open(input_.new_routines, input_.min_schedule_interval)));
    result_.set_events(0);
    result_.set_skipped(0);
    for (const RecordedEvent& recorded : input_.events) RETURN_IF_ERROR(Compare(recorded));
    RETURN_IF_ERROR(CompareInstants());
    AddChanges();
    return std::move(result_);
  }

 private:
  static absl::Status Prefixed(std::string_view side, const absl::Status& status) {
    if (status.ok()) return status;
    return absl::Status(status.code(), absl::StrCat(std::string(side), ": ", status.message()));
  }

  absl::Status Compare(const RecordedEvent& recorded) {
    v1::Event event = recorded.event;
    const std::string& source = event.source();
    if (source == "schedule" || source == "manual" || source == "session" ||
        (source == "api" && event.type().empty())) {
      result_.set_skipped(result_.skipped() + 1);
      return absl::OkStatus();
    }
    result_.set_events(result_.events() + 1);
    // Whether it came before is no question of configuration.
    event.set_external_id(source == "api" ? "" : absl::StrCat("event-", result_.events()));
    ASSIGN_OR_RETURN(Outcomes before, old_.Run(event));
    ASSIGN_OR_RETURN(Outcomes after, new_.Run(event));
    std::set<std::string> names;
    for (const auto& [name, outcome] : before) names.insert(name);
    for (const auto& [name, outcome] : after) names.insert(name);
    for (const std::string& name : names) {
      v1::BacktestDifference* const difference = Add(name, before[name], after[name]);
      if (difference == nullptr) continue;
      difference->set_event(recorded.name);
      difference->set_source(source);
      difference->set_type(TypeOf(event));
      if (difference->kind() == v1::BACKTEST_KIND_NEWLY_FIRES) {
        difference->set_because(old_.WhyNot(event, name, before[name], after[name].fired));
      } else if (difference->kind() == v1::BACKTEST_KIND_NO_LONGER_FIRES) {
        difference->set_because(new_.WhyNot(event, name, after[name], before[name].fired));
      }
    }
    return absl::OkStatus();
  }

  absl::Status CompareInstants() {
    std::map<std::pair<absl::Time, std::string>, Outcome> before, after;
    RETURN_IF_ERROR(Prefixed("old", old_.Instants(input_.from, input_.to, before)));
    RETURN_IF_ERROR(Prefixed("new", new_.Instants(input_.from, input_.to, after)));
    std::set<std::pair<absl::Time, std::string>> all;
    for (const auto& [key, outcome] : before) all.insert(key);
    for (const auto& [key, outcome] : after) all.insert(key);
    result_.set_instants(static_cast<int64_t>(all.size()));
    for (const auto& key : all) {
      v1::BacktestDifference* const difference = Add(key.second, before[key], after[key]);
      if (difference == nullptr) continue;
      difference->set_event(absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", key.first, absl::UTCTimeZone()));
      difference->set_source("schedule");
    }
    return absl::OkStatus();
  }

  // Null: the same.
  v1::BacktestDifference* Add(const std::string& routine, const Outcome& before,
                              const Outcome& after) {
    if (!before.fired.empty() && !after.fired.empty()) fire_in_both_.insert(routine);
    if (before.fired == after.fired) return nullptr;
    v1::BacktestDifference& difference = *result_.add_differences();
    difference.set_kind(before.fired.empty()  ? v1::BACKTEST_KIND_NEWLY_FIRES
                        : after.fired.empty() ? v1::BACKTEST_KIND_NO_LONGER_FIRES
                                              : v1::BACKTEST_KIND_FIRES_DIFFERENTLY);
    difference.set_routine(routine);
    for (const std::string& trigger : before.fired) difference.add_old_triggers(trigger);
    for (const std::string& trigger : after.fired) difference.add_new_triggers(trigger);
    return &difference;
  }

  void AddChanges() {
    for (const std::string& name : fire_in_both_) {
      const v1::Routine& before = *old_.Find(name);
      const v1::Routine& after = *new_.Find(name);
      std::vector<std::string> fields;
      const auto& type = *v1::Routine::descriptor();
      for (int i = 0; i < type.field_count(); ++i) {
        const auto* const field = type.field(i);
        if (field->name() == "triggers" || field->name() == "description") continue;
        google::protobuf::util::MessageDifferencer differencer;
        std::vector<const google::protobuf::FieldDescriptor*> one = {field};
        if (!differencer.CompareWithFields(before, after, one, one))
          fields.push_back(field->name());
      }
      if (fields.empty()) continue;
      v1::BacktestChange& change = *result_.add_changes();
      change.set_routine(name);
      for (std::string& field : fields) change.add_fields(std::move(field));
    }
  }

  const BacktestInput& input_;
  Side old_, new_;
  std::set<std::string> fire_in_both_;  // routines
  v1::Backtest result_;
};

std::string Count(int64_t count, std::string_view what) {
  return absl::StrCat(count, " ", std::string(what), count == 1 ? "" : "s");
}

}  // namespace

absl::StatusOr<v1::Backtest> RunBacktest(const BacktestInput& input) {
  return Comparison(input).Run();
}

std::string BacktestText(const v1::Backtest& backtest) {
  std::string out;
  for (const v1::BacktestDifference& each : backtest.differences()) {
    const char* const mark = each.kind() == v1::BACKTEST_KIND_NEWLY_FIRES       ? "+"
                             : each.kind() == v1::BACKTEST_KIND_NO_LONGER_FIRES ? "-"
                                                                                : "~";
    std::string triggers = absl::StrJoin(each.old_triggers(), ", ");
    if (each.kind() == v1::BACKTEST_KIND_FIRES_DIFFERENTLY) triggers += " → ";
    absl::StrAppend(&triggers, absl::StrJoin(each.new_triggers(), ", "));
    absl::StrAppend(&out, mark, " ", each.routine(), "  ", triggers, "  ",
                    each.type().empty() ? each.source() : each.type(), "  ", each.event());
    if (!each.because().empty()) {
      absl::StrAppend(&out, each.kind() == v1::BACKTEST_KIND_NEWLY_FIRES ? "  (was not: " : "  (",
                      each.because(), ")");
    }
    out += "\n";
  }
  for (const v1::BacktestChange& change : backtest.changes()) {
    absl::StrAppend(&out, "~ ", change.routine(), "  fires as before, but its sessions differ in ",
                    absl::StrJoin(change.fields(), ", "), "\n");
  }
  absl::StrAppend(&out, Count(backtest.events(), "event"), ", ",
                  Count(backtest.instants(), "instant"), ": ",
                  Count(backtest.differences_size(), "difference"));
  if (backtest.skipped() > 0) {
    absl::StrAppend(&out, "; ", Count(backtest.skipped(), "event"), " left out");
  }
  return out + "\n";
}

}  // namespace routines::testing
