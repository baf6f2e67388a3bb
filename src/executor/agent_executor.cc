#include "src/executor/agent_executor.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "routines/secrets.h"
#include "src/base/repository_url.h"
#include "src/base/sandbox.h"
#include "src/base/status_macros.h"
#include "src/base/subprocess.h"

namespace routines {
namespace {

constexpr char kDefaultPath[] = "/usr/local/bin:/usr/bin:/bin";
constexpr absl::Duration kVersionTimeout = absl::Seconds(30);
constexpr size_t kVersionBytes = 4 << 10;

// The first three numbers with dots between them in `text`; false where there are none.
bool ParseVersion(const std::string& text, std::array<int, 3>& version) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (std::isdigit(static_cast<unsigned char>(text[i])) == 0) continue;
    if (std::sscanf(text.c_str() + i, "%d.%d.%d", &version[0], &version[1], &version[2]) == 3) {
      return true;
    }
    while (i < text.size() && std::isspace(static_cast<unsigned char>(text[i])) == 0) ++i;
  }
  return false;
}

// `sandbox` in which the program is seen where it lies in a folder that is hidden otherwise.
Sandbox SandboxWith(Sandbox sandbox, const std::string& program, const std::string& path) {
  std::vector<std::string> candidates = {program};
  if (program.find('/') == std::string::npos) {
    candidates.clear();
    for (const absl::string_view folder : absl::StrSplit(path, ':', absl::SkipEmpty())) {
      candidates.push_back(absl::StrCat(folder, "/", program));
    }
  }
  std::error_code error;
  for (const std::string& candidate : candidates) {
    if (candidate.front() != '/' || !std::filesystem::is_regular_file(candidate, error)) continue;
    sandbox.host_readable.insert(sandbox.host_readable.end(), {candidate, WithoutLinks(candidate)});
    break;
  }
  return sandbox;
}

Outcome KeyMissing(const absl::Status& status) {
  const std::string message(status.message());
  return absl::IsUnavailable(status)
             ? Outcome::Retryable(v1::SESSION_STEP_EXECUTOR, "secret_unavailable", message)
             : Outcome::Failure(v1::SESSION_STEP_EXECUTOR, "secret_missing", message);
}

}  // namespace

AgentExecutor::AgentExecutor(AgentExecutorOptions options, std::unique_ptr<AgentKind> kind)
    : options_(std::move(options)), kind_(std::move(kind)) {}

void AgentExecutor::Start(std::shared_ptr<Execution> execution) {
  threads_.Run(std::move(execution), [this](Execution& running) { return Run(running); });
}

Outcome AgentExecutor::Run(Execution& execution) {
  const ExecutionRequest& request = execution.request();
  absl::StatusOr<std::string> key = FindKey(request);
  if (!key.ok()) return KeyMissing(key.status());
  const absl::StatusOr<ApiGateway*> gateway = Gateway();
  if (!gateway.ok()) return AgentNotStarted(gateway.status());
  if (!request.sandbox.bubblewrap.empty() && !request.sandbox.network) {
    return Outcome::Failure(
        v1::SESSION_STEP_EXECUTOR, "sandbox_unavailable",
        absl::StrCat(options_.name,
                     " needs its API, and the routine's network is none; "
                     "write network: {mode: full}, or choose another executor"));
  }
  AgentFolder folder;
  if (const absl::Status status = folder.Make(request); !status.ok()) {
    return AgentNotStarted(status);
  }
  const std::unique_ptr<GatewayPass> pass = (*gateway)->Open(*key);

  AgentCommand command;
  command.name = options_.name;
  command.command = {options_.program};
  command.environment = request.environment;
  command.environment.erase(options_.key_secret);
  command.environment.try_emplace("PATH", kDefaultPath);
  command.environment.try_emplace("HOME", folder.path());
  command.sandbox = SandboxWith(request.sandbox, options_.program, command.environment["PATH"]);
  command.directory = request.working_directory.empty() ? folder.path() : request.working_directory;
  command.secrets = {*std::move(key), pass->token()};
  command.kill_grace = options_.kill_grace;
  if (Outcome outcome = CheckVersion(command, execution.cancellation()); !outcome.ok()) {
    return outcome;
  }
  const AgentSession session{request, folder, execution.log(), (*gateway)->url(), pass->token()};
  if (const absl::Status status = kind_->Fill(session, command); !status.ok()) {
    return AgentNotStarted(status);
  }
  const std::unique_ptr<AgentStream> stream = kind_->NewStream(request, execution.log());
  return RunAgent(command, *stream, execution);
}

// A key that the routine names among its own secrets serves too; it is taken from the environment
// before the agent starts.
absl::StatusOr<std::string> AgentExecutor::FindKey(const ExecutionRequest& request) const {
  const auto own = request.environment.find(options_.key_secret);
  if (own != request.environment.end() && !own->second.empty()) return own->second;
  absl::StatusOr<std::string> key = absl::NotFoundError("the executor has no secret provider");
  if (options_.secrets != nullptr) {
    key = options_.secrets->Get(request.routine.account(), options_.key_secret);
  }
  if (key.ok() && key->find_first_of("\r\n") != std::string::npos) {
    key = absl::InvalidArgumentError("has more than one line");
  }
  if (key.ok()) return key;
  return absl::Status(key.status().code(),
                      absl::StrCat("secret ", options_.key_secret, ", the API key of ",
                                   options_.name, ": ", key.status().message()));
}

absl::StatusOr<ApiGateway*> AgentExecutor::Gateway() {
  absl::MutexLock lock(&mu_);
  if (gateway_ == nullptr) {
    ASSIGN_OR_RETURN(gateway_, ApiGateway::Start(options_.gateway));
  }
  return gateway_.get();
}

Outcome AgentExecutor::CheckVersion(const AgentCommand& command, const Cancellation& cancellation) {
  {
    absl::MutexLock lock(&mu_);
    if (version_checked_) return Outcome::Success();
  }
  std::string printed;
  SubprocessOptions run;
  run.command = {options_.program, "--version"};
  run.environment = command.environment;
  run.environment["DISABLE_AUTOUPDATER"] = "1";
  run.directory = command.directory;
  run.timeout = kVersionTimeout;
  run.cancellation = &cancellation;
  run.kill_grace = options_.kill_grace;
  run.sandbox = command.sandbox;
  run.output = [&printed](SubprocessOptions::Stream stream, std::string_view bytes) {
    if (stream != SubprocessOptions::Stream::kStdout) return;
    printed.append(bytes.substr(0, kVersionBytes - std::min(kVersionBytes, printed.size())));
  };
  const absl::StatusOr<SubprocessResult> result = RunSubprocess(run);
  if (!result.ok()) return AgentNotStarted(result.status());
  if (result->end == SubprocessResult::End::kCancelled) return Outcome::Cancelled();
  std::array<int, 3> version;
  const std::string wanted = absl::StrJoin(options_.minimum_version, ".");
  if (result->end != SubprocessResult::End::kExited || result->exit_code != 0 ||
      !ParseVersion(printed, version)) {
    return Outcome::Failure(v1::SESSION_STEP_EXECUTOR, "agent_version",
                            absl::StrCat("`", options_.program,
                                         " --version` did not tell its "
                                         "version; install ",
                                         options_.name, " ", wanted, " or newer"));
  }
  if (version < options_.minimum_version) {
    return Outcome::Failure(
        v1::SESSION_STEP_EXECUTOR, "agent_version",
        absl::StrCat(options_.program, " is version ", absl::StrJoin(version, "."), "; install ",
                     wanted, " or newer"));
  }
  absl::MutexLock lock(&mu_);
  version_checked_ = true;
  return Outcome::Success();
}

std::vector<std::string> RepositoryFolders(const ExecutionRequest& request) {
  std::vector<std::string> folders;
  if (request.workspace.empty()) return folders;
  for (const v1::Repository& repository : request.routine.repositories()) {
    const std::string name = RepositoryDirectory(repository);
    if (IsDirectoryName(name)) folders.push_back(absl::StrCat(request.workspace, "/", name));
  }
  return folders;
}

std::string NoProxyWithLoopback(std::string list) {
  if (!list.empty()) list += ',';
  return list + "127.0.0.1,localhost";
}

}  // namespace routines
