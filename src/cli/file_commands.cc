// validate, lint, apply.
#include <algorithm>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "routines/lint.h"
#include "src/base/status_macros.h"
#include "src/cli/commands.h"
#include "src/cli/exit_codes.h"
#include "src/cli/routine_files.h"
#include "src/cli/state_directory.h"
#include "src/cli/terminal.h"

namespace routines::cli {
namespace {

// "default/alert-triage  revision 2", and the address of each API trigger.
std::string AppliedText(const JsonValue& saved) {
  const JsonValue& routine = saved["routine"];
  std::string out = absl::StrCat(EscapeControls(routine["account"].Text()), "/",
                                 EscapeControls(routine["name"].Text()), "  revision ",
                                 saved["revision"].Int(), "\n");
  const JsonValue::Array& triggers = saved["triggers"].Items();
  for (size_t i = 0; i < triggers.size(); ++i) {
    absl::StrAppend(&out, "  ", EscapeControls(triggers[i]["id"].Text()), "  ",
                    EscapeControls(triggers[i]["trigger_id"].Text()), "\n");
  }
  return out;
}

}  // namespace

CommandResult Validate(const ValidateOptions& options) {
  ASSIGN_OR_RETURN(const std::vector<RoutineFile> files, LoadRoutineFiles(options.files));
  const std::vector<Problem> problems = ProblemsOf(files);
  if (options.json) {
    std::printf("{\"valid\":%s,\"files\":%zu,\"problems\":%s}\n",
                problems.empty() ? "true" : "false", files.size(), ProblemsJson(problems).c_str());
  } else {
    for (const Problem& problem : problems) {
      std::printf("%s\n", EscapeControls(problem.ToString()).c_str());
    }
    if (problems.empty())
      std::printf("%zu %s valid\n", files.size(), files.size() == 1 ? "file is" : "files are");
  }
  return problems.empty() ? kExitOk : kExitFailed;
}

CommandResult Lint(const ValidateOptions& options) {
  ASSIGN_OR_RETURN(const std::vector<RoutineFile> files, LoadRoutineFiles(options.files));
  std::vector<LintSource> sources;
  std::vector<Problem> problems;
  for (const RoutineFile& file : files) {
    // A problem of the whole file: it cannot be read, or not to its end.
    const bool unread = std::any_of(file.loaded.problems.begin(), file.loaded.problems.end(),
                                    [](const Problem& problem) { return problem.line == 0; });
    const absl::StatusOr<std::string> text =
        unread ? absl::StatusOr<std::string>(absl::UnknownError("")) : ReadFile(file.path);
    if (text.ok()) {
      sources.push_back({file.path, *text});
    } else {
      problems.insert(problems.end(), file.loaded.problems.begin(), file.loaded.problems.end());
    }
  }
  for (Problem& problem : LintRoutines(sources, absl::Now()))
    problems.push_back(std::move(problem));
  if (options.json) {
    std::printf("{\"files\":%zu,\"problems\":%s}\n", files.size(), ProblemsJson(problems).c_str());
  } else {
    for (const Problem& problem : problems) {
      std::printf("%s\n", EscapeControls(problem.ToString()).c_str());
    }
  }
  return problems.empty() ? kExitOk : kExitFailed;
}

CommandResult Apply(const ApplyOptions& options) {
  ASSIGN_OR_RETURN(const std::vector<RoutineFile> files, LoadRoutineFiles(options.files));
  if (const auto problems = ProblemsOf(files); !problems.empty()) return ProblemsError(problems);
  ASSIGN_OR_RETURN(Api api, Api::Open(options.client));
  ProgressLine progress(options.client.json);
  std::string text;
  JsonValue::Array applied;
  for (const RoutineFile& file : files) {
    progress.Show(
        absl::StrCat("applying ", applied.size() + 1, " of ", files.size(), ": ", file.path));
    ASSIGN_OR_RETURN(const std::string contents, ReadFile(file.path));
    ASSIGN_OR_RETURN(JsonValue saved, api.Put("/v1/routines", contents));
    text += AppliedText(saved);
    applied.push_back(std::move(saved));
  }
  if (options.client.json) {
    text =
        absl::StrCat(JsonValue(JsonValue::Object{{"routines", std::move(applied)}}).Dump(), "\n");
  }
  std::fputs(text.c_str(), stdout);
  return kExitOk;
}

}  // namespace routines::cli
