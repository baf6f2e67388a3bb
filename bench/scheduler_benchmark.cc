// What many schedules cost a whole engine on a SQLite file (synchronous=FULL): memory and time to
// load them, an idle second, and how late the sessions of those that are due in the same second are
// durable.
//
//   scheduler_benchmark FOLDER [SCHEDULES [DUE]]
//
// Each account has a hundred routines, each routine one schedule. DUE of them, of different
// accounts, come up at the same minute; the others not today. Prints one line of JSON.
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "routines/engine.h"
#include "routines/executor.h"
#include "routines/store.h"
#include "src/base/time_conversion.h"

namespace routines {
namespace {

constexpr int kSavers = 64;  // so that the store commits in groups
constexpr int kRoutinesOfAccount = 100;
constexpr int kIdleSeconds = 10;

double MegabytesInUse() {
  malloc_trim(0);
  std::ifstream file("/proc/self/statm");
  int64_t total = 0, resident = 0;
  file >> total >> resident;
  return static_cast<double>(resident) * getpagesize() / 1e6;
}

double CpuSeconds() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) { return t.tv_sec + t.tv_usec / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double SecondsOf(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// Notes when the session of an instant is durable.
class Watched : public Store {
 public:
  explicit Watched(std::unique_ptr<Store> store) : store_(std::move(store)) {}

  void Admit(Admission admission, AdmitDone done) override {
    store_->Admit(std::move(admission), [this, done](absl::StatusOr<Admitted> admitted) {
      const absl::Time now = absl::Now();
      if (admitted.ok() && !admitted->sessions.empty()) {
        absl::MutexLock lock(&mu_);
        durable_.push_back(now);
      }
      done(std::move(admitted));
    });
  }
  absl::StatusOr<std::vector<v1::Session>> Lease(const LeaseRequest& request) override {
    return store_->Lease(request);
  }
  void Update(SessionUpdate update, UpdateDone done) override {
    store_->Update(std::move(update), std::move(done));
  }
  absl::Status Save(const Change& change) override { return store_->Save(change); }
  absl::StatusOr<Rows> Read(const Query& query) override { return store_->Read(query); }

  std::vector<absl::Time> Await(size_t count) {
    absl::MutexLock lock(&mu_);
    const auto all = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return durable_.size() >= count; };
    mu_.AwaitWithTimeout(absl::Condition(&all), absl::Minutes(5));
    return durable_;
  }

 private:
  const std::unique_ptr<Store> store_;
  absl::Mutex mu_;
  std::vector<absl::Time> durable_ ABSL_GUARDED_BY(mu_);
};

v1::SavedRoutine Routine(int number, const std::string& cron, absl::Time now) {
  v1::SavedRoutine saved;
  v1::Routine& routine = *saved.mutable_routine();
  routine.set_name(absl::StrCat("routine-", number));
  routine.set_account(absl::StrCat("account-", number / kRoutinesOfAccount));
  routine.set_prompt("Look at what is new since yesterday, and say what to do about it.");
  v1::Trigger& trigger = *routine.add_triggers();
  trigger.set_id("daily");
  trigger.mutable_schedule()->set_cron(cron);
  trigger.mutable_schedule()->set_time_zone(number % 3 == 0   ? "Europe/Berlin"
                                            : number % 3 == 1 ? "America/New_York"
                                                              : "Asia/Kolkata");
  v1::SavedTrigger& entry = *saved.add_triggers();
  entry.set_id("daily");
  entry.set_trigger_id(absl::StrCat("trig_benchmark", number));
  saved.set_revision(1);
  *saved.mutable_update_time() = *saved.mutable_create_time() = ToProto(now);
  return saved;
}

void SaveAll(Store& store, int count, const std::function<v1::SavedRoutine(int)>& routine) {
  std::atomic<int> next = 0;
  std::vector<std::thread> savers;
  for (int i = 0; i < kSavers; ++i) {
    savers.emplace_back([&] {
      for (int number = next++; number < count; number = next++) {
        if (!store.Save(SaveRoutine{routine(number)}).ok()) std::abort();
      }
    });
  }
  for (std::thread& saver : savers) saver.join();
}

// `due` at `instant`, spread over the accounts; the rest at all minutes of a day that is not near.
v1::SavedRoutine Planned(int number, int schedules, int due, absl::Time instant, absl::Time now) {
  const int each = std::max(1, schedules / due);
  if (number % each == 0 && number / each < due) {
    v1::SavedRoutine saved = Routine(number, "", now);
    const absl::CivilMinute minute = absl::ToCivilMinute(instant, absl::UTCTimeZone());
    v1::ScheduleTrigger& schedule =
        *saved.mutable_routine()->mutable_triggers(0)->mutable_schedule();
    schedule.set_cron(absl::StrCat(minute.minute(), " ", minute.hour(), " * * *"));
    schedule.set_time_zone("UTC");
    return saved;
  }
  const int day = absl::ToCivilDay(instant, absl::UTCTimeZone()).day() <= 14 ? 20 : 8;
  return Routine(number, absl::StrCat(number % 60, " ", number / 60 % 24, " ", day, " * *"), now);
}

int Measure(const std::filesystem::path& folder, int schedules, int due) {
  const absl::Time saved_at = absl::Now() - absl::Hours(48);
  const absl::Duration time_to_save_and_load =
      absl::Seconds(15) + absl::Microseconds(300) * schedules;
  absl::Time instant = absl::FromUnixSeconds(
      (absl::ToUnixSeconds(absl::Now() + time_to_save_and_load) / 60 + 1) * 60);
  auto opened = OpenSqliteStore({.path = (folder / "state.db").string(), .integrity_check = false});
  if (!opened.ok()) {
    std::fprintf(stderr, "%s\n", std::string(opened.status().message()).c_str());
    return 1;
  }
  const auto store = std::make_shared<Watched>(*std::move(opened));
  const double saving = SecondsOf([&] {
    SaveAll(*store, schedules,
            [&](int number) { return Planned(number, schedules, due, instant, saved_at); });
  });
  // Nothing is owed from before.
  if (!store
           ->Save(SaveSetting{"schedule_watermark", absl::StrCat(absl::ToUnixSeconds(absl::Now()))})
           .ok()) {
    return 1;
  }
  EngineOptions options;
  options.store = store;
  options.executors["nothing"] = NewCallbackExecutor([](Execution&) { return Outcome::Success(); });
  const double before = MegabytesInUse();
  std::unique_ptr<Engine> engine;
  const double loading = SecondsOf([&] {
    auto made = Engine::Create(std::move(options));
    if (made.ok()) engine = *std::move(made);
  });
  if (engine == nullptr || !engine->Start().ok()) return 1;
  absl::SleepFor(absl::Seconds(3));
  const double bytes = (MegabytesInUse() - before) * 1e6 / schedules;
  const double cpu = CpuSeconds();
  absl::SleepFor(absl::Seconds(kIdleSeconds));
  const double idle = (CpuSeconds() - cpu) / kIdleSeconds;
  if (absl::Now() > instant) {
    std::fprintf(stderr, "loading took longer than was thought; the instant is over\n");
    return 1;
  }
  absl::SleepFor(instant - absl::Now() - absl::Milliseconds(500));
  const double cpu_before = CpuSeconds();
  std::vector<absl::Time> durable = store->Await(due);
  const double cpu_due = CpuSeconds() - cpu_before;
  std::sort(durable.begin(), durable.end());
  const int count = static_cast<int>(durable.size());
  const auto late = [&](int percent) {
    const int place = std::min(count - 1, count * percent / 100);
    return absl::ToDoubleMilliseconds(durable[place] - instant);
  };
  if (count == 0) return 1;
  std::printf(
      "{\"schedules\":%d,\"save_s\":%.1f,\"load_s\":%.2f,\"bytes_each\":%.0f,\"idle_us\":%.0f,"
      "\"due\":%d,\"durable\":%d,\"p50_ms\":%.0f,\"p99_ms\":%.0f,\"last_ms\":%.0f,"
      "\"cpu_ms\":%.0f}\n",
      schedules, saving, loading, bytes, idle * 1e6, due, count, late(50), late(99), late(100),
      cpu_due * 1e3);
  return count == due ? 0 : 1;
}

}  // namespace
}  // namespace routines

int main(int count, char** words) {
  if (count < 2) {
    std::fprintf(stderr, "scheduler_benchmark FOLDER [SCHEDULES [DUE]]\n");
    return 2;
  }
  const std::filesystem::path folder =
      std::filesystem::path(words[1]) / absl::StrCat("scheduler-", getpid());
  std::filesystem::create_directories(folder);
  const int schedules = count > 2 ? std::atoi(words[2]) : 1'000'000;
  const int due = count > 3 ? std::atoi(words[3]) : 10'000;
  const int status = routines::Measure(folder, schedules, std::min(due, schedules));
  std::filesystem::remove_all(folder);
  return status;
}
