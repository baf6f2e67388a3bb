#include "src/workspace/git.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "src/base/status_macros.h"
#include "src/base/subprocess.h"
#include "src/base/utf8.h"
#include "src/workspace/files.h"

namespace routines {
namespace {

constexpr size_t kMaxErrors = 16 << 10;

// The host's own settings for reaching the network pass; nothing else does.
constexpr std::array<const char*, 12> kPassed = {
    "ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "SSL_CERT_DIR",   "SSL_CERT_FILE",
    "all_proxy", "https_proxy", "http_proxy", "no_proxy", "GIT_SSL_CAINFO", "CURL_CA_BUNDLE"};

void PassFromHost(const char* name, std::map<std::string, std::string>& environment) {
  if (const char* value = std::getenv(name); value != nullptr) environment[name] = value;
}

bool IsHttp(const std::string& url) {
  return absl::StartsWith(url, "http://") || absl::StartsWith(url, "https://");
}

// The credential goes by the environment: the argument list is for everybody to read.
void AddUpstream(const Upstream& upstream, std::map<std::string, std::string>& environment) {
  for (const char* name : kPassed) PassFromHost(name, environment);
  if (IsHttp(upstream.url)) {
    if (upstream.credential.empty()) return;
    // Hosts that know tokens take any user name with one.
    const bool token_only = upstream.credential.find(':') == std::string::npos;
    environment["GIT_CONFIG_COUNT"] = "1";
    environment["GIT_CONFIG_KEY_0"] = "http.extraHeader";
    environment["GIT_CONFIG_VALUE_0"] = absl::StrCat(
        "Authorization: Basic ",
        absl::Base64Escape((token_only ? "x-access-token:" : "") + upstream.credential));
  } else if (!absl::StartsWith(upstream.url, "file:")) {
    PassFromHost("HOME", environment);  // of ssh: known hosts and keys
    PassFromHost("SSH_AUTH_SOCK", environment);
    environment["GIT_SSH_COMMAND"] = "ssh -oBatchMode=yes";
  }
}

// The only protocol that git may use for the upstream: a server cannot lead it to another.
std::string Protocol(const Upstream* upstream) {
  if (upstream == nullptr) return "none";
  for (const char* scheme : {"https", "http", "ssh", "file"}) {
    if (absl::StartsWith(upstream->url, absl::StrCat(scheme, "://"))) return scheme;
  }
  return absl::StartsWith(upstream->url, "/") ? "file" : "ssh";
}

std::map<std::string, std::string> Environment(const GitCommand& command) {
  std::map<std::string, std::string> environment = {
      {"PATH", HostPath()},
      {"LC_ALL", "C"},
      {"GIT_DIR", command.repository},
      {"GIT_ALLOW_PROTOCOL", Protocol(command.upstream)},
      {"GIT_ASKPASS", ""},
      {"GIT_ATTR_NOSYSTEM", "1"},
      {"GIT_CONFIG_GLOBAL", "/dev/null"},
      {"GIT_CONFIG_NOSYSTEM", "1"},
      {"GIT_LFS_SKIP_SMUDGE", "1"},
      {"GIT_NO_REPLACE_OBJECTS", "1"},
      {"GIT_TERMINAL_PROMPT", "0"},
      {"SSH_ASKPASS", ""},
  };
  if (command.bounds.object > 0) {
    environment["GIT_ALLOC_LIMIT"] = absl::StrCat(command.bounds.object);
  }
  if (!command.work_tree.empty()) environment["GIT_WORK_TREE"] = command.work_tree;
  if (command.upstream != nullptr) AddUpstream(*command.upstream, environment);
  for (const auto& [name, value] : command.environment) environment[name] = value;
  return environment;
}

// Sets the limits and becomes git. A limit that is stricter already cannot be raised, and stays.
std::string Script(const GitBounds& bounds) {
  std::string script;
  const auto add = [&](const char* option, int64_t value) {
    if (value > 0) absl::StrAppend(&script, "ulimit ", option, " ", value, " 2>/dev/null\n");
  };
  add("-v", bounds.memory / 1024);
  add("-f", bounds.file / 512);
  add("-t", absl::ToInt64Seconds(bounds.cpu));
  return script.empty() ? script : script + "exec git \"$@\"";
}

std::vector<std::string> Arguments(const GitCommand& command) {
  std::vector<std::string> arguments = {"git"};
  if (const std::string script = Script(command.bounds); !script.empty()) {
    arguments = {"/bin/sh", "-c", script, "git"};
  }
  for (const char* setting :
       {"core.hooksPath=/dev/null", "core.fsmonitor=false", "core.attributesFile=/dev/null",
        "credential.helper=", "gc.auto=0", "maintenance.auto=false", "submodule.recurse=false",
        "fetch.recurseSubmodules=false", "http.followRedirects=false",
        "advice.detachedHead=false"}) {
    arguments.insert(arguments.end(), {"-c", setting});
  }
  if (command.bounds.memory > 0) {
    // So that large packs which are only looked up in do not use it up.
    for (const char* setting : {"core.packedGitWindowSize=16m", "core.packedGitLimit=256m",
                                "core.deltaBaseCacheLimit=64m", "pack.threads=1"}) {
      arguments.insert(arguments.end(), {"-c", setting});
    }
  }
  arguments.insert(arguments.end(), command.arguments.begin(), command.arguments.end());
  return arguments;
}

// Whether trying again cannot help: what servers and git say about names, rights and settings.
bool IsPermanent(std::string_view errors) {
  for (const char* sign :
       {"not found", "does not appear to be a git repository", "Authentication failed",
        "could not read Username", "could not read Password", "Permission denied",
        "dubious ownership", "The requested URL returned error: 3",
        "The requested URL returned error: 4", "not allowed", "does not exist",
        "Host key verification failed", "certificate", "unsupported"}) {
    if (errors.find(sign) != std::string_view::npos) return true;
  }
  return false;
}

// Too many requests and a slow client are the two of 4xx that pass.
bool IsTransient(std::string_view errors) {
  return errors.find("returned error: 429") != std::string_view::npos ||
         errors.find("returned error: 408") != std::string_view::npos ||
         errors.find("Could not resolve host") != std::string_view::npos;
}

// Whether git speaks of damage in `repository`, in which it ran. What the other side says of itself
// begins with "remote:".
bool IsDamage(absl::string_view errors, const std::string& repository) {
  for (const absl::string_view line : absl::StrSplit(errors, '\n')) {
    if (absl::StartsWith(line, "remote:") || absl::StrContains(line, "askpass")) continue;
    if (absl::StrContains(line, absl::StrCat("not a git repository: '", repository))) return true;
    for (const char* sign : {"bad config",
                             "bad object",
                             "is corrupt",
                             "object file",
                             "loose object",
                             "missing blob",
                             "missing tree",
                             "unable to read",
                             "inflate:",
                             "packed object",
                             "packfile ",
                             "unexpected line in",
                             "invalid sha1 pointer",
                             "did not send all necessary objects",
                             "pack has bad object",
                             "unable to parse",
                             "error: Could not read",
                             "bad tree",
                             "invalid object",
                             "has null sha1",
                             "failed to read object"}) {
      if (absl::StrContains(line, sign)) return true;
    }
  }
  return false;
}

absl::Status SignalStatus(int signal) {
  if (signal == SIGXCPU) return absl::DeadlineExceededError("git took too long");
  if (signal == SIGXFSZ) return absl::OutOfRangeError("git would have written too long a file");
  return absl::UnavailableError(absl::StrCat("git died of signal ", signal));
}

}  // namespace

std::string HostPath() {
  const char* path = std::getenv("PATH");
  return path != nullptr && *path != '\0' ? path : "/usr/local/bin:/usr/bin:/bin";
}

absl::StatusOr<GitResult> RunGit(const GitCommand& command, const WorkLimits& limits) {
  GitResult result;
  SubprocessOptions options;
  options.command = Arguments(command);
  options.environment = Environment(command);
  options.directory = command.repository;
  options.stdin_data = command.stdin_data;
  options.input = command.input;
  options.cancellation = limits.cancellation;
  options.timeout = std::max(limits.deadline - absl::Now(), absl::ZeroDuration());
  options.kill_grace = absl::Seconds(2);
  options.output = [&](SubprocessOptions::Stream stream, std::string_view bytes) {
    if (stream == SubprocessOptions::Stream::kStderr) {
      result.errors.append(bytes);
      if (result.errors.size() > kMaxErrors) {
        result.errors.erase(0, result.errors.size() - kMaxErrors);
      }
    } else if (command.output) {
      command.output(bytes);
    } else {
      const size_t room = command.max_output - result.output.size();
      result.truncated |= bytes.size() > room;
      result.output.append(bytes.substr(0, room));
    }
  };
  const absl::StatusOr<SubprocessResult> run = RunSubprocess(options);
  if (!run.ok())
    return absl::UnavailableError(absl::StrCat("git cannot be run: ", run.status().message()));
  switch (run->end) {
    case SubprocessResult::End::kExited:
      result.exit_code = run->exit_code;
      return result;
    case SubprocessResult::End::kCancelled:
      return absl::CancelledError("cancelled");
    case SubprocessResult::End::kTimedOut:
      return absl::DeadlineExceededError("git took too long");
    case SubprocessResult::End::kSignaled:
      break;
  }
  return SignalStatus(run->signal);
}

absl::StatusOr<std::string> RunGitOk(const GitCommand& command, const WorkLimits& limits,
                                     std::string_view what) {
  ASSIGN_OR_RETURN(GitResult result, RunGit(command, limits));
  const std::string message = absl::StrCat(std::string(what), ": ", LastLine(result.errors));
  if (result.truncated) return absl::OutOfRangeError(message + "there is too much of it");
  if (result.ok()) return std::move(result.output);
  if (absl::StrContains(result.errors, "mismatched algorithms")) {
    return absl::FailedPreconditionError(
        absl::StrCat(std::string(what), ": SHA-256 object ids are not supported; use SHA-1"));
  }
  if (IsDamage(result.errors, command.repository)) return absl::DataLossError(message);
  if (IsPermanent(result.errors) && !IsTransient(result.errors)) {
    return absl::FailedPreconditionError(message);
  }
  return absl::UnavailableError(message);
}

std::string LastLine(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) {
    text.remove_suffix(1);
  }
  const size_t cut = text.find_last_of("\r\n");
  if (cut != std::string_view::npos) text.remove_prefix(cut + 1);
  return RepairUtf8(text.substr(0, 1000));
}

absl::Status MakeBareRepository(const std::string& path,
                                const std::vector<std::string>& alternates) {
  for (const char* folder :
       {"", "/objects", "/objects/info", "/objects/pack", "/refs", "/refs/heads"}) {
    RETURN_IF_ERROR(MakeDirectory(path + folder));
  }
  std::string lines;
  for (const std::string& alternate : alternates) lines += alternate + "\n";
  if (!lines.empty()) RETURN_IF_ERROR(WriteFile(path + "/objects/info/alternates", lines));
  RETURN_IF_ERROR(WriteFile(path + "/config", kBareConfig));
  return WriteFile(path + "/HEAD", "ref: refs/heads/main\n");
}

}  // namespace routines
