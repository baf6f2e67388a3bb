// A program with an engine inside: one routine, one event, one session. See docs/embedding.md.
#include <iostream>

#include "routines/embedded.h"
#include "routines/routine.h"

int main() {
  auto agent = routines::NewCallbackExecutor([](routines::Execution& execution) {
    std::cout << "the agent was asked:\n" << execution.request().prompt;
    return routines::Outcome::Success("looked at it");
  });
  auto engine = routines::OpenEmbedded(
                    {.state_directory = "state", .executors = {{"agent", std::move(agent)}}})
                    .value();
  engine->Put(routines::LoadRoutineFile("alert.yaml").routine).value();
  if (!engine->Start().ok()) return 1;
  auto fired = engine->Fire({.trigger_id = "trig_alert0001", .text = "SEN-4521 fired"}).value();
  auto session = engine->Wait(fired.session_id, absl::InfiniteFuture()).value();
  std::cout << "session " << routines::StateName(session.state()) << "\n";
}
