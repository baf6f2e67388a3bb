// fire, token create, rotate, revoke, list.
#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "routines/json.h"
#include "src/base/status_macros.h"
#include "src/cli/commands.h"
#include "src/cli/exit_codes.h"
#include "src/cli/state_directory.h"
#include "src/cli/terminal.h"
#include "src/cli/text_body.h"

namespace routines::cli {
namespace {

absl::StatusOr<std::string> FireToken(const FireOptions& options) {
  if (!options.token_file.empty()) return ReadSecretFile(options.token_file);
  const char* token = std::getenv("ROUTINES_TOKEN");
  if (token != nullptr && *token != '\0') return std::string(token);
  return absl::PermissionDeniedError(
      "no token: give --token-file, or set ROUTINES_TOKEN to what `routines token create` printed");
}

std::string TokensPath(const std::string& trigger) {
  return absl::StrCat("/v1/triggers/", EncodeUrlPart(trigger), "/tokens");
}

// The secret alone on standard output, for TOKEN=$(routines token create …); the rest on standard
// error.
int PrintIssued(const JsonValue& answer, bool json) {
  if (json) {
    std::printf("%s\n", answer.Dump().c_str());
    return kExitOk;
  }
  std::printf("%s\n", EscapeControls(answer["secret"].Text()).c_str());
  std::fprintf(stderr, "%s of %s; keep it, it is not shown again\n",
               EscapeControls(answer["token"]["id"].Text()).c_str(),
               EscapeControls(answer["token"]["trigger_id"].Text()).c_str());
  return kExitOk;
}

}  // namespace

CommandResult Fire(const FireOptions& options) {
  ASSIGN_OR_RETURN(const std::string token, FireToken(options));
  ASSIGN_OR_RETURN(const std::string body, TextBody(options.text));
  ASSIGN_OR_RETURN(Api api, Api::Open(options.client));
  ASSIGN_OR_RETURN(const std::string trigger, ResolveTrigger(api, options.target));
  HttpRequest request = {
      .method = "POST",
      .target = absl::StrCat("/v1/claude_code/routines/", EncodeUrlPart(trigger), "/fire"),
      .headers = {{"Authorization", absl::StrCat("Bearer ", token)},
                  {"Content-Type", "application/json"}},
      .body = body};
  if (!options.idempotency_key.empty())
    request.headers["Idempotency-Key"] = options.idempotency_key;
  ASSIGN_OR_RETURN(const JsonValue answer, api.Send(request));
  std::printf("%s\n", options.client.json ? answer.Dump().c_str() : FiredText(answer).c_str());
  return kExitOk;
}

CommandResult CreateToken(const TokenOptions& options) {
  ASSIGN_OR_RETURN(Api api, Api::Open(options.client));
  ASSIGN_OR_RETURN(const std::string trigger, ResolveTrigger(api, options.target));
  ASSIGN_OR_RETURN(const JsonValue answer, api.Post(TokensPath(trigger)));
  return PrintIssued(answer, options.client.json);
}

CommandResult RotateToken(const TokenOptions& options) {
  ASSIGN_OR_RETURN(Api api, Api::Open(options.client));
  ASSIGN_OR_RETURN(const std::string trigger, ResolveTrigger(api, options.target));
  const std::string body = absl::StrCat("{\"overlap\":", JsonString(options.overlap), "}");
  ASSIGN_OR_RETURN(const JsonValue answer, api.Post(TokensPath(trigger) + "/rotate", body));
  return PrintIssued(answer, options.client.json);
}

CommandResult RevokeToken(const TokenOptions& options) {
  ASSIGN_OR_RETURN(Api api, Api::Open(options.client));
  ASSIGN_OR_RETURN(const JsonValue answer,
                   api.Delete(absl::StrCat("/v1/tokens/", EncodeUrlPart(options.target))));
  const JsonValue shown =
      answer.IsNull() ? JsonValue(JsonValue::Object{{"revoked", true}}) : answer;
  std::printf("%s\n", options.client.json
                          ? shown.Dump().c_str()
                          : absl::StrCat(EscapeControls(options.target), " is revoked").c_str());
  return kExitOk;
}

CommandResult ListTokens(const TokenOptions& options) {
  ASSIGN_OR_RETURN(Api api, Api::Open(options.client));
  ASSIGN_OR_RETURN(const std::string trigger, ResolveTrigger(api, options.target));
  ASSIGN_OR_RETURN(const JsonValue answer, api.Get(TokensPath(trigger)));
  if (options.client.json) {
    std::printf("%s\n", answer.Dump().c_str());
    return kExitOk;
  }
  std::vector<std::vector<std::string>> rows;
  for (const JsonValue& token : answer["tokens"].Items()) {
    const std::string& expires = token["expire_time"].Text();
    rows.push_back({token["id"].Text(), LocalTime(token["create_time"].Text()),
                    expires.empty() ? "never" : LocalTime(expires)});
  }
  const std::string table = rows.empty() ? "no tokens; make one with `routines token create`\n"
                                         : FormatTable({"TOKEN", "MADE", "EXPIRES"}, rows);
  std::fputs(table.c_str(), stdout);
  return kExitOk;
}

}  // namespace routines::cli
