#include "routines/engine.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "google/protobuf/util/message_differencer.h"
#include "routines/routine.h"
#include "src/base/ids.h"
#include "src/base/status_macros.h"
#include "src/base/time_conversion.h"
#include "src/engine/engine_impl.h"
#include "src/engine/schedule_rules.h"

namespace routines {
namespace {

absl::Status ProblemsAsStatus(const std::vector<Problem>& problems) {
  std::vector<std::string> lines;
  for (const Problem& problem : problems) {
    lines.push_back(absl::StrCat(problem.path, ": ", problem.message));
  }
  return absl::InvalidArgumentError(absl::StrJoin(lines, "\n"));
}

// The ids under which the triggers of `routine` are reachable; those of `previous` are kept.
void AssignTriggerIds(const v1::Routine& routine, const v1::SavedRoutine* previous, absl::Time now,
                      v1::SavedRoutine& saved) {
  for (const v1::Trigger& trigger : routine.triggers()) {
    v1::SavedTrigger& entry = *saved.add_triggers();
    entry.set_id(trigger.id());
    if (IsTriggerId(trigger.id())) {
      entry.set_trigger_id(trigger.id());
      continue;
    }
    if (previous != nullptr) {
      for (const v1::SavedTrigger& old : previous->triggers()) {
        if (old.id() == trigger.id()) entry.set_trigger_id(old.trigger_id());
      }
    }
    if (entry.trigger_id().empty()) entry.set_trigger_id(NewId("trig_", now));
  }
}

// The form of a routine's name too.
bool IsPlugInName(std::string_view name) {
  return !name.empty() && name.size() <= 63 && name[0] != '-' &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") == name.npos;
}

}  // namespace

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

absl::StatusOr<std::unique_ptr<Engine>> Engine::Create(EngineOptions options) {
  if (options.clock == nullptr) return absl::InvalidArgumentError("clock: must not be null");
  if (options.max_concurrent_sessions < 1 || options.prepare_threads < 1) {
    return absl::InvalidArgumentError(
        "max_concurrent_sessions and prepare_threads: must be at least 1");
  }
  for (const auto& [name, executor] : options.executors) {
    if (executor == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat("executor \"", name, "\": must not be null"));
    }
  }
  const bool default_given = !options.default_executor.empty();
  if (!default_given && options.executors.size() == 1) {
    options.default_executor = options.executors.begin()->first;
  }
  if (!options.default_executor.empty() && !options.executors.contains(options.default_executor)) {
    return absl::InvalidArgumentError(
        absl::StrCat("default_executor: \"", options.default_executor, "\" is not registered"));
  }
  if (options.store == nullptr) options.store = NewMemoryStore();
  auto impl = std::make_unique<Impl>(std::move(options));
  impl->default_given = default_given;
  RETURN_IF_ERROR(impl->Load());
  return std::unique_ptr<Engine>(new Engine(std::move(impl)));
}

Engine::~Engine() {
  Stop();
  absl::MutexLock lock(&impl_->mu);
  impl_->mu.Await(absl::Condition(
      +[](Impl* impl)
           ABSL_EXCLUSIVE_LOCKS_REQUIRED(impl->mu) { return impl->admissions_in_flight == 0; },
      impl_.get()));
}

absl::Status Engine::Impl::StartSources(Engine& engine) {
  if (sources_started) return absl::OkStatus();
  RETURN_IF_ERROR(sources.Start([&engine](DeliverRequest request, EventSink::Done done) {
    engine.DeliverAsync(std::move(request), std::move(done));
  }));
  sources_started = true;
  return absl::OkStatus();
}

absl::Status Engine::Start() {
  absl::MutexLock lock(&impl_->lifecycle_mu);
  if (impl_->started) {
    return absl::FailedPreconditionError("the engine was started or stopped before; make another");
  }
  // First, since they may refuse; what they bring waits in the store.
  RETURN_IF_ERROR(impl_->StartSources(*this));
  impl_->started = true;
  impl_->dispatcher.Start();
  impl_->scheduler.Start();
  return absl::OkStatus();
}

absl::Status Engine::StartSources() {
  absl::MutexLock lock(&impl_->lifecycle_mu);
  if (impl_->started) return absl::FailedPreconditionError("the engine was started or stopped");
  return impl_->StartSources(*this);
}

void Engine::Stop() {
  absl::MutexLock lock(&impl_->lifecycle_mu);
  impl_->started = true;
  impl_->sources.Stop();
  impl_->scheduler.Stop();
  impl_->dispatcher.Stop();
}

absl::Status Engine::RegisterExecutor(std::string_view name, std::shared_ptr<Executor> executor,
                                      bool make_default) {
  if (executor == nullptr || !IsPlugInName(name)) {
    return absl::InvalidArgumentError(
        absl::StrCat("executor \"", std::string(name),
                     "\": needs an executor, and a name of 1 to 63 of a-z 0-9 - _, first no -"));
  }
  absl::MutexLock lifecycle(&impl_->lifecycle_mu);
  if (impl_->started || impl_->sources_started) {
    return absl::FailedPreconditionError("executor: the engine was started; register it before");
  }
  absl::MutexLock lock(&impl_->save_mu);
  EngineOptions& options = impl_->options;
  if (!options.executors.try_emplace(std::string(name), std::move(executor)).second) {
    return absl::AlreadyExistsError(
        absl::StrCat("executor \"", std::string(name), "\" is registered already"));
  }
  if (make_default) {
    impl_->default_given = true;
    options.default_executor = std::string(name);
  } else if (!impl_->default_given) {
    options.default_executor = options.executors.size() == 1 ? std::string(name) : "";
  }
  return absl::OkStatus();
}

absl::Status Engine::AddSource(std::string_view name, std::shared_ptr<TriggerSource> source) {
  absl::MutexLock lock(&impl_->lifecycle_mu);
  if (impl_->started || impl_->sources_started) {
    return absl::FailedPreconditionError("source: the engine was started; add it before");
  }
  return impl_->sources.Add(std::string(name), std::move(source));
}

absl::Time Engine::Step() {
  const absl::Time next = impl_->scheduler.Step();  // first: it may queue sessions
  return std::min(next, impl_->dispatcher.Step());
}

EngineStats Engine::Stats() {
  EngineStats stats = impl_->counters.Get();
  stats.routines_unmatched = impl_->catalog.unmatched_routines();
  return stats;
}

Clock& Engine::clock() {
  return *impl_->options.clock;
}

// ---- routines ----

absl::Status Engine::Impl::Load() {
  absl::MutexLock lock(&save_mu);
  // First: what is changed while it loads is looked at again.
  ASSIGN_OR_RETURN(const Rows newest, options.store->Read(ChangeQuery{.limit = 0}));
  last_change = newest.change;
  const absl::Time now = options.clock->TimeNow();
  RETURN_IF_ERROR(catalog.Load(*options.store));
  return scheduler.Load(now);
}

absl::Status Engine::Impl::Refresh() {
  while (true) {
    ASSIGN_OR_RETURN(const Rows changed, options.store->Read(ChangeQuery{.after = last_change}));
    TakeOver(changed);
    last_change = changed.change;
    if (changed.routines.empty()) return absl::OkStatus();
  }
}

void Engine::Impl::TakeOver(const Rows& changed) {
  std::map<std::pair<std::string, std::string>, const v1::SavedRoutine*> newest;
  for (const v1::SavedRoutine& saved : changed.routines) {
    const auto known = catalog.FindRoutine(saved.routine().account(), saved.routine().name());
    if (known != nullptr && known->revision() > saved.revision()) continue;
    if (known == nullptr || known->revision() < saved.revision()) scheduler.Changed(saved);
    auto& last = newest[{saved.routine().account(), saved.routine().name()}];
    if (last == nullptr || last->revision() < saved.revision()) last = &saved;
  }
  for (const auto& [name, saved] : newest) {
    const auto known = catalog.FindRoutine(name.first, name.second);
    const bool same = known != nullptr && known->revision() == saved->revision() &&
                      known->paused() == saved->paused() &&
                      known->pause_reason() == saved->pause_reason();
    if (!same && (known != nullptr || !saved->deleted())) catalog.Put(*saved);
    catalog.PutTokens(*saved, changed.tokens);
  }
}

absl::Status Engine::Impl::Save(v1::SavedRoutine& saved) {
  *saved.mutable_update_time() = ToProto(options.clock->TimeNow());
  const absl::Status status = options.store->Save(SaveRoutine{saved});
  if (absl::IsAborted(status)) {
    return absl::AlreadyExistsError(
        absl::StrCat("routine ", saved.routine().name(), ": ", std::string(status.message())));
  }
  RETURN_IF_ERROR(status);
  Learn(saved);
  return absl::OkStatus();
}

void Engine::Impl::Learn(const v1::SavedRoutine& saved) {
  catalog.Put(saved);
  scheduler.Changed(saved);
}

absl::StatusOr<v1::SavedRoutine> Engine::Put(const v1::Routine& given) {
  v1::Routine routine = given;
  if (routine.account().empty()) routine.set_account("default");
  if (const std::vector<Problem> problems = ValidateRoutine(routine); !problems.empty()) {
    return ProblemsAsStatus(problems);
  }
  const EngineOptions& options = impl_->options;
  if (const auto problems =
          ProblemsOfIntervals(routine, options.min_schedule_interval, options.clock->TimeNow());
      !problems.empty()) {
    return ProblemsAsStatus(problems);
  }
  absl::MutexLock lock(&impl_->save_mu);
  if (!routine.executor().empty() && !options.executors.contains(routine.executor())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "executor: no executor named \"", routine.executor(), "\" is registered; there are: ",
        absl::StrJoin(options.executors, ", ",
                      [](std::string* out, const auto& entry) { out->append(entry.first); })));
  }
  // From the store, not the catalog: a deleted routine's revisions count on.
  ASSIGN_OR_RETURN(const Rows rows,
                   options.store->Read(RoutineQuery{routine.account(), routine.name()}));
  const v1::SavedRoutine* const previous = rows.routines.empty() ? nullptr : &rows.routines.front();
  const bool exists = previous != nullptr && !previous->deleted();
  if (exists && google::protobuf::util::MessageDifferencer::Equals(previous->routine(), routine)) {
    // A save whose answer was lost, or another engine's, is not known here yet.
    const auto known = impl_->catalog.FindRoutine(routine.account(), routine.name());
    if (known == nullptr || known->revision() != previous->revision()) impl_->Learn(*previous);
    v1::SavedRoutine same = *previous;
    AddNextTimes(options.clock->TimeNow(), same);
    return same;
  }
  const absl::Time now = options.clock->TimeNow();
  v1::SavedRoutine saved;
  *saved.mutable_routine() = routine;
  saved.set_revision(previous == nullptr ? 1 : previous->revision() + 1);
  saved.set_paused(exists && previous->paused());
  if (saved.paused()) saved.set_pause_reason(previous->pause_reason());
  *saved.mutable_create_time() = exists ? previous->create_time() : ToProto(now);
  AssignTriggerIds(routine, exists ? previous : nullptr, now, saved);
  RETURN_IF_ERROR(impl_->Save(saved));
  AddNextTimes(now, saved);
  return saved;
}

absl::StatusOr<v1::SavedRoutine> Engine::GetRoutine(std::string_view account, std::string_view name,
                                                    int64_t revision) {
  ASSIGN_OR_RETURN(Rows rows, impl_->options.store->Read(
                                  RoutineQuery{std::string(account), std::string(name), revision}));
  if (rows.routines.empty() && revision != 0) {
    return absl::NotFoundError(absl::StrCat("routine ", std::string(account), "/",
                                            std::string(name), " has no revision ", revision));
  }
  if (rows.routines.empty() || (revision == 0 && rows.routines.front().deleted())) {
    return NoSuchRoutine(account, name);
  }
  if (revision == 0) AddNextTimes(impl_->options.clock->TimeNow(), rows.routines.front());
  return std::move(rows.routines.front());
}

absl::StatusOr<std::vector<v1::SavedRoutine>> Engine::ListRoutines(std::string_view account) {
  ASSIGN_OR_RETURN(Rows rows, impl_->options.store->Read(RoutineQuery{std::string(account), ""}));
  const absl::Time now = impl_->options.clock->TimeNow();
  for (v1::SavedRoutine& saved : rows.routines) AddNextTimes(now, saved);
  return std::move(rows.routines);
}

absl::Status Engine::SetRoutinePaused(std::string_view account, std::string_view name,
                                      bool paused) {
  absl::MutexLock lock(&impl_->save_mu);
  RETURN_IF_ERROR(impl_->Refresh());
  const auto saved = impl_->catalog.FindRoutine(account, name);
  if (saved == nullptr) return NoSuchRoutine(account, name);
  std::vector<v1::Decision> decided;
  RETURN_IF_ERROR(impl_->options.store->Save(
      SetPaused{std::string(account), std::string(name), paused, "", &decided}));
  impl_->counters.Change([&](EngineStats& stats) { CountDecisions(decided, stats); });
  v1::SavedRoutine changed = *saved;
  changed.set_paused(paused);
  changed.clear_pause_reason();
  impl_->catalog.Put(changed);
  return absl::OkStatus();
}

absl::Status Engine::DeleteRoutine(std::string_view account, std::string_view name) {
  absl::MutexLock lock(&impl_->save_mu);
  const bool known = impl_->catalog.FindRoutine(account, name) != nullptr;
  ASSIGN_OR_RETURN(
      Rows rows, impl_->options.store->Read(RoutineQuery{std::string(account), std::string(name)}));
  if (rows.routines.empty()) return NoSuchRoutine(account, name);
  v1::SavedRoutine& deleted = rows.routines.front();
  if (deleted.deleted()) {
    if (!known) return NoSuchRoutine(account, name);
    impl_->Learn(deleted);  // an earlier delete was stored, and its answer lost
    return absl::OkStatus();
  }
  deleted.set_revision(deleted.revision() + 1);
  deleted.set_deleted(true);
  return impl_->Save(deleted);
}

// ---- tokens ----

absl::StatusOr<IssuedToken> Engine::CreateToken(std::string_view trigger_id) {
  absl::MutexLock lock(&impl_->save_mu);
  RETURN_IF_ERROR(impl_->Refresh());
  return impl_->tokens.Create(trigger_id);
}

absl::StatusOr<IssuedToken> Engine::RotateToken(std::string_view trigger_id,
                                                absl::Duration overlap) {
  absl::MutexLock lock(&impl_->save_mu);
  RETURN_IF_ERROR(impl_->Refresh());
  return impl_->tokens.Rotate(trigger_id, overlap);
}

absl::Status Engine::RevokeToken(std::string_view token_id) {
  absl::MutexLock lock(&impl_->save_mu);
  return impl_->tokens.Revoke(token_id);
}

absl::StatusOr<std::vector<v1::Token>> Engine::ListTokens(std::string_view trigger_id) {
  ASSIGN_OR_RETURN(Rows rows, impl_->options.store->Read(TokenQuery{std::string(trigger_id)}));
  return std::move(rows.tokens);
}

absl::Status Engine::CheckToken(std::string_view trigger_id, std::string_view secret) {
  return impl_->tokens.Check(trigger_id, secret);
}

// ---- sessions ----

absl::StatusOr<v1::Session> Engine::GetSession(std::string_view id) {
  ASSIGN_OR_RETURN(Rows rows, impl_->options.store->Read(SessionQuery{.id = std::string(id)}));
  if (rows.sessions.empty()) {
    return absl::NotFoundError(absl::StrCat("no session with id ", std::string(id)));
  }
  return std::move(rows.sessions.front());
}

absl::StatusOr<std::vector<v1::Session>> Engine::ListSessions(const SessionQuery& query) {
  ASSIGN_OR_RETURN(Rows rows, impl_->options.store->Read(query));
  return std::move(rows.sessions);
}

absl::StatusOr<std::vector<v1::SessionEvent>> Engine::ReadLog(const SessionEventQuery& query) {
  ASSIGN_OR_RETURN(Rows rows, impl_->options.store->Read(query));
  return std::move(rows.session_events);
}

absl::Status Engine::Cancel(std::string_view session_id) {
  const std::string id(session_id);
  RETURN_IF_ERROR(impl_->options.store->Save(RequestCancel{id, impl_->options.clock->TimeNow()}));
  impl_->dispatcher.CancelRequested(id);
  impl_->subscriptions.Notify(id);
  return absl::OkStatus();
}

absl::StatusOr<v1::Session> Engine::Wait(std::string_view session_id, absl::Time deadline) {
  struct State {
    absl::Mutex mu;
    bool changed = false;
  };
  const auto state = std::make_shared<State>();
  const int64_t subscription = Subscribe(session_id, [state] {
    absl::MutexLock lock(&state->mu);
    state->changed = true;
  });
  absl::StatusOr<v1::Session> session;
  while (true) {
    session = GetSession(session_id);
    if (!session.ok() || IsTerminal(session->state())) break;
    absl::MutexLock lock(&state->mu);
    // Another process may end the session, too, and tells nobody here.
    Clock& clock = *impl_->options.clock;
    const absl::Time look = std::min(deadline, clock.TimeNow() + impl_->options.poll_interval);
    if (!clock.AwaitWithDeadline(&state->mu, absl::Condition(&state->changed), look) &&
        clock.TimeNow() >= deadline) {
      session = absl::DeadlineExceededError(absl::StrCat("session ", std::string(session_id),
                                                         " is still ",
                                                         std::string(StateName(session->state()))));
      break;
    }
    state->changed = false;
  }
  Unsubscribe(subscription);
  return session;
}

int64_t Engine::Subscribe(std::string_view session_id, std::function<void()> changed) {
  return impl_->subscriptions.Add(session_id, std::move(changed));
}

void Engine::Unsubscribe(int64_t id) {
  impl_->subscriptions.Remove(id);
}

// ---- decisions, events, settings ----

absl::StatusOr<std::vector<v1::Decision>> Engine::ListDecisions(const DecisionQuery& query) {
  ASSIGN_OR_RETURN(Rows rows, impl_->options.store->Read(query));
  return std::move(rows.decisions);
}

absl::StatusOr<v1::Event> Engine::GetEvent(std::string_view id) {
  ASSIGN_OR_RETURN(Rows rows, impl_->options.store->Read(EventQuery{.id = std::string(id)}));
  if (rows.events.empty()) {
    return absl::NotFoundError(absl::StrCat("no event with id ", std::string(id)));
  }
  return std::move(rows.events.front());
}

absl::StatusOr<std::vector<v1::Event>> Engine::ListEvents(const EventQuery& query) {
  ASSIGN_OR_RETURN(Rows rows, impl_->options.store->Read(query));
  return std::move(rows.events);
}

absl::StatusOr<std::string> Engine::GetSetting(std::string_view name) {
  ASSIGN_OR_RETURN(Rows rows, impl_->options.store->Read(SettingQuery{std::string(name)}));
  if (rows.settings.empty()) {
    return absl::NotFoundError(absl::StrCat("no setting ", std::string(name)));
  }
  return std::move(rows.settings.front());
}

absl::Status Engine::SetSetting(std::string_view name, std::string_view value) {
  return impl_->options.store->Save(SaveSetting{std::string(name), std::string(value)});
}

}  // namespace routines
