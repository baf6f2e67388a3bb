// Reading the fields of 24 KB pull-request payloads: ours beside simdjson's on-demand interface
// (P), same fields, same bytes, same run. Payloads never repeat within a pass and are more than the
// caches hold. Prints CPU time and the ratio to P.
//
//   extract_benchmark --benchmark_repetitions=5 --benchmark_report_aggregates_only=true
#include <cstdio>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "bench/extract_payloads.h"
#include "benchmark/benchmark.h"
#include "routines/event.h"
#include "src/match/extract.h"
#include "tests/unit/match/github_payloads.h"

namespace routines::bench {
namespace {

constexpr int kPayloads = 2048;

std::string Words(std::mt19937& random, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    if (i > 0) text += random() % 12 == 0 ? "\\r\\n" : " ";
    for (int k = 2 + static_cast<int>(random() % 7); k > 0; --k) {
      text += static_cast<char>('a' + random() % 26);
    }
  }
  return text;
}

// The examples of pull_request with names, titles, branches, labels and bodies drawn anew.
std::vector<simdjson::padded_string> MakePayloads() {
  std::vector<simdjson::padded_string> out;
  std::mt19937 random(7);
  std::vector<std::string> templates;
  for (const auto& example : testing::ExamplePayloads()) {
    if (example.event == "pull_request" && example.body.size() > 20'000) {
      templates.push_back(example.body);
    }
  }
  for (int i = 0; i < kPayloads && !templates.empty(); ++i) {
    out.emplace_back(absl::StrReplaceAll(
        templates[random() % templates.size()],
        {{"Codertocat", absl::StrCat("user", random())},
         {"Hello-World", absl::StrCat("repo", random() % 1'000'000)},
         {"Update the README with new information.", Words(random, 3 + random() % 8)},
         {"This is a pretty simple change that we need to pull into master.",
          Words(random, 5 + random() % 120)},
         {"\"changes\"", absl::StrCat("\"topic-", random(), "\"")},
         {"\"bug\"", absl::StrCat("\"label-", random() % 500, "\"")}}));
  }
  return out;
}

const std::vector<simdjson::padded_string>& Payloads() {
  static const auto& payloads = *new auto(MakePayloads());
  return payloads;
}

constexpr std::string_view kScope[] = {"/repository/full_name", "/action"};
constexpr std::string_view kFields[] = {"/pull_request/user/login",
                                        "/sender/login",
                                        "/pull_request/author_association",
                                        "/pull_request/title",
                                        "/pull_request/base/ref",
                                        "/pull_request/head/ref",
                                        "/pull_request/labels/*/name",
                                        "/pull_request/draft",
                                        "/pull_request/merged",
                                        "/pull_request/head/repo/full_name",
                                        "/pull_request/base/repo/full_name",
                                        "/pull_request/state",
                                        "/pull_request/body",
                                        "/repository/full_name",
                                        "/action"};
constexpr int kBody = 12;

ExtractionPlan Plan(absl::Span<const std::string_view> paths) {
  return *ExtractionPlan::Compile(paths);
}

// Both sides' answers on every payload.
bool Agree() {
  SimdjsonPeer peer;
  Extraction extraction;
  const ExtractionPlan plan = Plan(kFields);
  PullRequestFields theirs, ours;
  for (const auto& payload : Payloads()) {
    if (!peer.Read(payload, theirs)) return false;
    extraction.Open(std::string_view(payload));
    if (!extraction.Read(plan, plan.all()).ok()) return false;
    const auto text = [&](int target) { return extraction.values(target)[0].text(); };
    const auto flag = [&](int target) {
      return extraction.values(target)[0].kind == ValueKind::kTrue;
    };
    ours = {.action = text(14),
            .repository = text(13),
            .author = text(0),
            .sender = text(1),
            .author_association = text(2),
            .title = text(3),
            .body = text(kBody),
            .base_branch = text(4),
            .head_branch = text(5),
            .head_repository = text(9),
            .base_repository = text(10),
            .state = text(11),
            .labels = {},
            .is_draft = flag(7),
            .is_merged = flag(8)};
    for (const ExtractedValue& label : extraction.values(6)) ours.labels.push_back(label.text());
    if (!(ours == theirs)) return false;
  }
  return true;
}

// Runs `read(payload)` on one payload after the other.
template <class Read>
void Cycle(benchmark::State& state, Read read) {
  if (Payloads().empty()) {
    state.SkipWithError(testing::kNoExamples);
    return;
  }
  static const bool agree = Agree();
  if (!agree) {
    state.SkipWithError("the two sides read different values");
    return;
  }
  size_t i = 0, bytes = 0;
  for (auto _ : state) {
    read(Payloads()[i]);
    bytes += Payloads()[i].size();
    i = (i + 1) % Payloads().size();
  }
  state.SetBytesProcessed(static_cast<int64_t>(bytes));
}

void P(benchmark::State& state) {
  SimdjsonPeer peer;
  PullRequestFields fields;
  Cycle(state, [&](const auto& payload) { benchmark::DoNotOptimize(peer.Read(payload, fields)); });
}

void Extract(benchmark::State& state, Extraction::Method method, TargetMask without) {
  Extraction extraction(method);
  const ExtractionPlan plan = Plan(kFields);
  Cycle(state, [&](const auto& payload) {
    extraction.Open(std::string_view(payload));
    benchmark::DoNotOptimize(extraction.Read(plan, plan.all() & ~without).ok());
  });
}

// As the matcher does: the scope first, then the fields.
void ExtractInTwoReads(benchmark::State& state) {
  Extraction extraction;
  const ExtractionPlan scope = Plan(kScope), fields = Plan(kFields);
  Cycle(state, [&](const auto& payload) {
    extraction.Open(std::string_view(payload));
    benchmark::DoNotOptimize(extraction.Read(scope, scope.all()).ok());
    benchmark::DoNotOptimize(
        extraction.Read(fields, fields.all() & ~(TargetBit(13) | TargetBit(14))).ok());
  });
}

void ExtractScopeOnly(benchmark::State& state) {
  Extraction extraction;
  const ExtractionPlan scope = Plan(kScope);
  Cycle(state, [&](const auto& payload) {
    extraction.Open(std::string_view(payload));
    benchmark::DoNotOptimize(extraction.Read(scope, scope.all()).ok());
  });
}

void Check(benchmark::State& state) {
  Cycle(state, [&](const auto& payload) {
    benchmark::DoNotOptimize(CheckGithubPayload("pull_request", std::string_view(payload)).ok());
  });
}

// Adds each time's ratio to P.
class RatioReporter : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<Run>& runs) override {
    ConsoleReporter::ReportRuns(runs);
    for (const Run& run : runs) {
      if (run.run_type == Run::RT_Aggregate && run.aggregate_name != "median") continue;
      times_[run.run_name.function_name] = run.GetAdjustedCPUTime();
    }
  }
  void Finalize() override {
    std::printf("\n");
    for (const auto& [name, time] : times_) {
      if (times_.count("P") != 0) std::printf("%-24s %5.2f P\n", name.c_str(), time / times_["P"]);
    }
  }

 private:
  std::map<std::string, double> times_;
};

const char* Name(Extraction::Method method) {
  switch (method) {
    case Extraction::Method::kSimdjson:
      return "Extract/simdjson";
    case Extraction::Method::kScalar:
      return "Extract/scalar";
    case Extraction::Method::kSse2:
      return "Extract/sse2";
    case Extraction::Method::kAvx2:
      return "Extract/avx2";
    case Extraction::Method::kAvx512:
      return "Extract/avx512";
    case Extraction::Method::kNeon:
      return "Extract/neon";
    case Extraction::Method::kFastest:
      break;
  }
  return "Extract";
}

void Register() {
  benchmark::RegisterBenchmark("P", P);
  for (const Extraction::Method method : Extraction::Methods()) {
    benchmark::RegisterBenchmark(Name(method), Extract, method, 0);
  }
  benchmark::RegisterBenchmark("ExtractWithoutBody", Extract, Extraction::Method::kFastest,
                               TargetBit(kBody));
  benchmark::RegisterBenchmark("ExtractInTwoReads", ExtractInTwoReads);
  benchmark::RegisterBenchmark("ExtractScopeOnly", ExtractScopeOnly);
  benchmark::RegisterBenchmark("CheckGithubPayload", Check);
}

}  // namespace
}  // namespace routines::bench

int main(int argc, char** argv) {
  routines::bench::Register();
  benchmark::Initialize(&argc, argv);
  routines::bench::RatioReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  return 0;
}
