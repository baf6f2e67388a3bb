// Proves the promises of docs/concepts.md on one history and the store that it left behind.
#ifndef ROUTINES_TESTS_SIM_CHECKER_H_
#define ROUTINES_TESTS_SIM_CHECKER_H_

#include <string>
#include <vector>

#include "routines/store.h"
#include "tests/sim/history.h"

namespace routines::sim {

// What is wrong, one a line; empty: every promise was kept.
std::vector<std::string> Check(const History& history, Store& store);

}  // namespace routines::sim

#endif  // ROUTINES_TESTS_SIM_CHECKER_H_
