// Runs worlds, each from a seed, and proves of each that the promises were kept.
//
//   sim_test                              seeds 1 to 1000
//   sim_test --first 5001 --seeds 2500
//   sim_test --seed 4711 [--trace]        one of them, again
//   sim_test --mutation no_fencing        a promise is taken out: it is an error where nobody
//   notices
//
// Mutations: no_unique_key, no_fencing, early_ack.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "routines/store.h"
#include "src/engine/admission.h"
#include "tests/sim/checker.h"
#include "tests/sim/world.h"

namespace routines::sim {
namespace {

constexpr int kRunTwice = 50;  // every so many a world is run again: it must be the same

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
  uint64_t sessions = 0, instants = 0, acks = 0;
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

std::vector<std::string> RunSeed(uint64_t seed, const Arguments& arguments, Totals& totals) {
  const auto live = [&](bool trace, History* history) {
    std::shared_ptr<Store> disk = NewMemoryStore();
    World world(seed, arguments.mutation, disk, trace);
    *history = world.Run();
    return disk;
  };
  History history;
  const std::shared_ptr<Store> disk = live(arguments.trace, &history);
  std::vector<std::string> problems = Check(history, *disk);
  if (arguments.trace) Print(history, *disk);
  totals.sessions += disk->Read(SessionQuery{.limit = 1'000'000})->sessions.size();
  totals.acks += history.fires.size() + history.deliveries.size();
  const auto events = disk->Read(EventQuery{.limit = 1'000'000});
  for (const v1::Event& event : events->events) {
    totals.instants += event.source() == "schedule";
  }
  // Promise 5: the same again.
  if (seed % kRunTwice == 0 && arguments.mutation == Mutation::kNone) {
    History again;
    live(false, &again);
    if (again.digest != history.digest) problems.push_back("a second run went another way");
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
  std::printf("%lu seeds: %lu sessions, %lu instants, %lu acknowledgements\n", arguments.seeds,
              totals.sessions, totals.instants, totals.acks);
  if (arguments.mutation == Mutation::kNone) return 0;
  std::printf("nobody noticed\n");
  return 1;
}

}  // namespace
}  // namespace routines::sim

int main(int count, char** words) {
  const routines::sim::Arguments arguments = routines::sim::ReadArguments(count, words);
  if (arguments.wrong) {
    std::fprintf(stderr,
                 "sim_test [--first N] [--seeds N] [--seed N] [--trace] [--mutation NAME]\n");
    return 2;
  }
  return routines::sim::RunMain(arguments);
}
