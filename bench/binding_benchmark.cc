// The matcher through C++ and through the C ABI: the same routines, the same events, in turns
// within one process. Prints a table in Markdown; times are CPU time of the thread.
//
//   binding_benchmark [ROUTINES [FOLDER]]      default: 10,000
//
// With a folder, writes routines.jsonl and events.jsonl there, for bench/bindings.py, and
// then does one more round for each line on standard input.
//
// The C functions are linked from the objects of libroutines_c, since the data model may be in one
// library of a process only; a call of the shared library costs one jump more.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
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
                  Matcher::Buffer& buffer, bool check) {
  size_t matches = 0;
  for (const std::string& event : events) {
    if (check) Must(CheckGithubPayload("pull_request", event).ok(), "C++ check");
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

// A round of C++ for each line on standard input: µs per event, without and with the check. So two
// processes can measure in turns what cannot be in one.
void TakeTurns(const Matcher& matcher, const std::vector<std::string>& events,
               Matcher::Buffer& buffer) {
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
    const double start = ThreadMicros();
    ThroughCpp(matcher, events, buffer, false);
    const double middle = ThreadMicros();
    ThroughCpp(matcher, events, buffer, true);
    std::printf("%f %f\n", (middle - start) / kEvents, (ThreadMicros() - middle) / kEvents);
    std::fflush(stdout);
  }
}

int Run(size_t routines, const std::string& folder) {
  Workload workload(routines, Subset::kFull, 1);
  std::vector<std::string> events;
  for (size_t i = 0; i < kEvents; ++i) events.push_back(workload.Event());
  Must(!events.front().empty(), "no example payloads: run script/setup test");
  std::ofstream lines;
  if (!folder.empty()) {
    std::ofstream payloads(folder + "/events.jsonl");
    for (const std::string& event : events) payloads << event << "\n";
    lines.open(folder + "/routines.jsonl");
  }
  Matcher matcher;
  Matcher::Buffer buffer;
  routines_matcher* c_matcher = nullptr;
  routines_matches* c_room = nullptr;
  Must(routines_matcher_create(&c_matcher, nullptr) == ROUTINES_OK, "create");
  Must(routines_matches_create(&c_room, nullptr) == ROUTINES_OK, "create");
  for (size_t i = 0; i < routines; ++i) {
    v1::Routine routine = workload.Routine(i);
    if (routine.prompt().empty()) routine.set_prompt("p");
    // No file can ask for the events of everybody's repositories; those take an organisation.
    auto& github = *routine.mutable_triggers(0)->mutable_github();
    if (github.repositories(0) == "*/*") {
      github.set_repositories(0,
                              absl::StrCat("org-", i % std::max<size_t>(routines / 100, 1), "/*"));
    }
    const std::string json = ToJson(routine);
    Must(matcher.Put(routine).ok(), "C++ put");
    if (lines.is_open()) lines << json << "\n";
    routines_error* error = nullptr;
    if (routines_matcher_put(c_matcher, {json.data(), json.size()}, nullptr, &error) !=
        ROUTINES_OK) {
      routines_string why = {};
      (void)routines_error_message(error, &why);
      Must(false, std::string(why.data, why.size).c_str());
    }
  }
  std::vector<double> cpp, checked, c, ratios;
  for (int round = -2; round < kRounds; ++round) {
    const double start = ThreadMicros();
    const size_t in_cpp = ThroughCpp(matcher, events, buffer, false);
    const double middle = ThreadMicros();
    const size_t in_c = ThroughC(c_matcher, events, c_room);
    const double end = ThreadMicros();
    ThroughCpp(matcher, events, buffer, true);
    const double last = ThreadMicros();
    Must(in_cpp == in_c && in_c > 0, "C and C++ do not agree");
    if (round < 0) continue;
    cpp.push_back((middle - start) / kEvents);
    c.push_back((end - middle) / kEvents);
    checked.push_back((last - end) / kEvents);
    ratios.push_back(c.back() / cpp.back());
  }
  std::printf(
      "| routines | C++ µs | C µs | C / C++, median of %d rounds | C++ with its check µs |\n"
      "| --- | --- | --- | --- | --- |\n",
      kRounds);
  std::printf("| %zu | %.2f | %.2f | %.3f | %.2f |\n", routines, Median(cpp), Median(c),
              Median(ratios), Median(checked));
  if (!folder.empty()) TakeTurns(matcher, events, buffer);
  Must(routines_matches_destroy(c_room) == ROUTINES_OK, "destroy");
  Must(routines_matcher_destroy(c_matcher) == ROUTINES_OK, "destroy");
  return 0;
}

}  // namespace
}  // namespace routines::bench

int main(int argc, char** argv) {
  return routines::bench::Run(argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 10'000,
                              argc > 2 ? argv[2] : "");
}
