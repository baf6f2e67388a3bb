// github reconcile.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "src/base/status_macros.h"
#include "src/cli/exit_codes.h"
#include "src/cli/github_commands.h"
#include "src/cli/github_reconciler.h"
#include "src/cli/json_value.h"
#include "src/cli/state_directory.h"
#include "src/cli/url.h"

namespace routines::cli {
namespace {

absl::StatusOr<std::string> GithubToken(const ReconcileCommandOptions& options) {
  if (!options.token_file.empty()) return ReadSecretFile(options.token_file);
  const char* token = std::getenv("GITHUB_TOKEN");
  if (token != nullptr && *token != '\0') return std::string(token);
  return absl::PermissionDeniedError(
      "no token: give --token-file, or set GITHUB_TOKEN to one that may write webhooks");
}

bool IsNumber(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
}

absl::StatusOr<std::string> HookPath(const ReconcileCommandOptions& options) {
  const int kinds = static_cast<int>(!options.repository.empty()) +
                    static_cast<int>(!options.organization.empty()) + static_cast<int>(options.app);
  if (kinds != 1) return UsageError("give one of --repository, --organization and --app");
  if (options.app) return std::string("/app/hook");
  if (!IsNumber(options.hook)) {
    return UsageError("--hook: give the hook's number, as in the address of its settings page");
  }
  if (!options.organization.empty()) {
    return absl::StrCat("/orgs/", EncodeUrlPart(options.organization), "/hooks/", options.hook);
  }
  const std::vector<std::string> parts = absl::StrSplit(options.repository, '/');
  if (parts.size() != 2 || parts[0].empty() || parts[1].empty()) {
    return UsageError("--repository: write owner/name");
  }
  return absl::StrCat("/repos/", EncodeUrlPart(parts[0]), "/", EncodeUrlPart(parts[1]), "/hooks/",
                      options.hook);
}

// <state>/reconcile-<hook>: up to which delivery all is done.
std::string MarkFile(const ReconcileCommandOptions& options, const std::string& hook) {
  return absl::StrCat(options.state, "/reconcile",
                      absl::StrReplaceAll(hook, {{"/", "-"}, {"%", "_"}}));
}

int64_t ReadMark(const std::string& file) {
  int64_t mark = 0;
  const absl::StatusOr<std::string> text = ReadFile(file);
  if (text.ok() && absl::SimpleAtoi(*text, &mark)) return mark;
  return 0;
}

void PrintReport(const ReconcileReport& report, const ReconcileCommandOptions& options) {
  if (options.json) {
    std::printf("{\"events\":%d,\"failed\":%d,\"redelivered\":%d,\"given_up\":%d}\n", report.events,
                report.failed, report.redelivered, report.given_up);
    return;
  }
  std::printf("%d events looked at, %d had failed, %d %s, %d given up\n", report.events,
              report.failed, options.dry_run ? report.failed - report.given_up : report.redelivered,
              options.dry_run ? "would be asked for again" : "asked for again", report.given_up);
}

}  // namespace

CommandResult ReconcileHook(const ReconcileCommandOptions& options) {
  ReconcileOptions reconcile;
  ASSIGN_OR_RETURN(reconcile.hook, HookPath(options));
  ASSIGN_OR_RETURN(const std::string token, GithubToken(options));
  const absl::StatusOr<Url> url = ParseUrl(options.api_url);
  if (!url.ok()) {
    return UsageError(absl::StrCat("--api-url: ", std::string(url.status().message())));
  }
  const std::string file = options.state.empty() ? "" : MarkFile(options, reconcile.hook);
  if (!file.empty()) reconcile.done_until = ReadMark(file);
  absl::ParseDuration(options.since, &reconcile.since);  // checked by the grammar
  reconcile.now = absl::Now();
  reconcile.max_attempts = options.max_attempts;
  reconcile.dry_run = options.dry_run;
  reconcile.sleep = [](absl::Duration wait) { absl::SleepFor(wait); };
  reconcile.send = [&](HttpRequest request) {
    request.headers["Authorization"] = absl::StrCat("Bearer ", token);
    request.headers["Accept"] = "application/vnd.github+json";
    request.headers["X-GitHub-Api-Version"] = "2022-11-28";
    return SendHttp(*url, request);
  };
  ASSIGN_OR_RETURN(const ReconcileReport report, Reconcile(reconcile));
  if (!file.empty() && !options.dry_run) {
    RETURN_IF_ERROR(WriteFileAtomically(file, absl::StrCat(report.done_until, "\n")));
  }
  PrintReport(report, options);
  return report.given_up == 0 ? kExitOk : kExitFailed;
}

}  // namespace routines::cli
