// list, show, pause, resume, delete, run.
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "routines/json.h"
#include "src/base/status_macros.h"
#include "src/cli/commands.h"
#include "src/cli/exit_codes.h"
#include "src/cli/state_directory.h"
#include "src/cli/terminal.h"
#include "src/cli/text_body.h"

namespace routines::cli {
namespace {

std::string StateOf(const JsonValue& saved) {
  return saved["paused"].Bool() ? "paused" : "active";
}

// The kind of a trigger, and what it says: "cron 7 2 * * 1-5", "api", "github pull_request".
std::string TriggerText(const JsonValue& trigger) {
  std::string text;
  if (const JsonValue& schedule = trigger["schedule"]; !schedule.IsNull()) {
    text = "schedule";
    for (const char* key : {"cron", "at", "every", "time", "time_zone"}) {
      if (!schedule[key].Text().empty()) absl::StrAppend(&text, " ", schedule[key].Text());
    }
  } else if (!trigger["api"].IsNull()) {
    text = "api";
  } else if (!trigger["github"].IsNull()) {
    text = absl::StrCat("github ", trigger["github"]["event"].Text());
  } else if (!trigger["custom"].IsNull()) {
    text = absl::StrCat("custom ", trigger["custom"]["source"].Text());
  }
  return trigger["disabled"].Bool() ? absl::StrCat(text, " (disabled)") : text;
}

std::string TriggerIds(const JsonValue& saved) {
  std::vector<std::string> ids;
  for (const JsonValue& trigger : saved["routine"]["triggers"].Items()) {
    ids.push_back(trigger["id"].Text());
  }
  const JsonValue::Array& triggers = saved["triggers"].Items();
  for (size_t i = 0; i < triggers.size() && i < ids.size(); ++i) {
    if (triggers[i]["ended"].Bool()) ids[i] += " (ended)";
  }
  return absl::StrJoin(ids, ", ");
}

std::string RoutineText(const JsonValue& saved) {
  const JsonValue& routine = saved["routine"];
  std::vector<std::string> repositories;
  for (const JsonValue& repository : routine["repositories"].Items()) {
    const std::string& ref = repository["ref"].Text();
    repositories.push_back(absl::StrCat(repository["url"].Text(), ref.empty() ? "" : "@", ref));
  }
  std::string out = FormatFields({
      {"routine",
       EscapeControls(absl::StrCat(routine["account"].Text(), "/", routine["name"].Text()))},
      {"description", EscapeControls(routine["description"].Text())},
      {"state", Paint(StateOf(saved), StateColour(StateOf(saved)))},
      {"paused for", EscapeControls(saved["pause_reason"].Text())},
      {"revision",
       absl::StrCat(saved["revision"].Int(), saved["deleted"].Bool() ? " (deleted)" : "")},
      {"saved", LocalTime(saved["update_time"].Text())},
      {"executor", EscapeControls(routine["executor"].Text())},
      {"model", EscapeControls(routine["model"].Text())},
      {"repositories", EscapeControls(absl::StrJoin(repositories, ", "))},
  });
  std::vector<std::vector<std::string>> rows;
  const JsonValue::Array& triggers = routine["triggers"].Items();
  const JsonValue::Array& ids = saved["triggers"].Items();
  for (size_t i = 0; i < triggers.size() && i < ids.size(); ++i) {
    const std::string& next = ids[i]["next_time"].Text();
    rows.push_back({triggers[i]["id"].Text(), ids[i]["trigger_id"].Text(),
                    ids[i]["ended"].Bool() ? absl::StrCat(TriggerText(triggers[i]), " (ended)")
                                           : TriggerText(triggers[i]),
                    next.empty() ? "" : LocalTime(next)});
  }
  if (!rows.empty()) {
    absl::StrAppend(&out, "\n", FormatTable({"TRIGGER", "ID", "FIRES", "NEXT"}, rows));
  }
  return absl::StrCat(out, "\n", EscapeControls(routine["prompt"].Text(), /*keep_lines=*/true));
}

int Print(const JsonValue& answer, bool json, const std::string& text) {
  const std::string shown = json ? answer.Dump() : text;
  std::fputs(shown.c_str(), stdout);
  if (!shown.ends_with('\n')) std::fputc('\n', stdout);
  return kExitOk;
}

// The server's answer does not tell a revision that is not there from a routine that is not.
absl::Status NoRevision(Api& api, const RoutineName& name, const std::string& revision) {
  ASSIGN_OR_RETURN(const JsonValue newest, api.Get(name.Path()));
  return absl::NotFoundError(absl::StrCat("routine ", name.account, "/", name.name,
                                          " has no revision ", revision, "; the newest is ",
                                          newest["revision"].Int()));
}

}  // namespace

CommandResult List(const ListOptions& options) {
  ASSIGN_OR_RETURN(Api api, Api::Open(options.client));
  ASSIGN_OR_RETURN(
      const JsonValue answer,
      api.Get(absl::StrCat("/v1/routines", QueryString({{"account", options.account}}))));
  std::vector<std::vector<std::string>> rows;
  for (const JsonValue& saved : answer["routines"].Items()) {
    rows.push_back(
        {absl::StrCat(saved["routine"]["account"].Text(), "/", saved["routine"]["name"].Text()),
         StateOf(saved), absl::StrCat(saved["revision"].Int()),
         LocalTime(saved["update_time"].Text()), TriggerIds(saved)});
  }
  const std::string table =
      rows.empty() ? "no routines; add some with `routines apply FILE`\n"
                   : FormatTable({"ROUTINE", "STATE", "REVISION", "SAVED", "TRIGGERS"}, rows, 1);
  return Print(answer, options.client.json, table);
}

CommandResult Show(const RoutineOptions& options) {
  ASSIGN_OR_RETURN(const RoutineName name, ParseRoutineName(options.routine));
  ASSIGN_OR_RETURN(Api api, Api::Open(options.client));
  const std::string revision = options.revision == 0 ? "" : absl::StrCat(options.revision);
  const absl::StatusOr<JsonValue> saved =
      api.Get(absl::StrCat(name.Path(), QueryString({{"revision", revision}})));
  if (absl::IsNotFound(saved.status()) && !revision.empty()) {
    return NoRevision(api, name, revision);
  }
  RETURN_IF_ERROR(saved.status());
  return Print(*saved, options.client.json, RoutineText(*saved));
}

CommandResult SetPaused(const RoutineOptions& options, bool paused) {
  ASSIGN_OR_RETURN(const RoutineName name, ParseRoutineName(options.routine));
  ASSIGN_OR_RETURN(Api api, Api::Open(options.client));
  ASSIGN_OR_RETURN(const JsonValue saved,
                   api.Post(absl::StrCat(name.Path(), paused ? "/pause" : "/resume")));
  return Print(saved, options.client.json,
               absl::StrCat(name.account, "/", name.name, paused ? " is paused" : " is active"));
}

CommandResult Delete(const RoutineOptions& options) {
  ASSIGN_OR_RETURN(const RoutineName name, ParseRoutineName(options.routine));
  ASSIGN_OR_RETURN(Api api, Api::Open(options.client));
  ASSIGN_OR_RETURN(const JsonValue answer, api.Delete(name.Path()));
  const JsonValue shown =
      answer.IsNull() ? JsonValue(JsonValue::Object{{"deleted", true}}) : answer;
  return Print(shown, options.client.json,
               absl::StrCat(name.account, "/", name.name, " is deleted"));
}

CommandResult Run(const RunOptions& options) {
  ASSIGN_OR_RETURN(const RoutineName name, ParseRoutineName(options.routine));
  ASSIGN_OR_RETURN(const std::string body, TextBody(options.text));
  ASSIGN_OR_RETURN(Api api, Api::Open(options.client));
  ASSIGN_OR_RETURN(const JsonValue answer, api.Post(name.Path() + "/run", body));
  return Print(answer, options.client.json, FiredText(answer));
}

}  // namespace routines::cli
