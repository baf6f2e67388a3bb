#include "src/engine/prepare.h"

#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "src/base/status_macros.h"
#include "src/engine/event_text.h"
#include "src/engine/prompt.h"

namespace routines {
namespace {

constexpr int kDefaultRetries = 2;

Outcome StoreFailure(const absl::Status& status) {
  return Outcome::Retryable(v1::SESSION_STEP_EXECUTOR, "store_error",
                            std::string(status.message()));
}

absl::StatusOr<v1::Routine> ReadRevision(Store& store, const v1::Session& session) {
  ASSIGN_OR_RETURN(const Rows rows, store.Read(RoutineQuery{session.account(), session.routine(),
                                                            session.revision()}));
  if (rows.routines.empty()) {
    return absl::NotFoundError(absl::StrCat("revision ", session.revision(), " of routine ",
                                            session.routine(), " is not in the store"));
  }
  return rows.routines.front().routine();
}

absl::StatusOr<v1::Event> ReadEvent(Store& store, const std::string& id) {
  ASSIGN_OR_RETURN(const Rows rows, store.Read(EventQuery{.id = id}));
  if (rows.events.empty())
    return absl::NotFoundError(absl::StrCat("event ", id, " is not in the store"));
  return rows.events.front();
}

// The variables and secret values that the routine names; adds the latter to `values`.
Outcome BuildEnvironment(const EngineOptions& options, const v1::Routine& routine, BufferedLog& log,
                         std::map<std::string, std::string>& environment,
                         std::vector<std::string>& values) {
  const v1::Environment& wanted = routine.environment();
  environment.insert(wanted.variables().begin(), wanted.variables().end());
  for (const std::string& name : wanted.secrets()) {
    if (options.secrets == nullptr) {
      return Outcome::Failure(v1::SESSION_STEP_SETUP, "secret_missing",
                              absl::StrCat("secret ", name, ": the engine has no secret provider"));
    }
    const absl::StatusOr<std::string> value = options.secrets->Get(routine.account(), name);
    if (!value.ok()) {
      const std::string message = absl::StrCat("secret ", name, ": ", value.status().message());
      return absl::IsUnavailable(value.status())
                 ? Outcome::Retryable(v1::SESSION_STEP_SETUP, "secret_unavailable", message)
                 : Outcome::Failure(v1::SESSION_STEP_SETUP, "secret_missing", message);
    }
    environment[name] = *value;
    values.push_back(*value);
  }
  log.SetRedactor(Redactor(values));
  return Outcome::Success();
}

// What the routine asks for and this version cannot give: an isolation that is missing ends the
// session rather than let it run bare.
Outcome CheckWhatCanBeHad(const EngineOptions& options, const v1::Routine& routine) {
  if (routine.environment().network().mode() == v1::Network::MODE_ALLOW_LIST) {
    return Outcome::Failure(
        v1::SESSION_STEP_EXECUTOR, "sandbox_unavailable",
        "the routine's network is an allow_list and this version cannot enforce that; write "
        "network: {mode: none} or {mode: full}");
  }
  if (!routine.connectors().empty() && options.connectors == nullptr) {
    return Outcome::Failure(
        v1::SESSION_STEP_CONNECTOR, "connectors_unavailable",
        absl::StrCat("connector ", routine.connectors(0).name(),
                     ": the engine has no connector provider; take it out to run without"));
  }
  return Outcome::Success();
}

// A routine without network runs nowhere but in a sandbox that has none.
Outcome CheckNetwork(const ExecutionRequest& request) {
  if (request.routine.environment().network().mode() != v1::Network::MODE_NONE ||
      (!request.sandbox.bubblewrap.empty() && !request.sandbox.network)) {
    return Outcome::Success();
  }
  return Outcome::Failure(
      v1::SESSION_STEP_EXECUTOR, "sandbox_unavailable",
      "the routine's network is none and its workspace has no sandbox to enforce that; write "
      "network: {mode: full} to run without the limit");
}

// The clones, the setup script, and the environment that comes of them.
Outcome PrepareWorkspace(const EngineOptions& options, BufferedLog& log,
                         const Cancellation& cancellation, Prepared& prepared) {
  ExecutionRequest& request = prepared.request;
  const v1::Routine& routine = request.routine;
  if (options.workspaces == nullptr) {
    if (!routine.repositories().empty() || !routine.environment().setup_script().empty()) {
      return Outcome::Failure(v1::SESSION_STEP_CLONE, "no_workspaces",
                              "the engine has no workspace provider for its repositories");
    }
    const char* const path = std::getenv("PATH");
    request.environment.emplace("PATH", path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path);
    return CheckNetwork(request);
  }
  PreparedWorkspace made = options.workspaces->Prepare(
      WorkspaceRequest{request.session, routine, request.environment, &log, &cancellation});
  if (made.workspace == nullptr) return std::move(made.outcome);
  request.workspace = made.workspace->directory();
  request.working_directory = made.workspace->working_directory();
  request.environment = made.workspace->environment();
  request.sandbox = made.workspace->sandbox();
  prepared.workspace = std::move(made.workspace);
  return CheckNetwork(request);
}

// The MCP servers, last: a stdio server may be what the setup script installed. `values`: the
// secrets so far.
Outcome OpenConnectors(const EngineOptions& options, BufferedLog& log,
                       const Cancellation& cancellation, std::vector<std::string> values,
                       Prepared& prepared) {
  ExecutionRequest& request = prepared.request;
  if (request.routine.connectors().empty()) return Outcome::Success();
  OpenedConnectors opened = options.connectors->Open(
      ConnectorRequest{request.session, request.routine, request.environment,
                       request.working_directory, request.sandbox, &log, &cancellation});
  values.insert(values.end(), opened.secret_values.begin(), opened.secret_values.end());
  log.SetRedactor(Redactor(values));
  request.connectors = std::move(opened.endpoints);
  prepared.connectors = std::move(opened.keep);
  return std::move(opened.outcome);
}

}  // namespace

int RetriesOf(const v1::Routine& routine) {
  return routine.has_retries() ? routine.retries() : kDefaultRetries;
}

Prepared PrepareSession(const EngineOptions& options, const v1::Session& session, BufferedLog& log,
                        const Cancellation& cancellation) {
  Prepared prepared;
  const absl::StatusOr<v1::Routine> routine = ReadRevision(*options.store, session);
  const absl::StatusOr<v1::Event> event = ReadEvent(*options.store, session.event_id());
  if (!routine.ok() || !event.ok()) {
    prepared.outcome = StoreFailure(routine.ok() ? event.status() : routine.status());
    return prepared;
  }
  if (session.attempt() > RetriesOf(*routine) + 1) {
    prepared.outcome = Outcome::Failure(
        v1::SESSION_STEP_EXECUTOR, "attempts_exhausted",
        absl::StrCat("preparing was begun ", session.attempt() - 1, " times and never finished"));
    return prepared;
  }

  ExecutionRequest& request = prepared.request;
  request.session = session;
  request.routine = *routine;
  prepared.outcome = CheckWhatCanBeHad(options, *routine);
  if (!prepared.outcome.ok()) return prepared;
  std::vector<std::string> secrets;
  prepared.outcome = BuildEnvironment(options, *routine, log, request.environment, secrets);
  if (!prepared.outcome.ok()) return prepared;
  request.environment["ROUTINES_SESSION_ID"] = session.id();  // for what it causes: docs, "Loops"
  request.prompt =
      AssemblePrompt(routine->prompt(), event->source(), log.Redact(EventText(*event)));

  prepared.outcome = PrepareWorkspace(options, log, cancellation, prepared);
  if (!prepared.outcome.ok()) return prepared;
  prepared.outcome = OpenConnectors(options, log, cancellation, std::move(secrets), prepared);
  return prepared;
}

}  // namespace routines
