// deliver, record; event list, show, payload, explain.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "routines/signature.h"
#include "src/base/ids.h"
#include "src/base/status_macros.h"
#include "src/cli/exit_codes.h"
#include "src/cli/github_commands.h"
#include "src/cli/recorded.h"
#include "src/cli/state_directory.h"
#include "src/cli/terminal.h"

namespace routines::cli {
namespace {

// ---- deliver ----

absl::StatusOr<std::string> HookSecret(const DeliverOptions& options) {
  if (!options.secret_file.empty()) return ReadSecretFile(options.secret_file);
  const char* secret = std::getenv("ROUTINES_GITHUB_SECRET");
  if (secret != nullptr && *secret != '\0') return std::string(secret);
  return absl::PermissionDeniedError(
      "no secret: give --secret-file, or set ROUTINES_GITHUB_SECRET to what "
      "`routines github hook add` printed");
}

// A delivery id of GitHub's form.
std::string NewGuid() {
  const std::string hex = absl::BytesToHexString(RandomBytes(16));
  return absl::StrCat(hex.substr(0, 8), "-", hex.substr(8, 4), "-", hex.substr(12, 4), "-",
                      hex.substr(16, 4), "-", hex.substr(20));
}

absl::StatusOr<HttpRequest> MakeDelivery(const DeliverOptions& options, const std::string& file,
                                         const std::string& secret) {
  HttpRequest request;
  ASSIGN_OR_RETURN(request.body, ReadFile(file, kMaxPayload));
  std::map<std::string, std::string> recorded = RecordedHeaders(file);
  const std::string event = options.event.empty() ? recorded[kEventHeader] : options.event;
  if (event.empty()) {
    return UsageError(absl::StrCat("--event: give it; there is no ", HeadersFile(file)));
  }
  std::string id = options.id.empty() ? recorded[kDeliveryHeader] : options.id;
  if (id.empty()) id = NewGuid();
  request.method = "POST";
  request.target = absl::StrCat("/v1/webhooks/github/", EncodeUrlPart(options.hook));
  request.headers = {{"Content-Type", "application/json"},
                     {"X-GitHub-Event", event},
                     {"X-GitHub-Delivery", id},
                     {"X-Hub-Signature-256", SignGithubBody(secret, request.body)}};
  return request;
}

std::string DecisionLine(const JsonValue& decision) {
  const std::string routine =
      decision["routine"].Text().empty()
          ? "-"
          : absl::StrCat(decision["account"].Text(), "/", decision["routine"].Text());
  std::vector<std::string> parts = {routine, decision["reason"].Text()};
  if (!decision["session_id"].Text().empty()) parts.push_back(decision["session_id"].Text());
  if (!decision["detail"].Text().empty()) parts.push_back(decision["detail"].Text());
  return EscapeControls(absl::StrJoin(parts, "  "));
}

void PrintDelivered(const JsonValue& answer) {
  if (answer["event_id"].Text().empty()) {
    std::printf("pong\n");
    return;
  }
  std::printf("%s%s\n", EscapeControls(answer["event_id"].Text()).c_str(),
              answer["duplicate"].Bool() ? "  duplicate; the first outcome was:" : "");
  for (const JsonValue& decision : answer["decisions"].Items()) {
    std::printf("  %s\n", DecisionLine(decision).c_str());
  }
}

// ---- record ----

// Names of files come from elsewhere: nothing but letters, digits, - and _ is kept.
std::string FileName(const std::string& text) {
  std::string name = text.substr(0, 100);
  for (char& c : name) {
    if (!absl::ascii_isalnum(c) && c != '-' && c != '_') c = '_';
  }
  return name;
}

absl::Status WriteRecord(Api& api, const JsonValue& event, const std::string& folder) {
  HttpRequest get = {
      .method = "GET",
      .target = absl::StrCat("/v1/events/", EncodeUrlPart(event["id"].Text()), "/payload")};
  RETURN_IF_ERROR(api.Authorize(&get));
  std::string payload;
  RETURN_IF_ERROR(api.Send(get,
                           [&](std::string_view piece) {
                             payload.append(piece);
                             return true;
                           })
                      .status());
  const std::string base = absl::StrCat(folder, "/", FileName(event["type"].Text()), "-",
                                        FileName(event["external_id"].Text()));
  RETURN_IF_ERROR(WriteFileAtomically(base + ".json", payload));
  return WriteFileAtomically(base + ".headers",
                             absl::StrCat("X-GitHub-Event: ", event["type"].Text(),
                                          "\nX-GitHub-Delivery: ", event["external_id"].Text(),
                                          "\nContent-Type: application/json\n"));
}

// ---- events ----

std::string EventPath(const std::string& id) {
  return absl::StrCat("/v1/events/", EncodeUrlPart(id));
}

void PrintWhy(const JsonValue& why) {
  for (const JsonValue& trigger : why["triggers"].Items()) {
    std::fputs(EscapeControls(trigger["text"].Text(), /*keep_lines=*/true).c_str(), stdout);
  }
  for (const JsonValue& gate : why["gates"].Items()) {
    std::printf("gates, now:  %s\n", DecisionLine(gate).c_str());
  }
  for (const JsonValue& decision : why["decisions"].Items()) {
    std::printf("decided then:  %s\n", DecisionLine(decision).c_str());
  }
}

bool AnyFires(const JsonValue& why) {
  for (const JsonValue& gate : why["gates"].Items()) {
    if (gate["reason"].Text() == "fired") return true;
  }
  return false;
}

}  // namespace

CommandResult Deliver(const DeliverOptions& options) {
  ASSIGN_OR_RETURN(const std::string secret, HookSecret(options));
  if (options.payloads.size() > 1 && !options.id.empty()) {
    return UsageError("--id: goes with one payload; each delivery needs an id of its own");
  }
  ASSIGN_OR_RETURN(Api api, Api::Open(options.client));
  for (const std::string& file : options.payloads) {
    ASSIGN_OR_RETURN(const HttpRequest request, MakeDelivery(options, file, secret));
    ASSIGN_OR_RETURN(const JsonValue answer, api.Send(request));
    if (options.client.json) {
      std::printf("%s\n", answer.Dump().c_str());
    } else {
      PrintDelivered(answer);
    }
  }
  return kExitOk;
}

CommandResult Record(const RecordOptions& options) {
  if (mkdir(options.folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return absl::FailedPreconditionError(
        absl::StrCat(options.folder, ": cannot be made: ", std::strerror(errno)));
  }
  ASSIGN_OR_RETURN(Api api, Api::Open(options.client));
  int written = 0;
  std::string before;
  while (written < options.limit) {
    ASSIGN_OR_RETURN(const JsonValue page,
                     api.Get("/v1/events" + QueryString({{"before", before}})));
    for (const JsonValue& event : page["events"].Items()) {
      const bool wanted = event["source"].Text() == "github" &&
                          (options.event.empty() || event["type"].Text() == options.event);
      if (!wanted || written >= options.limit) continue;
      RETURN_IF_ERROR(WriteRecord(api, event, options.folder));
      ++written;
    }
    before = page["next_before"].Text();
    if (before.empty()) break;
  }
  std::printf(options.client.json ? "{\"deliveries\":%d}\n" : "%d deliveries written\n", written);
  return kExitOk;
}

CommandResult ListEvents(const EventOptions& options) {
  ASSIGN_OR_RETURN(Api api, Api::Open(options.client));
  ASSIGN_OR_RETURN(const JsonValue answer,
                   api.Get("/v1/events" + QueryString({{"limit", absl::StrCat(options.limit)}})));
  if (options.client.json) {
    std::printf("%s\n", answer.Dump().c_str());
    return kExitOk;
  }
  std::vector<std::vector<std::string>> rows;
  for (const JsonValue& event : answer["events"].Items()) {
    rows.push_back({event["id"].Text(), event["source"].Text(), event["type"].Text(),
                    event["external_id"].Text(), LocalTime(event["time"].Text())});
  }
  const std::string table =
      rows.empty() ? "no events\n" : FormatTable({"EVENT", "SOURCE", "TYPE", "ID", "CAME"}, rows);
  std::fputs(table.c_str(), stdout);
  return kExitOk;
}

CommandResult ShowEvent(const EventOptions& options) {
  ASSIGN_OR_RETURN(Api api, Api::Open(options.client));
  ASSIGN_OR_RETURN(const JsonValue event, api.Get(EventPath(options.id)));
  ASSIGN_OR_RETURN(const JsonValue answer,
                   api.Get("/v1/decisions" + QueryString({{"event", options.id}})));
  if (options.client.json) {
    JsonValue::Object both = {{"event", event}, {"decisions", answer["decisions"]}};
    std::printf("%s\n", JsonValue(std::move(both)).Dump().c_str());
    return kExitOk;
  }
  std::fputs(FormatFields({{"event", event["id"].Text()},
                           {"source", event["source"].Text()},
                           {"type", event["type"].Text()},
                           {"account", event["account"].Text()},
                           {"id", event["external_id"].Text()},
                           {"came", LocalTime(event["time"].Text())}})
                 .c_str(),
             stdout);
  for (const JsonValue& decision : answer["decisions"].Items()) {
    std::printf("  %s\n", DecisionLine(decision).c_str());
  }
  return kExitOk;
}

CommandResult EventPayload(const EventOptions& options) {
  ASSIGN_OR_RETURN(Api api, Api::Open(options.client));
  HttpRequest get = {.method = "GET", .target = EventPath(options.id) + "/payload"};
  RETURN_IF_ERROR(api.Authorize(&get));
  RETURN_IF_ERROR(api.Send(get,
                           [](std::string_view piece) {
                             return std::fwrite(piece.data(), 1, piece.size(), stdout) ==
                                    piece.size();
                           })
                      .status());
  return kExitOk;
}

CommandResult ExplainStoredEvent(const EventOptions& options) {
  ASSIGN_OR_RETURN(const RoutineName name, ParseRoutineName(options.routine));
  ASSIGN_OR_RETURN(Api api, Api::Open(options.client));
  const std::string revision = options.revision == 0 ? "" : absl::StrCat(options.revision);
  const std::string target = absl::StrCat(
      EventPath(options.id), "/explain",
      QueryString({{"account", name.account}, {"routine", name.name}, {"revision", revision}}));
  ASSIGN_OR_RETURN(const JsonValue why, api.Get(target));
  if (options.client.json) {
    std::printf("%s\n", why.Dump().c_str());
  } else {
    PrintWhy(why);
  }
  return AnyFires(why) ? kExitOk : kExitFailed;
}

CommandResult ExplainAny(const ExplainOptions& options) {
  if (!options.stored.id.empty()) {
    if (options.stored.routine.empty()) {
      return UsageError("routine: name the routine that the event is to be explained for");
    }
    return ExplainStoredEvent(options.stored);
  }
  if (options.files.routines.empty()) {
    return UsageError(
        "give EVENT_ID and ROUTINE of a server, or --event, --payload and --routines");
  }
  MatchOptions files = options.files;
  files.json = options.stored.client.json;
  return ExplainEvent(files);
}

}  // namespace routines::cli
