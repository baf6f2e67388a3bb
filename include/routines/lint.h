// What is valid in routine files and still hardly what was meant.
//
//   for (const Problem& problem : LintRoutines({{"a.yaml", text_a}, {"b.yaml", text_b}}, now)) {
//     std::cerr << problem.ToString() << "\n";
//     // a.yaml:9:11: triggers[0].github.filters[1]: can never hold beside filters[0]: …
//   }
//
// Finds conditions that contradict each other, a regex that reads as if it were searched for, and
// schedules that are over or that always come together; over all files, routines that start each
// other when they end. Files that do not load give their own problems instead.
//
// Pure: no I/O, no threads, no clock. Thread-safe. Bounded: so many instants of each schedule are
// looked at, and each pair of schedules once.
#ifndef ROUTINES_LINT_H_
#define ROUTINES_LINT_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "routines/routine.h"

namespace routines {

struct LintSource {
  std::string file;  // names the text in problems
  std::string text;
};

// By file, in their order, then by line and column.
std::vector<Problem> LintRoutines(const std::vector<LintSource>& sources, absl::Time now);

}  // namespace routines

#endif  // ROUTINES_LINT_H_
