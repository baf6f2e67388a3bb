// Tests of configurations: the cases of *.test.yaml files, as docs/testing_configs.md describes
// them.
//
//   const CaseFile file = LoadCaseFile("routines/review.test.yaml");
//   for (const Problem& problem : file.problems) std::cerr << problem.ToString() << "\n";
//   for (size_t i = 0; i < file.cases.size(); ++i) {
//     const v1::TestResult result = RunCase(file, i);
//     std::cout << (result.passed() ? "ok " : "not ok ") << result.name() << "\n";
//   }
//
// Each case runs on an engine of its own, with simulated time and a store in memory: nothing waits,
// nothing leaves the process. `routines test`, routines/testing/case_test.h and the bindings all
// run them through here.
//
// Thread-safety: every function may be called from any thread. Ownership: results are the caller's.
// Blocking: files are read; nothing else. Errors: a file that is wrong has problems, a case that is
// not as expected has failures; neither ends anything.
#ifndef ROUTINES_TESTING_CASES_H_
#define ROUTINES_TESTING_CASES_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "routines/limits.h"
#include "routines/routine.h"
#include "routines/testing/case_door.h"
#include "routines/v1/event.pb.h"
#include "routines/v1/routine.pb.h"
#include "routines/v1/testing.pb.h"

namespace routines::testing {

// One case, ready to run.
struct Case {
  v1::TestCase test;
  int line = 0;     // where it begins in its file
  v1::Event event;  // github, custom: what is delivered
};

struct CaseFile {
  std::string path;
  std::vector<v1::Routine> routines;
  std::vector<Case> cases;
  std::vector<Problem> problems;  // of the file and of its routine files
  bool ok() const { return problems.empty(); }
};

// Whether a file name is that of a test file: review.test.yaml, .yml or .json.
bool IsCaseFileName(std::string_view name);

// The test files in a folder and those below it, by name, without hidden ones; of a file, itself.
// kNotFound: there is no such path, or no test file in it.
absl::StatusOr<std::vector<std::string>> FindCaseFiles(const std::string& path);

// Reads a test file, the routine files that it names, and its payloads.
CaseFile LoadCaseFile(const std::string& path);

struct CaseOptions {
  LimitOptions limits;
  absl::Duration min_schedule_interval = absl::Hours(1);
  // Where the cases' events go in; absent: NewEngineDoor.
  std::function<std::unique_ptr<CaseDoor>(const CaseSetup&)> open;
};

// The event that `text` describes: YAML or JSON, what stands under `event` in a test file, of kind
// github or custom; payload files are relative to `folder`. kInvalidArgument: every problem of it.
absl::StatusOr<v1::Event> ParseEvent(std::string_view text, const std::string& folder = "");

// Runs one case of a file that is ok(). A routine that the engine refuses is a failure of the case.
v1::TestResult RunCase(const CaseFile& file, size_t index, const CaseOptions& options = {});

// What a result says for people: the failures, and of each trigger its conditions with what was
// expected and seen.
std::string CaseText(const v1::TestResult& result);

// One event (source "github", or a custom one) and one routine, on an engine of their own. Of
// `expected`, which may be empty, expect, because, triggers, sessions and given are looked at.
v1::TestResult TryEvent(const v1::Routine& routine, const v1::Event& event,
                        const v1::TestCase& expected = {});

}  // namespace routines::testing

#endif  // ROUTINES_TESTING_CASES_H_
