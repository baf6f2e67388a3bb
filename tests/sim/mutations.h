// Stores with one promise taken out: the checker must notice.
#ifndef ROUTINES_TESTS_SIM_MUTATIONS_H_
#define ROUTINES_TESTS_SIM_MUTATIONS_H_

#include <memory>
#include <optional>
#include <string_view>

#include "routines/store.h"

namespace routines::sim {

enum class Mutation {
  kNone,
  kNoUniqueKey,  // admits without dedupe keys
  kNoFencing,    // takes updates of whoever lost the lease, too
  kEarlyAck,     // says OK to an admission first and commits at the next operation
};

std::optional<Mutation> MutationNamed(std::string_view name);

// One for each life of an engine: what it has not committed dies with it.
std::shared_ptr<Store> Mutate(Mutation mutation, std::shared_ptr<Store> store);

}  // namespace routines::sim

#endif  // ROUTINES_TESTS_SIM_MUTATIONS_H_
