// What an Engine is made of; its methods are in engine.cc and engine_events.cc.
#ifndef ROUTINES_SRC_ENGINE_ENGINE_IMPL_H_
#define ROUTINES_SRC_ENGINE_ENGINE_IMPL_H_

#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "routines/engine.h"
#include "src/engine/catalog.h"
#include "src/engine/counters.h"
#include "src/engine/dispatcher.h"
#include "src/engine/scheduler.h"
#include "src/engine/sources.h"
#include "src/engine/subscriptions.h"
#include "src/engine/tokens.h"

namespace routines {

struct Engine::Impl {
  using AdmitDone = std::function<void(absl::StatusOr<Admitted>)>;

  explicit Impl(EngineOptions o)
      : options(std::move(o)),
        tokens(*options.store, catalog, *options.clock),
        dispatcher(options, subscriptions, counters,
                   {[this](const v1::Session& session) { return AfterEnd(session); },
                    [this](const v1::Session& session, const Updated& updated) {
                      Ended(session, updated);
                    }}),
        default_given(!options.default_executor.empty()),
        sources(options.max_source_backlog),
        scheduler(
            options, catalog,
            [this](Admission admission, AdmitDone done) {
              Admit(std::move(admission), std::move(done));
            },
            [this] {
              absl::MutexLock lock(&save_mu);
              return Refresh();
            }) {}

  // An admission whose answer is still to come.
  void Begin() {
    absl::MutexLock lock(&mu);
    ++admissions_in_flight;
  }
  void End() {
    absl::MutexLock lock(&mu);
    --admissions_in_flight;
  }

  // `done` runs after the commit.
  void Admit(Admission admission, AdmitDone done);
  void Count(const absl::StatusOr<Admitted>& admitted);
  // What an admission that is stored means for sessions that are on their way here.
  void Spread(const Admitted& admitted);
  // What is admitted with a session's end; and what follows once both are stored.
  std::optional<Admission> AfterEnd(const v1::Session& session);
  void Ended(const v1::Session& session, const Updated& updated);
  absl::Status Save(v1::SavedRoutine& saved);
  // Everything there is in the store.
  absl::Status Load();
  // Takes over what other engines on the store changed.
  absl::Status Refresh() ABSL_EXCLUSIVE_LOCKS_REQUIRED(save_mu);
  void TakeOver(const Rows& changed) ABSL_EXCLUSIVE_LOCKS_REQUIRED(save_mu);
  // The store has this as the newest revision.
  void Learn(const v1::SavedRoutine& saved);
  absl::Status StartSources(Engine& engine) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lifecycle_mu);

  EngineOptions options;
  Catalog catalog;
  Subscriptions subscriptions;
  Counters counters;
  Tokens tokens;
  Dispatcher dispatcher;
  bool default_given;  // the default executor is not merely the only one; with save_mu
  Sources sources;
  Scheduler scheduler;
  absl::Mutex save_mu;                               // one change of routines and tokens at a time
  int64_t last_change ABSL_GUARDED_BY(save_mu) = 0;  // that is known here: see ChangeQuery
  absl::Mutex lifecycle_mu;                          // Start and Stop, one at a time
  bool started ABSL_GUARDED_BY(lifecycle_mu) = false;
  bool sources_started ABSL_GUARDED_BY(lifecycle_mu) = false;
  absl::Mutex mu;
  int admissions_in_flight ABSL_GUARDED_BY(mu) = 0;
};

inline absl::Status NoSuchRoutine(std::string_view account, std::string_view name) {
  return absl::NotFoundError(
      absl::StrCat("no routine ", std::string(name), " in account ", std::string(account)));
}

}  // namespace routines

#endif  // ROUTINES_SRC_ENGINE_ENGINE_IMPL_H_
