// The commands about GitHub: triggers, hooks, deliveries, records, reconciling. As in commands.h.
#ifndef ROUTINES_SRC_CLI_GITHUB_COMMANDS_H_
#define ROUTINES_SRC_CLI_GITHUB_COMMANDS_H_

#include <string>
#include <vector>

#include "src/cli/commands.h"

namespace routines::cli {

// ---- trigger add github ----

struct GithubTriggerOptions {
  ClientOptions client;
  std::string routine;
  std::string id;  // empty: made of the event's name
  std::string event;
  std::vector<std::string> repositories, actions;
  std::vector<std::string> filters;  // "FIELD OPERATOR [VALUE]"
  std::string trust;                 // writers or anyone
};
CommandResult AddGithubTrigger(const GithubTriggerOptions& options);

// ---- hooks ----

struct HookOptions {
  ClientOptions client;
  std::string name = "default";
  std::string account;
  std::string secret_file;  // empty: the server makes one
  std::string overlap = "24h";
};
CommandResult AddHook(const HookOptions& options);
CommandResult RotateHook(const HookOptions& options);
CommandResult RemoveHook(const HookOptions& options);
CommandResult ListHooks(const HookOptions& options);

// ---- deliveries ----

struct DeliverOptions {
  ClientOptions client;
  std::vector<std::string> payloads;  // files; "-": standard input
  std::string event;                  // empty: of the file's .headers
  std::string id;                     // empty: of the file's .headers, else a new one
  std::string hook = "default";
  std::string secret_file;  // empty: ROUTINES_GITHUB_SECRET
};
// Signed as GitHub does it.
CommandResult Deliver(const DeliverOptions& options);

struct RecordOptions {
  ClientOptions client;
  std::string folder;  // made where absent
  std::string event;   // empty: every one
  int limit = 100;
};
// Writes <folder>/<event>-<delivery>.json and .headers for each delivery that the server has.
CommandResult Record(const RecordOptions& options);

// ---- events ----

struct EventOptions {
  ClientOptions client;
  std::string id;
  std::string routine;   // Explain
  int64_t revision = 0;  // Explain
  int limit = 20;        // List
};
CommandResult ListEvents(const EventOptions& options);
CommandResult ShowEvent(const EventOptions& options);
CommandResult EventPayload(const EventOptions& options);
// kExitOk where the routine matches and no gate stops it, else kExitFailed.
CommandResult ExplainStoredEvent(const EventOptions& options);

// Either `stored`, where it has an id, or `files`.
struct ExplainOptions {
  EventOptions stored;
  MatchOptions files;
};
CommandResult ExplainAny(const ExplainOptions& options);

// ---- reconcile ----

struct ReconcileCommandOptions {
  std::string repository, organization;  // one of them, or app
  bool app = false;
  std::string hook;  // id; not with app
  std::string token_file;
  std::string api_url = "https://api.github.com";
  std::string since = "72h";
  std::string state;  // folder; empty: nothing is remembered
  int max_attempts = 5;
  bool dry_run = false;
  bool json = false;
};
CommandResult ReconcileHook(const ReconcileCommandOptions& options);

}  // namespace routines::cli

#endif  // ROUTINES_SRC_CLI_GITHUB_COMMANDS_H_
