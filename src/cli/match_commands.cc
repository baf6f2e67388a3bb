// match, explain: what an event would start, without a server.
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "routines/event.h"
#include "routines/filter.h"
#include "routines/json.h"
#include "src/base/status_macros.h"
#include "src/cli/commands.h"
#include "src/cli/exit_codes.h"
#include "src/cli/routine_files.h"
#include "src/cli/state_directory.h"
#include "src/cli/terminal.h"

namespace routines::cli {
namespace {

constexpr size_t kMaxPayloadBytes = 25 << 20;

// A routine and what became of its triggers.
struct Verdict {
  std::string account, name;
  Explanation explanation;
};

absl::Status CheckEventName(const std::string& event) {
  if (FindGithubEvent(event) != nullptr) return absl::OkStatus();
  std::vector<std::string> events;
  for (const GithubEventInfo& info : GithubEvents()) events.emplace_back(info.event);
  const std::string nearest = NearestWord(event, events);
  return UsageError(absl::StrCat("--event: unknown event \"", event, "\"; ",
                                 nearest.empty() ? "write one such as pull_request"
                                                 : absl::StrCat("did you mean ", nearest, "?")));
}

// The event that the options describe; its payload is checked.
absl::StatusOr<v1::Event> EventOf(const MatchOptions& options) {
  v1::Event event;
  const bool github = !options.event.empty();
  if (github == !options.source.empty()) {
    return UsageError("name the event: --event NAME for GitHub, or --source NAME; one of the two");
  }
  if (github && (!options.type.empty() || !options.attributes.empty())) {
    return UsageError("--type and --attribute belong to --source; GitHub's events have none");
  }
  if (github) RETURN_IF_ERROR(CheckEventName(options.event));
  if (github && options.payload.empty()) {
    return UsageError("--payload FILE is required with --event: what GitHub sent");
  }
  event.set_source(github ? "github" : options.source);
  event.set_type(github ? options.event : options.type);
  for (const std::string& attribute : options.attributes) {
    const size_t equals = attribute.find('=');
    if (equals == std::string::npos || equals == 0) {
      return UsageError(absl::StrCat("--attribute: \"", attribute, "\" is not NAME=VALUE"));
    }
    (*event.mutable_attributes())[attribute.substr(0, equals)] = attribute.substr(equals + 1);
  }
  if (options.payload.empty()) return event;
  ASSIGN_OR_RETURN(*event.mutable_payload(), ReadFile(options.payload, kMaxPayloadBytes));
  const absl::Status status =
      github ? CheckGithubPayload(event.type(), event.payload()) : CheckPayload(event.payload());
  if (!status.ok()) {
    return UsageError(absl::StrCat(options.payload, ": ", std::string(status.message())));
  }
  return event;
}

absl::StatusOr<std::vector<Verdict>> Judge(const MatchOptions& options) {
  ASSIGN_OR_RETURN(const v1::Event event, EventOf(options));
  ASSIGN_OR_RETURN(const std::vector<RoutineFile> files, LoadRoutineFiles(options.routines));
  if (const auto problems = ProblemsOf(files); !problems.empty()) return ProblemsError(problems);
  std::vector<Verdict> verdicts;
  for (const RoutineFile& file : files) {
    const v1::Routine& routine = file.loaded.routine;
    if (!options.routine.empty() && options.routine != routine.name() &&
        options.routine != absl::StrCat(routine.account(), "/", routine.name())) {
      continue;
    }
    ASSIGN_OR_RETURN(Explanation explanation, Explain(ViewOf(event), routine));
    verdicts.push_back({routine.account(), routine.name(), std::move(explanation)});
  }
  if (verdicts.empty()) {
    return absl::NotFoundError(
        absl::StrCat("no routine ", options.routine, " among the ", files.size(), " files"));
  }
  return verdicts;
}

std::string ConditionsJson(const std::vector<ConditionExplanation>& conditions) {
  std::string out = "[";
  for (const ConditionExplanation& condition : conditions) {
    absl::StrAppend(&out, out == "[" ? "" : ",", "{\"path\":", JsonString(condition.path),
                    ",\"held\":", condition.held ? "true" : "false");
    if (!condition.any_of.empty()) {
      absl::StrAppend(&out, ",\"any_of\":", ConditionsJson(condition.any_of), "}");
      continue;
    }
    absl::StrAppend(&out, ",\"field\":", JsonString(condition.field),
                    ",\"operator\":", JsonString(condition.op),
                    ",\"expected\":", JsonString(condition.expected),
                    ",\"actual\":", JsonString(condition.actual), "}");
  }
  return out + "]";
}

std::string VerdictJson(const Verdict& verdict) {
  std::string out = absl::StrCat(
      "{\"account\":", JsonString(verdict.account), ",\"routine\":", JsonString(verdict.name),
      ",\"matched\":", verdict.explanation.matched ? "true" : "false", ",\"triggers\":[");
  for (const TriggerExplanation& trigger : verdict.explanation.triggers) {
    absl::StrAppend(&out, trigger.index == 0 ? "" : ",",
                    "{\"trigger\":", JsonString(trigger.trigger), ",\"index\":", trigger.index,
                    ",\"matched\":", trigger.matched ? "true" : "false",
                    ",\"conditions\":", ConditionsJson(trigger.conditions), "}");
  }
  return out + "]}";
}

// `text` with each line under the routine's name.
std::string Indented(const std::string& text) {
  std::string out;
  for (size_t start = 0; start < text.size();) {
    const size_t end = text.find('\n', start);
    absl::StrAppend(&out, "  ", text.substr(start, end - start), "\n");
    start = end + 1;
  }
  return out;
}

}  // namespace

CommandResult Match(const MatchOptions& options) {
  ASSIGN_OR_RETURN(const std::vector<Verdict> verdicts, Judge(options));
  std::string text, json;
  for (const Verdict& verdict : verdicts) {
    for (const TriggerExplanation& trigger : verdict.explanation.triggers) {
      if (!trigger.matched) continue;
      absl::StrAppend(&text, EscapeControls(verdict.account), "/", EscapeControls(verdict.name),
                      "  ", EscapeControls(trigger.trigger), "\n");
      absl::StrAppend(&json, json.empty() ? "" : ",", "{\"account\":", JsonString(verdict.account),
                      ",\"routine\":", JsonString(verdict.name),
                      ",\"trigger\":", JsonString(trigger.trigger), ",\"index\":", trigger.index,
                      "}");
    }
  }
  if (options.json) {
    std::printf("{\"matches\":[%s]}\n", json.c_str());
  } else {
    std::fputs(text.c_str(), stdout);
    if (text.empty()) std::fputs("routines: no trigger matches; try `routines explain`\n", stderr);
  }
  return kExitOk;
}

CommandResult ExplainEvent(const MatchOptions& options) {
  ASSIGN_OR_RETURN(const std::vector<Verdict> verdicts, Judge(options));
  std::string text, json;
  for (const Verdict& verdict : verdicts) {
    absl::StrAppend(&json, json.empty() ? "" : ",", VerdictJson(verdict));
    absl::StrAppend(&text, EscapeControls(verdict.account), "/", EscapeControls(verdict.name),
                    verdict.explanation.triggers.empty() ? "  has no triggers" : "", "\n");
    for (const TriggerExplanation& trigger : verdict.explanation.triggers) {
      absl::StrAppend(&text, Indented(EscapeControls(trigger.ToString(), true)));
    }
  }
  if (options.json) {
    std::printf("{\"routines\":[%s]}\n", json.c_str());
  } else {
    std::fputs(text.c_str(), stdout);
  }
  return kExitOk;
}

}  // namespace routines::cli
