// Runs the test cases of a folder through one door, and prints the JSON of each result on a line.
//
//   case_doors engine|http DIR
#include <cstdio>
#include <string>

#include "routines/json.h"
#include "routines/testing/cases.h"
#include "tests/e2e/http_door.h"

namespace routines::testing {
namespace {

int RunAll(const std::string& door, const std::string& folder) {
  CaseOptions options;
  if (door == "http") options.open = NewHttpDoor;
  const auto files = FindCaseFiles(folder);
  if (!files.ok()) {
    std::fprintf(stderr, "%s\n", files.status().ToString().c_str());
    return 1;
  }
  for (const std::string& path : *files) {
    const CaseFile file = LoadCaseFile(path);
    for (const Problem& problem : file.problems) {
      std::fprintf(stderr, "%s\n", problem.ToString().c_str());
    }
    if (!file.ok()) return 1;
    for (size_t i = 0; i < file.cases.size(); ++i) {
      std::printf("%s\n", ToJson(RunCase(file, i, options)).c_str());
    }
  }
  return 0;
}

}  // namespace
}  // namespace routines::testing

int main(int argc, char** argv) {
  const std::string door = argc == 3 ? argv[1] : "";
  if (door != "engine" && door != "http") {
    std::fputs("usage: case_doors engine|http DIR\n", stderr);
    return 2;
  }
  return routines::testing::RunAll(door, argv[2]);
}
