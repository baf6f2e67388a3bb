#include "src/match/json_pointer.h"

namespace routines {

std::optional<std::vector<std::string>> ParseJsonPointer(std::string_view text) {
  if (text.empty() || text[0] != '/') return std::nullopt;
  std::vector<std::string> tokens;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '/') {
      tokens.emplace_back();
    } else if (text[i] != '~') {
      tokens.back().push_back(text[i]);
    } else {
      ++i;
      if (i == text.size() || (text[i] != '0' && text[i] != '1')) return std::nullopt;
      tokens.back().push_back(text[i] == '0' ? '~' : '/');
    }
  }
  return tokens;
}

std::optional<uint64_t> ArrayIndex(std::string_view token) {
  if (token.empty() || token.size() > 15 || (token[0] == '0' && token.size() > 1)) {
    return std::nullopt;
  }
  uint64_t index = 0;
  for (const char c : token) {
    if (c < '0' || c > '9') return std::nullopt;
    index = index * 10 + static_cast<uint64_t>(c - '0');
  }
  return index;
}

}  // namespace routines
