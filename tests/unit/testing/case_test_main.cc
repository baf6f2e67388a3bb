// The kept cases as tests of GoogleTest: what a user's own program looks like.
#include "routines/testing/case_test.h"

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  routines::testing::RegisterCases(argc > 1 ? argv[1] : ROUTINES_SOURCE_DIR "/tests/data/cases");
  return RUN_ALL_TESTS();
}
