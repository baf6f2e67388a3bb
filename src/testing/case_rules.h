// What a test case must be, and the event that it describes.
//
// Pure but for payload files; any thread may call anything here.
#ifndef ROUTINES_SRC_TESTING_CASE_RULES_H_
#define ROUTINES_SRC_TESTING_CASE_RULES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "routines/routine.h"
#include "routines/testing/cases.h"
#include "routines/v1/testing.pb.h"

namespace routines::testing {

// Of cases that say no time: 2026-01-05T09:00:00Z, a Monday. Seconds of Unix time.
inline constexpr int64_t kUsualTime = 1767603600;

// A problem of a test file, with its path alone.
struct RuleProblem {
  std::string path;  // "cases[2].event.fields.base_brunch"
  std::string message;
};

// Everything that is wrong with `test`, whose path is `path`, as far as its routines can be known.
void CheckCase(const v1::TestCase& test, const std::string& path,
               const std::vector<v1::Routine>& routines, std::vector<RuleProblem>& problems);

// Of a github or custom event. `folder`: where payload files are looked for. What is wrong with it
// goes to `problems`.
v1::Event EventOf(const v1::TestEvent& event, const std::string& path, const std::string& folder,
                  const std::string& repository, std::vector<RuleProblem>& problems);

// kFailedPrecondition: it cannot be read, or is larger.
absl::StatusOr<std::string> ReadTextFile(const std::string& path, size_t most_bytes);

// A routine without what sessions need and no decision depends on: nothing is cloned, started or
// looked up.
v1::Routine WhatDecides(v1::Routine routine);

// "account/routine/trigger"; a trigger without an id is named "triggers[2]".
std::string TriggerName(const v1::Routine& routine, int index);
// Whether `name` (trigger, routine/trigger or account/routine/trigger) means `full`.
bool NamesTrigger(std::string_view name, std::string_view full);
// Whether `name` (name, or account/name) means the routine.
bool NamesRoutine(std::string_view name, const v1::Routine& routine);

// The word of a reason: "untrusted_author".
std::string ReasonWord(v1::DecisionReason reason);
bool IsReasonWord(std::string_view word);
inline constexpr std::string_view kNotDue = "not_due";

// "base_branch and labels": the fields.
std::vector<std::string> FieldsOf(std::string_view because);

}  // namespace routines::testing

#endif  // ROUTINES_SRC_TESTING_CASE_RULES_H_
