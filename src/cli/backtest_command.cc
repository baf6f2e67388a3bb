// backtest: what a change of configuration would have changed.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "routines/event.h"
#include "routines/json.h"
#include "routines/store.h"
#include "routines/testing/backtest.h"
#include "src/base/status_macros.h"
#include "src/cli/commands.h"
#include "src/cli/exit_codes.h"
#include "src/cli/recorded.h"
#include "src/cli/routine_files.h"
#include "src/cli/state_directory.h"
#include "src/cli/terminal.h"

namespace routines::cli {
namespace {

namespace fs = std::filesystem;
using testing::RecordedEvent;

constexpr int kPage = 1000;

absl::StatusOr<std::vector<v1::Routine>> LoadRoutines(const std::string& path) {
  ASSIGN_OR_RETURN(std::vector<RoutineFile> files, LoadRoutineFiles({path}));
  if (const auto problems = ProblemsOf(files); !problems.empty()) return ProblemsError(problems);
  std::vector<v1::Routine> routines;
  for (RoutineFile& file : files) routines.push_back(std::move(file.loaded.routine));
  return routines;
}

// ---- recorded files ----

absl::StatusOr<std::vector<std::string>> PayloadFiles(const std::string& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return std::vector<std::string>{path};
  std::vector<std::string> files;
  for (fs::directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() == ".json") files.push_back(entry->path().string());
  }
  if (error || files.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": ", error ? error.message() : "has no payload (*.json)"));
  }
  std::sort(files.begin(), files.end());
  return files;
}

absl::StatusOr<std::vector<RecordedEvent>> ReadFiles(const std::vector<std::string>& paths) {
  std::vector<RecordedEvent> events;
  for (const std::string& path : paths) {
    ASSIGN_OR_RETURN(const std::vector<std::string> files, PayloadFiles(path));
    for (const std::string& file : files) {
      std::map<std::string, std::string> headers = RecordedHeaders(file);
      RecordedEvent recorded;
      recorded.name = file;
      recorded.event.set_source("github");
      recorded.event.set_type(headers[kEventHeader]);
      if (recorded.event.type().empty()) {
        return absl::FailedPreconditionError(
            absl::StrCat(file, ": which event it is is not known; write X-GitHub-Event: NAME into ",
                         HeadersFile(file)));
      }
      ASSIGN_OR_RETURN(*recorded.event.mutable_payload(), ReadFile(file, kMaxPayload));
      const absl::Status fits = CheckGithubPayload(recorded.event.type(), recorded.event.payload());
      if (!fits.ok()) return absl::InvalidArgumentError(absl::StrCat(file, ": ", fits.message()));
      events.push_back(std::move(recorded));
    }
  }
  return events;
}

// ---- a state folder ----

using Names = std::map<std::string, std::string>;

// "account/routine/trigger" of each trigger that there is, by its id.
absl::StatusOr<Names> TriggerNames(Store& store) {
  Names names;
  ASSIGN_OR_RETURN(const Rows rows, store.Read(RoutineQuery{}));
  for (const v1::SavedRoutine& saved : rows.routines) {
    for (const v1::SavedTrigger& trigger : saved.triggers()) {
      names[trigger.trigger_id()] =
          absl::StrCat(saved.routine().account(), "/", saved.routine().name(), "/", trigger.id());
    }
  }
  return names;
}

absl::StatusOr<std::vector<RecordedEvent>> ReadState(const std::string& folder) {
  const std::string path = folder + "/state.db";
  std::error_code error;
  if (!fs::is_regular_file(path, error)) {  // opening would make one
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": there is none; name a state folder"));
  }
  absl::StatusOr<std::unique_ptr<Store>> store = OpenSqliteStore({.path = path});
  if (!store.ok()) {
    return absl::FailedPreconditionError(absl::StrCat(
        store.status().message(),
        "; where its server runs, write the events with `routines record` and give --events"));
  }
  ASSIGN_OR_RETURN(Names triggers, TriggerNames(**store));
  std::vector<RecordedEvent> events;
  std::string before;
  while (true) {
    ASSIGN_OR_RETURN(Rows rows, (*store)->Read(EventQuery{.before_id = before, .limit = kPage}));
    for (v1::Event& event : rows.events) {
      if (event.source() == "api") event.set_type(triggers[event.trigger_id()]);
      before = event.id();
      events.push_back({std::move(event), before});
    }
    if (static_cast<int>(rows.events.size()) < kPage) break;
  }
  std::reverse(events.begin(), events.end());  // oldest first
  return events;
}

}  // namespace

CommandResult Backtest(const BacktestOptions& options) {
  if (options.events.empty() && options.state.empty() && options.from.empty()) {
    return UsageError("nothing to run: give --events, --state, or --from and --to");
  }
  testing::BacktestInput input;
  ASSIGN_OR_RETURN(input.old_routines, LoadRoutines(options.old_folder));
  ASSIGN_OR_RETURN(input.new_routines, LoadRoutines(options.new_folder));
  if (!options.from.empty()) {
    absl::ParseTime(absl::RFC3339_full, options.from, &input.from, nullptr);
    absl::ParseTime(absl::RFC3339_full, options.to, &input.to, nullptr);
    if (input.to < input.from) return UsageError("--to: must not come before --from");
  }
  if (!options.state.empty()) {
    ASSIGN_OR_RETURN(input.events, ReadState(options.state));
  } else {
    ASSIGN_OR_RETURN(input.events, ReadFiles(options.events));
  }
  ASSIGN_OR_RETURN(const v1::Backtest found, testing::RunBacktest(input));
  if (options.json) {
    std::printf("%s\n", ToJson(found).c_str());
  } else {
    std::fputs(EscapeControls(testing::BacktestText(found), /*keep_lines=*/true).c_str(), stdout);
  }
  return found.differences().empty() && found.changes().empty() ? kExitOk : kExitFailed;
}

}  // namespace routines::cli
