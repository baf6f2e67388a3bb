// Runs worlds, each from a seed, and proves of each that the promises were kept.
//
//   sim_test                              seeds 1 to 1000
//   sim_test --first 5001 --seeds 2500
//   sim_test --seed 4711 [--trace]        one of them, again
//   sim_test --mutation no_fencing        a promise is taken out: it is an error where nobody
//   notices
//
// Mutations: no_unique_key, no_fencing, early_ack.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "routines/store.h"
#include "src/engine/admission.h"
#include "tests/sim/checker.h"
#include "tests/sim/stores.h"
#include "tests/sim/world.h"

namespace routines::sim {
namespace {

// Every so many a world is run again, and on SQLite: it must be the same.
constexpr int kRunTwice = 50, kRunOnSqlite = 250;

struct Arguments {
  uint64_t first = 1, seeds = 1000;
  Mutation mutation = Mutation::kNone;
  bool trace = false, wrong = false;
};

Arguments ReadArguments(int count, char** words) {
  Arguments arguments;
  for (int i = 1; i < count; ++i) {
    const std::string_view word = words[i];
    if (word == "--trace") {
      arguments.trace = true;
      continue;
    }
    if (++i >= count) {
      arguments.wrong = true;
    } else if (word == "--seed") {
      arguments.first = std::strtoull(words[i], nullptr, 10);
      arguments.seeds = 1;
    } else if (word == "--first") {
      arguments.first = std::strtoull(words[i], nullptr, 10);
    } else if (word == "--seeds") {
      arguments.seeds = std::strtoull(words[i], nullptr, 10);
    } else if (word == "--mutation" && MutationNamed(words[i]).has_value()) {
      arguments.mutation = *MutationNamed(words[i]);
    } else {
      arguments.wrong = true;
    }
  }
  return arguments;
}

struct Totals {
  uint64_t sessions = 0, instants = 0, acks = 0, on_sqlite = 0;
};

void Print(const History& history, Store& disk) {
  const auto text = [](absl::Time time) {
    return absl::FormatTime("%d %H:%M:%S", time, absl::UTCTimeZone());
  };
  for (const ScheduleSpan& span : history.spans) {
    std::printf("%s: %s, from %s to %s%s\n", span.trigger_id.c_str(),
                span.schedule.ShortDebugString().c_str(), text(span.asked).c_str(),
                text(span.end_confirmed).c_str(), span.trigger_lives_on ? "" : ", then removed");
  }
  const auto decisions = disk.Read(DecisionQuery{.account = "acme", .limit = 1'000'000});
  for (auto d = decisions->decisions.rbegin(); d != decisions->decisions.rend(); ++d) {
    const auto event = disk.Read(EventQuery{.id = d->event_id()});
    std::printf("%s %s %s: %s %s\n", text(absl::FromUnixSeconds(d->time().seconds())).c_str(),
                d->trigger_id().c_str(), event->events.front().external_id().c_str(),
                std::string(DecisionName(d->reason())).c_str(), d->detail().c_str());
  }
}

// What two stores hold of the same world.
void Compare(Store& memory, Store& sqlite, std::vector<std::string>& problems) {
  const std::vector<std::string> ours = Outcomes(memory), theirs = Outcomes(sqlite);
  if (ours == theirs) return;
  const auto [here, there] = std::mismatch(ours.begin(), ours.end(), theirs.begin(), theirs.end());
  problems.push_back("SQLite went another way: " + (there == theirs.end() ? "nothing" : *there));
  problems.push_back("where memory has: " + (here == ours.end() ? "nothing" : *here));
}

std::vector<std::string> RunSeed(uint64_t seed, const Arguments& arguments, Totals& totals) {
  const auto live = [&](std::shared_ptr<Store> disk, bool trace, History* history) {
    World world(seed, arguments.mutation, disk, trace);
    *history = world.Run();
  };
  History history;
  const std::shared_ptr<Store> disk = NewMemoryStore();
  live(disk, arguments.trace, &history);
  std::vector<std::string> problems = Check(history, *disk);
  if (arguments.trace) Print(history, *disk);
  totals.sessions += disk->Read(SessionQuery{.limit = 1'000'000})->sessions.size();
  totals.acks += history.fires.size() + history.deliveries.size();
  const auto events = disk->Read(EventQuery{.limit = 1'000'000});
  for (const v1::Event& event : events->events) {
    totals.instants += event.source() == "schedule";
  }
  if (arguments.mutation != Mutation::kNone) return problems;
  // Promise 5: the same again, on every store.
  if (seed % kRunTwice == 0) {
    History again;
    live(NewMemoryStore(), false, &again);
    if (again.digest != history.digest) problems.push_back("a second run went another way");
  }
  if (seed % kRunOnSqlite == 0) {
    History other;
    std::shared_ptr<Store> sqlite = NewInlineSqliteStore();
    if (sqlite == nullptr) return problems;
    live(sqlite, false, &other);
    Compare(*disk, *sqlite, problems);
    ++totals.on_sqlite;
  }
  return problems;
}

int RunMain(const Arguments& arguments) {
  Totals totals;
  for (uint64_t seed = arguments.first; seed < arguments.first + arguments.seeds; ++seed) {
    const std::vector<std::string> problems = RunSeed(seed, arguments, totals);
    if ((seed - arguments.first) % 100'000 == 99'999) std::fprintf(stderr, "%lu\n", seed);
    if (problems.empty()) continue;
    for (const std::string& problem : problems)
      std::printf("seed %lu: %s\n", seed, problem.c_str());
    if (arguments.mutation != Mutation::kNone) {
      std::printf("noticed after %lu seeds\n", seed - arguments.first + 1);
      return 0;
    }
    std::printf("again: sim_test --seed %lu --trace\n", seed);
    return 1;
  }
  std::printf("%lu seeds (%lu on SQLite, too): %lu sessions, %lu instants, %lu acknowledgements\n",
              arguments.seeds, totals.on_sqlite, totals.sessions, totals.instants, totals.acks);
  if (arguments.mutation == Mutation::kNone) return 0;
  std::printf("nobody noticed\n");
  return 1;
}

}  // namespace
}  // namespace routines::sim

// One engine's steps run inside another's calls, on one thread: an order of locks among engines
// that no real process has.
extern "C" const char* __tsan_default_options() {
  return "detect_deadlocks=0";
}

int main(int count, char** words) {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  const routines::sim::Arguments arguments = routines::sim::ReadArguments(count, words);
  if (arguments.wrong) {
    std::fprintf(stderr,
                 "sim_test [--first N] [--seeds N] [--seed N] [--trace] [--mutation NAME]\n");
    return 2;
  }
  return routines::sim::RunMain(arguments);
}
