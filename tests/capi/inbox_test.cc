// The directory watcher in C, held to the contract of sources; the one in C++ is held to it in
// tests/unit/engine/sources_test.cc.
#include <memory>

#include "capi/src/engine.h"
#include "examples/03_inbox/inbox_c.h"
#include "routines/testing/trigger_source_conformance.h"
#include "tests/unit/engine/inbox_folder.h"

namespace routines::testing {
namespace {

std::shared_ptr<TriggerSource> MakeInbox() {
  return capi::AdaptSource(inbox_source(TheFolder().Renew().c_str()), std::make_shared<int>());
}

INSTANTIATE_TEST_SUITE_P(InboxInC, TriggerSourceConformanceTest,
                         ::testing::Values(TriggerSourceFactory{MakeInbox, WriteToInbox}));

}  // namespace
}  // namespace routines::testing
