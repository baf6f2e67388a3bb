// What the tests of the loader share.
#ifndef ROUTINES_TESTS_UNIT_CONFIG_LOADING_H_
#define ROUTINES_TESTS_UNIT_CONFIG_LOADING_H_

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "routines/routine.h"

namespace routines {

// The problems of `text` as "line:column: path: message", the file's name left out.
inline std::vector<std::string> Problems(std::string_view text) {
  std::vector<std::string> lines;
  for (const Problem& problem : LoadRoutine(text, "f").problems) {
    lines.push_back(problem.ToString().substr(problem.line > 0 ? 2 : 3));
  }
  return lines;
}

// A routine that is valid but for `more`, which begins in line 3.
inline std::string With(std::string_view more) {
  return absl::StrCat("name: a\nprompt: b\n", absl::string_view(more.data(), more.size()));
}

inline std::string ReadFile(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace routines

#endif  // ROUTINES_TESTS_UNIT_CONFIG_LOADING_H_
