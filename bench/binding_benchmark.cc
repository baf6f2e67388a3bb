// The matcher through C++ and through the C ABI: the same routines, the same events, in turns
// within one process. Prints a table in Markdown; times are CPU time of the thread.
//
//   binding_benchmark [ROUTINES]      default: 10,000
//
// The C functions are linked from the objects of libroutines_c, since the data model may be in one
// library of a process only; a call of the shared library costs one jump more.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench/workload.h"
#include "routines/c/routines.h"
#include "routines/json.h"
#include "routines/matcher.h"

namespace routines::bench {
namespace {

constexpr size_t kEvents = 500;
constexpr int kRounds = 41;

double ThreadMicros() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return 1e6 * static_cast<double>(now.tv_sec) + 1e-3 * static_cast<double>(now.tv_nsec);
}

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

void Must(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "binding_benchmark: %s\n", what);
  std::exit(1);
}

size_t ThroughCpp(const Matcher& matcher, const std::vector<std::string>& events,
                  Matcher::Buffer& buffer) {
  size_t matches = 0;
  for (const std::string& event : events) {
    Must(matcher.Match({.source = "github", .type = "pull_request", .payload = event}, buffer).ok(),
         "C++ match");
    matches += buffer.matches().size();
  }
  return matches;
}

size_t ThroughC(const routines_matcher* matcher, const std::vector<std::string>& events,
                routines_matches* room) {
  size_t matches = 0;
  for (const std::string& payload : events) {
    routines_event event = ROUTINES_EVENT_INIT;
    event.source = routines_str("github");
    event.type = routines_str("pull_request");
    event.payload = {payload.data(), payload.size()};
    const routines_match* list = nullptr;
    size_t count = 0;
    Must(routines_matcher_match(matcher, &event, room, nullptr) == ROUTINES_OK, "C match");
    Must(routines_matches_get(room, &list, &count) == ROUTINES_OK, "C matches");
    matches += count;
  }
  return matches;
}

int Run(size_t routines) {
  Workload workload(routines, Subset::kFull, 1);
  std::vector<std::string> events;
  for (size_t i = 0; i < kEvents; ++i) events.push_back(workload.Event());
  Must(!events.front().empty(), "no example payloads: run script/setup test");
  Matcher matcher;
  Matcher::Buffer buffer;
  routines_matcher* c_matcher = nullptr;
  routines_matches* c_room = nullptr;
  Must(routines_matcher_create(&c_matcher, nullptr) == ROUTINES_OK, "create");
  Must(routines_matches_create(&c_room, nullptr) == ROUTINES_OK, "create");
  for (size_t i = 0; i < routines; ++i) {
    v1::Routine routine = workload.Routine(i);
    if (routine.prompt().empty()) routine.set_prompt("p");
    const std::string json = ToJson(routine);
    Must(matcher.Put(routine).ok(), "C++ put");
    routines_error* error = nullptr;
    if (routines_matcher_put(c_matcher, {json.data(), json.size()}, nullptr, &error) !=
        ROUTINES_OK) {
      routines_string why = {};
      (void)routines_error_message(error, &why);
      Must(false, std::string(why.data, why.size).c_str());
    }
  }
  std::vector<double> cpp, c, ratios;
  for (int round = -2; round < kRounds; ++round) {
    const double start = ThreadMicros();
    const size_t in_cpp = ThroughCpp(matcher, events, buffer);
    const double middle = ThreadMicros();
    const size_t in_c = ThroughC(c_matcher, events, c_room);
    const double end = ThreadMicros();
    Must(in_cpp == in_c && in_c > 0, "C and C++ do not agree");
    if (round < 0) continue;
    cpp.push_back((middle - start) / kEvents);
    c.push_back((end - middle) / kEvents);
    ratios.push_back(c.back() / cpp.back());
  }
  std::printf(
      "| routines | C++ µs | C µs | C / C++, median of %d rounds |\n| --- | --- | --- | --- |\n",
      kRounds);
  std::printf("| %zu | %.2f | %.2f | %.3f |\n", routines, Median(cpp), Median(c), Median(ratios));
  Must(routines_matches_destroy(c_room) == ROUTINES_OK, "destroy");
  Must(routines_matcher_destroy(c_matcher) == ROUTINES_OK, "destroy");
  return 0;
}

}  // namespace
}  // namespace routines::bench

int main(int argc, char** argv) {
  return routines::bench::Run(argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 10'000);
}
