// Durable admissions per second, and what one of them waits: SQLite with synchronous=FULL, beside
// the floor of the disk (the same bytes written and fdatasync'ed in the same groups by nobody's
// database).
//
// Counters: p50_us, p99_us: from Admit to its done; per_commit: admissions in one transaction.
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "benchmark/benchmark.h"
#include "routines/store.h"

namespace routines {
namespace {

// Beside the program, hence on a disk; TMPDIR chooses another.
class TempFolder {
 public:
  TempFolder() {
    const char* base = getenv("TMPDIR");
    path_ = absl::StrCat(base == nullptr ? "." : base, "/store_benchmark_XXXXXX");
    if (mkdtemp(path_.data()) == nullptr) abort();
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// What an API fire admits: a key, an event with some text, one decision, one session.
Admission MakeAdmission(int64_t number) {
  const std::string id = absl::StrCat("01ABCDEFGHJKMN", 100000000000 + number);
  Admission admission;
  admission.dedupe_keys.push_back({"api:trig_01ABCDEFGHJKLMNOPQRSTUVW:" + id});
  v1::Event& event = admission.event;
  event.set_id("event_" + id);
  event.set_source("api");
  event.set_account("acme");
  event.set_trigger_id("trig_01ABCDEFGHJKLMNOPQRSTUVW");
  event.set_text(std::string(120, 'x'));
  event.mutable_time()->set_seconds(1767603600 + number);
  v1::Session& session = admission.sessions.emplace_back();
  session.set_id("session_" + id);
  session.set_account("acme");
  session.set_routine("alert-triage");
  session.set_revision(1);
  session.set_trigger_id(event.trigger_id());
  session.set_event_id(event.id());
  session.set_state(v1::SESSION_STATE_QUEUED);
  session.set_read_key(std::string(43, 'k'));
  *session.mutable_create_time() = event.time();
  v1::Decision& decision = admission.decisions.emplace_back();
  decision.set_event_id(event.id());
  decision.set_account("acme");
  decision.set_routine("alert-triage");
  decision.set_trigger_id(event.trigger_id());
  decision.set_reason(v1::DECISION_REASON_FIRED);
  decision.set_session_id(session.id());
  *decision.mutable_time() = event.time();
  return admission;
}

void Report(benchmark::State& state, std::vector<int64_t>& micros) {
  std::sort(micros.begin(), micros.end());
  if (micros.empty()) return;
  state.counters["p50_us"] = static_cast<double>(micros[micros.size() / 2]);
  state.counters["p99_us"] = static_cast<double>(micros[micros.size() * 99 / 100]);
  state.SetItemsProcessed(static_cast<int64_t>(micros.size()));
}

// `submitters` admissions are under way at any time: each that is done is followed by the next, as
// connections of a server do. Returns the time each took.
class Submitters {
 public:
  Submitters(Store& store, int submitters, int64_t first, int64_t count)
      : store_(store), next_(first), end_(first + count), running_(submitters) {
    for (int i = 0; i < submitters; ++i) SubmitNext();
    running_.Wait();
  }

  std::vector<int64_t> micros;

 private:
  void SubmitNext() {
    const int64_t number = next_++;
    if (number >= end_) {
      running_.DecrementCount();
      return;
    }
    const absl::Time start = absl::Now();
    store_.Admit(MakeAdmission(number), [this, start](absl::StatusOr<Admitted> admitted) {
      if (!admitted.ok() || admitted->duplicate) abort();
      micros.push_back(
          absl::ToInt64Microseconds(absl::Now() - start));  // the writer's thread alone
      SubmitNext();
    });
  }

  Store& store_;
  std::atomic<int64_t> next_;
  const int64_t end_;
  absl::BlockingCounter running_;
};

void BM_SqliteAdmit(benchmark::State& state) {
  const int submitters = static_cast<int>(state.range(0));
  constexpr int64_t kBatch = 2000;
  TempFolder folder;
  auto store = OpenSqliteStore({.path = folder / "state.db"});
  if (!store.ok()) return state.SkipWithError(store.status().ToString().c_str());
  std::vector<int64_t> micros;
  int64_t number = 0;
  for (auto _ : state) {
    Submitters run(**store, submitters, number, kBatch);
    number += kBatch;
    micros.insert(micros.end(), run.micros.begin(), run.micros.end());
  }
  Report(state, micros);
}
BENCHMARK(BM_SqliteAdmit)
    ->ArgName("submitters")
    ->Arg(1)
    ->Arg(8)
    ->Arg(32)
    ->Arg(128)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

// The same bytes appended to a file and synced, in groups of `submitters`: what no store can beat.
void BM_RawWriteAndSync(benchmark::State& state) {
  const int submitters = static_cast<int>(state.range(0));
  TempFolder folder;
  const int fd = open((folder / "raw").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  const Admission admission = MakeAdmission(0);
  const std::string bytes =
      admission.event.SerializeAsString() + admission.decisions[0].SerializeAsString() +
      admission.sessions[0].SerializeAsString() + admission.dedupe_keys[0].key;
  std::string group;
  for (int i = 0; i < submitters; ++i) group += bytes;
  std::vector<int64_t> micros;
  for (auto _ : state) {
    const absl::Time start = absl::Now();
    if (write(fd, group.data(), group.size()) < 0 || fdatasync(fd) != 0) abort();
    micros.insert(micros.end(), submitters, absl::ToInt64Microseconds(absl::Now() - start));
  }
  Report(state, micros);
  close(fd);
}
BENCHMARK(BM_RawWriteAndSync)
    ->ArgName("submitters")
    ->Arg(1)
    ->Arg(8)
    ->Arg(32)
    ->Arg(128)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

// One session leased and one page of sessions listed while `waiting` others are queued: the cost
// must not follow their number.
void BM_SqliteLeaseAmongMany(benchmark::State& state) {
  TempFolder folder;
  auto store = OpenSqliteStore({.path = folder / "state.db"});
  if (!store.ok()) return state.SkipWithError(store.status().ToString().c_str());
  Submitters(**store, 256, 0, state.range(0));
  for (auto _ : state) {
    const absl::Time now = absl::FromUnixSeconds(1767603600);
    benchmark::DoNotOptimize((*store)->Lease({"host", now, now + absl::Minutes(1), 1}));
  }
}
BENCHMARK(BM_SqliteLeaseAmongMany)->ArgName("waiting")->Arg(1000)->Arg(100000)->UseRealTime();

void BM_SqliteListAmongMany(benchmark::State& state) {
  TempFolder folder;
  auto store = OpenSqliteStore({.path = folder / "state.db"});
  if (!store.ok()) return state.SkipWithError(store.status().ToString().c_str());
  Submitters(**store, 256, 0, state.range(0));
  const SessionQuery query{.account = "acme",
                           .routine = "alert-triage",
                           .states = {v1::SESSION_STATE_QUEUED, v1::SESSION_STATE_RUNNING},
                           .limit = 50};
  for (auto _ : state) benchmark::DoNotOptimize((*store)->Read(query));
}
BENCHMARK(BM_SqliteListAmongMany)->ArgName("waiting")->Arg(1000)->Arg(100000)->UseRealTime();

}  // namespace
}  // namespace routines

BENCHMARK_MAIN();
