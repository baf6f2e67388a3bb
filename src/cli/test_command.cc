// test: whether a configuration fires as its tests say.
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "routines/testing/cases.h"
#include "src/base/status_macros.h"
#include "src/cli/commands.h"
#include "src/cli/exit_codes.h"
#include "src/cli/limit_words.h"
#include "src/cli/routine_files.h"
#include "src/cli/test_report.h"

namespace routines::cli {
namespace {

absl::StatusOr<std::vector<testing::CaseFile>> Load(const std::vector<std::string>& paths) {
  std::vector<testing::CaseFile> files;
  std::vector<Problem> problems;
  for (const std::string& path : paths) {
    absl::StatusOr<std::vector<std::string>> names = testing::FindCaseFiles(path);
    if (!names.ok()) return absl::FailedPreconditionError(names.status().message());
    for (const std::string& name : *names) {
      files.push_back(testing::LoadCaseFile(name));
      problems.insert(problems.end(), files.back().problems.begin(), files.back().problems.end());
    }
  }
  if (!problems.empty()) return ProblemsError(problems);
  return files;
}

std::string Report(const std::vector<TestedFile>& tested, const TestOptions& options) {
  if (options.json) return JsonReport(tested);
  if (options.format == "tap") return TapReport(tested);
  return options.format == "junit" ? JunitReport(tested) : HumanReport(tested);
}

}  // namespace

CommandResult Test(const TestOptions& options) {
  testing::CaseOptions cases;
  RETURN_IF_ERROR(SetLimits(options.limits, options.limit, cases.limits));
  const absl::StatusOr<std::vector<testing::CaseFile>> files = Load(options.paths);
  if (!files.ok()) {
    // A harness that reads TAP is told so; the problems go to standard error.
    if (options.format == "tap" && !options.json) {
      std::fputs("TAP version 14\nBail out! the tests cannot be read\n", stdout);
    }
    return files.status();
  }
  std::vector<TestedFile> tested;
  int failed = 0;
  for (const testing::CaseFile& file : *files) {
    TestedFile& one = tested.emplace_back();
    one.path = file.path;
    for (size_t i = 0; i < file.cases.size(); ++i) {
      one.results.push_back(testing::RunCase(file, i, cases));
    }
    failed += CountFailed(one.results);
  }
  std::fputs(Report(tested, options).c_str(), stdout);
  return failed == 0 ? kExitOk : kExitFailed;
}

}  // namespace routines::cli
