#include "src/workspace/setup_script.h"

#include "absl/strings/str_cat.h"
#include "src/base/sandbox.h"
#include "src/base/subprocess.h"
#include "src/workspace/git.h"

namespace routines {
namespace {

constexpr size_t kTailBytes = 2000;

Outcome Failed(const std::string& how, const std::string& tail) {
  const std::string line = LastLine(tail);
  return Outcome::Failure(v1::SESSION_STEP_SETUP, "setup_failed",
                          line.empty() ? how : how + "; last line: " + line);
}

}  // namespace

Outcome RunSetupScript(const SetupScript& script, SessionLog& log) {
  std::string tail;  // the end of what it printed
  SubprocessOptions options;
  options.command = {"bash", "-e", script.file};
  options.environment = script.environment;
  options.directory = script.directory;
  options.timeout = script.timeout;
  options.cancellation = script.cancellation;
  if (script.sandbox != nullptr) options.sandbox = *script.sandbox;
  options.output = [&](SubprocessOptions::Stream stream, std::string_view bytes) {
    const bool error = stream == SubprocessOptions::Stream::kStderr;
    log.Append(OutputEvent(v1::SESSION_STEP_SETUP,
                           error ? v1::Output::STREAM_STDERR : v1::Output::STREAM_STDOUT, bytes));
    tail.append(bytes);
    if (tail.size() > kTailBytes) tail.erase(0, tail.size() - kTailBytes);
  };
  const absl::StatusOr<SubprocessResult> run = RunSubprocess(options);
  if (IsSandboxError(run.status())) {
    return Outcome::Failure(v1::SESSION_STEP_EXECUTOR, "sandbox_unavailable",
                            std::string(run.status().message()));
  }
  if (!run.ok()) return Failed(absl::StrCat("bash cannot be run: ", run.status().message()), "");
  switch (run->end) {
    case SubprocessResult::End::kCancelled:
      return Outcome::Cancelled();
    case SubprocessResult::End::kTimedOut:
      return Outcome::Failure(
          v1::SESSION_STEP_SETUP, "setup_timeout",
          absl::StrCat("the setup script took longer than ", absl::FormatDuration(script.timeout)));
    case SubprocessResult::End::kSignaled:
      return Failed(absl::StrCat("signal ", run->signal), tail);
    case SubprocessResult::End::kExited:
      break;
  }
  if (run->exit_code == 0) return Outcome::Success();
  return Failed(absl::StrCat("exit code ", run->exit_code), tail);
}

}  // namespace routines
