// sessions, session show, logs, cancel, wait.
#include <algorithm>
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "src/base/status_macros.h"
#include "src/cli/commands.h"
#include "src/cli/exit_codes.h"
#include "src/cli/follow.h"
#include "src/cli/log_printer.h"
#include "src/cli/terminal.h"

namespace routines::cli {
namespace {

std::string Cost(const JsonValue& session) {
  const double cost = session["usage"]["cost_usd"].Number();
  return cost == 0 ? "" : absl::StrFormat("$%.2f", cost);
}

std::string SessionText(const JsonValue& session) {
  const std::string& state = session["state"].Text();
  std::vector<std::pair<std::string, std::string>> fields = {
      {"session", EscapeControls(session["id"].Text())},
      {"routine",
       EscapeControls(absl::StrCat(session["account"].Text(), "/", session["routine"].Text(),
                                   " revision ", session["revision"].Int()))},
      {"state", Paint(EscapeControls(state), StateColour(state))},
      {"step", EscapeControls(session["step"].Text())},
      {"reason", EscapeControls(session["reason"].Text())},
      {"message", EscapeControls(session["message"].Text())},
      {"trigger", EscapeControls(session["trigger_id"].Text())},
      {"event", EscapeControls(session["event_id"].Text())},
      {"executor", EscapeControls(session["executor"].Text())},
      {"created", LocalTime(session["create_time"].Text())},
      {"started", LocalTime(session["run_time"].Text())},
      {"ended", LocalTime(session["end_time"].Text())},
      {"took", Elapsed(session["create_time"].Text(), session["end_time"].Text())},
      {"cost", Cost(session)},
      {"url", EscapeControls(session["url"].Text())},
  };
  for (const JsonValue& checkout : session["checkouts"].Items()) {
    fields.emplace_back("checkout", EscapeControls(absl::StrCat(
                                        checkout["name"].Text(), " ", checkout["ref"].Text(),
                                        " at ", checkout["commit"].Text().substr(0, 12))));
  }
  for (const JsonValue& push : session["pushes"].Items()) {
    fields.emplace_back(
        "pushed", EscapeControls(absl::StrCat(push["repository"].Text(), " ", push["ref"].Text(),
                                              " at ", push["new_commit"].Text().substr(0, 12))));
  }
  for (const JsonValue& patch : session["patches"].Items()) {
    fields.emplace_back("not pushed", EscapeControls(absl::StrCat(patch["repository"].Text(), " ",
                                                                  patch["ref"].Text())));
  }
  std::string out = FormatFields(fields);
  const std::string& result = session["result"].Text();
  if (!result.empty())
    absl::StrAppend(&out, "\n", EscapeControls(result, /*keep_lines=*/true), "\n");
  return out;
}

void PrintSession(const JsonValue& session, bool json) {
  const std::string text = json ? session.Dump() + "\n" : SessionText(session);
  std::fputs(text.c_str(), stdout);
}

std::string SessionPath(const std::string& id) {
  return absl::StrCat("/v1/sessions/", EncodeUrlPart(id));
}

}  // namespace

CommandResult Sessions(const SessionsOptions& options) {
  ASSIGN_OR_RETURN(Api api, Api::Open(options.client));
  const std::string query = QueryString({{"account", options.account},
                                         {"routine", options.routine},
                                         {"state", options.status},
                                         {"before", options.before},
                                         {"limit", absl::StrCat(options.limit)}});
  ASSIGN_OR_RETURN(const JsonValue answer, api.Get("/v1/sessions" + query));
  if (options.client.json) {
    std::printf("%s\n", answer.Dump().c_str());
    return kExitOk;
  }
  std::vector<std::vector<std::string>> rows;
  for (const JsonValue& session : answer["sessions"].Items()) {
    rows.push_back({session["id"].Text(),
                    absl::StrCat(session["account"].Text(), "/", session["routine"].Text()),
                    session["state"].Text(), LocalTime(session["create_time"].Text()),
                    Elapsed(session["create_time"].Text(), session["end_time"].Text()),
                    session["reason"].Text()});
  }
  const std::string table =
      rows.empty()
          ? "no sessions\n"
          : FormatTable({"SESSION", "ROUTINE", "STATE", "CREATED", "TOOK", "REASON"}, rows, 2);
  std::fputs(table.c_str(), stdout);
  return kExitOk;
}

CommandResult ShowSession(const SessionOptions& options) {
  ASSIGN_OR_RETURN(Api api, Api::Open(options.client));
  ASSIGN_OR_RETURN(const JsonValue session, api.Get(SessionPath(options.id)));
  PrintSession(session, options.client.json);
  return kExitOk;
}

CommandResult SessionLogs(const SessionOptions& options) {
  ASSIGN_OR_RETURN(Api api, Api::Open(options.client));
  LogPrinter printer;
  const auto print = [&](const JsonValue& event) {
    const std::string text = options.client.json ? event.Dump() + "\n" : printer.Format(event);
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
  };
  const absl::Status status = options.follow ? FollowLog(api, SessionPath(options.id), print)
                                             : ReadLog(api, SessionPath(options.id), print);
  std::fputs(printer.Flush().c_str(), stdout);
  RETURN_IF_ERROR(status);
  return kExitOk;
}

CommandResult CancelSession(const SessionOptions& options) {
  ASSIGN_OR_RETURN(Api api, Api::Open(options.client));
  ASSIGN_OR_RETURN(const JsonValue answer, api.Post(SessionPath(options.id) + "/cancel"));
  std::printf("%s\n",
              options.client.json
                  ? answer.Dump().c_str()
                  : absl::StrCat(EscapeControls(options.id), " is to be cancelled").c_str());
  return kExitOk;
}

CommandResult WaitForSession(const SessionOptions& options) {
  ASSIGN_OR_RETURN(Api api, Api::Open(options.client));
  const absl::Time deadline = absl::Now() + options.timeout;
  ProgressLine progress(options.client.json);
  absl::Duration pause = absl::Milliseconds(50);
  while (true) {
    ASSIGN_OR_RETURN(const JsonValue session, api.Get(SessionPath(options.id)));
    const std::string& state = session["state"].Text();
    if (IsTerminalState(state)) {
      PrintSession(session, options.client.json);
      return state == "succeeded" ? kExitOk : kExitFailed;
    }
    if (absl::Now() >= deadline) {
      return absl::AbortedError(absl::StrCat("session ", options.id, " is still ", state, " after ",
                                             absl::FormatDuration(options.timeout)));
    }
    progress.Show(
        absl::StrCat(options.id, " ", state, " ", Elapsed(session["create_time"].Text(), "")));
    absl::SleepFor(std::min(pause, deadline - absl::Now()));
    pause = std::min(pause * 2, absl::Seconds(1));
  }
}

}  // namespace routines::cli
