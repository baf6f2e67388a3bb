// NewMcpConnectorProvider: opens a session's connectors side by side, lets go of them, and hands
// over what the agent needs to open them itself.
#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "routines/connector.h"
#include "src/base/redact.h"
#include "src/base/sandbox.h"
#include "src/base/status_macros.h"
#include "src/base/words.h"
#include "src/connector/client.h"
#include "src/connector/fill_endpoint.h"
#include "src/connector/http_channel.h"
#include "src/connector/server_output.h"
#include "src/connector/stdio_channel.h"
#include "src/connector/tool_policy.h"

namespace routines {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr char kDefaultPath[] = "/usr/local/bin:/usr/bin:/bin";

Outcome OutcomeOf(const absl::Status& status, const std::string& message) {
  constexpr v1::SessionStep kStep = v1::SESSION_STEP_CONNECTOR;
  if (IsSandboxError(status)) return Outcome::Failure(kStep, "sandbox_unavailable", message);
  switch (status.code()) {
    case absl::StatusCode::kCancelled:
      return Outcome::Cancelled(message);
    case absl::StatusCode::kDeadlineExceeded:
      return Outcome::Retryable(kStep, "connector_timeout", message);
    case absl::StatusCode::kUnavailable:
      return Outcome::Retryable(kStep, "connector_failed", message);
    case absl::StatusCode::kPermissionDenied:
      return Outcome::Failure(kStep, "address_blocked", message);
    default:
      return Outcome::Failure(kStep, "connector_failed", message);
  }
}

// Opens one connector.
class Opening {
 public:
  Opening(const McpConnectorOptions& options, const ConnectorRequest& request,
          const v1::ToolPolicy& policy, const Redactor& redactor, ConnectorEndpoint& endpoint,
          ConnectorReport& report)
      : options_(options),
        request_(request),
        policy_(policy),
        redactor_(redactor),
        endpoint_(endpoint),
        report_(report),
        output_(endpoint.name, redactor, request.log) {}

  void Run() {
    const auto start = SteadyClock::now();
    limits_ = {start + absl::ToChronoNanoseconds(options_.start_timeout), request_.cancellation,
               options_.max_answer_bytes};
    const absl::Status status = Talk();
    output_.End();
    report_.time = absl::FromChrono(SteadyClock::now() - start);
    if (!status.ok()) return Fail(status);
    Tell();
  }

 private:
  absl::Status Talk() {
    ASSIGN_OR_RETURN(const std::unique_ptr<Channel> channel, OpenChannel());
    const absl::Status status = Talk(*channel);
    // Before the agent starts a server of its own: two may not get along.
    channel->Close();
    return status;
  }

  absl::Status Talk(Channel& channel) {
    McpClient client(channel, options_.max_tools);
    ASSIGN_OR_RETURN(const InitializeResult server, client.Initialize());
    report_.server_name = redactor_.Redact(Abbreviated(server.server_name));
    report_.server_version = redactor_.Redact(Abbreviated(server.server_version));
    report_.protocol_version = server.protocol_version;
    std::vector<std::string> tools;
    if (server.has_tools) {
      ASSIGN_OR_RETURN(tools, client.ListTools());
    }
    ASSIGN_OR_RETURN(SortedTools sorted, ApplyToolPolicy(tools, policy_));
    endpoint_.tools = report_.tools = std::move(sorted.allowed);
    endpoint_.denied_tools = report_.denied_tools = std::move(sorted.denied);
    return absl::OkStatus();
  }

  absl::StatusOr<std::unique_ptr<Channel>> OpenChannel() {
    if (!endpoint_.url.empty()) {
      HttpChannelOptions http;
      ASSIGN_OR_RETURN(http.url, ParseHttpUrl(endpoint_.url));
      http.headers = endpoint_.headers;
      http.allow_private_addresses = options_.allow_private_addresses;
      http.limits = limits_;
      return NewHttpChannel(std::move(http));
    }
    InteractiveProcess::Options process;
    process.command = endpoint_.command;
    process.environment = request_.environment;
    process.environment.try_emplace("PATH", kDefaultPath);
    for (const auto& [name, value] : endpoint_.environment) process.environment[name] = value;
    process.directory = request_.working_directory.empty() ? "/" : request_.working_directory;
    process.sandbox = request_.sandbox;
    process.on_stderr = [this](std::string_view bytes) { output_.Feed(bytes); };
    process.limits = limits_;
    return NewStdioChannel(std::move(process));
  }

  void Fail(const absl::Status& status) {
    std::string message = absl::StrCat("connector ", endpoint_.name, ": ", status.message());
    if (absl::IsDeadlineExceeded(status)) {
      absl::StrAppend(&message, " (", absl::FormatDuration(options_.start_timeout), ")");
    }
    if (const std::string tail = output_.Tail(); !tail.empty()) {
      absl::StrAppend(&message, "; its last words: ", tail);
    }
    report_.outcome = OutcomeOf(status, redactor_.Redact(message));
  }

  void Tell() {
    if (request_.log == nullptr) return;
    const size_t all = report_.tools.size() + report_.denied_tools.size();
    request_.log->Append(
        NoteEvent(v1::Note::SEVERITY_INFO,
                  absl::StrCat("connector ", report_.name, ": ", report_.server_name, " ",
                               report_.server_version, ", protocol ", report_.protocol_version,
                               ", ", report_.tools.size(), " of ", all, " tools allowed, in ",
                               absl::ToInt64Milliseconds(report_.time), " ms")));
  }

  const McpConnectorOptions& options_;
  const ConnectorRequest& request_;
  const v1::ToolPolicy& policy_;
  const Redactor& redactor_;
  ConnectorEndpoint& endpoint_;
  ConnectorReport& report_;
  ServerOutput output_;
  ChannelLimits limits_;
};

class McpConnectorProvider : public ConnectorProvider {
 public:
  explicit McpConnectorProvider(McpConnectorOptions options) : options_(std::move(options)) {}

  OpenedConnectors Open(const ConnectorRequest& request) override {
    OpenedConnectors opened;
    for (const v1::Connector& connector : request.routine.connectors()) {
      FilledEndpoint filled = FillEndpoint(connector, request, options_.secrets.get());
      for (std::string& value : filled.secret_values) {
        opened.secret_values.push_back(std::move(value));
      }
      ConnectorReport& report = opened.reports.emplace_back();
      report.name = connector.name();
      report.outcome = std::move(filled.outcome);
      opened.endpoints.push_back(std::move(filled.endpoint));
    }
    OpenAll(request, RedactorOf(request, opened.secret_values), opened);
    opened.outcome = Judge(opened);
    if (!opened.outcome.ok()) opened.endpoints.clear();
    return opened;
  }

 private:
  // Of the session's own secrets too: a server has them in its environment.
  static Redactor RedactorOf(const ConnectorRequest& request, std::vector<std::string> values) {
    for (const std::string& name : request.routine.environment().secrets()) {
      const auto value = request.environment.find(name);
      if (value != request.environment.end()) values.push_back(value->second);
    }
    return Redactor(values);
  }

  void OpenAll(const ConnectorRequest& request, const Redactor& redactor,
               OpenedConnectors& opened) const {
    std::vector<std::thread> threads;
    for (size_t i = 0; i < opened.reports.size(); ++i) {
      if (!opened.reports[i].outcome.ok()) continue;
      threads.emplace_back([&, i] {
        const v1::ToolPolicy& policy = request.routine.connectors(static_cast<int>(i)).tools();
        Opening(options_, request, policy, redactor, opened.endpoints[i], opened.reports[i]).Run();
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  // The first failure. Being cancelled, or something that will not pass, says more than what may
  // pass.
  static Outcome Judge(const OpenedConnectors& opened) {
    const ConnectorReport* worst = nullptr;
    for (const ConnectorReport& report : opened.reports) {
      if (report.outcome.ok()) continue;
      const bool worse =
          worst == nullptr || (worst->outcome.retryable && !report.outcome.retryable);
      if (worse) worst = &report;
    }
    if (worst != nullptr) return worst->outcome;
    const absl::Status differ = CheckToolNamesDiffer(opened.endpoints);
    if (differ.ok()) return Outcome::Success();
    return Outcome::Failure(v1::SESSION_STEP_CONNECTOR, "connector_failed",
                            std::string(differ.message()));
  }

  const McpConnectorOptions options_;
};

}  // namespace

std::unique_ptr<ConnectorProvider> NewMcpConnectorProvider(McpConnectorOptions options) {
  return std::make_unique<McpConnectorProvider>(std::move(options));
}

}  // namespace routines
