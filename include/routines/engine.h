// The engine: admits events, decides, commits, dispatches sessions and supervises them.
//
//   routines::EngineOptions options;
//   options.executors["agent"] = routines::NewCallbackExecutor(RunMyAgent);
//   auto engine = routines::Engine::Create(std::move(options));
//   (*engine)->Put(routines::LoadRoutineFile("alert.yaml").routine);
//   (*engine)->Start();
//   auto fired = (*engine)->Fire({.trigger_id = "trig_01ABCDEFGH", .text = "SEN-4521 fired"});
//   auto session = (*engine)->Wait(fired->session_id, absl::InfiniteFuture());
//
// The defaults keep everything in memory. routines/embedded.h makes an engine on a folder instead:
// SQLite, git workspaces, everything of the command line's `serve`.
//
// Thread-safety: every method may be called from any thread, Stop and the destructor from one that
// is
//   not a callback of this engine.
// Ownership: the engine shares its plug-ins and borrows the clock. Callbacks are kept until
//   unsubscribed or until the engine is destroyed.
// Blocking: methods that change something return when the change is durable. Wait blocks as told.
// Errors: kInvalidArgument: what was given is wrong; kNotFound; kPermissionDenied and
// kUnauthenticated:
//   tokens; kFailedPrecondition: change something first (a paused routine); kResourceExhausted: a
//   limit; kUnavailable: the store could not make it durable, try again.
#ifndef ROUTINES_ENGINE_H_
#define ROUTINES_ENGINE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "routines/clock.h"
#include "routines/connector.h"
#include "routines/executor.h"
#include "routines/filter.h"
#include "routines/limits.h"
#include "routines/secrets.h"
#include "routines/store.h"
#include "routines/trigger_source.h"
#include "routines/v1/event.pb.h"
#include "routines/v1/routine.pb.h"
#include "routines/v1/session.pb.h"
#include "routines/workspace.h"

namespace routines {

// How long what is over is kept; docs/operations.md. A step deletes at most `batch` sessions and as
// many events, every `interval`.
struct RetentionOptions {
  absl::Duration events = absl::InfiniteDuration();    // with their decisions
  absl::Duration sessions = absl::InfiniteDuration();  // ended ones, with their logs; 24 h at least
  int64_t max_bytes = 0;                               // of the store; 0: any size
  absl::Duration interval = absl::Seconds(30);
  int batch = 500;
};

struct EngineOptions {
  Clock* clock = &Clock::GetRealClock();
  std::shared_ptr<Store> store;                   // absent: NewMemoryStore()
  std::shared_ptr<SecretProvider> secrets;        // absent: there are none
  std::shared_ptr<WorkspaceProvider> workspaces;  // absent: sessions of routines with repositories
                                                  // or a setup script fail
  std::shared_ptr<ConnectorProvider>
      connectors;  // absent: sessions of routines with connectors fail
  std::map<std::string, std::shared_ptr<Executor>> executors;
  std::string default_executor;  // absent: the only one there is

  LimitOptions limits;
  RetentionOptions retention;
  int max_concurrent_sessions = 16;
  int prepare_threads = 4;                               // clones and setup scripts at a time
  absl::Duration default_max_duration = absl::Hours(2);  // of an agent
  absl::Duration cancel_grace = absl::Seconds(15);  // for an executor to end; then it is abandoned
  absl::Duration lease_duration = absl::Seconds(60);  // renewed at a third of it
  // A routine with a schedule that fires more often is refused.
  absl::Duration min_schedule_interval = absl::Hours(1);
  absl::Duration poll_interval = absl::Seconds(5);   // for sessions that other processes left
  int64_t max_log_bytes = int64_t{64} << 20;         // of one session
  int max_source_backlog = 256;                      // events on their way, of one source
  int64_t max_log_backlog_bytes = int64_t{1} << 20;  // not yet durable, of one session

  // For tests: called at named points (docs/operations.md, "Crash points"), e.g.
  // "admit:before_commit".
  std::function<void(std::string_view point)> crash_point;
};

struct FireRequest {
  std::string trigger_id;
  std::string text;             // untrusted; UTF-8, at most 65,536 characters
  std::string idempotency_key;  // empty: none; at most 255 bytes
  std::string session_id;       // whose doing it is, where a session fires; empty: nobody's
};

// With kResourceExhausted: when the same would be let in, as far as is known now.
std::optional<absl::Time> RetryTime(const absl::Status& status);

struct FireResult {
  std::string event_id;
  std::string session_id;
  std::string read_key;    // of the session
  bool duplicate = false;  // the idempotency key was seen within 24 hours: the first answer again
};

// Why an event starts a routine, or not.
struct EventExplanation {
  int64_t revision = 0;  // of the routine that was looked at
  Explanation filters;   // with every trigger taken for enabled
  // What the gates say now of each trigger that matches: FIRED, or the first that stops it. Whether
  // the event is a duplicate is not looked for.
  std::vector<v1::Decision> gates;
  // What was decided when the event came. Empty: the routine did not match then.
  std::vector<v1::Decision> decisions;
};

struct IssuedToken {
  v1::Token token;
  std::string secret;  // shown here and never again
};

// Counters since Create, and gauges of now.
struct EngineStats {
  int64_t events_admitted = 0;
  int64_t events_duplicate = 0;
  int64_t admit_errors = 0;
  std::map<std::string, int64_t> sessions_ended;  // by state name
  // By reason word, each when it is final: one that waits for a limit is counted when it becomes
  // fired, expired, coalesced or paused, by the engine that makes it so.
  std::map<std::string, int64_t> decisions;
  int64_t decisions_deferred = 0;  // that began to wait for a limit
  int64_t lease_lost = 0;
  int64_t heartbeats_late = 0;  // a lease that was renewed after it had run out
  int sessions_active = 0;
  int sessions_running = 0;
  // Routines whose filters this version does not take, so that no event starts them; save them
  // anew.
  int routines_unmatched = 0;
};

class Engine {
 public:
  static absl::StatusOr<std::unique_ptr<Engine>> Create(EngineOptions options);
  ~Engine();  // Stop()

  // Starts the threads that dispatch and supervise. Without it nothing runs but what is admitted.
  absl::Status Start();
  // Cancels what runs, waits for it, and stops the threads. Sessions that were QUEUED or PREPARING
  // are given back to be run by the next engine; RUNNING ones end as CANCELLED (reason
  // "engine_stopped"). Idempotent.
  void Stop();

  // ---- plug-ins that come after Create; before Start or the first Step: kFailedPrecondition ----
  // kAlreadyExists; kInvalidArgument: no name of this form: [a-z0-9_][a-z0-9_-]{0,62}. Without a
  // default of its own or of the options, the engine's default is the only executor there is.
  absl::Status RegisterExecutor(std::string_view name, std::shared_ptr<Executor> executor,
                                bool make_default = false);
  // Its events carry `name` as their source. The same errors.
  absl::Status AddSource(std::string_view name, std::shared_ptr<TriggerSource> source);

  // ---- routines ----
  // Saves a routine: a new revision where anything changed, else the one there is.
  // kInvalidArgument: ValidateRoutine's problems, one a line; an executor that is not registered; a
  // schedule faster than min_schedule_interval.
  // kAlreadyExists: a trigger id that belongs to another routine.
  absl::StatusOr<v1::SavedRoutine> Put(const v1::Routine& routine);
  absl::StatusOr<v1::SavedRoutine> GetRoutine(std::string_view account, std::string_view name,
                                              int64_t revision = 0);
  absl::StatusOr<std::vector<v1::SavedRoutine>> ListRoutines(std::string_view account = "");
  absl::Status SetRoutinePaused(std::string_view account, std::string_view name, bool paused);
  // Sessions of it that run go on. Its triggers' ids and tokens die with it.
  absl::Status DeleteRoutine(std::string_view account, std::string_view name);

  // ---- tokens of API triggers ----
  // At most two are active on one trigger: kFailedPrecondition says to revoke or rotate.
  absl::StatusOr<IssuedToken> CreateToken(std::string_view trigger_id);
  // A new token; those that were active end after `overlap`.
  absl::StatusOr<IssuedToken> RotateToken(std::string_view trigger_id, absl::Duration overlap);
  absl::Status RevokeToken(std::string_view token_id);
  absl::StatusOr<std::vector<v1::Token>> ListTokens(std::string_view trigger_id);
  // OK where `secret` is an active token of that trigger; kUnauthenticated for everything else, an
  // unknown trigger included, at the same cost.
  absl::Status CheckToken(std::string_view trigger_id, std::string_view secret);

  // ---- events ----
  // Fires an API trigger. OK means durable. kNotFound: no such trigger, or not an API one.
  // kFailedPrecondition: the routine is paused, the trigger disabled, a session of it runs
  // (overlap: skip) or it would loop; kResourceExhausted: a limit is reached, see RetryTime. All
  // are recorded as decisions.
  absl::StatusOr<FireResult> Fire(const FireRequest& request);
  // The same without blocking: `done` runs once, inline or on another thread, and must not block.
  void FireAsync(FireRequest request, std::function<void(absl::StatusOr<FireResult>)> done);
  // Takes in an event and starts what it matches, one session for each trigger. OK means durable.
  // kInvalidArgument: a name, id or attribute that cannot be, or a payload that is not what
  // CheckPayload or CheckGithubPayload takes.
  absl::StatusOr<DeliverResult> Deliver(DeliverRequest request);
  void DeliverAsync(DeliverRequest request,
                    std::function<void(absl::StatusOr<DeliverResult>)> done);
  // Why a stored event does, or does not, start a routine, at its newest or at `revision`.
  // kNotFound.
  absl::StatusOr<EventExplanation> ExplainEvent(std::string_view event_id, std::string_view account,
                                                std::string_view routine, int64_t revision = 0);
  // Runs a routine now, whatever its triggers, also when it is paused. The caller is trusted.
  absl::StatusOr<FireResult> Run(std::string_view account, std::string_view name,
                                 std::string_view text = "");

  // ---- sessions ----
  absl::StatusOr<v1::Session> GetSession(std::string_view id);
  absl::StatusOr<std::vector<v1::Session>> ListSessions(const SessionQuery& query);
  absl::StatusOr<std::vector<v1::SessionEvent>> ReadLog(const SessionEventQuery& query);
  // Returns when the wish is durable; the session ends soon after. No error where it has ended.
  absl::Status Cancel(std::string_view session_id);
  // Until the session is terminal (then the session) or `deadline` (kDeadlineExceeded).
  absl::StatusOr<v1::Session> Wait(std::string_view session_id, absl::Time deadline);
  // Calls `changed` after each durable change of that session or its log. It runs on an engine
  // thread, under no lock; it must not block. Returns an id for Unsubscribe, which waits for a call
  // in flight (unless called from it). Changes before Subscribe returned are not told: subscribe,
  // then read.
  int64_t Subscribe(std::string_view session_id, std::function<void()> changed);
  void Unsubscribe(int64_t id);

  // ---- decisions, events ----
  absl::StatusOr<std::vector<v1::Decision>> ListDecisions(const DecisionQuery& query);
  absl::StatusOr<v1::Event> GetEvent(std::string_view id);
  absl::StatusOr<std::vector<v1::Event>> ListEvents(const EventQuery& query);

  absl::StatusOr<std::string> GetSetting(std::string_view name);  // kNotFound
  absl::Status SetSetting(std::string_view name, std::string_view value);

  EngineStats Stats();
  Clock& clock();

  // ---- without threads (testing::TestEngine) ----
  // Starts the sources of events; Start does it itself. Once is enough. Errors: the source's own.
  absl::Status StartSources();
  // Does what is due now on the caller's thread; returns when something is due next. Not with
  // Start.
  absl::Time Step();

 private:
  struct Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace routines

#endif  // ROUTINES_ENGINE_H_
