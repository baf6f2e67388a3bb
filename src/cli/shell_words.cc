#include "src/cli/shell_words.h"

#include <utility>

namespace routines::cli {

absl::StatusOr<std::vector<std::string>> SplitShellWords(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;  // tells the empty word '' from no word
  char quote = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '\\' && quote != '\'') {
      if (++i == line.size()) return absl::InvalidArgumentError("a backslash ends the command");
      // Inside double quotes a backslash stays, except before what it can escape there.
      const bool stays =
          quote == '"' && line[i] != '"' && line[i] != '\\' && line[i] != '$' && line[i] != '`';
      if (stays) word += '\\';
      word += line[i];
      in_word = true;
    } else if (quote != 0) {
      if (c == quote) {
        quote = 0;
      } else {
        word += c;
      }
    } else if (c == '\'' || c == '"') {
      quote = c;
      in_word = true;
    } else if (c == ' ' || c == '\t' || c == '\n') {
      if (in_word) words.push_back(std::move(word));
      word.clear();
      in_word = false;
    } else {
      word += c;
      in_word = true;
    }
  }
  if (quote != 0) return absl::InvalidArgumentError("a quote is not closed");
  if (in_word) words.push_back(std::move(word));
  return words;
}

}  // namespace routines::cli
