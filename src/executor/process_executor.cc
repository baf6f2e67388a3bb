#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "routines/executor.h"
#include "src/base/redact.h"
#include "src/base/sandbox.h"
#include "src/base/status_macros.h"
#include "src/base/subprocess.h"
#include "src/executor/event_lines.h"
#include "src/executor/mcp_config.h"
#include "src/executor/session_threads.h"

namespace routines {
namespace {

constexpr char kDefaultPath[] = "/usr/local/bin:/usr/bin:/bin";
constexpr size_t kMessageBytes = 1 << 10;

// Something for the program alone, in a file of its own that is removed with this object.
class PrivateFile {
 public:
  // `what`: a word for the file's name and for messages.
  explicit PrivateFile(std::string what) : what_(std::move(what)) {}
  PrivateFile(const PrivateFile&) = delete;
  PrivateFile& operator=(const PrivateFile&) = delete;
  ~PrivateFile() {
    if (!path_.empty()) unlink(path_.c_str());
  }

  absl::Status Write(const std::string& folder, std::string_view content) {
    std::string path = absl::StrCat(folder, "/routines-", what_, "-XXXXXX");
    const int file = mkostemp(path.data(), O_CLOEXEC);  // mode 0600, and never one that was there
    if (file < 0) return Failed(folder);
    path_ = path;
    while (!content.empty()) {
      const ssize_t written = write(file, content.data(), content.size());
      if (written > 0)
        content.remove_prefix(written);
      else if (errno != EINTR)
        break;
    }
    const absl::Status status = content.empty() ? absl::OkStatus() : Failed(folder);
    close(file);
    return status;
  }

  const std::string& path() const { return path_; }

 private:
  absl::Status Failed(const std::string& folder) const {
    return absl::UnavailableError(
        absl::StrCat("the ", what_, " cannot be written to ", folder, ": ", strerror(errno)));
  }

  const std::string what_;
  std::string path_;
};

// One session's program.
class ProcessSession {
 public:
  ProcessSession(const ProcessExecutorOptions& options, Execution& execution)
      : options_(options),
        execution_(execution),
        lines_([&execution](v1::SessionEvent event) { execution.log().Append(std::move(event)); }),
        stdout_(Redactor()),
        stderr_(Redactor()) {}

  Outcome Run() {
    SubprocessOptions run;
    if (const absl::Status status = Prepare(run); !status.ok()) return NotStarted(status);
    const absl::StatusOr<SubprocessResult> result = RunSubprocess(run);
    lines_.End();
    AppendOutput(v1::Output::STREAM_STDOUT, stdout_.Flush());
    AppendOutput(v1::Output::STREAM_STDERR, stderr_.Flush());
    if (result.ok()) return Judge(*result);
    if (!absl::IsAborted(result.status())) return NotStarted(result.status());
    return Failure("signal", std::string(result.status().message()));
  }

 private:
  absl::Status Prepare(SubprocessOptions& run) {
    const ExecutionRequest& request = execution_.request();
    run.command = options_.command;
    run.environment = request.environment;
    run.environment.try_emplace("PATH", kDefaultPath);
    run.environment["ROUTINES_SESSION_ID"] = request.session.id();
    run.environment["ROUTINES_EVENTS_FD"] = "3";
    if (options_.prompt == ProcessExecutorOptions::Prompt::kFile) {
      RETURN_IF_ERROR(prompt_.Write(PrivateFolder(request), request.prompt));
      run.environment["ROUTINES_PROMPT_FILE"] = prompt_.path();
    } else {
      run.stdin_data = request.prompt;
    }
    if (!request.connectors.empty()) {
      RETURN_IF_ERROR(connectors_.Write(PrivateFolder(request), McpConfigJson(request.connectors)));
      run.environment["ROUTINES_MCP_CONFIG"] = connectors_.path();
    }
    run.directory = request.working_directory.empty() ? "/" : request.working_directory;
    run.events = true;
    run.output = [this](SubprocessOptions::Stream stream, std::string_view bytes) {
      Receive(stream, bytes);
    };
    run.cancellation = &execution_.cancellation();
    run.sandbox = request.sandbox;
    ShowProgram(run.sandbox);
    run.kill_grace = options_.kill_grace;
    return absl::OkStatus();
  }

  // What the command names is there even where the sandbox has folders of its own instead.
  void ShowProgram(Sandbox& sandbox) const {
    std::error_code error;
    for (const std::string& argument : options_.command) {
      if (!argument.empty() && argument.front() == '/' &&
          std::filesystem::is_regular_file(argument, error)) {
        sandbox.host_readable.push_back(argument);
      }
    }
  }

  // The session's own folder for such things, else one that is in no repository.
  static std::string PrivateFolder(const ExecutionRequest& request) {
    const auto temporary = request.environment.find("TMPDIR");
    if (temporary != request.environment.end()) return temporary->second;
    if (!request.workspace.empty()) {
      return std::filesystem::path(request.workspace).lexically_normal().parent_path().string();
    }
    const char* const ours = getenv("TMPDIR");
    return ours != nullptr && *ours != '\0' ? ours : "/tmp";
  }

  void Receive(SubprocessOptions::Stream stream, std::string_view bytes) {
    said_something_ = said_something_ || bytes.find_first_not_of(" \t\r\n") != bytes.npos;
    switch (stream) {
      case SubprocessOptions::Stream::kStdout:
        return AppendOutput(v1::Output::STREAM_STDOUT, stdout_.Feed(bytes));
      case SubprocessOptions::Stream::kStderr:
        return AppendOutput(v1::Output::STREAM_STDERR, stderr_.Feed(bytes));
      case SubprocessOptions::Stream::kEvents:
        return lines_.Feed(bytes);
    }
  }

  void AppendOutput(v1::Output::Stream stream, const std::string& text) {
    if (!text.empty()) execution_.log().Append(OutputEvent(v1::SESSION_STEP_AGENT, stream, text));
  }

  Outcome Judge(const SubprocessResult& result) const {
    switch (result.end) {
      case SubprocessResult::End::kCancelled:
        return Outcome::Cancelled();
      case SubprocessResult::End::kTimedOut:
        break;  // we set no timeout: the engine cancels
      case SubprocessResult::End::kSignaled: {
        const char* const name = sigabbrev_np(result.signal);
        return Failure("signal",
                       absl::StrCat("the agent was ended by signal ", result.signal,
                                    name == nullptr ? "" : absl::StrCat(" (SIG", name, ")")));
      }
      case SubprocessResult::End::kExited:
        break;
    }
    if (result.exit_code != 0) {
      return Failure("exit_code",
                     absl::StrCat("the agent ended with exit code ", result.exit_code));
    }
    if (lines_.result() && lines_.result()->is_error()) {
      return Failure("agent_error", "the agent reported an error");
    }
    if (!lines_.result() && !said_something_) {
      return Failure("no_output",
                     "the agent ended with exit code 0, but neither a result nor any output");
    }
    return Outcome::Success();
  }

  // What the agent itself said is better than how it ended.
  Outcome Failure(std::string_view reason, std::string message) const {
    if (lines_.result() && lines_.result()->is_error() && !lines_.result()->text().empty()) {
      absl::StrAppend(&message, ": ", Shorten(lines_.result()->text(), kMessageBytes));
    }
    return Outcome::Failure(v1::SESSION_STEP_AGENT, reason, message);
  }

  static Outcome NotStarted(const absl::Status& status) {
    const std::string message(status.message());
    if (IsSandboxError(status)) {
      return Outcome::Failure(v1::SESSION_STEP_EXECUTOR, "sandbox_unavailable", message);
    }
    const bool passing = absl::IsResourceExhausted(status) || absl::IsUnavailable(status);
    return passing ? Outcome::Retryable(v1::SESSION_STEP_EXECUTOR, "start_failed", message)
                   : Outcome::Failure(v1::SESSION_STEP_EXECUTOR, "start_failed", message);
  }

  const ProcessExecutorOptions& options_;
  Execution& execution_;
  PrivateFile prompt_{"prompt"};
  PrivateFile connectors_{"connectors"};
  EventLines lines_;
  RedactingStream stdout_, stderr_;  // of nothing: only to make UTF-8 of pieces
  bool said_something_ = false;
};

class ProcessExecutor : public Executor {
 public:
  explicit ProcessExecutor(ProcessExecutorOptions options) : options_(std::move(options)) {}

  void Start(std::shared_ptr<Execution> execution) override {
    threads_.Run(std::move(execution),
                 [this](Execution& running) { return ProcessSession(options_, running).Run(); });
  }
  bool KeepsToSandbox() const override { return true; }

 private:
  const ProcessExecutorOptions options_;
  SessionThreads threads_;  // last: ends first
};

}  // namespace

absl::StatusOr<std::unique_ptr<Executor>> NewProcessExecutor(ProcessExecutorOptions options) {
  if (options.command.empty() || options.command[0].empty()) {
    return absl::InvalidArgumentError("command is empty: it needs a program");
  }
  for (const std::string& argument : options.command) {
    if (argument.find('\0') != argument.npos) {
      return absl::InvalidArgumentError("command holds a NUL byte");
    }
  }
  std::string& program = options.command[0];
  if (program.find('/') != program.npos) {
    // Of the host's folder: in a session's, a repository could bring a program of that name.
    std::error_code error;
    program = std::filesystem::absolute(program, error).string();
    if (error) {
      return absl::FailedPreconditionError(
          absl::StrCat("the current directory is not known: ", error.message()));
    }
  }
  return std::make_unique<ProcessExecutor>(std::move(options));
}

}  // namespace routines
