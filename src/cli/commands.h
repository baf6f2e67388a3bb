// The commands. main.cc fills the options from the command line; each function does the work of one
// command, prints what it found, and returns the exit code, or the error that ReportError prints.
#ifndef ROUTINES_SRC_CLI_COMMANDS_H_
#define ROUTINES_SRC_CLI_COMMANDS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "src/cli/api.h"

namespace routines::cli {

using CommandResult = absl::StatusOr<int>;

// ---- files ----

struct ValidateOptions {
  std::vector<std::string> files;  // files, or folders of them
  bool json = false;
};
CommandResult Validate(const ValidateOptions& options);
CommandResult Lint(const ValidateOptions& options);

struct ApplyOptions {
  ClientOptions client;
  std::vector<std::string> files;
};
// Sends nothing unless every file is valid.
CommandResult Apply(const ApplyOptions& options);

// ---- routines ----

struct ListOptions {
  ClientOptions client;
  std::string account;
};
CommandResult List(const ListOptions& options);

struct RoutineOptions {
  ClientOptions client;
  std::string routine;
  int64_t revision = 0;  // Show
};
CommandResult Show(const RoutineOptions& options);
CommandResult SetPaused(const RoutineOptions& options, bool paused);
CommandResult Delete(const RoutineOptions& options);

// ---- firing ----

struct TextOptions {
  std::string text;
  std::string text_file;  // "-": standard input
  bool given = false;     // tells --text "" from no --text
};

struct RunOptions {
  ClientOptions client;
  std::string routine;
  TextOptions text;
};
CommandResult Run(const RunOptions& options);

struct FireOptions {
  ClientOptions client;
  std::string target;  // a trigger id, or a routine with one API trigger
  TextOptions text;
  std::string token_file;
  std::string idempotency_key;
};
CommandResult Fire(const FireOptions& options);

// ---- tokens ----

struct TokenOptions {
  ClientOptions client;
  std::string target;           // trigger id or routine; Revoke: the token's id
  std::string overlap = "24h";  // Rotate
};
CommandResult CreateToken(const TokenOptions& options);
CommandResult RotateToken(const TokenOptions& options);
CommandResult RevokeToken(const TokenOptions& options);
CommandResult ListTokens(const TokenOptions& options);

// ---- sessions ----

struct SessionsOptions {
  ClientOptions client;
  std::string account, routine, status, before;
  int limit = 20;
};
CommandResult Sessions(const SessionsOptions& options);

struct SessionOptions {
  ClientOptions client;
  std::string id;
  bool follow = false;                                // Logs
  absl::Duration timeout = absl::InfiniteDuration();  // Wait
};
CommandResult ShowSession(const SessionOptions& options);
CommandResult SessionLogs(const SessionOptions& options);
CommandResult CancelSession(const SessionOptions& options);
// kExitOk only where the session succeeded.
CommandResult WaitForSession(const SessionOptions& options);

// ---- schedules ----

struct NextOptions {
  ClientOptions client;
  std::string routine;  // a file, or the name of a saved one
  std::string cron, time_zone = "UTC";
  std::optional<absl::Time> from;  // absent: now
  int count = 5;
};
CommandResult Next(const NextOptions& options);

struct PlanOptions {
  ClientOptions client;
  std::vector<std::string> files;  // and folders of them; none: the server's routines
  std::string account;             // of the server's; empty: all
  std::optional<absl::Time> from;  // absent: now
  int days = 7;
  std::string duration = "10m";  // of each session
  double cost_usd = 0;           // likewise
  std::string limits;            // as those of ServeOptions
  std::vector<std::string> limit;
  int max_concurrent_sessions = 16;
  bool each = false;  // prints every instant
};
CommandResult ShowPlan(const PlanOptions& options);

// ---- connectors ----

struct CheckConnectorsOptions {
  ClientOptions client;
  std::string routine;  // a file, or the name of a saved one
  std::string secrets;  // folder; empty: that of the state folder, where one is given
  std::string timeout = "60s";
};
// Starts each connector on this machine. kExitOk only where all of them can be had.
CommandResult CheckConnectors(const CheckConnectorsOptions& options);

// ---- serve ----

struct ServeOptions {
  std::string state;
  std::string listen = "127.0.0.1:7433";
  std::string routines;                // folder, applied at start
  std::vector<std::string> executors;  // NAME=COMMAND
  std::string default_executor;
  std::string executor_prompt = "stdin";
  // Programs; empty: those of PATH, where there are any; "none": none.
  std::string claude, codex;
  std::string claude_api_url, codex_api_url;  // empty: the public ones
  std::string secrets;                        // folder
  std::string public_url;
  std::string tls_certificate, tls_key;
  std::string sandbox = "auto";
  std::vector<std::string> sandbox_hide, sandbox_write;  // paths
  bool connectors_public_only = false;
  int max_concurrent_sessions = 16;
  std::string limits;                      // file; see ReadLimits
  std::vector<std::string> limit;          // NAME=VALUE; win over the file
  std::string keep_events, keep_sessions;  // durations; empty: for ever
  int64_t keep_megabytes = 0;              // 0: any size
  bool json = false;
};
// Returns after SIGINT or SIGTERM.
CommandResult Serve(const ServeOptions& options);

// ---- conditions ----

// An event as a file, and routines to try it on. Exactly one of event and source.
struct MatchOptions {
  std::string event;                    // GitHub's
  std::string source, type;             // a custom event's
  std::vector<std::string> attributes;  // NAME=VALUE
  std::string payload;                  // file; "-": standard input
  std::vector<std::string> routines;    // files, or folders of them
  std::string routine;                  // ExplainEvent: this one only
  bool json = false;
};
CommandResult Match(const MatchOptions& options);
CommandResult ExplainEvent(const MatchOptions& options);

struct FieldsOptions {
  std::string event;  // empty: all
  bool json = false;
};
// What filters can look at, and where it comes from.
CommandResult Fields(const FieldsOptions& options);

// ---- tests of configurations ----

struct TestOptions {
  std::vector<std::string> paths;  // test files, or folders
  std::string format = "human";    // human, tap, junit
  std::string limits;              // as of ServeOptions
  std::vector<std::string> limit;
  bool json = false;
};
// kExitOk only where every case passes.
CommandResult Test(const TestOptions& options);

struct BacktestOptions {
  std::string old_folder, new_folder;  // routine files, or folders of them
  std::vector<std::string> events;     // payloads as `record` writes them, or folders of those
  std::string state;                   // the state folder of a server that does not run
  std::string from, to;                // schedules; RFC 3339; both or none
  bool json = false;
};
// kExitOk where both configurations do the same, 1 where they differ, as diff(1).
CommandResult Backtest(const BacktestOptions& options);

// ---- completion ----

// The script for `shell`: bash or zsh.
CommandResult PrintCompletion(const std::string& shell);
// Names of the routines of the server, or nothing: completion never complains and never waits long.
std::vector<std::string> RoutineNamesForCompletion(const ClientOptions& client);

}  // namespace routines::cli

#endif  // ROUTINES_SRC_CLI_COMMANDS_H_
