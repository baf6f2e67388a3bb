#include "src/cli/limit_words.h"

#include "absl/strings/str_cat.h"
#include "src/base/status_macros.h"
#include "src/cli/exit_codes.h"
#include "src/cli/state_directory.h"

namespace routines::cli {

absl::Status SetLimits(const std::string& file, const std::vector<std::string>& words,
                       LimitOptions& limits) {
  if (!file.empty()) {
    ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
    if (const absl::Status read = ReadLimits(text, limits); !read.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(file, ": ", read.message()));
    }
  }
  for (const std::string& word : words) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos) {
      return UsageError(absl::StrCat("--limit: \"", word, "\" is not NAME=VALUE"));
    }
    const absl::Status set = SetLimit(word.substr(0, equals), word.substr(equals + 1), limits);
    if (!set.ok()) return UsageError(absl::StrCat("--limit: ", std::string(set.message())));
  }
  return absl::OkStatus();
}

}  // namespace routines::cli
