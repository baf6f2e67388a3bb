#include "src/base/program.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "src/base/sandbox.h"
#include "src/base/status_macros.h"
#include "src/base/utf8.h"

namespace routines {
namespace {

constexpr size_t kMaxTextBytes = size_t{128} << 10;  // MAX_ARG_STRLEN of execve(2)
constexpr char kDefaultPath[] = "/usr/local/bin:/usr/bin:/bin";

// Text without an interpreter's name: bubblewrap would make a shell of it, the kernel does not.
bool IsPlainText(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  char begin[128];
  const ssize_t size = read(file, begin, sizeof begin);
  close(file);
  const std::string_view text(begin, size < 0 ? 0 : size);
  return size >= 0 && text.substr(0, 2) != "#!" && text.find('\0') == text.npos;
}

// The first of `candidates` that may be executed, as execve would find it.
absl::StatusOr<std::string> FindExecutable(const std::vector<std::string>& candidates,
                                           const std::string& directory, const std::string& name) {
  int error = ENOENT;
  for (const std::string& candidate : candidates) {
    // A relative name is of the folder that the program starts in.
    const std::string path = candidate[0] == '/' || directory.empty()
                                 ? candidate
                                 : absl::StrCat(directory, "/", candidate);
    struct stat status = {};
    if (stat(path.c_str(), &status) != 0) {
      if (errno != ENOENT && errno != ENOTDIR) error = errno;
    } else if (!S_ISREG(status.st_mode) || access(path.c_str(), X_OK) != 0) {
      error = EACCES;
    } else if (IsPlainText(path)) {
      return SystemError(ENOEXEC, absl::StrCat("cannot run \"", name, "\""));
    } else {
      return path;
    }
  }
  return SystemError(error, absl::StrCat("cannot run \"", name, "\""));
}

}  // namespace

absl::Status SystemError(int error, const std::string& what) {
  const std::string message = absl::StrCat(what, ": ", std::strerror(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(message);
    case EACCES:
    case EPERM:
    case ENOEXEC:
      return absl::PermissionDeniedError(message);
    case EAGAIN:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
      return absl::ResourceExhaustedError(message);
    case E2BIG:
      return absl::InvalidArgumentError(message);
    case ETXTBSY:
      return absl::UnavailableError(message);
    default:
      return absl::InternalError(message);
  }
}

absl::Status SandboxFailure(const std::string& program, std::string_view complaint) {
  constexpr char kExec[] = "bwrap: execvp ";
  absl::string_view text(complaint.data(), complaint.size());
  text = absl::StripTrailingAsciiWhitespace(text);
  if (const size_t line = text.rfind('\n'); line != text.npos) text.remove_prefix(line + 1);
  if (absl::StartsWith(text, kExec)) {
    const std::string what = absl::StrCat("cannot run \"", program, "\" in the sandbox");
    for (const int error : {ENOENT, ENOTDIR, EACCES, EPERM, ENOEXEC, E2BIG, ENOMEM, ETXTBSY}) {
      if (absl::EndsWith(text, std::strerror(error))) return SystemError(error, what);
    }
    return absl::PermissionDeniedError(what);
  }
  absl::ConsumePrefix(&text, "bwrap: ");
  return SandboxError(RepairUtf8(text.empty() ? "bwrap ended without a word" : std::string(text)));
}

absl::StatusOr<Program> Program::Make(const SubprocessOptions& options) {
  if (options.command.empty() || options.command[0].empty()) {
    return absl::InvalidArgumentError("command is empty");
  }
  Program program;
  for (const std::string& argument : options.command) program.arguments_.push_back(argument);
  for (const auto& [name, value] : options.environment) {
    if (name.empty() || name.find('=') != name.npos) {
      return absl::InvalidArgumentError(absl::StrCat("\"", name, "\" cannot name a variable"));
    }
    program.variables_.push_back(absl::StrCat(name, "=", value));
  }
  for (const auto* texts : {&program.arguments_, &program.variables_}) {
    for (const std::string& text : *texts) {
      if (text.find('\0') == text.npos) continue;
      return absl::InvalidArgumentError(absl::StrCat(
          texts == &program.arguments_ ? "an argument" : "a variable", " holds a NUL byte"));
    }
  }
  program.FindCandidates(options);
  program.directory_ = options.directory;
  if (!options.sandbox.bubblewrap.empty()) RETURN_IF_ERROR(program.EnterSandbox(options));
  return program;
}

void Program::Fill(SupervisorSpec& spec) {
  for (const std::string& path : paths_) path_pointers_.push_back(path.c_str());
  path_pointers_.push_back(nullptr);
  for (std::string& argument : arguments_) argv_.push_back(argument.data());
  argv_.push_back(nullptr);
  for (std::string& variable : variables_) envp_.push_back(variable.data());
  envp_.push_back(nullptr);
  spec.paths = path_pointers_.data();
  spec.argv = argv_.data();
  spec.envp = envp_.data();
  spec.directory = directory_.empty() ? nullptr : directory_.c_str();
}

absl::StatusOr<int> Program::SandboxArguments() const {
  const int file = memfd_create("routines-sandbox", MFD_CLOEXEC);
  if (file < 0) return SystemError(errno, "cannot make a file in memory");
  std::string_view unwritten = sandbox_options_;
  while (!unwritten.empty()) {
    const ssize_t written = write(file, unwritten.data(), unwritten.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      const int error = errno;
      close(file);
      return SystemError(error, "cannot write a file in memory");
    }
    unwritten.remove_prefix(written);
  }
  lseek(file, 0, SEEK_SET);
  return file;
}

void Program::FindCandidates(const SubprocessOptions& options) {
  const std::string& name = options.command[0];
  if (name.find('/') != name.npos) {
    paths_.push_back(name);
    return;
  }
  const auto path = options.environment.find("PATH");
  const std::string search = path == options.environment.end() ? kDefaultPath : path->second;
  for (const absl::string_view folder : absl::StrSplit(search, ':', absl::SkipEmpty())) {
    if (folder[0] != '/') continue;  // it would be a folder of where the program starts
    paths_.push_back(absl::StrCat(folder, "/", name));
  }
}

// bubblewrap itself starts without the session's variables: some of them would change what it does
// while it is not yet in the sandbox.
absl::Status Program::EnterSandbox(const SubprocessOptions& options) {
  struct stat status = {};
  const std::string& directory = options.directory;
  if (!directory.empty() && (stat(directory.c_str(), &status) != 0 || !S_ISDIR(status.st_mode))) {
    return absl::FailedPreconditionError(
        absl::StrCat("directory \"", directory, "\" cannot be entered"));
  }
  ASSIGN_OR_RETURN(const std::string program, FindExecutable(paths_, directory, arguments_[0]));
  for (const auto* texts : {&arguments_, &variables_}) {
    for (const std::string& text : *texts) {
      if (text.size() >= kMaxTextBytes) {
        return SystemError(E2BIG, absl::StrCat("cannot run \"", arguments_[0], "\""));
      }
    }
  }
  std::vector<std::string> arguments = {"bwrap", "--args", absl::StrCat(kSandboxArgumentsFd), "--",
                                        program};
  arguments.insert(arguments.end(), arguments_.begin() + 1, arguments_.end());
  arguments_ = std::move(arguments);
  paths_ = {options.sandbox.bubblewrap};
  variables_.clear();
  directory_ = "/";
  sandbox_options_ = BubblewrapOptions(options.sandbox, options.environment, directory);
  return absl::OkStatus();
}

}  // namespace routines
