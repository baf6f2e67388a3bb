// plan.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "routines/routine.h"
#include "routines/testing/plan.h"
#include "src/base/status_macros.h"
#include "src/cli/commands.h"
#include "src/cli/exit_codes.h"
#include "src/cli/json_value.h"
#include "src/cli/limit_words.h"
#include "src/cli/routine_files.h"
#include "src/cli/terminal.h"

namespace routines::cli {
namespace {

using testing::Bite;
using testing::Plan;
using testing::PlanInput;
using testing::PlannedSession;
using testing::PlannedTrigger;

bool Started(const PlannedSession& session) {
  return session.start != absl::InfiniteFuture();
}

std::string Count(int64_t count, const char* what) {
  return absl::StrCat(count, " ", what, count == 1 ? "" : "s");
}

absl::StatusOr<std::vector<v1::SavedRoutine>> FromFiles(const std::vector<std::string>& paths) {
  ASSIGN_OR_RETURN(std::vector<RoutineFile> files, LoadRoutineFiles(paths));
  if (const auto problems = ProblemsOf(files); !problems.empty()) return ProblemsError(problems);
  std::vector<v1::SavedRoutine> routines;
  for (RoutineFile& file : files) {
    *routines.emplace_back().mutable_routine() = std::move(file.loaded.routine);
  }
  return routines;
}

absl::StatusOr<std::vector<v1::SavedRoutine>> FromServer(const PlanOptions& options) {
  ASSIGN_OR_RETURN(Api api, Api::Open(options.client));
  ASSIGN_OR_RETURN(
      const JsonValue answer,
      api.Get(absl::StrCat("/v1/routines", QueryString({{"account", options.account}}))));
  std::vector<v1::SavedRoutine> routines;
  for (const JsonValue& saved : answer["routines"].Items()) {
    const LoadResult loaded = LoadRoutine(saved["routine"].Dump(), saved["routine"]["name"].Text());
    if (!loaded.ok()) return ProblemsError(loaded.problems);
    v1::SavedRoutine& routine = routines.emplace_back();
    *routine.mutable_routine() = loaded.routine;
    routine.set_paused(saved["paused"].Bool());
    for (const JsonValue& trigger : saved["triggers"].Items()) {
      routine.add_triggers()->set_trigger_id(trigger["trigger_id"].Text());
    }
  }
  return routines;
}

std::string Name(const PlannedTrigger& trigger) {
  return absl::StrCat(trigger.account, "/", trigger.routine);
}

// ---- for people ----

std::string TriggerTable(const Plan& plan) {
  std::vector<int64_t> started(plan.triggers.size(), 0);
  std::vector<absl::Time> first(plan.triggers.size(), absl::InfiniteFuture());
  for (const PlannedSession& session : plan.sessions) {
    if (!Started(session)) continue;
    ++started[session.trigger];
    first[session.trigger] = std::min(first[session.trigger], session.start);
  }
  std::vector<std::vector<std::string>> rows;
  for (size_t i = 0; i < plan.triggers.size(); ++i) {
    const PlannedTrigger& trigger = plan.triggers[i];
    rows.push_back({Name(trigger), trigger.trigger, trigger.description,
                    trigger.paused ? "0, paused" : absl::StrCat(started[i]),
                    started[i] > 0 ? UtcTime(first[i]) : "-"});
  }
  return FormatTable({"ROUTINE", "TRIGGER", "SCHEDULE", "RUNS", "FIRST"}, rows);
}

std::string EachText(const Plan& plan) {
  std::string text;
  for (const PlannedSession& session : plan.sessions) {
    const PlannedTrigger& trigger = plan.triggers[session.trigger];
    absl::StrAppend(&text, UtcTime(session.due), "  ",
                    EscapeControls(absl::StrCat(Name(trigger), "  ", trigger.trigger)));
    if (session.outcome == "waits") {
      absl::StrAppend(&text, "  waits ",
                      Started(session) ? absl::StrCat("until ", UtcTime(session.start)) : "longer");
    } else if (session.outcome != "runs") {
      absl::StrAppend(&text, "  ", session.outcome == "overlap" ? "left out" : session.outcome);
    }
    if (!session.limit.empty()) absl::StrAppend(&text, ": ", EscapeControls(session.limit));
    if (session.metered) text += "  metered";
    text += "\n";
  }
  return text;
}

std::string BiteText(const Bite& bite) {
  const std::string sessions = Count(bite.sessions, "session");
  std::string what = absl::StrCat(sessions, ": ", bite.outcome);
  if (bite.outcome == "waits") {
    what = absl::StrCat(sessions, bite.sessions == 1 ? " waits " : " wait, the longest ",
                        absl::FormatDuration(bite.longest_wait));
  } else if (bite.outcome == "overlap") {
    what = absl::StrCat(sessions, " left out");
  } else if (bite.outcome == "metered" || bite.outcome == "cancelled") {
    what = absl::StrCat(sessions, " ", bite.outcome);
  }
  return absl::StrCat("  ", EscapeControls(bite.whose), ": ", EscapeControls(bite.limit), ": ",
                      what, ", first at ", UtcTime(bite.first), "\n");
}

void PrintText(const Plan& plan, const PlanInput& input, bool each) {
  int64_t runs = 0;
  for (const PlannedSession& session : plan.sessions) runs += Started(session) ? 1 : 0;
  std::string text = absl::StrCat(
      "From ", UtcTime(input.from), " to ", UtcTime(input.until), ", ", Count(runs, "session"),
      ", each taken to last ", absl::FormatDuration(input.session), "\n\n",
      plan.triggers.empty() ? "no routine has a schedule\n" : TriggerTable(plan));
  if (each && !plan.sessions.empty()) absl::StrAppend(&text, "\n", EachText(plan));
  absl::StrAppend(&text, plan.bites.empty() ? "\nNo limit bites.\n" : "\nWhere limits bite:\n");
  for (const Bite& bite : plan.bites) absl::StrAppend(&text, BiteText(bite));
  std::fputs(text.c_str(), stdout);
}

// ---- for programs ----

JsonValue TriggerJson(const PlannedTrigger& trigger) {
  JsonValue::Object object = {{"account", trigger.account}, {"routine", trigger.routine},
                              {"trigger", trigger.trigger}, {"description", trigger.description},
                              {"paused", trigger.paused},   {"instants", trigger.instants}};
  if (trigger.instants > 0) {
    object.emplace_back("first", UtcTime(trigger.first));
    object.emplace_back("last", UtcTime(trigger.last));
  }
  return object;
}

JsonValue SessionJson(const Plan& plan, const PlannedSession& session) {
  const PlannedTrigger& trigger = plan.triggers[session.trigger];
  JsonValue::Object object = {{"due", UtcTime(session.due)},
                              {"account", trigger.account},
                              {"routine", trigger.routine},
                              {"trigger", trigger.trigger},
                              {"outcome", session.outcome}};
  if (!session.limit.empty()) object.emplace_back("limit", session.limit);
  if (session.metered) object.emplace_back("metered", true);
  if (Started(session)) object.emplace_back("start", UtcTime(session.start));
  if (session.end != absl::InfiniteFuture()) object.emplace_back("end", UtcTime(session.end));
  return object;
}

JsonValue BiteJson(const Bite& bite) {
  JsonValue::Object object = {{"limit", bite.limit},
                              {"of", bite.whose},
                              {"outcome", bite.outcome},
                              {"sessions", bite.sessions},
                              {"first", UtcTime(bite.first)}};
  if (bite.outcome == "waits") {
    object.emplace_back("longest_wait_seconds", absl::ToInt64Seconds(bite.longest_wait));
  }
  return object;
}

void PrintJson(const Plan& plan, const PlanInput& input) {
  JsonValue::Array triggers, sessions, bites;
  for (const PlannedTrigger& trigger : plan.triggers) triggers.push_back(TriggerJson(trigger));
  for (const PlannedSession& each : plan.sessions) sessions.push_back(SessionJson(plan, each));
  for (const Bite& bite : plan.bites) bites.push_back(BiteJson(bite));
  const JsonValue all(JsonValue::Object{{"from", UtcTime(input.from)},
                                        {"until", UtcTime(input.until)},
                                        {"session_seconds", absl::ToInt64Seconds(input.session)},
                                        {"triggers", std::move(triggers)},
                                        {"sessions", std::move(sessions)},
                                        {"limits", std::move(bites)}});
  std::printf("%s\n", all.Dump().c_str());
}

}  // namespace

CommandResult ShowPlan(const PlanOptions& options) {
  PlanInput input;
  input.from = options.from.value_or(absl::Now());
  input.until = input.from + options.days * absl::Hours(24);
  absl::ParseDuration(options.duration, &input.session);
  if (input.session < absl::Seconds(1) || input.session > absl::Hours(24 * 366)) {
    return UsageError("--duration: must be from 1s to 8784h");
  }
  if (!std::isfinite(options.cost_usd)) return UsageError("--cost: must be a number");
  input.cost_usd = options.cost_usd;
  input.max_concurrent_sessions = options.max_concurrent_sessions;
  RETURN_IF_ERROR(SetLimits(options.limits, options.limit, input.limits));
  ASSIGN_OR_RETURN(input.routines,
                   options.files.empty() ? FromServer(options) : FromFiles(options.files));
  ASSIGN_OR_RETURN(const Plan plan, testing::MakePlan(input));
  if (options.client.json) {
    PrintJson(plan, input);
  } else {
    PrintText(plan, input, options.each);
  }
  return kExitOk;
}

}  // namespace routines::cli
