#include "src/cli/state_directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "routines/json.h"
#include "src/base/ids.h"
#include "src/base/status_macros.h"
#include "src/cli/exit_codes.h"
#include "src/cli/json_value.h"

namespace routines::cli {
namespace {

absl::Status FileError(std::string_view what, const std::string& path) {
  return absl::FailedPreconditionError(
      absl::StrCat("cannot ", std::string(what), " ", path, ": ", std::strerror(errno)));
}

std::string AdminTokenFile(const std::string& state) {
  return absl::StrCat(state, "/admin-token");
}
std::string ServerFile(const std::string& state) {
  return absl::StrCat(state, "/server.json");
}

absl::Status WriteAll(int fd, std::string_view contents, const std::string& path) {
  while (!contents.empty()) {
    const ssize_t written = write(fd, contents.data(), contents.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return FileError("write", path);
    contents.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path, size_t max_bytes) {
  const int fd = path == "-" ? dup(STDIN_FILENO) : open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return FileError("open", path);
  std::string contents;
  char piece[4096];
  ssize_t got = 0;
  while (contents.size() <= max_bytes && (got = read(fd, piece, sizeof piece)) != 0) {
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) break;
    contents.append(piece, static_cast<size_t>(got));
  }
  const absl::Status status = got < 0 ? FileError("read", path) : absl::OkStatus();
  close(fd);
  RETURN_IF_ERROR(status);
  if (contents.size() > max_bytes) {
    return UsageError(absl::StrCat(path == "-" ? "standard input" : path, ": holds more than ",
                                   max_bytes >> 20, " MiB; is it the file that you mean?"));
  }
  return contents;
}

absl::Status WriteFileAtomically(const std::string& path, std::string_view contents) {
  std::string temporary = absl::StrCat(path, ".XXXXXX");
  const int fd = mkostemp(temporary.data(), O_CLOEXEC);  // mode 0600
  if (fd < 0) return FileError("make", path);
  absl::Status status = WriteAll(fd, contents, path);
  if (close(fd) != 0 && status.ok()) status = FileError("write", path);
  if (status.ok() && rename(temporary.c_str(), path.c_str()) != 0)
    status = FileError("write", path);
  if (!status.ok()) unlink(temporary.c_str());
  return status;
}

absl::StatusOr<std::string> ReadSecretFile(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string contents, ReadFile(path));
  const std::string secret(absl::StripAsciiWhitespace(contents.substr(0, contents.find('\n'))));
  if (secret.empty()) return absl::InvalidArgumentError(absl::StrCat(path, " holds no token"));
  for (const char c : secret) {
    if (!absl::ascii_isgraph(c)) {
      return absl::InvalidArgumentError(absl::StrCat(path, " holds more than a token"));
    }
  }
  return secret;
}

absl::StatusOr<std::string> ReadOrMakeAdminToken(const std::string& state) {
  const std::string path = AdminTokenFile(state);
  if (access(path.c_str(), F_OK) == 0) return ReadSecretFile(path);
  const std::string token = RandomKey();
  RETURN_IF_ERROR(WriteFileAtomically(path, token + "\n"));
  return token;
}

absl::Status WriteServerFile(const std::string& state, std::string_view url) {
  return WriteFileAtomically(
      ServerFile(state), absl::StrCat("{\"url\":", JsonString(url), ",\"pid\":", getpid(), "}\n"));
}

void RemoveServerFile(const std::string& state) {
  unlink(ServerFile(state).c_str());
}

absl::StatusOr<std::string> ReadServerUrl(const std::string& state) {
  const std::string path = ServerFile(state);
  if (access(path.c_str(), F_OK) != 0) {
    return absl::UnavailableError(absl::StrCat(
        "no server runs on ", state, "; start one with `routines serve --state ", state, "`"));
  }
  ASSIGN_OR_RETURN(const std::string contents, ReadFile(path));
  const absl::StatusOr<JsonValue> parsed = JsonValue::Parse(contents);
  if (!parsed.ok() || (*parsed)["url"].Text().empty()) {
    return absl::InvalidArgumentError(absl::StrCat(path, " does not name a server's url"));
  }
  return (*parsed)["url"].Text();
}

}  // namespace routines::cli
