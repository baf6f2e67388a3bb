#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "routines/testing/cases.h"
#include "src/config/document.h"
#include "src/config/message_reader.h"
#include "src/testing/case_rules.h"

namespace routines::testing {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kEnds[] = {".test.yaml", ".test.yml", ".test.json"};
constexpr std::string_view kRoutineEnds[] = {".yaml", ".yml", ".json"};

// "folder/" of a path; empty where it has none.
std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash + 1);
}

bool IsRoutineFileName(const std::string& name) {
  return !name.starts_with('.') && !IsCaseFileName(name) &&
         std::any_of(std::begin(kRoutineEnds), std::end(kRoutineEnds),
                     [&](std::string_view end) { return name.ends_with(end); });
}

// Where the test file names none: review.yaml for review.test.yaml, else the folder's.
std::vector<std::string> RoutineFilesBeside(const std::string& path) {
  const std::string folder = FolderOf(path);
  std::string stem = path;
  for (const std::string_view end : kEnds) {
    if (path.ends_with(end)) stem = path.substr(0, path.size() - end.size());
  }
  std::error_code error;
  for (const std::string_view end : kRoutineEnds) {
    const std::string beside = absl::StrCat(stem, std::string(end));
    if (fs::is_regular_file(beside, error)) return {beside};
  }
  std::vector<std::string> files;
  for (fs::directory_iterator entry(folder.empty() ? "." : folder, error), end;
       !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (IsRoutineFileName(name)) files.push_back(folder + name);
  }
  std::sort(files.begin(), files.end());
  return files;
}

// Reads one file, step by step; what is wrong is gathered with its place.
class CaseFileReader {
 public:
  explicit CaseFileReader(const std::string& path) { file_.path = path; }

  CaseFile Read() {
    const absl::StatusOr<std::string> text = ReadTextFile(file_.path, kMaxDocumentBytes);
    if (!text.ok()) {
      const std::string message(text.status().message());
      file_.problems.push_back({file_.path, 0, 0, "", message.substr(file_.path.size() + 2)});
      return std::move(file_);
    }
    const Document document = ParseDocument(*text);
    for (const DocumentProblem& problem : document.problems) {
      file_.problems.push_back(
          {file_.path, problem.position.line, problem.position.column, "", problem.message});
    }
    if (!document.complete) return std::move(file_);
    reader_.Read(document.root, &test_);
    for (Problem& problem : reader_.TakeProblems()) {
      problem.file = file_.path;
      file_.problems.push_back(std::move(problem));
    }
    if (LoadRoutines()) TakeCases();
    std::stable_sort(
        file_.problems.begin(), file_.problems.end(), [](const Problem& a, const Problem& b) {
          return std::tie(a.file, a.line, a.column) < std::tie(b.file, b.line, b.column);
        });
    return std::move(file_);
  }

 private:
  void Report(const RuleProblem& problem) {
    if (reader_.Reported(problem.path)) return;
    const Position position = reader_.PositionOf(problem.path);
    file_.problems.push_back(
        {file_.path, position.line, position.column, problem.path, problem.message});
  }

  // False: there are none that cases could be about.
  bool LoadRoutines() {
    std::vector<std::string> files;
    for (const std::string& name : test_.routines()) files.push_back(FolderOf(file_.path) + name);
    if (files.empty()) files = RoutineFilesBeside(file_.path);
    if (files.empty()) {
      Report({"routines", "there is no routine file beside this one; name those that it tests"});
      return false;
    }
    bool fine = true;
    std::set<std::string> names;
    for (size_t i = 0; i < files.size(); ++i) {
      LoadResult loaded = LoadRoutineFile(files[i]);
      fine = fine && loaded.ok();
      const std::string name = absl::StrCat(loaded.routine.account(), "/", loaded.routine.name());
      if (loaded.ok() && !names.insert(name).second) {
        Report({absl::StrCat("routines[", i, "]"),
                absl::StrCat("is a second routine ", name, "; keep one of the two")});
        fine = false;
      }
      file_.routines.push_back(std::move(loaded.routine));
      for (Problem& problem : loaded.problems) file_.problems.push_back(std::move(problem));
    }
    return fine;
  }

  void TakeCases() {
    if (test_.cases().empty()) Report({"cases", "there is no case; write at least one"});
    std::set<std::string> names;
    for (int i = 0; i < test_.cases_size(); ++i) {
      const std::string path = absl::StrCat("cases[", i, "]");
      Case& made = file_.cases.emplace_back();
      made.test = test_.cases(i);
      made.line = reader_.PositionOf(path).line;
      FillIn(made.test, path);
      std::vector<RuleProblem> problems;
      CheckCase(made.test, path, file_.routines, problems);
      if (!made.test.name().empty() && !names.insert(made.test.name()).second) {
        problems.push_back({path + ".name", "is the name of a case above, too; give it another"});
      }
      const v1::TestEvent& event = made.test.event();
      if (event.has_github() || event.has_custom()) {
        made.event =
            EventOf(event, path + ".event", FolderOf(file_.path),
                    test_.repository().empty() ? "acme/api" : test_.repository(), problems);
      }
      for (const RuleProblem& problem : problems) Report(problem);
    }
  }

  void FillIn(v1::TestCase& test, const std::string& path) {
    if (test.has_at()) return;
    if (test_.has_at()) {
      *test.mutable_at() = test_.at();
    } else if (test.event().has_schedule()) {
      Report({path + ".at", "is missing; write the instant of the schedule"});
    } else {
      test.mutable_at()->set_seconds(kUsualTime);
    }
  }

  CaseFile file_;
  v1::TestFile test_;
  MessageReader reader_;
};

}  // namespace

bool IsCaseFileName(std::string_view name) {
  return !name.starts_with('.') &&
         std::any_of(std::begin(kEnds), std::end(kEnds),
                     [&](std::string_view end) { return name.ends_with(end); });
}

absl::StatusOr<std::vector<std::string>> FindCaseFiles(const std::string& path) {
  std::error_code error;
  if (fs::is_regular_file(path, error)) return std::vector<std::string>{path};
  std::vector<std::string> files;
  fs::recursive_directory_iterator entry(path, error), end;
  for (; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with('.') && entry->is_directory(error)) entry.disable_recursion_pending();
    if (IsCaseFileName(name)) files.push_back(entry->path().string());
  }
  if (error) {
    return absl::NotFoundError(absl::StrCat("cannot read ", path, ": ", error.message()));
  }
  if (files.empty()) {
    return absl::NotFoundError(
        absl::StrCat("no test file (*.test.yaml, *.test.yml, *.test.json) in ", path, " or below"));
  }
  std::sort(files.begin(), files.end());
  return files;
}

absl::StatusOr<v1::Event> ParseEvent(std::string_view text, const std::string& folder) {
  std::vector<std::string> lines;
  const auto report = [&](Position position, const std::string& path, const std::string& message) {
    Problem problem{"event", position.line, position.column, path, message};
    lines.push_back(problem.ToString());
  };
  const Document document = ParseDocument(text);
  for (const DocumentProblem& problem : document.problems) {
    report(problem.position, "", problem.message);
  }
  v1::TestEvent event;
  MessageReader reader;
  if (document.complete) reader.Read(document.root, &event);
  for (const Problem& problem : reader.TakeProblems()) {
    report({problem.line, problem.column}, problem.path, problem.message);
  }
  if (lines.empty() && !event.has_github() && !event.has_custom()) {
    report({}, "", "does not say what happens; write github or custom");
  }
  if (!lines.empty()) return absl::InvalidArgumentError(absl::StrJoin(lines, "\n"));
  std::vector<RuleProblem> problems;
  v1::Event made = EventOf(event, "event", folder, "acme/api", problems);
  for (const RuleProblem& problem : problems) report({}, problem.path, problem.message);
  if (!lines.empty()) return absl::InvalidArgumentError(absl::StrJoin(lines, "\n"));
  return made;
}

CaseFile LoadCaseFile(const std::string& path) {
  return CaseFileReader(path).Read();
}

}  // namespace routines::testing
