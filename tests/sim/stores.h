// The same world on another store must go the same way.
#ifndef ROUTINES_TESTS_SIM_STORES_H_
#define ROUTINES_TESTS_SIM_STORES_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "routines/store.h"

namespace routines::sim {

// A SQLite store in a folder that goes with it, whose answers come before Admit and Update return,
// as those of the memory store do. Null: there is none in this build.
std::shared_ptr<Store> NewInlineSqliteStore();

// What was decided and what became of it, without the ids, which are drawn anew in every run.
std::vector<std::string> Outcomes(Store& store);

}  // namespace routines::sim

#endif  // ROUTINES_TESTS_SIM_STORES_H_
