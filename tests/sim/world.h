// A world of engines, agents and clients on simulated time, in which everything fails that may: all
// of it drawn from one seed.
//
// Faults: a crash at any call of a store, before or after its commit, and at every crash point;
// refusals, and commits whose answer is lost or late; other engines that go on in the middle of a
// step; slow commits; clocks that are stepped by up to ten minutes; suspends; agents that are slow,
// deaf or gone; workspaces that cannot be had; clients that send twice, and what nobody should
// send. Then `calm`: all is well, and everything must come to its end.
#ifndef ROUTINES_TESTS_SIM_WORLD_H_
#define ROUTINES_TESTS_SIM_WORLD_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "routines/engine.h"
#include "routines/executor.h"
#include "routines/testing/simulated_clock.h"
#include "tests/sim/history.h"
#include "tests/sim/host.h"
#include "tests/sim/mutations.h"
#include "tests/sim/random.h"

namespace routines::sim {

class World {
 public:
  // `disk`: what outlives every crash.
  World(uint64_t seed, Mutation mutation, std::shared_ptr<Store> disk, bool trace);
  ~World();

  // Runs it to its end.
  History Run();

 private:
  class Agents;
  struct Agent {
    enum class Kind { kQuick, kSteady, kObedient, kDead, kCareless };
    std::shared_ptr<Life> life;
    std::shared_ptr<Execution> execution;
    std::string session;
    Kind kind = Kind::kQuick;
    bool hears = true;  // looks whether it was cancelled
    int steps = 0;      // to go
    bool fails = false;
  };
  struct Client {
    bool fire = false;
    int number = 0;
    FireRequest request;
    DeliverRequest delivery;
    int tries = 0;
    int repeats = 0;  // times that it is sent again after an answer
  };
  // How often things fail, one in so many; 0: never.
  struct Rates {
    int refuse = 0, lose = 0, hold = 0, die_before = 0, die_after = 0, die_at_point = 0;
    int preempt = 0, slow = 0, no_workspace = 0;
  };

  void DrawRates();
  void MakeHosts();
  void MakeRoutines();
  v1::Routine MakeRoutine(int number);
  v1::ScheduleTrigger MakeSchedule();
  void PlanClients();
  void PlanFaults();
  void PlanChanges();

  void At(absl::Time time, std::function<void()> what);
  absl::Time Sometime() { return history_.begin + random_.Between(absl::ZeroDuration(), length_); }
  void RunUntil(absl::Time end);
  void StepAll();
  void BuryAndRestart();
  void StartHost(int index);
  Host* AnyHost();
  void Calm();

  testing::FaultyStore::Fault DrawFault(int host, testing::FaultyStore::Operation operation);
  void AtCrashPoint(int host);

  // Clients.
  void Send(const std::shared_ptr<Client>& client);
  void SendFire(Host& host, const std::shared_ptr<Client>& client);
  void SendDelivery(Host& host, const std::shared_ptr<Client>& client);
  void Answered(const std::shared_ptr<Client>& client, const std::shared_ptr<Life>& life,
                const absl::Status& status, Ack ack);
  void SendHostile(int number);
  void Save(const v1::Routine& routine, absl::Time asked);
  void Remove(const std::string& name, absl::Time asked);
  void EditRoutine();
  void RemoveRoutine();
  void PauseRoutine(const std::string& name, bool paused, absl::Time asked);
  void CancelSession();
  void NoteSpans(const v1::Routine& routine, absl::Time asked, absl::Time confirmed);

  // Agents.
  void StartAgent(const std::shared_ptr<Life>& life, std::shared_ptr<Execution> execution);
  void AgentStep(const std::shared_ptr<Agent>& agent);
  void Say(Agent& agent);
  void Finish(Agent& agent, Outcome outcome);

  void Trace(const std::string& what);
  absl::Time now() { return truth_.TimeNow(); }

  const uint64_t seed_;
  const Mutation mutation_;
  const bool trace_;
  Random random_;
  testing::SimulatedClock truth_;
  std::shared_ptr<Store> disk_;
  History history_;
  Rates rates_;
  bool calm_ = false;
  absl::Duration length_;
  std::vector<std::unique_ptr<Host>> hosts_;
  std::multimap<absl::Time, std::function<void()>> queue_;
  std::map<std::string, v1::Routine> routines_;  // as they are, by name
  std::vector<std::shared_ptr<Agent>> agents_;
};

}  // namespace routines::sim

#endif  // ROUTINES_TESTS_SIM_WORLD_H_
