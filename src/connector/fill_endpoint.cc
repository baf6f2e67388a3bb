#include "src/connector/fill_endpoint.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "src/base/words.h"

namespace routines {
namespace {

constexpr char kDefaultPath[] = "/usr/local/bin:/usr/bin:/bin";

bool IsProgram(const std::string& path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         access(path.c_str(), X_OK) == 0;
}

// The absolute path of `program`, or empty.
std::string FindProgram(const std::string& program, const ConnectorRequest& request) {
  if (program.find('/') != program.npos) {
    if (program[0] == '/') return program;
    return absl::StrCat(request.working_directory, "/", program);
  }
  const auto path = request.environment.find("PATH");
  const std::string folders = path == request.environment.end() ? kDefaultPath : path->second;
  for (const absl::string_view folder : absl::StrSplit(folders, ':', absl::SkipEmpty())) {
    if (folder[0] != '/') continue;  // it would be a folder of where the agent happens to be
    std::string candidate = absl::StrCat(folder, "/", program);
    if (IsProgram(candidate)) return candidate;
  }
  return "";
}

class Filler {
 public:
  Filler(const v1::Connector& connector, const ConnectorRequest& request, SecretProvider* secrets)
      : connector_(connector), request_(request), secrets_(secrets) {}

  FilledEndpoint Fill() {
    filled_.endpoint.name = connector_.name();
    if (connector_.command_size() > 0) {
      FillCommand();
    } else if (!connector_.url().empty()) {
      FillUrl();
    } else {
      Fail("connectors_unavailable",
           absl::StrCat("\"", connector_.host(),
                        "\" would be a server in the host process, which this version does not "
                        "have; use command or url"));
    }
    return std::move(filled_);
  }

 private:
  void FillCommand() {
    std::vector<std::string>& command = filled_.endpoint.command;
    command.assign(connector_.command().begin(), connector_.command().end());
    const std::string program = FindProgram(command[0], request_);
    if (program.empty()) {
      return Fail("connector_failed", absl::StrCat("there is no program ", Quoted(command[0]),
                                                   " in the session's PATH"));
    }
    command[0] = program;
    for (const std::string& name : connector_.secrets()) {
      const std::optional<std::string> value = Secret(name);
      if (!value.has_value()) return;
      filled_.endpoint.environment[name] = *value;
    }
  }

  void FillUrl() {
    if (!request_.sandbox.bubblewrap.empty() && !request_.sandbox.network) {
      return Fail("connectors_unavailable",
                  "its agent has no network to reach a url with; take the connector out, or write "
                  "network: {mode: full}");
    }
    filled_.endpoint.url = connector_.url();
    for (const auto& [name, text] : connector_.headers()) {
      std::optional<std::string> value = Expand(text);
      if (!value.has_value()) return;
      if (std::any_of(value->begin(), value->end(),
                      [](char c) { return absl::ascii_iscntrl(static_cast<unsigned char>(c)); })) {
        return Fail("connector_failed",
                    absl::StrCat("header ", Quoted(name),
                                 " has a line break or control character in it; look at the "
                                 "secrets that it names"));
      }
      filled_.endpoint.headers[name] = *std::move(value);
    }
  }

  // `text` with every ${NAME} replaced, once: a value is never looked through.
  std::optional<std::string> Expand(std::string_view text) {
    std::string out;
    while (true) {
      const size_t start = text.find("${");
      const size_t end = start == text.npos ? start : text.find('}', start);
      if (end == text.npos) return out.append(text);
      const std::optional<std::string> value =
          Secret(std::string(text.substr(start + 2, end - start - 2)));
      if (!value.has_value()) return std::nullopt;
      out.append(text.substr(0, start)).append(*value);
      text.remove_prefix(end + 1);
    }
  }

  std::optional<std::string> Secret(const std::string& name) {
    if (secrets_ == nullptr) {
      Fail("secret_missing", absl::StrCat("secret ", name, ": there is no secret provider"));
      return std::nullopt;
    }
    absl::StatusOr<std::string> value = secrets_->Get(request_.routine.account(), name);
    if (!value.ok()) {
      const bool passing = absl::IsUnavailable(value.status());
      Fail(passing ? "secret_unavailable" : "secret_missing",
           absl::StrCat("secret ", name, ": ", value.status().message()), passing);
      return std::nullopt;
    }
    filled_.secret_values.push_back(*value);
    return *std::move(value);
  }

  void Fail(std::string_view reason, std::string_view why, bool passing = false) {
    const std::string message = absl::StrCat("connector ", connector_.name(), ": ",
                                             absl::string_view(why.data(), why.size()));
    filled_.outcome = passing ? Outcome::Retryable(v1::SESSION_STEP_CONNECTOR, reason, message)
                              : Outcome::Failure(v1::SESSION_STEP_CONNECTOR, reason, message);
  }

  const v1::Connector& connector_;
  const ConnectorRequest& request_;
  SecretProvider* const secrets_;
  FilledEndpoint filled_;
};

}  // namespace

FilledEndpoint FillEndpoint(const v1::Connector& connector, const ConnectorRequest& request,
                            SecretProvider* secrets) {
  return Filler(connector, request, secrets).Fill();
}

}  // namespace routines
