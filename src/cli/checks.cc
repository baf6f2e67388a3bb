#include "src/cli/checks.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "src/cli/shell_words.h"

namespace routines::cli {

std::string CheckNotEmpty(const std::string& text) {
  return text.empty() ? "must not be empty" : "";
}

std::string CheckDuration(const std::string& text) {
  absl::Duration duration;
  if (absl::ParseDuration(text, &duration) && duration >= absl::ZeroDuration()) return "";
  return absl::StrCat("\"", text, "\" is no duration, write e.g. 90s, 30m or 24h");
}

std::string CheckTime(const std::string& text) {
  absl::Time time;
  const bool parsed = absl::ParseTime(absl::RFC3339_full, text, &time, nullptr);
  const int64_t year = absl::ToCivilYear(time, absl::UTCTimeZone()).year();
  if (parsed && year >= 1 && year <= 9999) return "";
  return absl::StrCat("\"", text, "\" is no time, write e.g. 2027-01-31T09:00:00+01:00");
}

std::string CheckRevision(const std::string& text) {
  int64_t revision = 0;
  if (absl::SimpleAtoi(text, &revision) && revision > 0) return "";
  return absl::StrCat("\"", text, "\" is no revision, write a number from 1 on");
}

std::string CheckExecutor(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    return absl::StrCat("\"", text, "\": write NAME=COMMAND, e.g. agent=\"python3 agent.py\"");
  }
  const std::string name = text.substr(0, equals);
  const auto words = SplitShellWords(text.substr(equals + 1));
  if (!words.ok()) return absl::StrCat(name, ": ", std::string(words.status().message()));
  return words->empty() ? absl::StrCat(name, ": has no command, write NAME=COMMAND") : "";
}

std::string CheckIdempotencyKey(const std::string& text) {
  const bool printable =
      std::all_of(text.begin(), text.end(), [](char c) { return absl::ascii_isprint(c); });
  // A header's value loses the blanks around it.
  const bool blanks = absl::StripAsciiWhitespace(text).size() != text.size();
  if (printable && !blanks && !text.empty() && text.size() <= 255) return "";
  return "must be 1 to 255 bytes of printable ASCII, without blanks around them";
}

}  // namespace routines::cli
