#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "routines/testing/cases.h"
#include "src/base/status_macros.h"
#include "src/base/time_conversion.h"
#include "src/testing/case_judge.h"
#include "src/testing/case_rules.h"

namespace routines::testing {
namespace {

// An id is another one in each run.
std::string WithoutIds(std::string text) {
  constexpr size_t kUlid = 26;
  for (const std::string_view prefix : {"session_", "event_"}) {
    for (size_t at = text.find(prefix); at != text.npos; at = text.find(prefix, at + 1)) {
      const size_t begin = at + prefix.size();
      size_t end = begin;
      while (end < text.size() && absl::ascii_isalnum(text[end])) ++end;
      if (end - begin == kUlid) text.replace(begin, kUlid, "…");
    }
  }
  return text;
}

void CopyConditions(const std::vector<ConditionExplanation>& from,
                    google::protobuf::RepeatedPtrField<v1::TestCondition>& to) {
  for (const ConditionExplanation& condition : from) {
    v1::TestCondition& copy = *to.Add();
    copy.set_path(condition.path);
    copy.set_held(condition.held);
    if (!condition.any_of.empty()) {
      CopyConditions(condition.any_of, *copy.mutable_any_of());
      continue;
    }
    copy.set_field(condition.field);
    copy.set_operator_(condition.op);
    copy.set_expected(condition.expected);
    copy.set_actual(condition.actual);
  }
}

std::vector<ConditionExplanation> ConditionsOf(
    const google::protobuf::RepeatedPtrField<v1::TestCondition>& from) {
  std::vector<ConditionExplanation> conditions;
  for (const v1::TestCondition& condition : from) {
    conditions.push_back({condition.path(), condition.field(), condition.operator_(),
                          condition.expected(), condition.actual(), condition.held(),
                          ConditionsOf(condition.any_of())});
  }
  return conditions;
}

class CaseRun {
 public:
  CaseRun(const std::vector<v1::Routine>& routines, const Case& each, const CaseOptions& options,
          v1::TestResult& result)
      : case_(each), test_(each.test), options_(options), result_(result) {
    for (const v1::Routine& routine : routines) routines_.push_back(WhatDecides(routine));
  }

  absl::Status Run() {
    result_.set_sessions(0);
    Open();
    RETURN_IF_ERROR(PutAll());
    if (test_.event().has_schedule()) {
      RETURN_IF_ERROR(RunSchedule());
    } else {
      RETURN_IF_ERROR(RunEvent());
    }
    std::sort(result_.mutable_fired()->begin(), result_.mutable_fired()->end());
    return absl::OkStatus();
  }

 private:
  void Open() {
    const absl::Time at = FromProto(test_.at());
    const v1::TestGiven& given = test_.given();
    CaseSetup setup;
    // An instant counts only after its schedule was saved.
    setup.start = test_.event().has_schedule() ? at - FromProto(given.down()) - absl::Seconds(1)
                                               : at - given.earlier() * FromProto(given.apart());
    setup.sessions_end = !given.running();
    setup.limits = options_.limits;
    setup.min_schedule_interval = options_.min_schedule_interval;
    start_ = setup.start;
    door_ = options_.open == nullptr ? NewEngineDoor(setup) : options_.open(setup);
  }

  absl::Status PutAll() {
    for (const v1::Routine& routine : routines_) {
      const bool paused =
          std::any_of(test_.given().paused().begin(), test_.given().paused().end(),
                      [&](const std::string& name) { return NamesRoutine(name, routine); });
      const absl::StatusOr<v1::SavedRoutine> saved = door_->Put(routine, paused);
      if (!saved.ok()) {
        return absl::Status(saved.status().code(),
                            absl::StrCat(routine.account(), "/", routine.name(),
                                         " cannot be saved: ", saved.status().message()));
      }
      for (int i = 0; i < saved->triggers_size(); ++i) {
        names_[saved->triggers(i).trigger_id()] = TriggerName(routine, i);
      }
    }
    return absl::OkStatus();
  }

  const std::string& NameOf(const std::string& trigger_id) { return names_[trigger_id]; }

  void Add(const v1::Decision& decision, bool duplicate, const std::string& instant) {
    v1::TestDecision& copy = *result_.add_decisions();
    copy.set_trigger(decision.trigger_id().empty() ? "" : NameOf(decision.trigger_id()));
    copy.set_reason(duplicate ? v1::DECISION_REASON_DUPLICATE : decision.reason());
    if (!duplicate) copy.set_detail(WithoutIds(decision.detail()));
    copy.set_instant(instant);
    if (copy.reason() != v1::DECISION_REASON_FIRED) return;
    result_.set_sessions(result_.sessions() + 1);
    const auto& fired = result_.fired();
    if (std::find(fired.begin(), fired.end(), copy.trigger()) == fired.end()) {
      result_.add_fired(copy.trigger());
    }
  }

  // ---- github, custom, api ----

  v1::Event EventToSend() {
    v1::Event event = case_.event;
    if (!test_.event().has_api()) return event;
    event.set_source("api");
    event.set_text(test_.event().text());
    event.set_external_id(test_.event().id());
    for (const auto& [id, name] : names_) {
      if (!NamesTrigger(test_.event().api(), name)) continue;
      event.set_trigger_id(id);
      event.set_account(name.substr(0, name.find('/')));
      event.set_type(
          name.substr(event.account().size() + 1, name.rfind('/') - event.account().size() - 1));
    }
    return event;
  }

  absl::Status RunEvent() {
    const v1::TestGiven& given = test_.given();
    v1::Event event = EventToSend();
    absl::Time now = start_;
    for (int i = 0; i < given.earlier(); ++i) {
      v1::Event other = event;
      other.set_external_id(absl::StrCat("earlier-", i + 1));
      RETURN_IF_ERROR(door_->Send(other).status());
      now += FromProto(given.apart());
      RETURN_IF_ERROR(door_->MoveTo(now, false));
    }
    if (event.external_id().empty()) event.set_external_id("the-event");
    if (given.delivered()) {
      RETURN_IF_ERROR(door_->Send(event).status());
      RETURN_IF_ERROR(door_->MoveTo(now, false));
    }
    ASSIGN_OR_RETURN(const Sent sent, door_->Send(event));
    for (const v1::Decision& decision : sent.decisions) Add(decision, sent.duplicate, "");
    return test_.event().has_api() ? absl::OkStatus() : ExplainAll(sent.event_id);
  }

  absl::Status ExplainAll(const std::string& event_id) {
    for (const v1::Routine& routine : routines_) {
      ASSIGN_OR_RETURN(const Explanation why, door_->Explain(event_id, routine));
      for (const TriggerExplanation& trigger : why.triggers) {
        if (trigger.conditions.empty()) continue;  // no event can match it
        v1::TestTrigger& copy = *result_.add_triggers();
        copy.set_trigger(TriggerName(routine, trigger.index));
        copy.set_matched(trigger.matched);
        CopyConditions(trigger.conditions, *copy.mutable_conditions());
      }
    }
    return absl::OkStatus();
  }

  // ---- schedule ----

  absl::Status RunSchedule() {
    for (const v1::Routine& routine : routines_) {
      for (int i = 0; i < routine.triggers_size(); ++i) {
        const std::string name = TriggerName(routine, i);
        if (!NamesTrigger(test_.event().schedule(), name)) continue;
        return RunTrigger(routine, routine.triggers(i).schedule(), name);
      }
    }
    return absl::NotFoundError(absl::StrCat("no schedule ", test_.event().schedule()));
  }

  absl::Status RunTrigger(const v1::Routine& routine, const v1::ScheduleTrigger& schedule,
                          const std::string& name) {
    const absl::Time at = FromProto(test_.at());
    const absl::Time end = test_.event().has_until() ? FromProto(test_.event().until()) : at;
    if (test_.given().has_down()) RETURN_IF_ERROR(door_->MoveTo(at, /*asleep=*/true));
    // With a spread, an instant's session comes later.
    RETURN_IF_ERROR(door_->MoveTo(end + FromProto(schedule.spread()), false));
    ASSIGN_OR_RETURN(const std::vector<DecidedInstant> instants, door_->Instants(routine));
    for (const DecidedInstant& each : instants) {
      absl::Time instant;
      if (NameOf(each.decision.trigger_id()) != name) continue;
      if (absl::ParseTime(absl::RFC3339_full, each.instant, &instant, nullptr) && instant <= end) {
        Add(each.decision, false, each.instant);
      }
    }
    return absl::OkStatus();
  }

  const Case& case_;
  const v1::TestCase& test_;
  const CaseOptions& options_;
  v1::TestResult& result_;
  std::vector<v1::Routine> routines_;
  absl::Time start_;
  std::unique_ptr<CaseDoor> door_;
  std::map<std::string, std::string> names_;  // by trigger id
};

}  // namespace

v1::TestResult RunCase(const CaseFile& file, size_t index, const CaseOptions& options) {
  const Case& each = file.cases[index];
  v1::TestResult result;
  result.set_file(file.path);
  result.set_line(each.line);
  result.set_name(each.test.name());
  const absl::Status status = CaseRun(file.routines, each, options, result).Run();
  if (status.ok()) {
    Judge(each.test, result);
  } else {
    result.set_passed(false);
    result.add_failures(std::string(status.message()));
  }
  return result;
}

v1::TestResult TryEvent(const v1::Routine& routine, const v1::Event& event,
                        const v1::TestCase& expected) {
  CaseFile file;
  file.routines = {routine};
  if (routine.account().empty()) file.routines[0].set_account("default");
  Case& each = file.cases.emplace_back();
  each.test = expected;
  each.test.mutable_at()->set_seconds(kUsualTime);
  each.test.mutable_event()->set_custom(event.source());
  each.event = event;
  v1::TestResult result = RunCase(file, 0);
  if (each.test.expect() != v1::TEST_VERDICT_UNSPECIFIED) return result;
  const bool tried = !result.decisions().empty();
  if (tried) result.clear_failures();
  result.set_passed(tried);
  return result;
}

std::string CaseText(const v1::TestResult& result) {
  std::string out = absl::StrJoin(result.failures(), "\n");
  if (!out.empty()) out += "\n";
  for (const v1::TestDecision& decision : result.decisions()) {
    absl::StrAppend(&out, decision.trigger().empty() ? "no trigger" : decision.trigger(), ": ",
                    ReasonWord(decision.reason()),
                    decision.instant().empty() ? "" : absl::StrCat(" at ", decision.instant()),
                    decision.detail().empty() ? "" : ": ", decision.detail(), "\n");
  }
  for (const v1::TestTrigger& trigger : result.triggers()) {
    TriggerExplanation why;
    why.trigger = trigger.trigger();
    why.matched = trigger.matched();
    why.conditions = ConditionsOf(trigger.conditions());
    out += why.ToString();
  }
  return out;
}

}  // namespace routines::testing
