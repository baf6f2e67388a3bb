// Reads routine files: YAML or JSON text into v1::Routine, strictly.
//
// Every problem of a file is reported, not only the first, each with its place, the field's path
// and how to mend it:
//
//   LoadResult loaded = LoadRoutine(text, "alert.yaml");
//   for (const Problem& problem : loaded.problems) std::cerr << problem.ToString() << "\n";
//   // alert.yaml:7:5: triggers[0].shedule: unknown key "shedule"; did you mean "schedule"?
//
// Pure: no I/O but LoadRoutineFile, no threads, no clock. Bounded: 1 MiB of text, 64 levels,
// 100,000 nodes; aliases and anchors are refused.
#ifndef ROUTINES_ROUTINE_H_
#define ROUTINES_ROUTINE_H_

#include <string>
#include <string_view>
#include <vector>

#include "routines/v1/routine.pb.h"

namespace routines {

struct Problem {
  std::string file;
  int line = 0;         // from 1; 0: the file as a whole
  int column = 0;       // from 1, in bytes
  std::string path;     // "triggers[0].github.filters[1].operator"; empty: the document
  std::string message;  // lower case, no dot at the end

  std::string ToString() const;  // "file:line:column: path: message"
};

struct LoadResult {
  v1::Routine routine;            // what could be read; complete only when ok()
  std::vector<Problem> problems;  // by line and column
  bool ok() const { return problems.empty(); }
};

// `file` names the text in problems. Defaults (`account: default`) are filled in.
LoadResult LoadRoutine(std::string_view text, std::string_view file);

// Reads the file first; a file that cannot be read is a problem of line 0.
LoadResult LoadRoutineFile(const std::string& path);

// The rules that a routine made in code must fulfil too (LoadRoutine calls it): names, ids, URLs,
// impossible combinations. Problems have no line.
std::vector<Problem> ValidateRoutine(const v1::Routine& routine);

// The word of `known` nearest to `word`, or "" where none is near enough to have been meant.
std::string NearestWord(std::string_view word, const std::vector<std::string>& known);

}  // namespace routines

#endif  // ROUTINES_ROUTINE_H_
