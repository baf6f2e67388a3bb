// The matcher, whole path from bytes to a list of matches, beside reading the same fields with
// simdjson (P) in the same run. Prints tables in Markdown; times are CPU time of the thread.
//
//   matcher_benchmark [sizes|hard|extremes|changes|cores]… [--least N] [--most N]      default: all
//   of it matcher_benchmark write FOLDER --routines N [--events M] [--subset simple|contains|full]
//
// `write` puts the workload into files for other systems: routines.jsonl (one routine of the
// routine file's JSON form a line), events.jsonl (the payloads) and matches.jsonl (for each event
// the names of the routines that it starts).
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bench/matcher_measure.h"
#include "bench/workload.h"
#include "google/protobuf/util/json_util.h"
#include "routines/event.h"
#include "routines/matcher.h"
#include "simdjson.h"
#include "src/match/index_group.h"

namespace routines::bench {
namespace {

struct Built {
  std::unique_ptr<Matcher> matcher;
  double seconds = 0;
  double cpu_seconds = 0;        // of all threads
  double bytes_per_routine = 0;  // beyond the text of its name and conditions
};

size_t TextBytes(const v1::Routine& routine) {
  size_t bytes = routine.account().size() + routine.name().size();
  for (const v1::Trigger& trigger : routine.triggers()) {
    for (const v1::Condition& condition : trigger.github().filters()) {
      bytes += condition.value().string_value().size();
      for (const auto& value : condition.values()) bytes += value.string_value().size();
    }
  }
  return bytes;
}

Built Build(const std::vector<v1::Routine>& routines, const IndexTuning& tuning = {}) {
  std::vector<const v1::Routine*> pointers;
  size_t text = 0;
  for (const v1::Routine& routine : routines) {
    pointers.push_back(&routine);
    text += TextBytes(routine);
  }
  Built built;
  const size_t before = HeapBytes();
  built.matcher = std::make_unique<Matcher>(tuning);
  const double begin = WallMicros(), cpu_begin = ProcessMicros();
  Check(built.matcher->PutAll(pointers));
  built.seconds = 1e-6 * (WallMicros() - begin);
  built.cpu_seconds = 1e-6 * (ProcessMicros() - cpu_begin);
  built.bytes_per_routine =
      static_cast<double>(HeapBytes() - before - text) / static_cast<double>(routines.size());
  return built;
}

std::vector<v1::Routine> Routines(Workload& workload, size_t count) {
  std::vector<v1::Routine> routines;
  routines.reserve(count);
  for (size_t i = 0; i < count; ++i) routines.push_back(workload.Routine(i));
  return routines;
}

// ---- tables ----

void Sizes(size_t least, size_t most) {
  std::printf(
      "\n| routines | operators | build s | CPU s | B/routine | after | P µs | median µs | × P | "
      "p99 "
      "| max | first event | matches |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|\n");
  const std::pair<Subset, const char*> subsets[] = {
      {Subset::kSimple, "S"}, {Subset::kContains, "C"}, {Subset::kFull, "F"}};
  for (size_t size = 10; size <= most; size *= size == 10 ? 100 : 10) {
    if (size < least) continue;
    for (const auto& [subset, name] : subsets) {
      Workload workload(size, subset, 42);
      const std::vector<v1::Routine> routines = Routines(workload, size);
      Built built = Build(routines);
      const auto events = Events(workload, kEvents);
      Times peer = MeasurePeer(events);
      const size_t before = HeapBytes();
      Run run = MeasureMatcher(*built.matcher, events);
      // Regular expressions that events needed have been compiled meanwhile.
      const double after = built.bytes_per_routine +
                           (static_cast<double>(HeapBytes()) - static_cast<double>(before)) /
                               static_cast<double>(size);
      std::printf(
          "| %zu | %s | %.2f | %.2f | %.0f | %.0f | %.2f | %.2f | %.2f | %.1f | %.1f | %.0f | %.1f "
          "|\n",
          size, name, built.seconds, built.cpu_seconds, built.bytes_per_routine, after,
          peer.median(), run.times.median(), run.times.median() / peer.median(), run.times.p99(),
          run.times.most(), run.first, run.matches);
      std::fflush(stdout);
    }
  }
}

void Hard(size_t most) {
  std::printf(
      "\n| set | routines | build s | reading µs | match µs | p99 | max | sets µs | list µs | "
      "linear "
      "µs | matches |\n|---|---|---|---|---|---|---|---|---|---|---|\n");
  for (const HardSet& set : HardSets()) {
    for (size_t size = 10; size <= std::min<size_t>(most, 100'000); size *= 10) {
      Workload workload(size, Subset::kFull, 7);
      std::vector<v1::Routine> routines;
      for (size_t i = 0; i < size; ++i) routines.push_back(HardRoutine(set, workload, i));
      const bool regex = set.name.substr(0, 5) == "regex";
      if (regex && size > 10'000) continue;
      Built built = Build(routines);
      Built linear = Build(routines, {.most_flat = ~0u});
      // Nobody asks about the title of this one: what reading costs.
      Matcher reading;
      v1::Routine none = routines[0];
      auto& filter = *none.mutable_triggers(0)->mutable_github()->mutable_filters(0);
      const std::string field = filter.field();
      filter.Clear();
      filter.set_field(field);
      filter.set_operator_(v1::OPERATOR_EQUALS);
      filter.mutable_value()->set_string_value("nothing like it");
      Check(reading.Put(none).status());
      Times read, match, sets, list, slow;
      Matcher::Buffer buffer;
      size_t matches = 0;
      const int count = 300;
      for (int i = 0; i < count; ++i) {
        const simdjson::padded_string event(workload.EventOf(
            "acme/api", absl::StrCat("feat: ", workload.AnyWord(), " ", i, " ", workload.AnyWord()),
            set.body(workload, static_cast<size_t>(i))));
        double begin = ThreadMicros();
        Check(reading.Match(View(event), buffer));
        const double reading_time = ThreadMicros() - begin;
        begin = ThreadMicros();
        Check(built.matcher->Match(View(event), buffer));
        const double matched = ThreadMicros();
        buffer.sets();
        const double in_sets = ThreadMicros();
        matches += buffer.matches().size();
        const double listed = ThreadMicros();
        double slow_time = 0;
        if (i % 30 == 0) {
          const double slow_begin = ThreadMicros();
          Check(linear.matcher->Match(View(event), buffer));
          slow_time = ThreadMicros() - slow_begin;
        }
        if (i < 30) continue;
        read.all.push_back(reading_time);
        match.all.push_back(matched - begin);
        sets.all.push_back(in_sets - matched);
        list.all.push_back(listed - in_sets);
        if (slow_time > 0) slow.all.push_back(slow_time);
      }
      const double less = read.median();
      std::printf("| %s | %zu | %.2f | %.2f | %.2f | %.1f | %.1f | %.2f | %.2f | %.2f | %.1f |\n",
                  std::string(set.name).c_str(), size, built.seconds, less, match.median() - less,
                  match.p99() - less, match.most() - less, sets.median(), list.median(),
                  slow.median() - less, static_cast<double>(matches) / count);
      std::fflush(stdout);
    }
  }
}

// What reading the clock twice costs, which is in all times that are taken with it.
double ClockMicros() {
  Times times;
  for (int i = 0; i < 1000; ++i) {
    const double begin = ThreadMicros();
    times.all.push_back(ThreadMicros() - begin);
  }
  return times.median();
}

// Replacing, removing and adding while readers go on.
void Changes(size_t most) {
  Workload workload(most, Subset::kFull, 42);
  const std::vector<v1::Routine> routines = Routines(workload, most);
  const auto events = Events(workload, 4000);
  Built built = Build(routines);
  Matcher& matcher = *built.matcher;
  std::mt19937_64 random(3);
  Times removed, added, replaced;
  const int changes = 50'000;
  std::vector<v1::Routine> fresh;
  for (int i = 0; i < changes; ++i) fresh.push_back(workload.Routine(random() % most));
  for (int i = 0; i < changes; ++i) {
    const v1::Routine old = routines[random() % most];  // as one that has just been read
    double begin = ThreadMicros();
    const bool was = matcher.Remove(old.account(), old.name());
    double end = ThreadMicros();
    if (!was) continue;
    removed.all.push_back(end - begin);
    begin = ThreadMicros();
    Check(matcher.Put(old).status());
    end = ThreadMicros();
    added.all.push_back(end - begin);
  }
  for (const v1::Routine& drawn : fresh) {
    const v1::Routine routine = drawn;
    const double begin = ThreadMicros();
    Check(matcher.Put(routine).status());
    replaced.all.push_back(ThreadMicros() - begin);
  }
  const double clock = ClockMicros();
  std::printf("\n| change of one of %zu | p50 µs | p99 | max |\n|---|---|---|---|\n", most);
  for (auto& [name, times] : {std::pair<const char*, Times*>{"remove", &removed},
                              {"put, new", &added},
                              {"put, replacing", &replaced}}) {
    std::printf("| %s | %.2f | %.2f | %.1f |\n", name, times->median() - clock,
                times->p99() - clock, times->most() - clock);
  }
  std::printf("\nless %.2f µs for reading the clock.\n", clock);
  Run before = MeasureMatcher(matcher, events);
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    double next = WallMicros();
    for (size_t i = 0; !stop.load(); ++i) {
      while (WallMicros() < next) {
        std::this_thread::sleep_for(std::chrono::microseconds(200));
      }
      Check(matcher.Put(fresh[i % fresh.size()]).status());
      next += 1000;
    }
  });
  Run during = MeasureMatcher(matcher, events);
  stop = true;
  writer.join();
  Run after = MeasureMatcher(matcher, events);
  std::printf("\n| readers | median µs | p99 | max |\n|---|---|---|---|\n");
  for (auto& [name, run] : {std::pair<const char*, Run*>{"alone", &before},
                            {"during 1,000 changes a second", &during},
                            {"alone again", &after}}) {
    std::printf("| %s | %.2f | %.2f | %.1f |\n", name, run->times.median(), run->times.p99(),
                run->times.most());
  }
}

// Events per second of wall time with one reader and with two.
void Cores(size_t most) {
  Workload workload(most, Subset::kFull, 42);
  const std::vector<v1::Routine> routines = Routines(workload, most);
  const auto events = Events(workload, kEvents);
  Built built = Build(routines);
  const auto pass = [&](std::atomic<bool>& stop, std::atomic<uint64_t>& done) {
    Matcher::Buffer buffer;
    for (size_t i = 0; !stop.load(std::memory_order_relaxed); ++i) {
      Check(built.matcher->Match(View(events[i % events.size()]), buffer));
      buffer.matches();
      done.fetch_add(1, std::memory_order_relaxed);
    }
  };
  std::printf("\n| readers on %zu routines | events/s |\n|---|---|\n", most);
  for (int round = 0; round < 3; ++round) {
    for (int readers = 1; readers <= 2; ++readers) {
      std::atomic<bool> stop{false};
      std::atomic<uint64_t> done[2] = {};
      std::vector<std::thread> threads;
      const double begin = WallMicros();
      for (int r = 0; r < readers; ++r) threads.emplace_back([&, r] { pass(stop, done[r]); });
      std::this_thread::sleep_for(std::chrono::seconds(1));
      stop = true;
      for (std::thread& thread : threads) thread.join();
      std::printf("| %d | %.0f |\n", readers,
                  1e6 * static_cast<double>(done[0] + done[1]) / (WallMicros() - begin));
    }
  }
}

int Write(const std::string& folder, size_t size, size_t count, Subset subset) {
  Workload workload(size, subset, 42);
  const std::vector<v1::Routine> routines = Routines(workload, size);
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::ofstream routine_file(folder + "/routines.jsonl"), event_file(folder + "/events.jsonl"),
      match_file(folder + "/matches.jsonl");
  Matcher matcher;
  std::map<RoutineHandle, std::string> names;
  for (const v1::Routine& routine : routines) {
    std::string json;
    if (!google::protobuf::util::MessageToJsonString(routine, &json, options).ok()) return 1;
    routine_file << json << "\n";
    const auto handle = matcher.Put(routine);
    Check(handle.status());
    names[*handle] = routine.name();
  }
  Matcher::Buffer buffer;
  for (size_t i = 0; i < count; ++i) {
    const std::string event = workload.Event();
    event_file << event << "\n";
    Check(matcher.Match(View(event), buffer));
    match_file << "[";
    bool first = true;
    for (const TriggerMatch match : buffer.matches()) {
      match_file << (first ? "\"" : ",\"") << names[match.routine] << "\"";
      first = false;
    }
    match_file << "]\n";
  }
  return match_file.good() && event_file.good() && routine_file.good() ? 0 : 1;
}

int Main(int argc, char** argv) {
  std::vector<std::string> words;
  std::map<std::string, std::string> options = {{"--least", "10"},
                                                {"--most", "1000000"},
                                                {"--routines", "1000"},
                                                {"--events", "1000"},
                                                {"--subset", "full"}};
  for (int i = 1; i < argc; ++i) {
    if (options.count(argv[i]) == 0) {
      words.emplace_back(argv[i]);
    } else if (i + 1 < argc) {
      options[argv[i]] = argv[i + 1];
      ++i;
    }
  }
  if (Workload(10, Subset::kFull, 1).Event().empty()) {
    std::fprintf(stderr, "matcher_benchmark: no example payloads; run script/setup test\n");
    return 1;
  }
  const auto number = [&](const char* name) { return std::stoul(options[name]); };
  if (words.size() == 2 && words[0] == "write") {
    const std::string subset = options["--subset"];
    return Write(words[1], number("--routines"), number("--events"),
                 subset == "simple"     ? Subset::kSimple
                 : subset == "contains" ? Subset::kContains
                                        : Subset::kFull);
  }
  const auto wanted = [&](const char* word) {
    return words.empty() || std::find(words.begin(), words.end(), word) != words.end();
  };
  if (wanted("sizes")) Sizes(number("--least"), number("--most"));
  if (wanted("hard")) Hard(number("--most"));
  if (wanted("extremes")) Extremes();
  if (wanted("changes")) Changes(number("--most"));
  if (wanted("cores")) Cores(std::min<size_t>(100'000, number("--most")));
  return 0;
}

}  // namespace
}  // namespace routines::bench

int main(int argc, char** argv) {
  return routines::bench::Main(argc, argv);
}
