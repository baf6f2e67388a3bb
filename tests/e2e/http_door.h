// Test cases through HTTP: a real server on a port of its own, over an engine in simulated time.
#ifndef ROUTINES_TESTS_E2E_HTTP_DOOR_H_
#define ROUTINES_TESTS_E2E_HTTP_DOOR_H_

#include <memory>

#include "routines/testing/case_door.h"

namespace routines::testing {

// Routines are saved and paused, events delivered and fired, decisions and explanations read as
// docs/http_api.md has it. The clock is moved in the process, and a custom source's events come
// from there, as they do from a host's: HTTP has no way for either.
std::unique_ptr<CaseDoor> NewHttpDoor(const CaseSetup& setup);

}  // namespace routines::testing

#endif  // ROUTINES_TESTS_E2E_HTTP_DOOR_H_
