// What each session of an admission has to pass in the store: the engine's limits, the trigger's
// wish for what is over them, and the routine's rule of overlap.
//
// Thread-safe.
#ifndef ROUTINES_SRC_ENGINE_SESSION_GATES_H_
#define ROUTINES_SRC_ENGINE_SESSION_GATES_H_

#include <string>
#include <string_view>

#include "routines/limits.h"
#include "routines/store.h"
#include "src/engine/catalog.h"

namespace routines {

// How many sessions of the routine may be on their way at once; 0: any number.
int ConcurrencyLimit(const v1::Routine& routine);

// As what the sessions of an event of that source count: schedule, api, manual, github or custom.
std::string_view KindOf(std::string_view source);

// Adds to `admission` the gates of its sessions, and where its lineage ends.
void AddGates(const Catalog& catalog, const LimitOptions& limits, Admission& admission);

}  // namespace routines

#endif  // ROUTINES_SRC_ENGINE_SESSION_GATES_H_
