// The time of Parse and Next, as JSON for bench/schedule.py, which sets it beside other programs.
//
//   schedule_benchmark FILE      one "name<TAB>expression<TAB>zone" a line
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "routines/schedule.h"

namespace {

constexpr int kInstants = 1024, kRuns = 9;
constexpr int64_t kFirstSecond = 1'767'225'600;  // 2026-01-01

// The same instants in every program: a multiplicative congruential walk over one year.
std::vector<absl::Time> Instants() {
  std::vector<absl::Time> instants;
  uint64_t state = 1;
  for (int i = 0; i < kInstants; ++i) {
    state = state * 48271 % 2147483647;
    instants.push_back(absl::FromUnixSeconds(kFirstSecond + state % (365 * 86400)));
  }
  return instants;
}

// The median time of one call, in nanoseconds.
template <typename Work>
double Measure(int calls, Work work) {
  std::vector<double> runs;
  for (int run = 0; run < kRuns; ++run) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
    runs.push_back(took.count() / calls);
  }
  std::nth_element(runs.begin(), runs.begin() + kRuns / 2, runs.end());
  return runs[kRuns / 2];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: schedule_benchmark FILE\n", stderr);
    return 2;
  }
  std::ifstream file(argv[1]);
  const std::vector<absl::Time> instants = Instants();
  std::string line;
  while (std::getline(file, line)) {
    const std::vector<std::string> words = absl::StrSplit(line, '\t');
    absl::TimeZone zone;
    if (words.size() != 3 || !absl::LoadTimeZone(words[2], &zone)) return 1;
    const auto schedule = routines::Schedule::Parse(words[1], zone);
    if (!schedule.ok()) return 1;
    const double parse = Measure(kInstants, [&] {
      for (int i = 0; i < kInstants; ++i) {
        if (routines::Schedule::Parse(words[1], zone)->never()) std::abort();
      }
    });
    int64_t sum = 0;  // the same in every program, or they did not do the same work
    const double next = Measure(kInstants, [&] {
      sum = 0;
      for (const absl::Time instant : instants) sum += absl::ToUnixSeconds(schedule->Next(instant));
    });
    std::printf("{\"name\":\"%s\",\"parse\":%.1f,\"next\":%.1f,\"sum\":%lld}\n", words[0].c_str(),
                parse, next, static_cast<long long>(sum));
  }
  return 0;
}
