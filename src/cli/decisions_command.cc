#include "src/cli/decisions_command.h"

#include <algorithm>
#include <cstdio>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "src/base/status_macros.h"
#include "src/base/words.h"
#include "src/cli/api.h"
#include "src/cli/exit_codes.h"
#include "src/cli/json_value.h"
#include "src/cli/terminal.h"

namespace routines::cli {
namespace {

constexpr int kMostOnAPage = 1000;

// "" stays "": ever.
absl::StatusOr<std::string> Since(const std::string& text) {
  if (text.empty()) return text;
  absl::Duration ago;
  absl::Time time;
  std::string error;
  if (absl::ParseDuration(text, &ago) && ago >= absl::ZeroDuration()) {
    time = absl::Now() - ago;
  } else if (!absl::ParseTime(absl::RFC3339_full, text, &time, &error)) {
    return UsageError(absl::StrCat("--since: ", Quoted(text),
                                   " is neither a time such as 2026-01-31T09:00:00Z nor how long "
                                   "ago, such as 2h"));
  }
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", time, absl::UTCTimeZone());
}

std::vector<std::string> Row(const JsonValue& decision, bool why) {
  const std::string routine =
      decision["routine"].Text().empty()
          ? "-"
          : absl::StrCat(decision["account"].Text(), "/", decision["routine"].Text());
  std::vector<std::string> row = {LocalTime(decision["time"].Text()), routine,
                                  decision["reason"].Text()};
  if (why) {
    row.push_back(decision["detail"].Text().empty() ? decision["session_id"].Text()
                                                    : decision["detail"].Text());
  } else {
    row.push_back(decision["event_id"].Text());
    row.push_back(decision["session_id"].Text());
  }
  return row;
}

}  // namespace

CommandResult ListDecisions(const DecisionsOptions& options) {
  RoutineName name;
  if (!options.routine.empty()) {
    ASSIGN_OR_RETURN(name, ParseRoutineName(options.routine));
  }
  ASSIGN_OR_RETURN(const std::string since, Since(options.since));
  ASSIGN_OR_RETURN(Api api, Api::Open(options.client));
  std::vector<std::vector<std::string>> rows;
  JsonValue::Array all;
  std::string before;
  int left = options.limit;
  while (left > 0) {
    ASSIGN_OR_RETURN(const JsonValue page,
                     api.Get("/v1/decisions" +
                             QueryString({{"account", options.routine.empty() ? "" : name.account},
                                          {"routine", options.routine.empty() ? "" : name.name},
                                          {"event", options.event},
                                          {"since", since},
                                          {"before", before},
                                          {"limit", absl::StrCat(std::min(left, kMostOnAPage))}})));
    for (const JsonValue& decision : page["decisions"].Items()) {
      if (options.client.json) {
        all.push_back(decision);
      } else {
        rows.push_back(Row(decision, options.why));
      }
      --left;
    }
    before = page["next_before"].Text();
    if (before.empty()) break;
  }
  if (options.client.json) {
    JsonValue::Object answer = {{"decisions", JsonValue(std::move(all))}};
    std::printf("%s\n", JsonValue(std::move(answer)).Dump().c_str());
    return kExitOk;
  }
  const std::vector<std::string> header =
      options.why ? std::vector<std::string>{"WHEN", "ROUTINE", "REASON", "WHY"}
                  : std::vector<std::string>{"WHEN", "ROUTINE", "REASON", "EVENT", "SESSION"};
  const std::string table = rows.empty() ? "no decisions\n" : FormatTable(header, rows);
  std::fputs(table.c_str(), stdout);
  return kExitOk;
}

}  // namespace routines::cli
