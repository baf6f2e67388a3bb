// trigger add github; github hook add, list, rotate, remove.
#include "src/cli/github_commands.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "routines/json.h"
#include "src/base/status_macros.h"
#include "src/cli/exit_codes.h"
#include "src/cli/state_directory.h"
#include "src/cli/terminal.h"

namespace routines::cli {
namespace {

JsonValue TextList(const std::vector<std::string>& texts) {
  JsonValue::Array list;
  for (const std::string& text : texts) list.emplace_back(text);
  return list;
}

// A word of a filter: true, false, null and numbers as such, "…" as a JSON string, else a text.
JsonValue FilterValue(const std::string& word) {
  absl::StatusOr<JsonValue> parsed = JsonValue::Parse(word);
  const bool scalar = parsed.ok() && parsed->Members().empty() && parsed->Items().empty() &&
                      word.find_first_of("[{") != 0;
  return scalar ? *std::move(parsed) : JsonValue(word);
}

// "labels is_not_one_of wip,skip-review". What the words mean is the server's to say.
absl::StatusOr<JsonValue> ParseFilter(const std::string& text) {
  const std::vector<std::string> words =
      absl::StrSplit(text, absl::MaxSplits(' ', 2), absl::SkipEmpty());
  if (words.size() < 2) {
    return UsageError(absl::StrCat("--filter \"", text, "\": write FIELD OPERATOR VALUE, such as ",
                                   "\"base_branch equals main\""));
  }
  JsonValue::Object filter = {{"field", words[0]}, {"operator", words[1]}};
  const bool list = words[1] == "is_one_of" || words[1] == "is_not_one_of";
  if (list) {
    JsonValue::Array values;
    for (const auto& value : absl::StrSplit(words.size() > 2 ? words[2] : "", ',')) {
      values.push_back(FilterValue(std::string(value)));
    }
    filter.emplace_back("values", std::move(values));
  } else if (words.size() > 2) {
    filter.emplace_back("value", FilterValue(words[2]));
  }
  return JsonValue(std::move(filter));
}

absl::StatusOr<JsonValue> MakeTrigger(const GithubTriggerOptions& options, std::string id) {
  JsonValue::Object github = {{"repositories", TextList(options.repositories)},
                              {"event", options.event}};
  if (!options.actions.empty()) github.emplace_back("actions", TextList(options.actions));
  if (!options.filters.empty()) {
    JsonValue::Array filters;
    for (const std::string& text : options.filters) {
      ASSIGN_OR_RETURN(JsonValue filter, ParseFilter(text));
      filters.push_back(std::move(filter));
    }
    github.emplace_back("filters", std::move(filters));
  }
  if (!options.trust.empty()) github.emplace_back("trust", options.trust);
  return JsonValue(
      JsonValue::Object{{"id", std::move(id)}, {"github", JsonValue(std::move(github))}});
}

// "pull-request", or with a number where there is one already.
std::string FreeId(const std::string& event, const JsonValue::Array& triggers) {
  const std::string base = absl::StrReplaceAll(event, {{"_", "-"}});
  std::string id = base;
  for (int number = 2; std::any_of(triggers.begin(), triggers.end(),
                                   [&](const JsonValue& each) { return each["id"].Text() == id; });
       ++number) {
    id = absl::StrCat(base, "-", number);
  }
  return id;
}

// The object with its member `name` replaced, or added.
JsonValue With(const JsonValue& object, const std::string& name, JsonValue value) {
  JsonValue::Object members = object.Members();
  const auto found = std::find_if(members.begin(), members.end(),
                                  [&](const auto& member) { return member.first == name; });
  if (found == members.end()) {
    members.emplace_back(name, std::move(value));
  } else {
    found->second = std::move(value);
  }
  return members;
}

absl::StatusOr<std::string> GivenSecret(const HookOptions& options) {
  if (options.secret_file.empty()) return std::string();
  return ReadSecretFile(options.secret_file);
}

// The secret alone on standard output; what else to enter at GitHub on standard error.
int PrintHook(const JsonValue& answer, bool json) {
  if (json) {
    std::printf("%s\n", answer.Dump().c_str());
    return kExitOk;
  }
  std::printf("%s\n", EscapeControls(answer["secret"].Text()).c_str());
  std::fprintf(stderr,
               "At GitHub: Settings, Webhooks, Add webhook (or edit it)\n"
               "  Payload URL   %s\n  Content type  application/json\n"
               "  Secret        the line above; keep it, it is not shown again\n",
               EscapeControls(answer["hook"]["url"].Text()).c_str());
  return kExitOk;
}

std::string HookPath(const std::string& name) {
  return absl::StrCat("/v1/github/hooks/", EncodeUrlPart(name));
}

}  // namespace

CommandResult AddGithubTrigger(const GithubTriggerOptions& options) {
  ASSIGN_OR_RETURN(const RoutineName name, ParseRoutineName(options.routine));
  ASSIGN_OR_RETURN(Api api, Api::Open(options.client));
  ASSIGN_OR_RETURN(const JsonValue saved, api.Get(name.Path()));
  const JsonValue& routine = saved["routine"];
  JsonValue::Array triggers = routine["triggers"].Items();
  const std::string id = options.id.empty() ? FreeId(options.event, triggers) : options.id;
  ASSIGN_OR_RETURN(JsonValue trigger, MakeTrigger(options, id));
  triggers.push_back(std::move(trigger));
  const JsonValue changed = With(routine, "triggers", std::move(triggers));
  ASSIGN_OR_RETURN(const JsonValue answer, api.Put("/v1/routines", changed.Dump()));
  if (options.client.json) {
    std::printf("%s\n", answer.Dump().c_str());
  } else {
    std::printf("%s has the trigger %s now, revision %lld\n",
                EscapeControls(options.routine).c_str(), EscapeControls(id).c_str(),
                static_cast<long long>(answer["revision"].Int()));
  }
  return kExitOk;
}

CommandResult AddHook(const HookOptions& options) {
  ASSIGN_OR_RETURN(const std::string secret, GivenSecret(options));
  ASSIGN_OR_RETURN(Api api, Api::Open(options.client));
  const JsonValue body =
      JsonValue::Object{{"name", options.name}, {"account", options.account}, {"secret", secret}};
  ASSIGN_OR_RETURN(const JsonValue answer, api.Post("/v1/github/hooks", body.Dump()));
  return PrintHook(answer, options.client.json);
}

CommandResult RotateHook(const HookOptions& options) {
  ASSIGN_OR_RETURN(const std::string secret, GivenSecret(options));
  ASSIGN_OR_RETURN(Api api, Api::Open(options.client));
  const JsonValue body = JsonValue::Object{{"overlap", options.overlap}, {"secret", secret}};
  ASSIGN_OR_RETURN(const JsonValue answer,
                   api.Post(HookPath(options.name) + "/rotate", body.Dump()));
  return PrintHook(answer, options.client.json);
}

CommandResult RemoveHook(const HookOptions& options) {
  ASSIGN_OR_RETURN(Api api, Api::Open(options.client));
  RETURN_IF_ERROR(api.Delete(HookPath(options.name)).status());
  std::printf("%s\n", options.client.json
                          ? "{\"removed\":true}"
                          : absl::StrCat(EscapeControls(options.name), " is removed").c_str());
  return kExitOk;
}

CommandResult ListHooks(const HookOptions& options) {
  ASSIGN_OR_RETURN(Api api, Api::Open(options.client));
  ASSIGN_OR_RETURN(const JsonValue answer, api.Get("/v1/github/hooks"));
  if (options.client.json) {
    std::printf("%s\n", answer.Dump().c_str());
    return kExitOk;
  }
  std::vector<std::vector<std::string>> rows;
  for (const JsonValue& hook : answer["hooks"].Items()) {
    const std::string& account = hook["account"].Text();
    rows.push_back({hook["name"].Text(), account.empty() ? "all" : account,
                    absl::StrCat(hook["secrets"].Items().size()),
                    LocalTime(hook["create_time"].Text()), hook["url"].Text()});
  }
  const std::string table =
      rows.empty() ? "no hooks; make one with `routines github hook add`\n"
                   : FormatTable({"HOOK", "ACCOUNT", "SECRETS", "MADE", "PAYLOAD URL"}, rows);
  std::fputs(table.c_str(), stdout);
  return kExitOk;
}

}  // namespace routines::cli
