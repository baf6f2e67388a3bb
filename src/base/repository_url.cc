#include "src/base/repository_url.h"

#include <algorithm>

#include "absl/strings/ascii.h"

namespace routines {
namespace {

bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

}  // namespace

std::string RepositoryDirectory(const v1::Repository& repository) {
  if (!repository.name().empty()) return repository.name();
  std::string_view url = repository.url();
  while (EndsWith(url, "/")) url.remove_suffix(1);
  if (EndsWith(url, "/.git")) url.remove_suffix(5);
  if (EndsWith(url, ".git")) url.remove_suffix(4);
  const size_t cut = url.find_last_of("/:");
  return std::string(cut == std::string_view::npos ? url : url.substr(cut + 1));
}

bool IsDirectoryName(std::string_view name) {
  return !name.empty() && name.size() <= 100 && name.front() != '.' && name.front() != '-' &&
         !EndsWith(name, ".git") && !EndsWith(name, ".lock") &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-';
         });
}

std::string UrlWithoutCredentials(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return std::string(url);
  const size_t host = scheme + 3;
  const size_t end = std::min(url.find_first_of("/?#", host), url.size());
  const size_t at = url.substr(0, end).rfind('@');
  if (at == std::string_view::npos || at < host) return std::string(url);
  return std::string(url.substr(0, host)) + std::string(url.substr(at + 1));
}

}  // namespace routines
