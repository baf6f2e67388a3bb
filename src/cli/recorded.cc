#include "src/cli/recorded.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "src/cli/state_directory.h"

namespace routines::cli {

std::string HeadersFile(const std::string& payload) {
  return absl::StrCat(absl::StripSuffix(payload, ".json"), ".headers");
}

std::map<std::string, std::string> RecordedHeaders(const std::string& payload) {
  std::map<std::string, std::string> headers;
  const absl::StatusOr<std::string> text =
      payload == "-" ? std::string() : ReadFile(HeadersFile(payload));
  if (!text.ok()) return headers;
  for (const absl::string_view line : absl::StrSplit(*text, '\n')) {
    const std::pair<absl::string_view, absl::string_view> pair =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    headers[absl::AsciiStrToLower(pair.first)] =
        std::string(absl::StripAsciiWhitespace(pair.second));
  }
  return headers;
}

}  // namespace routines::cli
