// Management of routines and tokens.
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "routines/json.h"
#include "routines/routine.h"
#include "src/base/status_macros.h"
#include "src/server/api.h"
#include "src/server/error_response.h"
#include "src/server/query.h"
#include "src/server/text_body.h"

namespace routines::server {
namespace {

Response MessageResponse(const google::protobuf::Message& message) {
  Response response;
  response.body = ToJson(message);
  return response;
}

Response Empty() {
  Response response;
  response.status = 204;
  return response;
}

std::string ProblemJson(const Problem& problem) {
  std::string out = "{";
  if (problem.line > 0) {
    absl::StrAppend(&out, "\"line\":", problem.line, ",\"column\":", problem.column, ",");
  }
  if (!problem.path.empty()) absl::StrAppend(&out, "\"path\":", JsonString(problem.path), ",");
  return absl::StrCat(out, "\"message\":", JsonString(problem.message), "}");
}

// The usual error, with all problems beside the message.
Response ProblemsResponse(const std::vector<Problem>& problems) {
  const Problem& first = problems.front();
  std::string message = absl::StrCat(first.path, first.path.empty() ? "" : ": ", first.message);
  if (first.line > 0) message = absl::StrCat("line ", first.line, ": ", message);
  if (problems.size() > 1) absl::StrAppend(&message, " (and ", problems.size() - 1, " more)");
  Response response = ErrorResponse(400, message);
  std::string list;
  for (const Problem& problem : problems) {
    absl::StrAppend(&list, list.empty() ? "" : ",", ProblemJson(problem));
  }
  response.body.resize(response.body.size() - 2);  // "}}"
  absl::StrAppend(&response.body, ",\"problems\":[", list, "]}}");
  return response;
}

// What the engine alone can know: its message has a problem a line, "path: message".
Response PutErrorResponse(const absl::Status& status) {
  if (!absl::IsInvalidArgument(status)) return StatusResponse(status);
  std::vector<Problem> problems;
  for (const absl::string_view line : absl::StrSplit(status.message(), '\n')) {
    Problem& problem = problems.emplace_back();
    const size_t colon = line.find(": ");
    problem.path = std::string(line.substr(0, colon == line.npos ? 0 : colon));
    problem.message = std::string(line.substr(colon == line.npos ? 0 : colon + 2));
  }
  return ProblemsResponse(problems);
}

Response IssuedResponse(const absl::StatusOr<IssuedToken>& issued) {
  if (!issued.ok()) return StatusResponse(issued.status());
  Response response;
  response.body = absl::StrCat("{\"token\":", ToJson(issued->token),
                               ",\"secret\":", JsonString(issued->secret), "}");
  return response;
}

}  // namespace

void Api::PutRoutine(RequestPtr request, Respond respond) {
  const LoadResult loaded = LoadRoutine(request->body, "body");
  if (!loaded.ok()) return respond(ProblemsResponse(loaded.problems));
  const absl::StatusOr<v1::SavedRoutine> saved = engine_.Put(loaded.routine);
  respond(saved.ok() ? MessageResponse(*saved) : PutErrorResponse(saved.status()));
}

void Api::ListRoutines(RequestPtr request, Respond respond) {
  const absl::StatusOr<std::vector<v1::SavedRoutine>> routines =
      engine_.ListRoutines(Parameter(*request, "account"));
  if (!routines.ok()) return respond(StatusResponse(routines.status()));
  Response response;
  response.body = "{\"routines\":[";
  for (const v1::SavedRoutine& saved : *routines) {
    absl::StrAppend(&response.body, &saved == &routines->front() ? "" : ",", ToJson(saved));
  }
  response.body += "]}";
  respond(std::move(response));
}

void Api::GetRoutine(RequestPtr request, Respond respond) {
  const absl::StatusOr<int64_t> revision =
      ParseNumber("revision", Parameter(*request, "revision"), 0, 1);
  if (!revision.ok()) return respond(StatusResponse(revision.status()));
  const absl::StatusOr<v1::SavedRoutine> saved =
      engine_.GetRoutine(request->params[0], request->params[1], *revision);
  respond(saved.ok() ? MessageResponse(*saved) : StatusResponse(saved.status()));
}

void Api::DeleteRoutine(RequestPtr request, Respond respond) {
  const absl::Status status = engine_.DeleteRoutine(request->params[0], request->params[1]);
  respond(status.ok() ? Empty() : StatusResponse(status));
}

void Api::PauseRoutine(RequestPtr request, Respond respond) {
  SetPaused(*request, true, respond);
}

void Api::ResumeRoutine(RequestPtr request, Respond respond) {
  SetPaused(*request, false, respond);
}

void Api::SetPaused(const Request& request, bool paused, const Respond& respond) {
  const std::string& account = request.params[0];
  const std::string& name = request.params[1];
  const absl::Status status = engine_.SetRoutinePaused(account, name, paused);
  if (!status.ok()) return respond(StatusResponse(status));
  const absl::StatusOr<v1::SavedRoutine> saved = engine_.GetRoutine(account, name);
  respond(saved.ok() ? MessageResponse(*saved) : StatusResponse(saved.status()));
}

void Api::ListTokens(RequestPtr request, Respond respond) {
  const absl::StatusOr<std::vector<v1::Token>> tokens = engine_.ListTokens(request->params[0]);
  if (!tokens.ok()) return respond(StatusResponse(tokens.status()));
  Response response;
  response.body = "{\"tokens\":[";
  for (const v1::Token& token : *tokens) {
    absl::StrAppend(&response.body, &token == &tokens->front() ? "" : ",", ToJson(token));
  }
  response.body += "]}";
  respond(std::move(response));
}

void Api::CreateToken(RequestPtr request, Respond respond) {
  respond(IssuedResponse(engine_.CreateToken(request->params[0])));
}

void Api::RotateToken(RequestPtr request, Respond respond) {
  const absl::StatusOr<absl::Duration> overlap = ParseOverlap(request->body);
  if (!overlap.ok()) return respond(StatusResponse(overlap.status()));
  respond(IssuedResponse(engine_.RotateToken(request->params[0], *overlap)));
}

void Api::RevokeToken(RequestPtr request, Respond respond) {
  const absl::Status status = engine_.RevokeToken(request->params[0]);
  respond(status.ok() ? Empty() : StatusResponse(status));
}

}  // namespace routines::server
