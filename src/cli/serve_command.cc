// serve: an embedded engine behind the HTTP server, until a signal.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "routines/embedded.h"
#include "routines/executor.h"
#include "routines/json.h"
#include "routines/secrets.h"
#include "routines/server.h"
#include "src/base/status_macros.h"
#include "src/cli/commands.h"
#include "src/cli/exit_codes.h"
#include "src/cli/limit_words.h"
#include "src/cli/routine_files.h"
#include "src/cli/shell_words.h"
#include "src/cli/state_directory.h"
#include "src/cli/terminal.h"

namespace routines::cli {
namespace {

// ---- signals ----
// A handler that writes to a pipe, and no blocked mask: a mask would be inherited by every agent,
// and an agent that cannot receive TERM cannot be asked to end.

int signal_pipe[2] = {-1, -1};
volatile sig_atomic_t signal_seen = 0;

void OnSignal(int number) {
  if (signal_seen != 0) _exit(128 + number);  // the second one: at once
  signal_seen = 1;
  const char byte = 0;
  [[maybe_unused]] const ssize_t ignored = write(signal_pipe[1], &byte, 1);
}

absl::Status CatchSignals() {
  if (pipe2(signal_pipe, O_CLOEXEC) != 0) return absl::ResourceExhaustedError("no pipe to be had");
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return absl::OkStatus();
}

void WaitForSignal() {
  // poll, not read: it comes back for a signal also where ThreadSanitizer holds the handler up.
  pollfd written{signal_pipe[0], POLLIN, 0};
  while (poll(&written, 1, -1) <= 0) {
  }
}

// ---- options ----

constexpr size_t kMinAdminToken = 20;

// CheckExecutor found no fault with `definition`.
absl::Status AddExecutor(const std::string& definition, const ServeOptions& options,
                         EmbeddedOptions* embedded) {
  const size_t equals = definition.find('=');
  const std::string name = definition.substr(0, equals);
  ProcessExecutorOptions process;
  ASSIGN_OR_RETURN(process.command, SplitShellWords(definition.substr(equals + 1)));
  process.prompt = options.executor_prompt == "file" ? ProcessExecutorOptions::Prompt::kFile
                                                     : ProcessExecutorOptions::Prompt::kStdin;
  ASSIGN_OR_RETURN(std::shared_ptr<Executor> executor, NewProcessExecutor(std::move(process)));
  if (!embedded->executors.emplace(name, std::move(executor)).second) {
    return UsageError(absl::StrCat("--executor: ", name, " is given twice"));
  }
  return absl::OkStatus();
}

bool IsOnPath(const std::string& program) {
  const char* const path = std::getenv("PATH");
  for (const absl::string_view folder : absl::StrSplit(path == nullptr ? "" : path, ':')) {
    if (folder.empty() || folder[0] != '/') continue;
    if (access(absl::StrCat(folder, "/", program).c_str(), X_OK) == 0) return true;
  }
  return false;
}

// Fills `agent`, ClaudeExecutorOptions or CodexExecutorOptions.
template <typename Agent>
void AddAgent(const std::string& program, const std::string& api_url, std::optional<Agent>* agent) {
  Agent made;
  if (program == "none" || (program.empty() && !IsOnPath(made.program))) return;
  if (!program.empty()) made.program = program;
  if (!api_url.empty()) made.api_url = api_url;
  *agent = std::move(made);
}

// Whether the engine will have an executor of that name.
bool HasExecutor(const EmbeddedOptions& embedded, const std::string& name) {
  return embedded.executors.contains(name) || (name == "claude" && embedded.claude) ||
         (name == "codex" && embedded.codex);
}

// For crash tests: ROUTINES_CRASH_POINT=NAME:N ends this process, as kill -9 would, when the engine
// comes to that point for the Nth time. The names are in docs/operations.md.
absl::StatusOr<std::function<void(std::string_view)>> CrashPointFromEnvironment() {
  const char* text = std::getenv("ROUTINES_CRASH_POINT");
  if (text == nullptr || *text == '\0') return nullptr;
  const std::string wish = text;
  const size_t colon = wish.rfind(':');
  int times = 0;
  if (colon == std::string::npos || !absl::SimpleAtoi(wish.substr(colon + 1), &times) ||
      times < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("ROUTINES_CRASH_POINT=", wish, ": write NAME:N, e.g. admit:after_commit:3"));
  }
  return [name = wish.substr(0, colon), times,
          seen = std::make_shared<std::atomic<int>>(0)](std::string_view point) {
    if (point == name && ++*seen == times) kill(getpid(), SIGKILL);
  };
}

SandboxOptions MakeSandboxOptions(const ServeOptions& options) {
  SandboxOptions sandbox;
  if (options.sandbox == "require") sandbox.mode = SandboxOptions::Mode::kRequire;
  if (options.sandbox == "off") sandbox.mode = SandboxOptions::Mode::kOff;
  sandbox.writable = options.sandbox_write;
  sandbox.hidden = options.sandbox_hide;
  for (const std::string& secret : {options.secrets, options.tls_key}) {
    if (!secret.empty()) sandbox.hidden.push_back(secret);
  }
  return sandbox;
}

absl::Status SetBounds(const ServeOptions& options, EngineOptions& engine) {
  RETURN_IF_ERROR(SetLimits(options.limits, options.limit, engine.limits));
  RetentionOptions& keep = engine.retention;
  if (!options.keep_events.empty()) absl::ParseDuration(options.keep_events, &keep.events);
  if (!options.keep_sessions.empty()) absl::ParseDuration(options.keep_sessions, &keep.sessions);
  keep.max_bytes = options.keep_megabytes * 1'000'000;
  return absl::OkStatus();
}

absl::StatusOr<EmbeddedOptions> MakeEmbeddedOptions(const ServeOptions& options) {
  EmbeddedOptions embedded;
  // Absolute, because agents and git run in other folders.
  std::error_code error;
  embedded.state_directory = std::filesystem::absolute(options.state, error).string();
  if (error) return absl::FailedPreconditionError("the current folder is gone: " + error.message());
  for (const std::string& definition : options.executors) {
    RETURN_IF_ERROR(AddExecutor(definition, options, &embedded));
  }
  AddAgent(options.claude, options.claude_api_url, &embedded.claude);
  AddAgent(options.codex, options.codex_api_url, &embedded.codex);
  const std::string& chosen = options.default_executor;
  if (!chosen.empty() && !HasExecutor(embedded, chosen)) {
    return UsageError(absl::StrCat("--default-executor: no --executor is named \"", chosen, "\""));
  }
  if (!options.secrets.empty()) embedded.secrets = NewDirectorySecretProvider(options.secrets);
  embedded.sandbox = MakeSandboxOptions(options);
  embedded.connectors.allow_private_addresses = !options.connectors_public_only;
  embedded.engine.default_executor = chosen;
  embedded.engine.max_concurrent_sessions = options.max_concurrent_sessions;
  RETURN_IF_ERROR(SetBounds(options, embedded.engine));
  ASSIGN_OR_RETURN(embedded.engine.crash_point, CrashPointFromEnvironment());
  return embedded;
}

absl::StatusOr<ServerOptions> MakeServerOptions(const ServeOptions& options) {
  ServerOptions server;
  server.listen = options.listen;
  server.public_url = options.public_url;
  server.tls_certificate_file = options.tls_certificate;
  server.tls_key_file = options.tls_key;
  const char* token = std::getenv("ROUTINES_ADMIN_TOKEN");
  if (token != nullptr && *token != '\0') {
    server.admin_token = token;
    if (server.admin_token.size() < kMinAdminToken) {
      return absl::FailedPreconditionError(absl::StrCat(
          "ROUTINES_ADMIN_TOKEN: is shorter than ", kMinAdminToken,
          " characters and could be guessed; set it to what `openssl rand -hex 32` prints, or "
          "unset it: then serve makes one"));
    }
  } else {
    ASSIGN_OR_RETURN(server.admin_token, ReadOrMakeAdminToken(options.state));
  }
  // Agents inherit nothing of ours, but what the process does not have it cannot lose.
  unsetenv("ROUTINES_ADMIN_TOKEN");
  return server;
}

// How this machine reaches the server; the public URL may lead through a proxy.
std::string LocalUrl(const ServeOptions& options, int port) {
  std::string host = options.listen.substr(0, options.listen.rfind(':'));
  if (host.empty() || host == "0.0.0.0") host = "127.0.0.1";
  if (host == "[::]") host = "[::1]";
  return absl::StrCat(options.tls_certificate.empty() ? "http://" : "https://", host, ":", port);
}

// ---- start ----

absl::Status ApplyRoutines(Engine& engine, const std::vector<RoutineFile>& files) {
  for (const RoutineFile& file : files) {
    const absl::Status status = engine.Put(file.loaded.routine).status();
    if (!status.ok()) {
      return absl::Status(status.code(),
                          absl::StrCat(file.path, ": ", std::string(status.message())));
    }
  }
  return absl::OkStatus();
}

// The other commands' code for kUnavailable means a server that cannot be reached; here it is a
// port that is taken, or a disk.
absl::Status CannotStart(const absl::Status& status) {
  if (!absl::IsUnavailable(status)) return status;
  return absl::FailedPreconditionError(status.message());
}

// Which protection there is belongs to what the operator must know.
void PrintReady(const std::string& url, const ServeOptions& options) {
  const Sandbox sandbox = FindSandbox(MakeSandboxOptions(options));
  const bool isolated = !sandbox.bubblewrap.empty();
  if (options.json) {
    std::printf("{\"url\":%s,\"pid\":%d,\"sandbox\":\"%s\"}\n", JsonString(url).c_str(), getpid(),
                isolated ? "bubblewrap" : "none");
  } else {
    if (!isolated) {
      std::fprintf(stderr, "no sandbox (%s): %s\n",
                   sandbox.missing.empty() ? "--sandbox off" : sandbox.missing.c_str(),
                   sandbox.required ? "sessions fail with sandbox_unavailable"
                                    : "agents can read and write what this user can");
    }
    std::printf("routines is ready at %s\n", url.c_str());
  }
  std::fflush(stdout);
}

absl::Status RunUntilSignal(const ServeOptions& options) {
  RETURN_IF_ERROR(CatchSignals());
  std::vector<RoutineFile> files;
  if (!options.routines.empty()) {
    ASSIGN_OR_RETURN(files, LoadRoutineFiles({options.routines}));
    if (const auto problems = ProblemsOf(files); !problems.empty()) return ProblemsError(problems);
  }
  ASSIGN_OR_RETURN(EmbeddedOptions embedded, MakeEmbeddedOptions(options));
  std::unique_ptr<Engine> engine;
  {
    ProgressLine progress(options.json);
    progress.Show(absl::StrCat("opening ", options.state));  // the integrity check takes its time
    ASSIGN_OR_RETURN(engine, OpenEmbedded(std::move(embedded)));
  }
  RETURN_IF_ERROR(ApplyRoutines(*engine, files));
  ASSIGN_OR_RETURN(ServerOptions server_options, MakeServerOptions(options));
  RETURN_IF_ERROR(engine->Start());
  ASSIGN_OR_RETURN(std::unique_ptr<Server> server,
                   Server::Start(*engine, std::move(server_options)));
  RETURN_IF_ERROR(WriteServerFile(options.state, LocalUrl(options, server->port())));
  PrintReady(server->url(), options);

  WaitForSignal();
  if (!options.json) std::fputs("stopping; once more to stop at once\n", stderr);
  RemoveServerFile(options.state);
  server->Stop();
  engine->Stop();
  return absl::OkStatus();
}

// Each connection takes a descriptor, and the limit that a shell or a service begins with is 1,024
// in many places; how far it may be raised is the host's to say.
void TakeDescriptors() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 1 << 16);
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

CommandResult Serve(const ServeOptions& options) {
  TakeDescriptors();
  RETURN_IF_ERROR(CannotStart(RunUntilSignal(options)));
  return kExitOk;
}

}  // namespace routines::cli
