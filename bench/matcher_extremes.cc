// What is out of the ordinary in size: it must take time in proportion, and no more.
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bench/matcher_measure.h"
#include "bench/workload.h"

namespace routines::bench {
namespace {

v1::Routine ThousandConditions(Workload& workload) {
  v1::Routine routine = workload.Routine(0);
  v1::GithubTrigger& github = *routine.mutable_triggers(0)->mutable_github();
  github.clear_filters();
  github.clear_actions();
  github.set_repositories(0, "acme/api");
  for (int i = 0; i < 1000; ++i) {  // all of them hold, so that all are looked at
    v1::Condition& condition = *github.add_filters();
    condition.set_field(i % 2 == 0 ? "title" : "body");
    condition.set_operator_(i % 4 < 2 ? v1::OPERATOR_NOT_CONTAINS : v1::OPERATOR_NOT_EQUALS);
    condition.mutable_value()->set_string_value(absl::StrCat("no such thing ", i));
  }
  return routine;
}

// An event with 100 labels and 25 MB of commits.
simdjson::padded_string HugeEvent(Workload& workload) {
  std::string labels, commits;
  for (int i = 0; i < 100; ++i) {
    absl::StrAppend(&labels, i == 0 ? "" : ",", "{\"id\":1,\"name\":\"label-", i, "\"}");
  }
  while (commits.size() < 25'000'000) {
    absl::StrAppend(&commits, commits.empty() ? "" : ",", "{\"id\":\"", commits.size(),
                    "\",\"message\":\"", workload.Word(), " \\\"quoted\\\" ", workload.Word(),
                    "\",\"added\":[\"src/a.cc\"],\"removed\":[]}");
  }
  const std::string event = workload.EventOf("acme/api", "feat: large", "much");
  const size_t at = event.find("\"labels\":[");
  return simdjson::padded_string(absl::StrCat(event.substr(0, at), "\"commits\":[", commits,
                                              "],\"labels\":[", labels,
                                              event.substr(event.find(']', at))));
}

}  // namespace

void Extremes() {
  Workload workload(1000, Subset::kFull, 42);
  Matcher matcher;
  const v1::Routine large = ThousandConditions(workload);
  const double begin = ThreadMicros();
  Check(matcher.Put(large).status());
  const double put = ThreadMicros() - begin;
  std::vector<simdjson::padded_string> events;
  for (size_t i = 0; i < 600; ++i) {
    events.emplace_back(workload.EventOf("acme/api",
                                         absl::StrCat("feat: ", workload.AnyWord(), " ", i),
                                         HardSets()[0].body(workload, i)));
  }
  Times peer = MeasurePeer(events);
  Run run = MeasureMatcher(matcher, events);
  std::printf("\n| extreme | median µs | p99 | × P |\n|---|---|---|---|\n");
  std::printf("| putting a routine of 1,000 conditions | %.0f | | |\n", put);
  std::printf("| a routine of 1,000 conditions, all of which hold | %.2f | %.1f | %.2f |\n",
              run.times.median(), run.times.p99(), run.times.median() / peer.median());
  for (size_t i = 1; i < 1000; ++i) Check(matcher.Put(workload.Routine(i)).status());
  // P of this one: simdjson going to the end of the payload, where the sender is.
  std::vector<simdjson::padded_string> huge;
  for (int i = 0; i < 7; ++i) huge.push_back(HugeEvent(workload));
  Times parse;
  simdjson::ondemand::parser parser;
  for (const auto& event : huge) {
    const double parse_begin = ThreadMicros();
    auto document = parser.iterate(event);
    if (document.find_field_unordered("sender").error() != simdjson::SUCCESS) std::exit(1);
    parse.all.push_back(ThreadMicros() - parse_begin);
  }
  Run slow = MeasureMatcher(matcher, huge);
  std::printf("| an event of 100 labels and 25 MB of commits | %.0f | %.0f | %.2f |\n",
              slow.times.median(), slow.times.most(), slow.times.median() / parse.median());
}

}  // namespace routines::bench
