// Whether what came of a case is what was expected.
//
// Pure and thread-safe.
#ifndef ROUTINES_SRC_TESTING_CASE_JUDGE_H_
#define ROUTINES_SRC_TESTING_CASE_JUDGE_H_

#include "routines/v1/testing.pb.h"

namespace routines::testing {

// Fills `passed` and `failures` of a result that has everything else.
void Judge(const v1::TestCase& test, v1::TestResult& result);

}  // namespace routines::testing

#endif  // ROUTINES_SRC_TESTING_CASE_JUDGE_H_
