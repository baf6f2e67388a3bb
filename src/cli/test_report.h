// What `routines test` prints.
#ifndef ROUTINES_SRC_CLI_TEST_REPORT_H_
#define ROUTINES_SRC_CLI_TEST_REPORT_H_

#include <string>
#include <string_view>
#include <vector>

#include "routines/v1/testing.pb.h"

namespace routines::cli {

// The results of one test file.
struct TestedFile {
  std::string path;
  std::vector<v1::TestResult> results;
};

int CountFailed(const std::vector<v1::TestResult>& results);

// A line for each file, what is wrong with each case that failed, and a sum.
std::string HumanReport(const std::vector<TestedFile>& files);
// TAP version 14 (https://testanything.org/tap-version-14-specification.html).
std::string TapReport(const std::vector<TestedFile>& files);
// JUnit XML as Jenkins, GitLab and GitHub's reporters read it: a testsuite for each file.
std::string JunitReport(const std::vector<TestedFile>& files);
// One document; each case on a line of its own.
std::string JsonReport(const std::vector<TestedFile>& files);

}  // namespace routines::cli

#endif  // ROUTINES_SRC_CLI_TEST_REPORT_H_
