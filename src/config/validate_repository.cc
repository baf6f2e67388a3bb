#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "src/base/repository_url.h"
#include "src/base/words.h"
#include "src/config/validate.h"

namespace routines {
namespace {

constexpr size_t kLongestUrl = 2048;
constexpr size_t kLongestRef = 255;
constexpr std::string_view kForms =
    "write https://host/owner/name.git, ssh://git@host/path, git@host:path or file:///path";

bool IsHost(std::string_view host) {
  const bool characters = std::all_of(host.begin(), host.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '.' || c == '-' || c == '_' || c == '[' || c == ']' ||
           c == ':';
  });
  return !host.empty() && host[0] != '-' && host[0] != ':' && characters;
}

// A control character in its percent-encoded form: %0a splits lines for the programs behind.
bool HasEncodedControl(std::string_view url) {
  for (size_t i = 0; i + 2 < url.size(); ++i) {
    if (url[i] != '%') continue;
    const bool low = (url[i + 1] == '0' || url[i + 1] == '1') && absl::ascii_isxdigit(url[i + 2]);
    const bool del = url[i + 1] == '7' && absl::ascii_tolower(url[i + 2]) == 'f';
    if (low || del) return true;
  }
  return false;
}

// "" where `rest`, what follows "scheme://", is fine.
std::string CheckAuthority(const std::string& scheme, std::string_view rest) {
  const std::string_view authority = rest.substr(0, rest.find('/'));
  const std::string_view path = rest.substr(authority.size());
  const size_t at = authority.rfind('@');
  const std::string_view user = at == std::string_view::npos ? "" : authority.substr(0, at);
  const std::string_view host = at == std::string_view::npos ? authority : authority.substr(at + 1);
  // A user alone is how tokens are put into https URLs.
  if (!user.empty() && (scheme != "ssh" || user.find(':') != std::string_view::npos)) {
    return "has a password or token in it; remove it and give it to the host's secret provider";
  }
  if (scheme == "file") {
    if (!authority.empty() && authority != "localhost") {
      return "needs three slashes before an absolute path: file:///path";
    }
    return path.size() > 1 ? "" : "has no path";
  }
  if (!IsHost(host) || user.substr(0, 1) == "-") return "has no usable host";
  if (path.size() <= 1) return "has no path after the host";
  if (scheme != "ssh" && path.find_first_of("?#") != std::string_view::npos) {
    return "has a ? or # in it; write the URL that git clones from";
  }
  return "";
}

// "" where `url` is of the form [user@]host:path.
std::string CheckScpLike(std::string_view url) {
  const size_t colon = url.find(':');
  const std::string_view before = url.substr(0, colon);
  const std::string_view path = url.substr(colon + 1);
  const size_t at = before.find('@');
  const std::string_view host = at == std::string_view::npos ? before : before.substr(at + 1);
  // "ext::sh -c …" runs a program.
  if (path.empty() || path[0] == ':' || path[0] == '-' || before[0] == '-' || !IsHost(host)) {
    return absl::StrCat("is not a URL that can be cloned; ", std::string(kForms));
  }
  return "";
}

std::string CheckUrl(std::string_view url) {
  if (url.size() > kLongestUrl) return absl::StrCat("is longer than ", kLongestUrl, " bytes");
  if (url[0] == '-') return absl::StrCat("begins with -; ", std::string(kForms));
  if (HasControlCharacter(url) || HasEncodedControl(url) || url.find(' ') != url.npos) {
    return "has a space or control character in it; remove it";
  }
  if (url[0] == '/') return absl::StrCat("is a path; write ", Quoted("file://" + std::string(url)));
  if (url[0] == '.' || url[0] == '~')
    return "is a relative path; write file:// and the absolute path";
  if (const size_t end = url.find("://"); end != std::string_view::npos) {
    const std::string scheme = absl::AsciiStrToLower(std::string(url.substr(0, end)));
    const std::set<std::string> known = {"https", "http", "ssh", "file"};
    if (known.count(scheme) == 0) {
      return absl::StrCat("has the scheme ", Quoted(scheme), "; ", std::string(kForms));
    }
    return CheckAuthority(scheme, url.substr(end + 3));
  }
  const size_t colon = url.find(':');
  if (colon != std::string_view::npos && url.find('/') > colon) return CheckScpLike(url);
  if (url.find('.') < url.find('/')) {
    return absl::StrCat("has no scheme; write ", Quoted("https://" + std::string(url)));
  }
  return absl::StrCat("is not a URL; ", std::string(kForms));
}

// As git judges names of branches and tags (git-check-ref-format --allow-onelevel), and nothing
// that could be taken for an option.
bool IsRef(std::string_view ref) {
  if (ref.empty() || ref.size() > kLongestRef || ref == "@" || ref[0] == '-') return false;
  if (ref.find("..") != ref.npos || ref.find("@{") != ref.npos || ref.back() == '.') return false;
  if (HasControlCharacter(ref) || ref.find_first_of(" ~^:?*[\\") != ref.npos) return false;
  while (true) {
    const std::string_view part = ref.substr(0, ref.find('/'));
    if (part.empty() || part[0] == '.' ||
        (part.size() >= 5 && part.substr(part.size() - 5) == ".lock")) {
      return false;
    }
    if (part.size() == ref.size()) return true;
    ref.remove_prefix(part.size() + 1);
  }
}

}  // namespace

void CheckRepositories(const v1::Routine& routine, Rules& rules) {
  std::map<std::string, int> directories;
  for (int i = 0; i < routine.repositories_size(); ++i) {
    const v1::Repository& repository = routine.repositories(i);
    const std::string path = ItemPath("repositories", i);
    if (repository.url().empty()) {
      rules.Broken(path + ".url", absl::StrCat("is required; ", std::string(kForms)));
      continue;
    }
    if (const std::string wrong = CheckUrl(repository.url()); !wrong.empty()) {
      rules.Broken(path + ".url", wrong);
      continue;
    }
    rules.Require(repository.ref().empty() || IsRef(repository.ref()), path + ".ref",
                  absl::StrCat(Quoted(repository.ref()),
                               " is not a branch, tag or commit; write a name such as main"));
    const std::string directory = RepositoryDirectory(repository);
    if (!rules.Require(IsDirectoryName(directory), path + ".name",
                       absl::StrCat(Quoted(directory),
                                    " is not a folder's name; write a name of "
                                    "letters, digits, ., _ and -"))) {
      continue;
    }
    // Case-insensitively, as some file systems compare.
    const auto [first, inserted] = directories.emplace(absl::AsciiStrToLower(directory), i);
    rules.Require(
        inserted, path,
        absl::StrCat("would be cloned into the folder ", Quoted(directory), " of repositories[",
                     first->second, "] too; give one of them a name"));
  }
}

}  // namespace routines
