#include "tests/sim/world.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "routines/session.h"
#include "routines/workspace.h"
#include "src/base/time_conversion.h"

namespace routines::sim {

using Fault = testing::FaultyStore::Fault;
using Operation = testing::FaultyStore::Operation;

namespace {

constexpr int kMostRestartsAtOnce = 1000;  // steps at one instant; more is a loop without end
constexpr absl::Duration kLease = absl::Seconds(60);
constexpr absl::Duration kMostRun = absl::Minutes(20);
constexpr absl::Duration kMostPoll = absl::Minutes(5);

class NoWorkspace : public Workspace {
 public:
  explicit NoWorkspace(const WorkspaceRequest& request) : environment_(request.environment) {}
  const std::string& directory() const override { return directory_; }
  const std::string& working_directory() const override { return directory_; }
  const std::map<std::string, std::string>& environment() const override { return environment_; }
  std::vector<v1::Patch> Finish() override { return {}; }

 private:
  const std::string directory_ = "/sim";
  const std::map<std::string, std::string> environment_;
};

class Workspaces : public WorkspaceProvider {
 public:
  explicit Workspaces(std::function<bool()> fails) : fails_(std::move(fails)) {}
  PreparedWorkspace Prepare(const WorkspaceRequest& request) override {
    if (fails_()) {
      return {nullptr, Outcome::Retryable(v1::SESSION_STEP_CLONE, "clone_failed", "simulated")};
    }
    return {std::make_unique<NoWorkspace>(request), Outcome::Success()};
  }

 private:
  const std::function<bool()> fails_;
};

}  // namespace

// What one engine starts; the world plays the agent.
class World::Agents : public Executor {
 public:
  Agents(World& world, Host& host) : world_(world), host_(host) {}
  void Start(std::shared_ptr<Execution> execution) override {
    // What a process does after its death did not happen.
    if (host_.life() == nullptr || host_.life()->dead()) return;
    world_.StartAgent(host_.life(), std::move(execution));
  }

 private:
  World& world_;
  Host& host_;
};

World::World(uint64_t seed, Mutation mutation, std::shared_ptr<Store> disk, bool trace)
    : seed_(seed),
      mutation_(mutation),
      trace_(trace),
      random_(seed * 2654435761u + 1),
      disk_(std::move(disk)) {
  // Somewhere in the week in which Berlin's clocks go forward, so that some schedules see a gap.
  truth_.SetTime(absl::FromUnixSeconds(1'774'656'000) +
                 random_.Between(absl::ZeroDuration(), absl::Hours(30)));
  length_ = random_.Between(absl::Minutes(30), absl::Hours(5));
  history_.begin = now();
}

World::~World() {
  for (const auto& host : hosts_) host->Kill();
  hosts_.clear();  // before the agents, whose ends nobody hears
}

void World::Trace(const std::string& what) {
  if (!trace_) return;
  std::printf("%s  %s\n", absl::FormatTime("%H:%M:%E3S", now(), absl::UTCTimeZone()).c_str(),
              what.c_str());
}

// ---- the plan ----

// Each world has a few kinds of faults rather than a little of all.
void World::DrawRates() {
  const auto rate = [&](int often) {
    return random_.OneIn(3) ? random_.Between(often, 8 * often) : 0;
  };
  rates_ = {.refuse = rate(10),
            .lose = rate(10),
            .hold = rate(3),
            .die_before = rate(25),
            .die_after = rate(25),
            .die_at_point = rate(25),
            .preempt = rate(5),
            .slow = rate(20),
            .no_workspace = rate(3)};
}

void World::MakeHosts() {
  const int count = random_.OneIn(2) ? 1 : random_.Between(2, 3);
  EngineOptions options;
  options.max_concurrent_sessions = random_.Between(1, 8);
  options.default_max_duration = kMostRun;
  options.lease_duration = kLease;
  options.poll_interval = random_.Between(absl::Seconds(30), kMostPoll);
  options.min_schedule_interval = absl::Minutes(1);
  if (count > 1) history_.lag = options.poll_interval;
  if (random_.OneIn(3)) {
    options.limits.scheduled_per_hour_account = random_.Between(2, 6);
    options.limits.fires_per_hour_routine = random_.Between(1, 3);
    options.limits.custom_per_hour_routine = random_.Between(1, 3);
  }
  options.workspaces =
      std::make_shared<Workspaces>([this] { return !calm_ && random_.OneIn(rates_.no_workspace); });
  for (int i = 0; i < count; ++i) {
    hosts_.push_back(std::make_unique<Host>(
        truth_, disk_, options, mutation_, [this, i](Operation op) { return DrawFault(i, op); },
        [this, i] { AtCrashPoint(i); }));
  }
}

v1::ScheduleTrigger World::MakeSchedule() {
  static constexpr const char* kCrons[] = {"*/20 * * * *", "7 * * * *",     "*/45 * * * *",
                                           "30 2 * * *",   "15,40 * * * *", "0 */2 * * *"};
  v1::ScheduleTrigger schedule;
  if (random_.OneIn(5)) {
    const absl::Time at = now() + random_.Between(absl::Minutes(1), length_);
    *schedule.mutable_at() = ToProto(absl::FromUnixSeconds(absl::ToUnixSeconds(at)));
  } else {
    schedule.set_cron(kCrons[random_.Below(std::size(kCrons))]);
    if (random_.OneIn(2)) schedule.set_time_zone("Europe/Berlin");
  }
  schedule.set_catch_up(static_cast<v1::CatchUp>(random_.Between(0, 3)));
  if (schedule.catch_up() == v1::CATCH_UP_ALL && random_.OneIn(2)) {
    schedule.set_catch_up_limit(random_.Between(1, 3));
  }
  if (random_.OneIn(4)) *schedule.mutable_catch_up_window() = ToProto(absl::Minutes(50));
  if (random_.OneIn(4)) *schedule.mutable_spread() = ToProto(absl::Minutes(7));
  return schedule;
}

v1::Routine World::MakeRoutine(int number) {
  v1::Routine routine;
  routine.set_name(absl::StrCat("r", number));
  routine.set_account("acme");
  routine.set_prompt("Look.");
  routine.set_retries(random_.Between(0, 2));
  routine.set_overlap(static_cast<v1::Overlap>(random_.Between(0, 4)));
  if (random_.OneIn(3))
    routine.mutable_limits()->set_max_concurrent_sessions(random_.Between(1, 2));
  if (random_.OneIn(2)) {
    *routine.mutable_limits()->mutable_max_duration() =
        ToProto(absl::Minutes(random_.Between(1, 20)));
  }
  v1::Trigger& schedule = *routine.add_triggers();
  schedule.set_id(absl::StrCat("trig_schedule", number));
  *schedule.mutable_schedule() = MakeSchedule();
  v1::Trigger& api = *routine.add_triggers();
  api.set_id(absl::StrCat("trig_fire0000", number));
  api.mutable_api();
  v1::Trigger& custom = *routine.add_triggers();
  custom.set_id(absl::StrCat("trig_custom00", number));
  custom.mutable_custom()->set_source("sim");
  if (random_.OneIn(2)) custom.mutable_custom()->set_type("t0");
  return routine;
}

void World::MakeRoutines() {
  const int count = random_.Between(1, 3);
  for (int i = 0; i < count; ++i) {
    const v1::Routine routine = MakeRoutine(i);
    const int limit = routine.overlap() == v1::OVERLAP_QUEUE ||
                              routine.overlap() == v1::OVERLAP_CANCEL_RUNNING ||
                              routine.overlap() == v1::OVERLAP_SKIP
                          ? 1
                          : routine.limits().max_concurrent_sessions();
    if (limit > 0) history_.concurrency[routine.name()] = limit;
    if (!hosts_[0]->engine().Put(routine).ok())
      history_.problems.push_back("a routine was refused");
    routines_[routine.name()] = routine;
    NoteSpans(routine, now(), now());
  }
}

void World::PlanClients() {
  const int count = random_.Between(2, 12);
  for (int i = 0; i < count; ++i) {
    auto client = std::make_shared<Client>();
    client->number = i;
    client->fire = random_.OneIn(2);
    client->repeats = random_.OneIn(3) ? random_.Between(1, 2) : 0;
    if (client->fire) {
      client->request.trigger_id = absl::StrCat("trig_fire0000", random_.Below(routines_.size()));
      client->request.text = absl::StrCat("fire ", i);
      if (!random_.OneIn(4)) client->request.idempotency_key = absl::StrCat("k", i);
    } else {
      v1::Event& event = client->delivery.event;
      event.set_source("sim");
      event.set_type(random_.OneIn(2) ? "t0" : "t1");
      event.set_external_id(absl::StrCat("d", i));
      event.set_payload(absl::StrCat("{\"n\":", i, "}"));
    }
    At(Sometime(), [this, client] { Send(client); });
  }
  for (int i = random_.Below(3); i > 0; --i) At(Sometime(), [this, i] { SendHostile(i); });
}

void World::PlanFaults() {
  for (int i = random_.Below(4); i > 0; --i) {
    At(Sometime(), [this] {
      if (Host* host = AnyHost(); host != nullptr && !calm_) {
        Trace("kill -9");
        host->Kill();
      }
    });
  }
  if (random_.OneIn(2)) {
    history_.skew = kMostSkew;
    for (int i = random_.Between(1, 4); i > 0; --i) {
      At(Sometime(), [this] {
        Host& host = *hosts_[random_.Below(hosts_.size())];
        if (calm_) return;
        host.clock().offset = random_.Between(-kMostSkew, kMostSkew);
        Trace(absl::StrCat("clock is ", absl::FormatDuration(host.clock().offset), " off"));
      });
    }
  }
  if (random_.OneIn(2)) {
    At(Sometime(), [this] {
      if (calm_) return;
      Host& host = *hosts_[random_.Below(hosts_.size())];
      host.frozen_until = now() + random_.Between(absl::Seconds(10), absl::Minutes(40));
      Trace("suspended");
    });
  }
  if (random_.OneIn(4)) {
    At(Sometime(), [this] {
      Host* host = AnyHost();
      if (host == nullptr || calm_ || host->in_step()) return;
      Trace("stopped in peace");
      host->StopInPeace();
      BuryAndRestart();
    });
  }
}

void World::PlanChanges() {
  for (int i = random_.Below(3); i > 0; --i) At(Sometime(), [this] { CancelSession(); });
  for (int i = random_.Below(4); i > 0; --i) At(Sometime(), [this] { EditRoutine(); });
  if (random_.OneIn(6)) At(Sometime(), [this] { RemoveRoutine(); });
  if (random_.OneIn(3)) {
    At(Sometime(), [this] {
      if (routines_.empty()) return;
      const std::string name = routines_.begin()->first;
      PauseRoutine(name, true, now());
      At(now() + random_.Between(absl::Minutes(1), absl::Hours(1)),
         [this, name] { PauseRoutine(name, false, now()); });
    });
  }
}

// ---- the loop ----

void World::At(absl::Time time, std::function<void()> what) {
  queue_.emplace(std::max(time, now()), std::move(what));
}

History World::Run() {
  MakeHosts();
  StartHost(0);
  MakeRoutines();
  DrawRates();
  for (size_t i = 1; i < hosts_.size(); ++i) StartHost(i);
  PlanClients();
  PlanFaults();
  PlanChanges();
  StepAll();
  RunUntil(history_.begin + length_);
  Calm();
  // In the worst case a session waits for a lease that was taken by a clock ten minutes ahead, then
  // runs for as long as it may, and one more of its routine waits for that.
  history_.settle = kMostSkew + kLease + 2 * (kMostRun + kMostPoll);
  RunUntil(history_.calm + history_.settle + absl::Minutes(15));
  history_.end = now();
  history_.settle = absl::Minutes(15);  // what came when all was well
  return std::move(history_);
}

void World::Calm() {
  Trace("calm");
  calm_ = true;
  history_.calm = now();
  for (size_t i = 0; i < hosts_.size(); ++i) {
    hosts_[i]->clock().offset = absl::ZeroDuration();
    hosts_[i]->frozen_until = now();
    if (!hosts_[i]->running()) StartHost(i);
  }
}

void World::RunUntil(absl::Time end) {
  int rounds = 0;
  while (true) {
    absl::Time next = end;
    if (!queue_.empty()) next = std::min(next, queue_.begin()->first);
    for (const auto& host : hosts_) next = std::min(next, host->due());
    if (next > now()) {
      rounds = 0;
      truth_.SetTime(next);
    } else if (++rounds > kMostRestartsAtOnce) {
      history_.problems.push_back("an engine steps for ever at one instant");
      return;
    }
    if (!queue_.empty() && queue_.begin()->first <= now()) {
      const std::function<void()> what = std::move(queue_.begin()->second);
      queue_.erase(queue_.begin());
      what();
    }
    StepAll();
    if (now() >= end) return;
  }
}

void World::StepAll() {
  BuryAndRestart();
  const int first = hosts_.size() > 1 ? random_.Below(hosts_.size()) : 0;
  for (size_t i = 0; i < hosts_.size(); ++i) hosts_[(first + i) % hosts_.size()]->Step();
  BuryAndRestart();
}

void World::BuryAndRestart() {
  for (size_t i = 0; i < hosts_.size(); ++i) {
    Host& host = *hosts_[i];
    if (host.in_step() || host.running()) continue;
    host.Bury();
    if (!std::exchange(host.restarts, true)) {
      const bool long_down = random_.OneIn(4);
      const absl::Duration down =
          random_.Between(absl::ZeroDuration(), long_down ? absl::Hours(2) : absl::Minutes(5));
      Trace(absl::StrCat("engine ", i, " is down for ", absl::FormatDuration(down)));
      At(now() + down, [this, i] { StartHost(i); });
    }
  }
}

void World::StartHost(int index) {
  Host& host = *hosts_[index];
  if (host.life() != nullptr) return;
  if (host.Start(std::make_shared<Agents>(*this, host))) {
    host.restarts = false;
    Trace(absl::StrCat("engine ", index, " started"));
    return;
  }
  host.restarts = true;
  At(now() + absl::Seconds(5), [this, index] { StartHost(index); });
}

Host* World::AnyHost() {
  std::vector<Host*> able;
  for (const auto& host : hosts_) {
    if (host->awake() && !host->in_step()) able.push_back(host.get());
  }
  return able.empty() ? nullptr : able[random_.Below(able.size())];
}

// ---- faults ----

Fault World::DrawFault(int index, Operation operation) {
  history_.Note(static_cast<uint64_t>(operation) * 31 + index +
                absl::ToUnixMillis(truth_.TimeNow()) * 1009);
  if (calm_) return Fault::kNone;
  Host& host = *hosts_[index];
  if (random_.OneIn(rates_.slow)) {
    truth_.AdvanceTime(random_.Between(absl::ZeroDuration(), 2 * kLease));
    for (const auto& other : hosts_) other->Step();
  } else if (host.in_step() && random_.OneIn(rates_.preempt)) {
    for (const auto& other : hosts_) other->Step();
  }
  if (random_.OneIn(rates_.die_before)) return Fault::kDieBefore;
  if (random_.OneIn(rates_.die_after)) return Fault::kDieAfter;
  if (random_.OneIn(rates_.refuse)) return Fault::kRefuse;
  if (random_.OneIn(rates_.lose)) return Fault::kLoseAnswer;
  if (random_.OneIn(rates_.hold)) {
    At(now() + random_.Between(absl::ZeroDuration(), absl::Seconds(20)),
       [life = host.life()] { life->store->AnswerHeld(); });
    return Fault::kHoldAnswer;
  }
  return Fault::kNone;
}

void World::AtCrashPoint(int index) {
  if (!calm_ && random_.OneIn(rates_.die_at_point)) hosts_[index]->Kill();
}

}  // namespace routines::sim
