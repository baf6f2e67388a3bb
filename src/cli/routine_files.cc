#include "src/cli/routine_files.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "routines/json.h"
#include "src/base/status_macros.h"
#include "src/cli/api.h"

namespace routines::cli {
namespace {

namespace fs = std::filesystem;

bool IsRoutineFileName(const fs::path& path) {
  const std::string extension = path.extension().string();
  // review.test.yaml is what `routines test` runs.
  return !path.filename().string().starts_with('.') && path.stem().extension() != ".test" &&
         (extension == ".yaml" || extension == ".yml" || extension == ".json");
}

absl::StatusOr<std::vector<std::string>> FilesIn(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (IsRoutineFileName(entry->path())) files.push_back(entry->path().string());
  }
  if (error) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot read the folder ", folder, ": ", error.message()));
  }
  if (files.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("no routine file (*.yaml, *.yml, *.json) in ", folder));
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

absl::StatusOr<std::vector<RoutineFile>> LoadRoutineFiles(const std::vector<std::string>& paths) {
  std::vector<RoutineFile> files;
  for (const std::string& path : paths) {
    std::error_code ignored;
    std::vector<std::string> names = {path};
    if (fs::is_directory(path, ignored)) {
      ASSIGN_OR_RETURN(names, FilesIn(path));
    }
    for (std::string& name : names) {
      LoadResult loaded = LoadRoutineFile(name);
      files.push_back({std::move(name), std::move(loaded)});
    }
  }
  return files;
}

std::vector<Problem> ProblemsOf(const std::vector<RoutineFile>& files) {
  std::vector<Problem> problems;
  for (const RoutineFile& file : files) {
    problems.insert(problems.end(), file.loaded.problems.begin(), file.loaded.problems.end());
  }
  return problems;
}

std::string ProblemsJson(const std::vector<Problem>& problems) {
  std::string out = "[";
  for (const Problem& problem : problems) {
    absl::StrAppend(&out, out == "[" ? "" : ",", "{\"file\":", JsonString(problem.file),
                    ",\"line\":", problem.line, ",\"column\":", problem.column,
                    ",\"path\":", JsonString(problem.path),
                    ",\"message\":", JsonString(problem.message), "}");
  }
  return out + "]";
}

absl::Status ProblemsError(const std::vector<Problem>& problems) {
  const std::string summary =
      absl::StrCat(problems.size(), problems.size() == 1 ? " problem" : " problems");
  std::string message = summary;
  for (const Problem& problem : problems) absl::StrAppend(&message, "\n", problem.ToString());
  absl::Status status = absl::InvalidArgumentError(message);
  status.SetPayload(
      kErrorPayload,
      absl::Cord(absl::StrCat(
          "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"",
          summary, "\",\"problems\":", ProblemsJson(problems), "}}")));
  return status;
}

}  // namespace routines::cli
