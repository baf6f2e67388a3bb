// From a leased session to one that can start: its revision, event, secrets, workspace and prompt.
#ifndef ROUTINES_SRC_ENGINE_PREPARE_H_
#define ROUTINES_SRC_ENGINE_PREPARE_H_

#include <memory>

#include "routines/cancellation.h"
#include "routines/engine.h"
#include "src/engine/buffered_log.h"

namespace routines {

struct Prepared {
  Outcome outcome;  // anything but ok(): the session does not start
  ExecutionRequest request;
  std::unique_ptr<Workspace> workspace;  // null where the routine needs none
  std::shared_ptr<void> connectors;      // what its connectors need while it runs; may be null
};

// How often the routine may be tried again before its agent started.
int RetriesOf(const v1::Routine& routine);

// Blocks (store, secrets, network, disk); returns soon after `cancellation` was cancelled. Tells
// `log` the secrets before anything that may hold them is written to it.
Prepared PrepareSession(const EngineOptions& options, const v1::Session& session, BufferedLog& log,
                        const Cancellation& cancellation);

}  // namespace routines

#endif  // ROUTINES_SRC_ENGINE_PREPARE_H_
