// fields: the table of what filters can look at.
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "routines/event.h"
#include "src/base/words.h"
#include "src/cli/commands.h"
#include "src/cli/exit_codes.h"
#include "src/cli/json_value.h"
#include "src/cli/terminal.h"

namespace routines::cli {
namespace {

std::string TypeWord(FieldType type) {
  switch (type) {
    case FieldType::kText:
      return "text";
    case FieldType::kLogin:
      return "login";
    case FieldType::kWord:
      return "word";
    case FieldType::kBranch:
      return "branch";
    case FieldType::kLabels:
      return "labels";
    case FieldType::kPaths:
      return "paths";
    case FieldType::kBoolean:
      return "boolean";
  }
  return "";
}

absl::Status CheckEvent(const std::string& event) {
  if (event.empty() || FindGithubEvent(event) != nullptr) return absl::OkStatus();
  std::vector<std::string> events;
  for (const GithubEventInfo& info : GithubEvents()) events.emplace_back(info.event);
  return UsageError(UnknownWord("event", event, events));
}

std::string Table(const std::string& event) {
  std::vector<std::vector<std::string>> rows;
  for (const FieldInfo& row : GithubFields()) {
    if (!event.empty() && row.event != event) continue;
    rows.push_back({std::string(row.event), std::string(row.field), TypeWord(row.type),
                    std::string(row.path)});
  }
  return FormatTable({"EVENT", "FIELD", "TYPE", "FROM"}, rows);
}

JsonValue::Array Rows(std::string_view event) {
  JsonValue::Array rows;
  for (const FieldInfo& row : GithubFields()) {
    if (row.event != event) continue;
    rows.push_back(JsonValue::Object{{"field", std::string(row.field)},
                                     {"type", TypeWord(row.type)},
                                     {"path", std::string(row.path)},
                                     {"source", std::string(row.source)}});
  }
  return rows;
}

std::string Json(const std::string& event) {
  JsonValue::Array events;
  for (const GithubEventInfo& info : GithubEvents()) {
    if (!event.empty() && info.event != event) continue;
    JsonValue::Array actions;
    for (const std::string_view action : info.actions) actions.push_back(std::string(action));
    events.push_back(JsonValue::Object{{"event", std::string(info.event)},
                                       {"category", std::string(info.category)},
                                       {"has_action", info.has_action},
                                       {"actions", std::move(actions)},
                                       {"fields", Rows(info.event)}});
  }
  return JsonValue(JsonValue::Object{{"events", std::move(events)}}).Dump();
}

}  // namespace

CommandResult Fields(const FieldsOptions& options) {
  if (absl::Status status = CheckEvent(options.event); !status.ok()) return status;
  if (options.json) {
    std::printf("%s\n", Json(options.event).c_str());
  } else {
    std::fputs(Table(options.event).c_str(), stdout);
  }
  return kExitOk;
}

}  // namespace routines::cli
