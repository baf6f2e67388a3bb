// What the agents of a world do.
#include "tests/sim/world.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "routines/session.h"
#include "src/base/time_conversion.h"

namespace routines::sim {

// ---- agents ----

void World::StartAgent(const std::shared_ptr<Life>& life, std::shared_ptr<Execution> execution) {
  const ExecutionRequest& request = execution->request();
  AgentRun& run = history_.agents[request.session.id()];
  ++run.starts;
  Trace(absl::StrCat("agent of ", request.session.id(), " starts"));
  const auto stored = disk_->Read(SessionQuery{.id = request.session.id()});
  // LOST: another engine, whose clock is ahead, saw the lease run out before the answer came here.
  if (stored->sessions.empty() || (stored->sessions[0].state() != v1::SESSION_STATE_RUNNING &&
                                   stored->sessions[0].state() != v1::SESSION_STATE_LOST)) {
    history_.problems.push_back(
        absl::StrCat("the agent of ", request.session.id(), " runs and its session does not"));
  }
  if (const auto limit = history_.concurrency.find(request.routine.name());
      limit != history_.concurrency.end()) {
    const auto running = disk_->Read(SessionQuery{.account = "acme",
                                                  .routine = request.routine.name(),
                                                  .states = {v1::SESSION_STATE_RUNNING}});
    if (static_cast<int>(running->sessions.size()) > limit->second) {
      history_.problems.push_back(absl::StrCat(running->sessions.size(), " sessions of ",
                                               request.routine.name(), " run at once"));
    }
  }
  auto agent = std::make_shared<Agent>();
  agent->life = life;
  agent->session = request.session.id();
  agent->execution = std::move(execution);
  agent->kind = calm_ ? Agent::Kind::kQuick : static_cast<Agent::Kind>(random_.Below(5));
  agent->hears = !random_.OneIn(3);
  agent->steps = random_.Between(0, 4);
  agent->fails = random_.OneIn(5);
  if (agent->kind == Agent::Kind::kCareless) return;  // lets go of it
  if (agent->kind == Agent::Kind::kDead) {
    agents_.push_back(agent);
    return;
  }
  if (agent->kind != Agent::Kind::kQuick) {
    AgentStep(agent);
    return;
  }
  for (; agent->steps > 0; --agent->steps) Say(*agent);
  Finish(*agent, Outcome::Success());
}

void World::Say(Agent& agent) {
  AgentRun& run = history_.agents[agent.session];
  agent.execution->log().Append(OutputEvent(v1::SESSION_STEP_AGENT, v1::Output::STREAM_STDOUT,
                                            absl::StrCat("line ", ++run.outputs, "\n")));
}

void World::Finish(Agent& agent, Outcome outcome) {
  AgentRun& run = history_.agents[agent.session];
  run.finished = true;
  run.said_success = outcome.ok();
  agent.execution->Finish(std::move(outcome));
}

void World::AgentStep(const std::shared_ptr<Agent>& agent) {
  if (agent->life->dead()) return;  // its process is gone, and it with that
  if (agent->hears && agent->execution->cancellation().IsCancelled()) {
    Finish(*agent, Outcome::Cancelled());
    return;
  }
  if (agent->steps > 0) {
    --agent->steps;
    Say(*agent);
  } else if (agent->kind == Agent::Kind::kSteady) {
    Finish(*agent, agent->fails ? Outcome::Failure(v1::SESSION_STEP_AGENT, "agent_failed", "no")
                                : Outcome::Success());
    return;
  }
  const absl::Duration most = agent->steps > 0 ? absl::Minutes(3) : absl::Minutes(6);
  At(now() + random_.Between(absl::Seconds(1), most), [this, agent] { AgentStep(agent); });
}

}  // namespace routines::sim
