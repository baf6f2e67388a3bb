// Cases of *.test.yaml files as GoogleTest tests: each case is a test of a suite named after its
// file.
//
//   int main(int argc, char** argv) {
//     ::testing::InitGoogleTest(&argc, argv);
//     routines::testing::RegisterCases("routines/");
//     return RUN_ALL_TESTS();
//   }
//
// A file that cannot be read, or is wrong, is a test that fails with its problems: what was meant
// to be tested is never passed over. --gtest_filter, --gtest_output and the rest work as they
// always do.
//
// Needs GoogleTest. Thread-safety: call it from main, before RUN_ALL_TESTS. Blocking: it reads
// files.
#ifndef ROUTINES_TESTING_CASE_TEST_H_
#define ROUTINES_TESTING_CASE_TEST_H_

#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "routines/testing/cases.h"

namespace routines::testing {

// One case, or what is wrong with its file.
class CaseTest : public ::testing::Test {
 public:
  CaseTest(std::shared_ptr<const CaseFile> file, size_t index, CaseOptions options)
      : file_(std::move(file)), index_(index), options_(std::move(options)) {}

  void TestBody() override {
    for (const Problem& problem : file_->problems) ADD_FAILURE() << problem.ToString();
    if (!file_->ok()) return;
    const v1::TestResult result = RunCase(*file_, index_, options_);
    if (!result.passed()) {
      ADD_FAILURE_AT(file_->path.c_str(), result.line()) << result.name() << "\n"
                                                         << CaseText(result);
    }
  }

 private:
  const std::shared_ptr<const CaseFile> file_;
  const size_t index_;
  const CaseOptions options_;
};

// The cases of a test file, or of those in a folder and below. Returns how many tests that are.
inline size_t RegisterCases(const std::string& path, const CaseOptions& options = {}) {
  size_t count = 0;
  const auto add = [&](const std::shared_ptr<const CaseFile>& file, size_t index,
                       const std::string& name, int line) {
    ++count;
    ::testing::RegisterTest(file->path.c_str(), name.c_str(), nullptr, nullptr, file->path.c_str(),
                            line, [file, index, options]() -> ::testing::Test* {
                              return new CaseTest(file, index, options);
                            });
  };
  const absl::StatusOr<std::vector<std::string>> names = FindCaseFiles(path);
  if (!names.ok()) {
    CaseFile none;
    none.path = path;
    none.problems.push_back({path, 0, 0, "", std::string(names.status().message())});
    add(std::make_shared<const CaseFile>(std::move(none)), 0, "can be read", 0);
    return count;
  }
  for (const std::string& name : *names) {
    const auto file = std::make_shared<const CaseFile>(LoadCaseFile(name));
    if (!file->ok()) add(file, 0, "can be read", 0);
    for (size_t i = 0; file->ok() && i < file->cases.size(); ++i) {
      add(file, i, file->cases[i].test.name(), file->cases[i].line);
    }
  }
  return count;
}

}  // namespace routines::testing

#endif  // ROUTINES_TESTING_CASE_TEST_H_
