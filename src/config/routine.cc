#include "routines/routine.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "src/config/document.h"
#include "src/config/message_reader.h"

namespace routines {
namespace {

LoadResult Unreadable(const std::string& path, std::string message) {
  LoadResult result;
  result.problems.push_back({path, 0, 0, "", std::move(message)});
  return result;
}

void Sort(std::vector<Problem>* problems) {
  std::stable_sort(problems->begin(), problems->end(), [](const Problem& a, const Problem& b) {
    return std::tie(a.line, a.column) < std::tie(b.line, b.column);
  });
}

}  // namespace

std::string Problem::ToString() const {
  std::string place = file;
  if (line > 0) absl::StrAppend(&place, ":", line, ":", column);
  return absl::StrCat(place, ": ", path, path.empty() ? "" : ": ", message);
}

LoadResult LoadRoutine(std::string_view text, std::string_view file) {
  LoadResult result;
  const Document document = ParseDocument(text);
  for (const DocumentProblem& problem : document.problems) {
    result.problems.push_back(
        {"", problem.position.line, problem.position.column, "", problem.message});
  }
  if (document.complete) {
    MessageReader reader;
    reader.Read(document.root, &result.routine);
    if (result.routine.account().empty()) result.routine.set_account("default");
    for (Problem& problem : reader.TakeProblems()) result.problems.push_back(std::move(problem));
    // What could not be read would be missing for the rules: only what the reader did not report.
    for (Problem& problem : ValidateRoutine(result.routine)) {
      if (reader.Reported(problem.path)) continue;
      const Position position = reader.PositionOf(problem.path);
      problem.line = position.line;
      problem.column = position.column;
      result.problems.push_back(std::move(problem));
    }
  }
  for (Problem& problem : result.problems) problem.file = std::string(file);
  Sort(&result.problems);
  return result;
}

LoadResult LoadRoutineFile(const std::string& path) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0) {
    return Unreadable(path, absl::StrCat("cannot be read: ", std::strerror(errno)));
  }
  // A pipe or device could block or never end.
  if (!S_ISREG(status.st_mode)) return Unreadable(path, "is not a file");
  std::ifstream stream(path, std::ios::binary);
  std::string text(kMaxDocumentBytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!stream.is_open() || stream.bad()) {
    return Unreadable(path, absl::StrCat("cannot be read: ", std::strerror(errno)));
  }
  text.resize(static_cast<size_t>(stream.gcount()));
  return LoadRoutine(text, path);
}

}  // namespace routines
