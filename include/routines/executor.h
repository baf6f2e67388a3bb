// What runs a session's agent.
//
// The engine prepares a session (clones, setup script), makes its start durable, and then calls
// Executor::Start with an Execution: everything the executor needs to know, and the way to report
// back. A host that has an agent of its own implements this one method:
//
//   class EchoAgent : public routines::Executor {
//     void Start(std::shared_ptr<routines::Execution> execution) override {
//       threads_.Run([execution] {
//         execution->log().Append(OutputEvent(v1::SESSION_STEP_AGENT, v1::Output::STREAM_STDOUT,
//         "hi")); execution->Finish(Outcome::Success());
//       });
//     }
//   };
//
// Contract, checked by testing::ExecutorConformance:
//  - Start does not block. It may call Finish before it returns (a refusal, a fake).
//  - Finish takes effect once; later calls are ignored. An executor that drops its last reference
//  to
//    the Execution without Finish fails the session with the reason `abandoned`.
//  - After cancellation() was cancelled, the executor ends everything that the session started and
//    calls Finish within the engine's `cancel_grace`; after that the engine no longer waits, and
//    what the executor says is ignored.
//  - The destructor of an Executor blocks until nothing of it runs any more. The engine cancels
//  every
//    execution before it lets go of an executor.
//
// Thread-safety: Start may be called from several threads at once; so may all of Execution.
#ifndef ROUTINES_EXECUTOR_H_
#define ROUTINES_EXECUTOR_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "routines/cancellation.h"
#include "routines/connector.h"
#include "routines/sandbox.h"
#include "routines/secrets.h"
#include "routines/session.h"
#include "routines/v1/event.pb.h"
#include "routines/v1/routine.pb.h"
#include "routines/v1/session.pb.h"

namespace routines {

// What to run.
struct ExecutionRequest {
  v1::Session session;
  v1::Routine routine;
  // The saved prompt, then what the trigger brought, wrapped as untrusted data. UTF-8.
  std::string prompt;
  // The session's directory: each repository is a folder in it. Empty without a workspace.
  std::string workspace;
  // Where the agent starts: the only repository's folder, or `workspace`.
  std::string working_directory;
  // The agent's whole environment, secrets included; nothing of the host's own is in it but PATH.
  std::map<std::string, std::string> environment;
  // The MCP servers that the agent may call; they have answered.
  std::vector<ConnectorEndpoint> connectors;
  // What the agent is to run in; for SubprocessOptions and the like.
  Sandbox sandbox;
};

class Execution {
 public:
  virtual ~Execution() = default;

  // Valid as long as the Execution.
  virtual const ExecutionRequest& request() const = 0;
  virtual SessionLog& log() = 0;
  virtual const Cancellation& cancellation() const = 0;

  // The agent's end. `outcome.state` says what the agent or its process said; where the engine
  // itself ended it (cancel, time limit, cost limit), the engine's own reason wins.
  virtual void Finish(Outcome outcome) = 0;
};

class Executor {
 public:
  virtual ~Executor() = default;
  virtual void Start(std::shared_ptr<Execution> execution) = 0;

  // Whether everything that it starts runs in the request's `sandbox`. Where not, sessions that
  // must have one fail with the reason `sandbox_unavailable`.
  virtual bool KeepsToSandbox() const { return false; }
};

// Runs `function` on a thread of its own for each session. It may block; it should look at
// `execution.cancellation()` now and then. What it returns is the outcome; an exception that
// escapes it fails the session with its text.
std::unique_ptr<Executor> NewCallbackExecutor(
    std::function<Outcome(Execution& execution)> function);

// Runs a program for each session. See docs/executors.md for what it gets and may report.
struct ProcessExecutorOptions {
  std::vector<std::string> command;  // argv; argv[0] is looked up in PATH; never a shell line
  enum class Prompt {
    kStdin,  // on standard input, then end of file
    kFile,   // in a file of mode 0600 outside the repositories, named by ROUTINES_PROMPT_FILE
  };
  Prompt prompt = Prompt::kStdin;
  absl::Duration kill_grace = absl::Seconds(5);  // from TERM to KILL
};

// kInvalidArgument: no command. A program that cannot be started fails its session, not this call.
absl::StatusOr<std::unique_ptr<Executor>> NewProcessExecutor(ProcessExecutorOptions options);

// The two below run an agent's own command line and turn what it prints into typed events. The
// agent never sees the API key: it gets a token of its session for a gateway on the loopback
// interface of this process, which holds the key and reaches `api_url` only. What a repository
// gives the agent, and what not, is in docs/executors.md.

// The `claude` command line, npm @anthropic-ai/claude-code from 2.1.0 on.
struct ClaudeExecutorOptions {
  std::string program = "claude";  // looked up in the session's PATH
  // Asked for the secret ANTHROPIC_API_KEY of the session's account. One that the routine names
  // among its own secrets is preferred; it is taken out of the agent's environment.
  std::shared_ptr<SecretProvider> secrets;
  std::string api_url = "https://api.anthropic.com";
  std::string model;    // of routines that name none; empty: the program's own choice
  int max_retries = 4;  // of one request to the API
  absl::Duration kill_grace = absl::Seconds(5);
};
// kInvalidArgument: no program, or an `api_url` that is no http or https URL.
absl::StatusOr<std::unique_ptr<Executor>> NewClaudeExecutor(ClaudeExecutorOptions options);

// The `codex` command line, npm @openai/codex from 0.169.0 on. It tells no cost: `max_cost_usd` and
// `max_turns` are not enforced, and the session's log says so.
struct CodexExecutorOptions {
  std::string program = "codex";
  std::shared_ptr<SecretProvider> secrets;  // OPENAI_API_KEY, as above
  std::string api_url = "https://api.openai.com/v1";
  std::string model;
  int max_retries = 4;
  absl::Duration kill_grace = absl::Seconds(5);
};
absl::StatusOr<std::unique_ptr<Executor>> NewCodexExecutor(CodexExecutorOptions options);

}  // namespace routines

#endif  // ROUTINES_EXECUTOR_H_
