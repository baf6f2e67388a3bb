#include "src/workspace/ref_name.h"

#include <algorithm>

namespace routines {
namespace {

bool IsForbidden(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte <= 0x20 || byte == 0x7f ||
         std::string_view("~^:?*[\\").find(c) != std::string_view::npos;
}

bool IsValidPart(std::string_view part) {
  constexpr std::string_view kLock = ".lock";
  if (part.empty() || part.front() == '.') return false;
  return part.size() < kLock.size() || part.substr(part.size() - kLock.size()) != kLock;
}

}  // namespace

bool IsValidRefName(std::string_view name) {
  if (name.find('/') == std::string_view::npos || name.back() == '.') return false;
  if (name.find("..") != std::string_view::npos || name.find("@{") != std::string_view::npos) {
    return false;
  }
  if (std::any_of(name.begin(), name.end(), IsForbidden)) return false;
  while (true) {
    const size_t slash = name.find('/');
    if (!IsValidPart(name.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    name.remove_prefix(slash + 1);
  }
}

bool IsObjectId(std::string_view text) {
  return text.size() == 40 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace routines
