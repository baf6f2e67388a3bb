#include "src/base/sandbox.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <optional>
#include <set>
#include <system_error>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "src/base/subprocess.h"

namespace routines {
namespace {

constexpr char kErrorKind[] = "routines/sandbox";
constexpr char kDefaultPath[] = "/usr/local/bin:/usr/bin:/bin";
// Folders in memory: what is large belongs into TMPDIR, which is on a disk.
constexpr int64_t kTmpBytes = int64_t{256} << 20;
constexpr int64_t kHiddenBytes = int64_t{1} << 20;

// In the home of the user that runs the host. Agents have a home of their own, so that none of
// these is of use to them.
constexpr const char* kKeysOfHome[] = {
    ".aws",
    ".azure",
    ".bash_history",
    ".claude.json",
    ".claude/.credentials.json",
    ".codex/auth.json",
    ".config/gcloud",
    ".config/gh",
    ".config/git/credentials",
    ".config/glab-cli",
    ".config/op",
    ".config/rclone",
    ".docker",
    ".git-credentials",
    ".gnupg",
    ".kube",
    ".local/share/keyrings",
    ".mozilla",
    ".netrc",
    ".npmrc",
    ".password-store",
    ".pgpass",
    ".pypirc",
    ".ssh",
    ".terraform.d/credentials.tfrc.json",
    ".vault-token",
    ".zsh_history",
};
constexpr const char* kKeysOfSystem[] = {
    "/etc/gshadow",     "/etc/gshadow-",       "/etc/shadow",
    "/etc/shadow-",     "/etc/ssl/private",    "/etc/letsencrypt",
    "/etc/krb5.keytab", "/etc/sudoers",        "/etc/sudoers.d",
    "/var/lib/docker",  "/var/lib/kubelet",    "/var/lib/systemd/credential.secret",
    "/var/spool/cron",  "/var/lib/postgresql",
};

// ---- paths -------------------------------------------------------------------------------------

bool IsBelow(const std::string& path, const std::string& folder) {
  return path == folder || folder == "/" ||
         (absl::StartsWith(path, folder) && path.size() > folder.size() &&
          path[folder.size()] == '/');
}

std::optional<mode_t> ModeOf(const std::string& path) {
  struct stat status = {};
  if (stat(path.c_str(), &status) != 0) return std::nullopt;
  return status.st_mode;
}

// Each that exists, once, and none that lies in another.
std::vector<std::string> Outermost(const std::vector<std::string>& paths) {
  std::set<std::string> sorted;  // a folder comes before what lies in it
  for (const std::string& path : paths) {
    if (std::string real = WithoutLinks(path); ModeOf(real)) sorted.insert(std::move(real));
  }
  std::vector<std::string> kept;
  for (const std::string& path : sorted) {
    const bool covered = std::any_of(
        kept.begin(), kept.end(), [&](const std::string& folder) { return IsBelow(path, folder); });
    if (!covered) kept.push_back(path);
  }
  return kept;
}

// ---- bubblewrap's options ----------------------------------------------------------------------

class Options {
 public:
  template <typename... Words>
  void Add(const Words&... words) {
    (text_.append(words).push_back('\0'), ...);
  }
  // The size is the next --tmpfs's.
  void AddFolderInMemory(const std::string& path, int64_t bytes) {
    Add("--size", absl::StrCat(bytes), "--tmpfs", path);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

void AddNamespaces(const Sandbox& sandbox, Options& options) {
  options.Add("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts",
              "--unshare-cgroup-try", "--die-with-parent", "--cap-drop", "ALL", "--clearenv");
  if (!sandbox.network) options.Add("--unshare-net");
  // Root of the host is an ordinary user in there: agents refuse to work as root, and files that
  // are made there belong to the host's user all the same.
  if (geteuid() == 0) options.Add("--uid", "1000", "--gid", "1000");
}

// The host's own view of the system: read-only, with fresh devices and processes, and without the
// places where other programs leave sockets and temporary files.
void AddSystem(Options& options) {
  options.Add("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc");
  for (const char* folder : {"/tmp", "/var/tmp"}) {
    if (WithoutLinks(folder) == folder) options.AddFolderInMemory(folder, kTmpBytes);
  }
  if (WithoutLinks("/run") != "/run") return;
  options.AddFolderInMemory("/run", kHiddenBytes);
  // Name resolution, where its file is a link to there.
  const std::string resolver = WithoutLinks("/etc/resolv.conf");
  if (IsBelow(resolver, "/run") && ModeOf(resolver)) options.Add("--ro-bind", resolver, resolver);
  options.Add("--ro-bind-try", "/run/current-system", "/run/current-system");
}

void AddPaths(const Sandbox& sandbox, Options& options) {
  for (const std::string& path : sandbox.host_readable) options.Add("--ro-bind-try", path, path);
  for (const std::string& path : sandbox.host_writable) options.Add("--bind", path, path);
  const std::vector<std::string> hidden = Outermost(sandbox.hidden);
  for (const std::string& path : hidden) {
    if (S_ISDIR(*ModeOf(path))) {
      options.AddFolderInMemory(path, kHiddenBytes);
    } else {
      options.Add("--ro-bind", "/dev/null", path);
    }
  }
  for (const std::string& path : sandbox.readable) options.Add("--ro-bind", path, path);
  for (const std::string& path : sandbox.writable) options.Add("--bind", path, path);
  for (const std::string& path : hidden) {
    if (S_ISDIR(*ModeOf(path))) options.Add("--remount-ro", path);
  }
}

// ---- finding it --------------------------------------------------------------------------------

std::string FindBubblewrap() {
  const char* const path = std::getenv("PATH");
  const std::string search = path == nullptr || *path == '\0' ? kDefaultPath : path;
  for (const absl::string_view folder : absl::StrSplit(search, ':', absl::SkipEmpty())) {
    if (folder[0] != '/') continue;
    std::string found = absl::StrCat(folder, "/bwrap");
    if (access(found.c_str(), X_OK) == 0) return found;
  }
  return "";
}

// Empty: it works.
std::string WhyNot(const Sandbox& sandbox) {
  if (sandbox.bubblewrap.empty()) {
    return "bwrap is not in PATH; install the package bubblewrap, or add its folder to PATH";
  }
  SubprocessOptions trial;
  trial.command = {"true"};
  trial.environment = {{"PATH", kDefaultPath}};
  trial.directory = "/";
  trial.sandbox = sandbox;
  trial.sandbox.network = false;  // the most that a session may ask for
  trial.timeout = absl::Seconds(20);
  trial.kill_grace = absl::ZeroDuration();
  const absl::StatusOr<SubprocessResult> result = RunSubprocess(trial);
  if (!result.ok()) return std::string(result.status().message());
  if (result->end == SubprocessResult::End::kExited && result->exit_code == 0) return "";
  return "a trial of bwrap ended badly";
}

}  // namespace

std::string WithoutLinks(const std::string& path) {
  std::error_code error;
  std::string real = std::filesystem::canonical(path, error).string();
  return error ? path : real;
}

std::string BubblewrapOptions(const Sandbox& sandbox,
                              const std::map<std::string, std::string>& environment,
                              const std::string& directory) {
  Options options;
  AddNamespaces(sandbox, options);
  AddSystem(options);
  AddPaths(sandbox, options);
  options.Add("--chdir", directory.empty() ? "/" : directory);
  options.Add("--json-status-fd", absl::StrCat(kSandboxStatusFd));
  options.Add("--block-fd", absl::StrCat(kSandboxReleaseFd));
  for (const auto& [name, value] : environment) options.Add("--setenv", name, value);
  return options.text();
}

std::vector<std::string> CredentialPlaces() {
  std::set<std::string> homes;
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/') homes.insert(home);
  passwd entry = {};
  passwd* found = nullptr;
  std::vector<char> buffer(16 << 10);
  if (getpwuid_r(geteuid(), &entry, buffer.data(), buffer.size(), &found) == 0 &&
      found != nullptr && found->pw_dir[0] == '/') {
    homes.insert(found->pw_dir);
  }
  std::vector<std::string> places(std::begin(kKeysOfSystem), std::end(kKeysOfSystem));
  for (const std::string& home : homes) {
    for (const char* name : kKeysOfHome) places.push_back(absl::StrCat(home, "/", name));
  }
  std::error_code error;
  for (std::filesystem::directory_iterator entry("/etc/ssh", error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (absl::StartsWith(name, "ssh_host_") && absl::EndsWith(name, "_key")) {
      places.push_back(entry->path().string());
    }
  }
  return places;
}

absl::Status SandboxError(std::string_view why) {
  absl::Status status = absl::FailedPreconditionError(
      absl::StrCat("the sandbox cannot be built: ", absl::string_view(why.data(), why.size())));
  status.SetPayload(kErrorKind, absl::Cord("1"));
  return status;
}

bool IsSandboxError(const absl::Status& status) {
  return status.GetPayload(kErrorKind).has_value();
}

int64_t SandboxStatusNumber(std::string_view status, std::string_view key) {
  const std::string sign = absl::StrCat("\"", absl::string_view(key.data(), key.size()), "\": ");
  size_t at = status.find(sign);
  if (at == status.npos) return -1;
  int64_t number = -1;
  for (at += sign.size();
       at < status.size() && std::isdigit(static_cast<unsigned char>(status[at])); ++at) {
    number = std::max<int64_t>(number, 0) * 10 + (status[at] - '0');
  }
  return number;
}

Sandbox FindSandbox(const SandboxOptions& options) {
  Sandbox sandbox;
  if (options.mode == SandboxOptions::Mode::kOff) return sandbox;
  sandbox.required = options.mode == SandboxOptions::Mode::kRequire;
  sandbox.bubblewrap = FindBubblewrap();
  for (const std::string& path : options.writable) {
    sandbox.host_writable.push_back(WithoutLinks(path));
  }
  sandbox.hidden = CredentialPlaces();
  for (const std::string& path : options.hidden) sandbox.hidden.push_back(path);
  sandbox.max_processes = options.max_processes;
  sandbox.max_file_bytes = options.max_file_bytes;
  sandbox.missing = WhyNot(sandbox);
  if (!sandbox.missing.empty()) sandbox.bubblewrap.clear();
  return sandbox;
}

}  // namespace routines
