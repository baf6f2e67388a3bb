// connectors check: opens a routine's connectors here, as a session would.
#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "routines/connector.h"
#include "routines/sandbox.h"
#include "src/base/environment.h"
#include "src/base/status_macros.h"
#include "src/cli/commands.h"
#include "src/cli/exit_codes.h"
#include "src/cli/find_routine.h"
#include "src/cli/terminal.h"

namespace routines::cli {
namespace {

// What servers say beside the protocol goes to standard error, as it comes.
class ErrorLog : public SessionLog {
 public:
  void Append(v1::SessionEvent event) override {
    if (!event.has_output()) return;
    const std::string text = EscapeControls(event.output().text(), /*keep_lines=*/true);
    std::fputs(text.c_str(), stderr);
  }
};

// An empty folder, as a session without repositories has one; removed at the end.
class Folder {
 public:
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  static absl::StatusOr<Folder> Make() {
    std::error_code error;
    const std::filesystem::path parent = std::filesystem::temp_directory_path(error);
    std::string path = (parent / "routines-check-XXXXXX").string();
    if (error || mkdtemp(path.data()) == nullptr) {
      return absl::FailedPreconditionError(
          "no temporary folder can be made; look at TMPDIR and at the space left");
    }
    return Folder(std::move(path));
  }
  Folder(Folder&& other) noexcept : path_(std::exchange(other.path_, "")) {}
  ~Folder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }

 private:
  explicit Folder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

std::string StateFolder(const ClientOptions& client) {
  const char* const named = std::getenv("ROUTINES_STATE");
  return client.state.empty() && named != nullptr ? named : client.state;
}

// Null where there is no folder to look in.
std::shared_ptr<SecretProvider> Secrets(const CheckConnectorsOptions& options) {
  const std::string state = StateFolder(options.client);
  if (options.secrets.empty() && state.empty()) return nullptr;
  return NewDirectorySecretProvider(options.secrets.empty() ? state + "/secrets" : options.secrets);
}

absl::Status AddEnvironment(const v1::Routine& routine, SecretProvider* secrets,
                            const std::string& folder,
                            std::map<std::string, std::string>& environment) {
  for (const auto& [name, value] : routine.environment().variables()) {
    if (!IsReservedVariable(name)) environment[name] = value;
  }
  for (const std::string& name : routine.environment().secrets()) {
    if (secrets == nullptr) {
      return absl::FailedPreconditionError(
          absl::StrCat("secret ", name, ": name the folder of secrets with --secrets"));
    }
    const absl::StatusOr<std::string> value = secrets->Get(routine.account(), name);
    if (!value.ok()) {
      return absl::FailedPreconditionError(
          absl::StrCat("secret ", name, ": ", std::string(value.status().message())));
    }
    environment[name] = *value;
  }
  const char* const path = std::getenv("PATH");
  environment["PATH"] = path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path;
  environment["LANG"] = "C.UTF-8";
  environment["HOME"] = environment["TMPDIR"] = folder;
  return absl::OkStatus();
}

int64_t Milliseconds(const ConnectorReport& report) {
  return absl::ToInt64Milliseconds(report.time);
}

JsonValue::Array Names(const std::vector<std::string>& names) {
  return {names.begin(), names.end()};
}

JsonValue ReportJson(const ConnectorReport& report) {
  JsonValue::Object members = {{"name", report.name}, {"ok", report.outcome.ok()}};
  if (report.outcome.ok()) {
    members.emplace_back("server", JsonValue::Object{{"name", report.server_name},
                                                     {"version", report.server_version}});
    members.emplace_back("protocol_version", report.protocol_version);
    members.emplace_back("tools", Names(report.tools));
    members.emplace_back("denied_tools", Names(report.denied_tools));
  } else {
    members.emplace_back("reason", report.outcome.reason);
    members.emplace_back("message", report.outcome.message);
  }
  members.emplace_back("time_ms", Milliseconds(report));
  return members;
}

std::string ReportText(const ConnectorReport& report) {
  const std::string name = EscapeControls(report.name);
  if (!report.outcome.ok()) {
    return absl::StrCat(name, "  ", Paint("failed", Colour::kRed), "  ", report.outcome.reason,
                        ", after ", Milliseconds(report), " ms\n  ",
                        EscapeControls(report.outcome.message), "\n");
  }
  std::string text =
      absl::StrCat(name, "  ", Paint("ok", Colour::kGreen), "  ",
                   EscapeControls(absl::StrCat(report.server_name, " ", report.server_version)),
                   ", protocol ", report.protocol_version, ", ", Milliseconds(report), " ms\n");
  const auto add = [&text](const char* what, const std::vector<std::string>& tools) {
    if (tools.empty()) return;
    absl::StrAppend(&text, "  ", what, EscapeControls(absl::StrJoin(tools, ", ")), "\n");
  };
  add("tools:  ", report.tools);
  add("denied: ", report.denied_tools);
  return text;
}

void Print(const v1::Routine& routine, const OpenedConnectors& opened, bool json) {
  if (json) {
    JsonValue::Array connectors;
    for (const ConnectorReport& report : opened.reports) connectors.push_back(ReportJson(report));
    JsonValue::Object all = {{"routine", absl::StrCat(routine.account(), "/", routine.name())},
                             {"ok", opened.outcome.ok()},
                             {"connectors", std::move(connectors)}};
    if (!opened.outcome.ok()) all.emplace_back("message", opened.outcome.message);
    std::printf("%s\n", JsonValue(std::move(all)).Dump().c_str());
    return;
  }
  bool told = opened.outcome.ok();
  for (const ConnectorReport& report : opened.reports) {
    std::fputs(ReportText(report).c_str(), stdout);
    told = told || !report.outcome.ok();
  }
  // What is wrong with none of them, but with all together.
  if (!told) std::printf("%s\n", EscapeControls(opened.outcome.message).c_str());
  if (opened.reports.empty()) std::fputs("the routine has no connectors\n", stdout);
}

}  // namespace

CommandResult CheckConnectors(const CheckConnectorsOptions& options) {
#ifdef ROUTINES_HAS_CONNECTOR
  ConnectorRequest request;
  ASSIGN_OR_RETURN(request.routine, FindRoutine(options.client, options.routine));
  ASSIGN_OR_RETURN(const Folder folder, Folder::Make());
  McpConnectorOptions connectors;
  connectors.secrets = Secrets(options);
  absl::ParseDuration(options.timeout, &connectors.start_timeout);  // it was checked
  RETURN_IF_ERROR(AddEnvironment(request.routine, connectors.secrets.get(), folder.path(),
                                 request.environment));
  request.working_directory = folder.path();
  SandboxOptions sandbox;
  if (const std::string state = StateFolder(options.client); !state.empty()) {
    sandbox.hidden.push_back(std::filesystem::absolute(state).string());
  }
  request.sandbox = FindSandbox(sandbox);
  request.sandbox.writable.push_back(folder.path());
  ErrorLog log;
  request.log = options.client.json ? nullptr : &log;
  OpenedConnectors opened;
  {
    ProgressLine progress(options.client.json);
    progress.Show("starting the connectors");
    opened = NewMcpConnectorProvider(std::move(connectors))->Open(request);
  }
  Print(request.routine, opened, options.client.json);
  return opened.outcome.ok() ? kExitOk : kExitFailed;
#else
  return absl::FailedPreconditionError("this program was built without connectors");
#endif
}

}  // namespace routines::cli
